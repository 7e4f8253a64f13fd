"""A machine against a small sandbox, on both warehouses; and what its raw tables hold, without lineage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_tables import BY_NAME, TABLES

RawRows = dict[str, list[tuple[Any, ...]]]
# Short histories keep the tests quick; everything else is as in production.
QUICK = {
    "GROWTH_NOW": "2026-11-22T12:00:00+00:00",
    "GROWTH_SEARCH_CONSOLE__HISTORY_DAYS": "40",
    "GROWTH_WEB_VITALS__CRUX_PAGES": "30",
    "GROWTH_WEB_VITALS__PSI_PAGES": "3",
    "GROWTH_PRIVACY__PSEUDONYM_KEY": "the same key in every test of this folder",
}
# Orders that count, as truth.json counts them: how many, gross and discounts.
COUNTED = (
    "select count(*), sum(gross_amount), sum(discount_amount) from raw.orders "
    "where not is_test and cancelled_at is null"
)
# When an answer was fetched differs between runs that otherwise read the same.
NOT_COMPARED = ("_file_id", "_line", "_loaded_at", "fetched_at")


def raw_rows(settings: Settings, *tables: str) -> RawRows:
    """Every raw table's rows, sorted, without what differs from load to load."""
    found = {}
    with Warehouse.of(settings).write() as connection:
        for table in [BY_NAME[name] for name in tables] or TABLES:
            columns = ", ".join(c.name for c in table.all_columns if c.name not in NOT_COMPARED)
            rows = connection.execute(f"select {columns} from raw.{table.name}").fetchall()
            found[table.name] = sorted(rows, key=str)
    return found


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The setting that chooses the warehouse."""
    if request.param == "duckdb":
        return {}
    return {"GROWTH_DATABASE_URL": request.getfixturevalue("postgres_url")}


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a fresh machine: ``machine(shop, "home name", GROWTH_…="…")``."""

    def make(shop: Any, home: str = "home", **more: str) -> Settings:
        return shop.settings(tmp_path / home, **{**QUICK, **more})

    return make
