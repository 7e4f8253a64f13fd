"""Building only the days that changed: the tables are those of a full build, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse import rebuilds
from growth_pipelines.warehouse.agreement import disagreements
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build
from growth_pipelines.warehouse.dbt_project import manifest
from growth_pipelines.warehouse.named_queries import statements

from .raw_rows import HOST, SHOP, TODAY, load, random_shop, settings_for

pytestmark = pytest.mark.xdist_group("dbt")
SELECT = ["+fct_search_hidden_daily"]
ENGINES = ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)]
ALL = set(rebuilds.SOURCES)
NOW = datetime(2026, 11, 22, 18)
# In what the days rest on, or in what their addresses mean: a change of them has every day counted.
FOR_ALL_DAYS = {"_brand_terms", "_build", "shops", "redirects", "products", "collections", "pages"}
# They only add addresses (vitals), shops, or columns of orders that no day counts (refunds).
NO_MATTER = {"crux_records", "crux_history", "psi_runs", "search_property_daily", "refunds"}
# Days that add addresses and queries beyond a model's own.
NO_MATTER |= {"search_page_query_daily", "search_page_daily", "sessions_daily", "web_vitals_beacons", "orders"}
Change = Callable[[WarehouseConnection, Any], None]


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    engine = getattr(request, "param", "duckdb")
    found = settings_for(tmp_path, request.getfixturevalue("postgres_url") if engine == "postgres" else "")
    load(found, random_shop(3))
    return found


def built(settings: Settings, **options: Any) -> BuildResult:
    result = build(settings, SELECT, data_tests=False, **options)
    assert [(n.name, n.message) for n in result.results if n.status != "success"] == []
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
        result = built(settings, full_refresh=False)
        assert result.counted.startswith("since "), step
    with Warehouse.of(settings).write() as connection:
        for alter in CHANGES:
            alter(connection, rng)
    assert disagreements(settings, SELECT) == dict.fromkeys(rebuilds.SOURCES, 0)


# ------------------------------------------------------------ what is decided, without dbt


@pytest.fixture
def decide(settings: Settings) -> Callable[..., rebuilds.Plan]:
    """Plan a build of the shop as it is now; ``keep`` remembers it as one that built these models."""
    change(
        settings,
        *statements("build_inputs"),
        "insert into raw._build values (date '2026-11-22', 'UTC', 'USD')",
        "create table intermediate.int_page_urls (shop_id varchar, raw_url varchar, page_key varchar)",
    )

    def plan(
        keep: Collection[str] = (), now: datetime = NOW, project: str = "v1", **options: Any
    ) -> rebuilds.Plan:
        with Warehouse.of(settings).write() as connection:
            found = rebuilds.plan(connection, project, now, **{"full_refresh": False, **options})
            rebuilds.remember(connection, found, keep, now)
        return found

    return plan


@pytest.mark.parametrize("settings", ENGINES, indirect=True)
def test_the_first_changed_day_of_each_model_is_found(
    settings: Settings, decide: Callable[..., rebuilds.Plan]
) -> None:
    assert "never built" in decide(keep=ALL).why_full
    unchanged = decide()
    assert unchanged.why_full == ""
    assert set(unchanged.since.values()) == {TODAY}, "nothing but the day that was not over"
    change(
        settings,
        "update raw.search_page_query_daily set position = position + 0.5 where date = date '2026-10-05'",
        "delete from raw.search_page_daily where date = date '2026-10-20'",
        "update raw.orders set landing_path = '/elsewhere' where local_date = date '2026-10-01'",
    )
    assert decide().since == {
        "fct_search_query_page_daily": date(2026, 10, 5),
        "int_page_days": date(2026, 10, 1),
        "fct_page_daily": date(2026, 10, 1),
        "fct_search_hidden_daily": date(2026, 10, 5),
    }
    assert decide(since=date(2026, 9, 1)).since["int_page_days"] == date(2026, 9, 1)
    change(
        settings, "update raw.orders set fulfillment_status = 'x', updated_at = timestamp '2026-11-22 01:00:00'"
    )
    assert decide().since["int_page_days"] == date(2026, 10, 1), "what is not counted changes nothing"


def test_a_build_that_failed_loses_no_day(settings: Settings, decide: Callable[..., rebuilds.Plan]) -> None:
    decide(keep=ALL)
    change(settings, "delete from raw.search_page_query_daily where date = date '2026-10-05'")
    assert decide().since["fct_search_hidden_daily"] == date(2026, 10, 5)
    decide(keep={"fct_search_query_page_daily"})
    after = decide().since
    assert after["fct_search_query_page_daily"] == TODAY
    assert after["fct_search_hidden_daily"] == date(2026, 10, 5)


@pytest.mark.parametrize(
    ("statement", "options"),
    [
        ("insert into raw._brand_terms values ('s', 'new words')", {}),
        ("update raw.shops set currency = 'JPY'", {}),
        ("delete from raw.sessions_daily", {}),
        ("select 1", {"project": "v2"}),
        ("select 1", {"now": datetime(2026, 11, 30, 12), "full_refresh": None}),
        ("select 1", {"full_refresh": True}),
        ("select 1", {"full_refresh": None}),
    ],
    ids=["brand words", "currency", "sessions are Shopify's no more", "models", "a week", "asked for", "small"],
)
def test_what_concerns_every_day_has_every_day_counted(
    statement: str, options: dict[str, Any], settings: Settings, decide: Callable[..., rebuilds.Plan]
) -> None:
    decide(keep=ALL)
    assert decide().why_full == ""
    change(settings, statement)
    assert decide(**options).why_full


def test_changed_days_alone_are_counted_where_rows_are_many(
    settings: Settings, decide: Callable[..., rebuilds.Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilds, "SMALL", 100)
    decide(keep=ALL)
    change(settings, "update raw.sessions_daily set sessions = sessions + 1 where date >= date '2026-11-19'")
    assert decide(full_refresh=None).why_full == ""
    for table in ("search_page_query_daily", "search_page_daily"):
        change(settings, f"update raw.{table} set clicks = clicks + 1")
    assert decide(full_refresh=None).why_full == "most days have changed"


@pytest.mark.slow
def test_a_part_that_is_built_alone_and_an_address_that_moved(settings: Settings) -> None:
    built(settings)
    change(settings, "delete from raw.search_page_query_daily where date = date '2026-10-05'")
    build(settings, ["fct_search_query_page_daily"], full_refresh=False)
    # As if a page had another key when the models were built, which nothing of a day tells.
    change(
        settings,
        "update raw._built_url set page_key = '/gone' where page_key = '/products/part-2'",
        "update marts.fct_page_daily set page_key = '/gone' where page_key = '/products/part-2'",
        "update intermediate.int_page_days set page_key = '/gone' where page_key = '/products/part-2'",
    )
    result = built(settings, full_refresh=False)
    assert result.counted == "since 2026-10-05, 2026-11-22", "what was built alone is not taken for done"
    with Warehouse.of(settings).write() as connection:
        gone = "select count(*) from marts.fct_page_daily where page_key = '/gone'"
        assert connection.execute(gone).fetchone()[0] == 0
    assert disagreements(settings, SELECT) == dict.fromkeys(rebuilds.SOURCES, 0)


def test_what_decides_a_day_is_known_of_every_incremental_model(tmp_path: Path) -> None:
    """A source that a new join brings in is summed up by day, counts for all days, or is said not to matter."""
    nodes = manifest(settings_for(tmp_path))["nodes"]
    models = {uid: node for uid, node in nodes.items() if node["config"]["materialized"] == "incremental"}
    assert {node["name"] for node in models.values()} == set(rebuilds.SOURCES)
    for uid, node in models.items():
        above = {source.split(".")[-1] for source in _sources_above(uid, nodes)}
        assert above - set(rebuilds.SOURCES[node["name"]]) <= FOR_ALL_DAYS | NO_MATTER, node["name"]


def _sources_above(uid: str, nodes: dict[str, Any]) -> set[str]:
    if uid.startswith("source."):
        return {uid}
    parents = nodes.get(uid, {}).get("depends_on", {}).get("nodes", [])
    return {source for parent in parents for source in _sources_above(parent, nodes)}
