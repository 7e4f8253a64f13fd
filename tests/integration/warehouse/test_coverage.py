"""From where on data are there, what cuts them short, and search days that are not final yet: from the shop's
protocols to the marts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.imports import import_paths
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.coverage import history_notes
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from tests.conftest import SandboxShop

from .raw_rows import SHOP, settings_for

# One worker: the tests go on where the one before ended.
pytestmark = pytest.mark.xdist_group("coverage")
SEARCH = ["search_page", "search_page_query", "search_property"]
PROVISIONAL = ["search_page_provisional", "search_property_provisional"]
# Whether the project's tests pass on what was read of a shop, on imports alone and on nothing is asked by
# test_sandbox_totals, test_catalogue_imports and test_dbt.
MODELS = ["+dim_data_coverage", "+fct_cohort_retention", "+fct_search_provisional_daily"]
FINAL_OR_NOT = """
select distinct final.date
from raw.search_page_daily as final
join raw.search_page_provisional_daily as provisional on provisional.date = final.date
"""
PRODUCTS = "Handle,Title,Variant SKU,Variant Price,Status\nhose,Hose,H1,19.99,active\n"


@pytest.fixture(scope="module")
def recent_shop(start_sandbox: Callable[..., SandboxShop]) -> SandboxShop:
    """A shop whose app may read the orders of the last 60 days only."""
    options = ("--seed", "5", "--orders", "80", "--products", "20", "--today", "2026-11-22")
    return start_sandbox(*options, "--without-scope", "read_all_orders")


def at(shop: SandboxShop, home: Path, day: str) -> Settings:
    now = f"{day}T18:00:00"
    return shop.settings(home, GROWTH_NOW=now, GROWTH_SEARCH_CONSOLE__HISTORY_DAYS="40")


def rebuilt(settings: Settings, models: list[str] | None) -> None:
    result = build(settings, models, data_tests=False)
    assert [(node.name, node.message) for node in result.results if node.status != "success"] == []
    Warehouse.of(settings).publish()


@pytest.fixture(scope="module")
def home(recent_shop: SandboxShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read and built on the first day."""
    home = tmp_path_factory.mktemp("home")
    settings = at(recent_shop, home, "2026-11-22")
    ingest(settings, streams=["shop", "products", "orders", *SEARCH, *PROVISIONAL])
    rebuilt(settings, MODELS)
    return home


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse.of(settings).read() as connection:
        return [tuple(row) for row in connection.execute(sql).fetchall()]


def test_history_starts_where_the_shop_shows_no_more(recent_shop: SandboxShop, home: Path) -> None:
    settings = at(recent_shop, home, "2026-11-22")
    coverage = {
        stream: rest
        for stream, *rest in rows(
            settings,
            "select stream, source, timezone, history_starts_on, history_reason, covered_to "
            "from marts.dim_data_coverage",
        )
    }
    reason = "only the last 60 days of orders can be read"
    noon = datetime(2026, 11, 22, 18)
    assert coverage["orders"] == ["shopify", "America/Denver", date(2026, 9, 23), reason, noon]
    final_to = datetime(2026, 11, 20)
    assert coverage["search_page"] == ["search_console", "America/Los_Angeles", date(2026, 10, 11), None, final_to]
    with Warehouse.of(settings).read() as connection:
        assert history_notes(connection) == {"orders": f"history starts on 2026-09-23: {reason}"}
    assert rows(settings, "select distinct history_starts_on from marts.fct_cohort_retention") == [
        (date(2026, 9, 23),)
    ]


def test_no_day_is_both_final_and_provisional_after_an_ingestion(recent_shop: SandboxShop, home: Path) -> None:
    settings = at(recent_shop, home, "2026-11-22")
    days = "select date_day from marts.fct_search_provisional_daily order by date_day"
    assert rows(settings, FINAL_OR_NOT) == []
    assert rows(settings, days) == [(date(2026, 11, 20),), (date(2026, 11, 21),)]
    recent_shop.advance(1)
    settings = at(recent_shop, home, "2026-11-23")
    ingest(settings, streams=SEARCH)
    assert build(settings, ["+fct_search_provisional_daily"], data_tests=False).ok
    Warehouse.of(settings).publish()
    assert rows(settings, FINAL_OR_NOT) == [(date(2026, 11, 20),)], "provisional days were not read again"
    assert rows(settings, days) == [(date(2026, 11, 21),)], "final wins"
    ingest(settings, streams=PROVISIONAL)
    rebuilt(settings, MODELS)
    assert rows(settings, FINAL_OR_NOT) == []
    assert rows(settings, days) == [(date(2026, 11, 21),), (date(2026, 11, 22),)]


def test_imports_alone_are_covered_too(tmp_path: Path) -> None:
    given = {"DOMAIN": SHOP, "TIMEZONE": "Europe/London", "CURRENCY": "GBP"}
    settings = settings_for(tmp_path, **{f"GROWTH_SHOP__{name}": value for name, value in given.items()})
    export = tmp_path / "products.csv"
    export.write_text(PRODUCTS)
    import_paths(settings, [export])
    rebuilt(settings, MODELS)
    covered = rows(
        settings, "select source, timezone, history_starts_on, history_note from marts.dim_data_coverage"
    )
    assert ("import", "Europe/London", None, None) in covered


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_warehouse_of_an_older_version_is_built_upon(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = settings_for(tmp_path, url)
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    with warehouse.write() as connection:
        connection.execute("alter table raw.sessions_daily drop column device")
        connection.execute(
            "create table raw._ingest_cursor as select cast('s' as varchar) as shop_id, cast('orders' as varchar) "
            "as stream, timestamp '2026-01-01' as window_start, timestamp '2026-11-01' as position, "
            "cast('r' as varchar) as run_id, timestamp '2026-11-01' as updated_at"
        )
    rebuilt(settings, None)
    found = rows(settings, "select stream, history_starts_on, history_reason from marts.dim_data_coverage")
    assert found == [("orders", date(2026, 1, 1), None)]
