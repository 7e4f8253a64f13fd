"""``growth import`` loads the shipped real data to the row and the penny, and a bad file loads nothing."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.imports import import_paths
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import raw_rows

DATA = Path(__file__).parents[3] / "data" / "online_retail"
MONTH = DATA / "orders_export_2010-02.csv.gz"
SHOP = {
    "GROWTH_SHOP__DOMAIN": "online-retail.example",
    "GROWTH_SHOP__TIMEZONE": "Europe/London",
    "GROWTH_SHOP__CURRENCY": "GBP",
}


@pytest.fixture
def settings(tmp_path: Path, database: dict[str, str]) -> Settings:
    return load_settings({"GROWTH_HOME": str(tmp_path / "home"), **SHOP, **database})


def recounted(path: Path) -> dict[str, Any]:
    """The same figures, counted straight from the file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        "lines": len(rows),
        "orders": len({row["Name"] for row in rows}),
        "customers": len({row["Email"] for row in rows} - {""}),
        "gross": sum(Decimal(row["Lineitem price"]) * int(row["Lineitem quantity"]) for row in rows),
        "refunded": sum(Decimal(row["Refunded Amount"] or 0) for row in rows),
    }


def test_a_month_of_a_real_retailer_is_loaded_to_the_penny_and_only_once(settings: Settings) -> None:
    assert [result.stream for result in import_paths(settings, [MONTH])] == ["shop", "order_export"]
    assert [result.stream for result in import_paths(settings, [MONTH])] == ["order_export"]
    expected = recounted(MONTH)
    with Warehouse.of(settings).write() as connection:
        orders = connection.execute(
            "select count(*), sum(gross_amount), sum(discount_amount), sum(refunded_amount), "
            "count(distinct customer_key), min(local_date), max(local_date) from raw.orders"
        ).fetchone()
        lines = connection.execute("select count(*), sum(gross_amount) from raw.order_lines").fetchone()
        refunds = connection.execute("select sum(total_amount) from raw.refunds").fetchone()
        shop = connection.execute("select shop_id, currency, timezone from raw.shops").fetchall()
    assert orders[:5] == (expected["orders"], expected["gross"], 0, expected["refunded"], expected["customers"])
    assert f"{orders[5]:%Y-%m}" == f"{orders[6]:%Y-%m}" == "2010-02"
    assert lines == (expected["lines"], expected["gross"])
    assert refunds == (expected["refunded"],)
    assert shop == [("online-retail.example", "GBP", "Europe/London")]


def test_an_import_into_a_known_shop_leaves_what_is_known_of_it(
    settings: Settings, tmp_path: Path, database: dict[str, str]
) -> None:
    import_paths(settings, [MONTH])
    with Warehouse.of(settings).write() as connection:
        connection.execute("update raw.shops set name = 'The real name', primary_locale = 'en'")
    nameless = load_settings({"GROWTH_HOME": str(tmp_path / "home"), **database})
    assert [result.stream for result in import_paths(nameless, [MONTH])] == ["order_export"]
    assert "The real name" in str(raw_rows(settings, "shops"))


def test_the_shipped_slice_is_several_contiguous_months_under_five_megabytes() -> None:
    files = sorted(DATA.glob("orders_export_*.csv.gz"))
    months = [path.name.removeprefix("orders_export_").removesuffix(".csv.gz") for path in files]
    assert months == ["2009-12", *(f"2010-{month:02}" for month in range(1, 7))]
    assert sum(path.stat().st_size for path in files) < 5_000_000
    assert "CC BY 4.0" in (DATA / "ATTRIBUTION.md").read_text()


def test_one_bad_file_among_good_ones_loads_nothing_at_all(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    shutil.copy(MONTH, folder)
    text = gzip.decompress(MONTH.read_bytes()).decode().replace("2010-02-03 ", "2010-02-30 ", 1)
    (folder / "z.csv").write_text(text)
    with pytest.raises(GrowthError, match=r"z\.csv, line \d+, column 'Paid at': '2010-02-30"):
        import_paths(settings, [folder])
    assert sum(len(rows) for rows in raw_rows(settings).values()) == 0
    assert not list((settings.home / "landing").glob("*/*"))


def test_a_search_console_export_becomes_daily_totals(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "performance"
    folder.mkdir()
    (folder / "Chart.csv").write_text("Date,Clicks,Impressions,CTR,Position\n2010-02-01,5,100,5%,7.4\n")
    (folder / "Pages.csv").write_text("Top pages,Clicks,Impressions,CTR,Position\nhttps://a.example/,5,90,5%,7\n")
    (folder / "Queries.csv").write_text("Top queries,Clicks,Impressions,CTR,Position\nx,5,90,5%,7\n")
    results = {result.stream: result for result in import_paths(settings, [folder])}
    assert results["search_export"].rows == {"search_property_daily": 1, "search_page_daily": 1}
    found = raw_rows(settings, "search_property_daily")["search_property_daily"]
    assert [tuple(row[3:]) for row in found] == [(5, 100, 7.4)]


def growth(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from growth_pipelines.cli import main; main()", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GROWTH_")}
    return subprocess.run(
        command,
        env={**clean, "GROWTH_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_mistake_on_the_command_line_is_one_clear_line_and_not_a_traceback(tmp_path: Path) -> None:
    for arguments, said in (
        (("import", str(MONTH)), "GROWTH_SHOP__DOMAIN is not set"),
        (("import", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("ingest",), "GROWTH_SHOP__DOMAIN is not set"),
        (("ingest", "orderz"), "There is no stream 'orderz'"),
    ):
        done = growth(tmp_path, *arguments)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_an_unreachable_shop_and_a_refused_token_are_told_with_what_to_do(small_shop: Any, tmp_path: Path) -> None:
    environment = small_shop.environment(tmp_path)
    gone = growth(tmp_path, "ingest", **{**environment, "GROWTH_SHOPIFY__BASE_URL": "http://127.0.0.1:1"})
    assert gone.returncode == 1
    assert "127.0.0.1:1" in gone.stderr
    assert "Is the address right" in gone.stderr
    refused = growth(tmp_path, "ingest", **{**environment, "GROWTH_SHOPIFY__ACCESS_TOKEN": "shpat_wrong"})
    assert refused.returncode == 1
    assert "GROWTH_SHOPIFY__ACCESS_TOKEN" in refused.stderr
    assert "shpat_wrong" not in refused.stderr


def test_ingest_and_its_status_speak_json(small_shop: Any, tmp_path: Path) -> None:
    environment = small_shop.environment(tmp_path)
    done = growth(tmp_path, "ingest", "customers", "--json", **environment)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["stream"] == "customers"
    status = growth(tmp_path, "ingest", "status", "--json", **environment)
    states = {row["stream"]: row["state"] for row in json.loads(status.stdout)}
    assert {stream for stream, state in states.items() if state != "never read"} == {"shop", "customers"}
