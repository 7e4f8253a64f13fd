"""The machine reads a whole shop over real HTTP into a real warehouse: everything, once, and the same each way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from growth_pipelines.ingestion.results import IngestError, Progress
from growth_pipelines.ingestion.run import ingest, ingest_stream
from growth_pipelines.ingestion.status import ingest_status
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import COUNTED, QUICK, raw_rows

Machine = Callable[..., Settings]


def test_everything_is_read_and_agrees_with_the_shop(
    small_shop: Any, machine: Machine, database: dict[str, str]
) -> None:
    settings = machine(small_shop, **database)
    results = {result.stream: result for result in ingest(settings)}
    assert set(results) == set(STREAMS)
    counts = small_shop.truth["counts"]
    rows = {table: len(found) for table, found in raw_rows(settings).items()}
    for table, counted in {
        "orders": "orders",
        "order_lines": "lines",
        "refunds": "refunds",
        "refund_lines": "refund_lines",
        "customers": "customers",
        "products": "products",
        "product_variants": "variants",
        "collections": "collections",
    }.items():
        assert rows[table] == counts[counted], table
    assert rows["pages"] == counts["pages"] + counts["articles"]
    assert rows["search_property_daily"] == 40
    # Nobody visits this shop with a browser.
    assert [table for table, count in rows.items() if not count] == ["web_vitals_beacons"]
    with Warehouse.of(settings).write() as connection:
        orders, gross, discounts = connection.execute(COUNTED).fetchone()
    assert (orders, gross) == (counts["orders_counted"], Decimal(counts["gross"]))
    assert discounts == Decimal(counts["discounts"])
    assert results["orders"].rows["orders"] == counts["orders"]
    assert {row["status"] for row in ingest_status(settings)} == {"loaded"}


def test_reading_again_changes_nothing(small_shop: Any, machine: Machine, database: dict[str, str]) -> None:
    settings = machine(small_shop, **database)
    ingest(settings)
    before = raw_rows(settings)
    ingest(settings)
    ingest(settings, full=True)
    after = raw_rows(settings)
    for table in before:
        if table not in ("psi_runs",):  # Each lab run is a measurement of its own.
            assert after[table] == before[table], table


@pytest.mark.postgres
def test_both_warehouses_hold_the_same(small_shop: Any, machine: Machine, postgres_url: str) -> None:
    duckdb, postgres = machine(small_shop, "a"), machine(small_shop, "b", GROWTH_DATABASE_URL=postgres_url)
    ingest(duckdb)
    ingest(postgres)
    assert raw_rows(postgres) == raw_rows(duckdb)


def test_pages_and_a_bulk_operation_read_the_same_orders(small_shop: Any, machine: Machine) -> None:
    bulk, pages = machine(small_shop, "bulk", GROWTH_SHOPIFY__BULK_FROM_ORDERS="0"), machine(small_shop, "pages")
    ingest_stream(bulk, "orders")
    ingest_stream(pages, "orders")
    operations = [path.name for path in (bulk.home / "landing" / "orders").glob("*.manifest.json")]
    assert len(operations) > 12  # one a month
    assert len(list((pages.home / "landing" / "orders").glob("*.manifest.json"))) == 1
    assert raw_rows(pages) == raw_rows(bulk)


def test_what_happens_in_the_shop_later_is_read_by_the_next_run_alone(
    start_sandbox: Callable[..., Any], machine: Machine
) -> None:
    shop = start_sandbox("--seed", "3", "--orders", "400", "--products", "40", "--today", "2026-11-22")
    settings = machine(shop)
    ingest(settings)
    shop.advance(9)
    later = {"GROWTH_NOW": "2026-12-01T12:00:00+00:00"}
    updated = shop.settings(settings.home, **(QUICK | later))
    second = {result.stream: result for result in ingest(updated)}
    fresh = shop.settings(settings.home.parent / "fresh", **(QUICK | later))
    ingest(fresh)
    assert 0 < second["orders"].rows["orders"] < len(raw_rows(fresh)["orders"]) / 2
    for table in ("orders", "order_lines", "refunds", "refund_lines", "customers", "products"):
        assert raw_rows(updated, table) == raw_rows(fresh, table), table
    # The incremental machine also keeps the older days that a fresh one with a short history never read.
    for table in ("search_page_query_daily", "sessions_daily"):
        assert set(raw_rows(updated, table)[table]) >= set(raw_rows(fresh, table)[table]), table


def test_given_days_are_read_and_the_cursor_does_not_jump(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop)
    ingest(settings, ["search_property"], since=date(2026, 10, 1), until=date(2026, 10, 5))
    found = raw_rows(settings, "search_property_daily")["search_property_daily"]
    assert [row[2] for row in found] == [date(2026, 10, day) for day in range(1, 6)]
    ingest(settings, ["search_property"], since=date(2026, 11, 1), until=date(2026, 11, 3))
    (row,) = [row for row in ingest_status(settings) if row["stream"] == "search_property"]
    assert f"{row['covered_to']:%Y-%m-%d}" == "2026-10-06"


def test_without_the_scope_for_reports_sessions_are_a_proxy_and_no_failure(
    start_sandbox: Callable[..., Any], machine: Machine
) -> None:
    shop = start_sandbox("--orders", "50", "--products", "20", "--without-scope", "read_reports")
    (result,) = ingest(machine(shop), ["sessions"])
    assert result.proxy
    assert sum(result.rows.values()) == 0
    assert "proxy" in result.notes[0]


def test_no_landing_file_holds_a_customer_or_a_query(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop)
    ingest(settings, ["orders", "customers"])
    files = list((settings.home / "landing").glob("*/*.jsonl.zst"))
    text = b"".join(zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read() for path in files)
    assert b"customer:" in text
    assert b"gid://shopify/Customer/" not in text
    for line in text.split(b"\n"):
        if b"landingPage" in line:
            visit = (json.loads(line)["customerJourneySummary"] or {}).get("lastVisit") or {}
            assert "?" not in (visit.get("landingPage") or "")
    assert not list((settings.home / "landing").glob("*/*.part"))


def test_one_failing_source_does_not_cost_the_others(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop, GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN="wrong")
    with pytest.raises(IngestError, match=r"search_property.*credential was refused") as caught:
        ingest(settings, ["customers", "search_property"])
    assert [result.stream for result in caught.value.results] == ["customers"]
    states = {row["stream"]: row["status"] for row in ingest_status(settings)}
    assert states["customers"] == "loaded"
    assert states["search_property"] == "failed"


def test_progress_is_told_from_fetching_to_done(small_shop: Any, machine: Machine) -> None:
    seen: list[Progress] = []
    ingest(machine(small_shop), ["customers"], on_progress=seen.append)
    phases = [step.phase for step in seen if step.stream == "customers"]
    assert phases[0] == "fetching"
    assert phases[-4:] == ["landed", "loading", "loaded", "done"]
    assert seen[-1].rows > 0


def test_the_lab_explains_the_pages_with_the_worst_field_data(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop, GROWTH_WEB_VITALS__CRUX_PAGES="300", GROWTH_WEB_VITALS__PSI_PAGES="50")
    ingest(settings)
    with Warehouse.of(settings).write() as connection:
        runs = connection.execute("select url, details from raw.psi_runs").fetchall()
    assert {truth["url"] for truth in small_shop.truth["vitals"]} <= {url for url, _ in runs}
    for _, text in runs:
        assert set(json.loads(text)) == {
            "lcp_element",
            "images",
            "render_blocking",
            "third_parties",
            "layout_shifts",
            "unsized_images",
            "long_tasks",
            "fonts",
            "server_ms",
        }


def test_a_page_that_crux_does_not_know_is_asked_about_again_only_after_a_week(
    small_shop: Any, machine: Machine, tmp_path: Path
) -> None:
    settings = machine(small_shop)
    ingest(settings, ["shop", "products", "crux_records"])
    first = ingest(settings, ["crux_records"])[0].requests
    known = len({row[2] for row in raw_rows(settings, "crux_records")["crux_records"] if row[5]})
    assert first == 2 * known
    later = small_shop.settings(settings.home, **(QUICK | {"GROWTH_NOW": "2026-11-30T12:00:00+00:00"}))
    assert ingest(later, ["crux_records"])[0].requests > first
