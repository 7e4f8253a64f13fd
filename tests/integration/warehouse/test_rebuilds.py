"""Building only the days that changed: the tables are those of a full build, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse import rebuilds
from growth_pipelines.warehouse.agreement import disagreements
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build

from .raw_rows import HOST, SHOP, TODAY, load, random_shop, settings_for

pytestmark = pytest.mark.xdist_group("dbt")
SELECT = ["+fct_search_totals_daily", "+fct_search_provisional_daily", "+fct_page_daily"]
ENGINES = ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)]
Change = Callable[[WarehouseConnection, Any], None]


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    engine = getattr(request, "param", "duckdb")
    found = settings_for(tmp_path, request.getfixturevalue("postgres_url") if engine == "postgres" else "")
    load(found, random_shop(3))
    return found


def at(settings: Settings, now: datetime) -> Settings:
    environ = {"GROWTH_HOME": str(settings.home), "GROWTH_NOW": now.isoformat()}
    return load_settings({**environ, "GROWTH_DATABASE_URL": settings.postgres_url})


def built(settings: Settings, **options: Any) -> BuildResult:
    result = build(settings, SELECT, **options)
    assert [(node.name, node.message) for node in result.results if node.status not in ("success", "pass")] == []
    return result


def change(settings: Settings, *statements: str) -> None:
    with Warehouse.of(settings).write() as connection:
        for statement in statements:
            connection.execute(statement)


def day(rng: np.random.Generator, first: int = 3, last: int = 60) -> date:
    return TODAY - timedelta(days=int(rng.integers(first, last)))


def restate_a_search_day(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    connection.execute(
        "update raw.search_page_query_daily set clicks = clicks + 1, impressions = impressions + 3 where date = ?",
        [day(rng)],
    )


def land_a_day_again_with_fewer_rows(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    connection.execute(
        "delete from raw.search_page_daily where date = ? and page like '%part%'",
        [day(rng)],
    )


def lose_a_day(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    for table in ("search_page_query_daily", "search_page_daily", "sessions_daily"):
        connection.execute(f"delete from raw.{table} where date = ?", [day(rng)])


def lose_the_newest_search_day(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    connection.execute(
        "delete from raw.search_page_query_daily where date = (select max(date) from raw.search_page_query_daily)"
    )


def move_and_delete_orders(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    connection.execute("update raw.orders set local_date = ? where local_date = ?", [day(rng), day(rng)])
    connection.execute("delete from raw.orders where local_date = ?", [day(rng)])
    connection.execute("update raw.orders set cancelled_at = created_at where local_date = ?", [day(rng)])


def add_sessions_at_a_new_address(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    connection.execute(
        "insert into raw.sessions_daily (shop_id, date, landing_path, device, sessions) "
        "values (?, ?, ?, 'mobile', 4)",
        [SHOP, day(rng), f"/pages/new-{rng.integers(1000)}"],
    )


def spell_a_page_twice(connection: WarehouseConnection, rng: np.random.Generator) -> None:
    when = day(rng)
    for page in ("/products/part-1", "/products/PART-1?utm=x"):
        connection.execute(
            "insert into raw.search_page_query_daily (shop_id, date, page, query, clicks, impressions, position) "
            "values (?, ?, ?, ?, 1, 9, 4.5)",
            [SHOP, when, HOST + page, f"q {rng.integers(10**9)}"],
        )


CHANGES: tuple[Change, ...] = (
    restate_a_search_day,
    land_a_day_again_with_fewer_rows,
    lose_a_day,
    lose_the_newest_search_day,
    move_and_delete_orders,
    add_sessions_at_a_new_address,
    spell_a_page_twice,
)


@pytest.mark.slow
@pytest.mark.parametrize("settings", ENGINES, indirect=True)
def test_changed_days_give_what_a_full_build_gives(settings: Settings) -> None:
    rng = np.random.default_rng(11)
    built(settings)
    for step in range(3):
        with Warehouse.of(settings).write() as connection:
            for alter in rng.choice(np.array(CHANGES, dtype=object), 3, replace=False):
                alter(connection, rng)
        result = build(settings, SELECT, full_refresh=False)
        assert result.counted.startswith("since "), step
    with Warehouse.of(settings).write() as connection:
        for alter in CHANGES:
            alter(connection, rng)
    assert disagreements(settings, SELECT) == dict.fromkeys(rebuilds.SOURCES, 0)
