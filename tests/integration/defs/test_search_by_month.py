"""Months of search days are read again one by one, in any order, and replace what was there of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from growth_pipelines.defs.assets.search_by_month import search_by_month
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.conftest import SandboxShop
from tests.integration.ingestion.conftest import raw_rows

from .conftest import NOW, QUIET

FRESH = {"GROWTH_NOW": NOW.isoformat()}
TABLES = ("search_page_query_daily", "search_page_daily", "search_property_daily", "search_country_device_daily")


@pytest.fixture
def settings(tmp_path: Path, small_shop: SandboxShop) -> Settings:
    return small_shop.settings(tmp_path / "home", **FRESH)


def test_a_month_mends_what_is_missing_and_touches_no_other(settings: Settings) -> None:
    ingest(settings, ["shop", "search_page_query", "search_page", "search_property", "search_country_device"])
    whole = raw_rows(settings, *TABLES)
    with Warehouse.of(settings).write() as connection:
        for table in TABLES:
            connection.execute(f"delete from raw.{table} where date = ?", [date(2026, 10, 7)])
    assert raw_rows(settings, *TABLES) != whole
    with open_instance(settings) as instance:
        result = dg.materialize(
            [search_by_month(settings)],
            partition_key="2026-10",
            instance=instance,
            resources={"machine": Machine(settings)},
            run_config=QUIET,
        )
    (event,) = result.asset_materializations_for_node("search_by_month")
    assert event.metadata["window"].value == "1 Oct – 31 Oct 2026 (America/Los_Angeles)"
    assert all(event.metadata[f"rows_{table}"].value > 0 for table in TABLES)
    assert raw_rows(settings, *TABLES) == whole


def test_the_months_are_those_that_google_keeps(settings: Settings) -> None:
    partitions = search_by_month(settings).partitions_def
    assert partitions is not None
    keys = partitions.get_partition_keys(current_time=NOW)
    assert (keys[0], keys[-1], len(keys)) == ("2025-07", "2026-11", 17)
