"""One look at the data on both engines: what is found, what it says, and what is looked at the next time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.cli import main
from growth_pipelines.quality import batches
from growth_pipelines.quality.inspection import inspect
from growth_pipelines.quality.report import by_source, read_report
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.warehouse.raw_rows import SHOP, load, settings_for

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return settings_for(tmp_path, url)


def line(n: int, file: str = "orders/a", **more: Any) -> dict[str, Any]:
    row = {"order_line_id": f"l{n}", "order_id": f"o{n}", "title": "Hose", "product_id": "p", "quantity": 1}
    row |= {"current_quantity": 1, "unit_price": 5.0, "gross_amount": 5.0, "discount_amount": 0.0}
    return {**row, "_file_id": file, "_line": n, "_loaded_at": datetime(2026, 11, 22), **more}


def broken(settings: Settings, table: str) -> dict[str, Any]:
    """What fails in a table's batch, by expectation."""
    found = inspect(settings, [table], [], "run")[table]
    return {one.expectation: one for one in found.contract if not one.passed}


def test_a_batch_is_judged_until_it_is_put_right_and_then_no_more(settings: Settings) -> None:
    load(settings, {"order_lines": [line(1), line(2, quantity=-3, unit_price=None), line(3, title=None)]})
    found = broken(settings, "order_lines")
    assert set(found) == {"quantity is at least 0", "quantity is at least current_quantity", "title is there"}
    negative = found["quantity is at least 0"]
    assert (negative.checked, negative.unexpected, negative.blocks) == (3, 1, True)
    assert negative.examples == ("quantity = -3 (line 2 of orders/a)",)
    assert not found["title is there"].blocks

    load(settings, {"order_lines": [line(4, "orders/b")]})
    assert broken(settings, "order_lines")["quantity is at least 0"].checked == 4, "refused and new rows together"
    with Warehouse.of(settings).write() as connection:
        connection.execute("delete from raw.order_lines where order_line_id in ('l2', 'l3')")
    assert broken(settings, "order_lines") == {}
    again = inspect(settings, ["order_lines"], [], "run")["order_lines"]
    assert (again.batch.rows, again.contract) == (0, ())


def test_every_row_of_a_large_batch_is_judged_in_parts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 10)
    rows = [line(n, "orders/large") for n in range(35)] + [line(100 + n, f"orders/{n}") for n in range(12)]
    rows[17]["quantity"] = rows[46]["quantity"] = -1
    load(settings, {"order_lines": rows})
    found = broken(settings, "order_lines")["quantity is at least 0"]
    assert (found.checked, found.unexpected) == (47, 2)
    assert len(found.examples) == 2


def test_texts_that_people_wrote_are_never_shown(settings: Settings) -> None:
    order = {"order_id": "o1", "created_at": datetime(2026, 11, 1), "local_date": date(2026, 11, 1)}
    order |= {"currency": "USD", "total_amount": 5.0, "customer_key": "ada@example.com", "_file_id": "orders/a"}
    late = datetime(2026, 12, 24, 5, 30)
    load(settings, {"orders": [{**order, "financial_status": "stolen", "updated_at": late, "_line": 1}]})
    load(
        settings, {"orders": [{**order, "financial_status": "by ada@example.com", "created_at": late, "_line": 2}]}
    )
    found = inspect(settings, ["orders"], [], "run")["orders"].contract
    failed = {one.expectation: one for one in found if not one.passed}
    assert failed["customer_key looks like ^[0-9a-f]{32}$"].blocks
    assert "created_at is not in the future" in failed
    shown = [example for one in failed.values() for example in one.examples]
    assert any("financial_status = stolen" in example for example in shown)
    # Files hold UTC, the pages around it the shop's time.
    assert any("created_at = 2026-12-24 05:30:00 UTC (line 2" in example for example in shown)
    assert not any("ada" in example for example in shown)
    report = read_report(settings)
    assert report is not None
    assert "ada@example.com" not in (settings.home / "quality.json").read_text()


def test_the_newest_complete_day_is_compared_with_the_weeks_before(settings: Settings) -> None:
    days = [date(2026, 11, 19) - timedelta(days=n) for n in range(60)]
    rows = [
        {
            "date": day,
            "clicks": 40 + n % 7,
            "impressions": 900,
            "position": 4.0,
            "_file_id": "search/a",
            "_line": n,
        }
        for n, day in enumerate(days)
    ]
    pages = [
        {**row, "page": f"https://a/{n}", "clicks": 1, "_line": n}
        for row in rows
        for n in range(3 if row["date"] == days[0] else 60)
    ]
    load(settings, {"search_page_daily": pages})
    read(settings, "search_page", datetime(2026, 11, 20))
    past = inspect(settings, [], ["search_page_daily"], "run")["search_page_daily"].past
    found = {one.expectation: one for one in past}
    assert not found["as many rows as such days have"].passed
    assert found["as many rows as such days have"].observed.startswith("2026-11-19: 3, usual are")
    assert "median of clicks as on other days" not in found, "three rows have no median worth a comparison"


def read(settings: Settings, stream: str, to: datetime) -> None:
    """Let ingestion remember that a stream was read up to a moment."""
    with Warehouse.of(settings).write() as connection:
        from growth_pipelines.ingestion.queries import query

        for statement in query("state").split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(
            "insert into raw._ingest_run (run_id, shop_id, stream, status, started_at, finished_at, loaded_rows)"
            " values ('r', ?, ?, 'loaded', ?, ?, 1)",
            (SHOP, stream, to, to),
        )
        connection.execute(
            "insert into raw._ingest_cursor (shop_id, stream, window_start, position, updated_at)"
            " values (?, ?, ?, ?, ?)",
            (SHOP, stream, datetime(2026, 1, 1), to, to),
        )


def test_the_command_prints_grades_and_fails_while_something_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path)
    monkeypatch.setenv("GROWTH_HOME", str(tmp_path))
    monkeypatch.setenv("GROWTH_NOW", NOW.isoformat())
    assert ended(["quality"]) == 1
    assert "Run `growth run` first" in capsys.readouterr().err
    load(settings, {"order_lines": [line(1, quantity=-1, current_quantity=-1)]})
    inspect(settings, ["order_lines"], ["order_lines"], "run")
    assert ended(["quality", "--json"]) == 1
    [shopify] = json.loads(capsys.readouterr().out)["sources"]
    assert (shopify["source"], shopify["grade"], shopify["blocked"]) == ("shopify", "F", True)
    assert {one["expectation"] for one in shopify["failing"]} >= {"quantity is at least 0"}
    ended(["quality"])
    assert "BLOCKS order_lines: quantity is at least 0: 1 of 1 rows break it." in capsys.readouterr().out

    load(settings, {"order_lines": [line(2)]})
    with Warehouse.of(settings).write() as connection:
        connection.execute("delete from raw.order_lines where order_line_id = 'l1'")
    inspect(settings, ["order_lines"], ["order_lines"], "run")
    assert ended(["quality", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["grade"] == "A"
    report = read_report(settings)
    assert report is not None
    assert by_source(report, NOW)[0].failing == ()


def ended(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return int(exit_.value.code or 0)
