"""One text of SQL on three engines: every mart of the same shop, row by row.

Apache Spark runs as a cluster of processes, and one of them is killed in the middle of the build.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.actions.returns import record_returns
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Table
from growth_pipelines.warehouse import dbt_project
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build
from tests.drafts import settings_in
from tests.spark_cluster import SparkCluster, why_not

from .mart_comparison import differences, keys_of_marts, read_mart
from .raw_rows import SHOP, TODAY, Rows, limit_orders, load, random_shop
from .test_operations import NOW, RETURN, ZONE, machine_in, outcome, rows_of_others, work
from .test_products import ROWS as PRODUCTS
from .test_search_marts import ROWS as SEARCH

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("engines")
# Rows only where a page has changed between two builds: test_search_marts recounts it on DuckDB and PostgreSQL.
EMPTY = {"fct_page_content_changes"}
MARTS = sorted(path.stem for path in (dbt_project.PROJECT / "models" / "marts").rglob("*.sql"))
Built = tuple[Settings, BuildResult]
Shop = tuple[Settings, BuildResult, list[int]]
# What is odd about these shops is told, and stops nothing.
ODD = {
    "dim_experiments__no_sample_ratio_mismatch",
    "fct_experiment_exposures__one_variant_a_unit",
    "fct_order_lines__product_id_exists",
}


def payments_and_checkouts() -> Rows:
    """What the other shops lack: payments with every outcome, and checkouts that were left."""
    kinds = [("sale", "success"), ("authorization", "failure"), ("capture", "pending"), ("refund", "success")]
    stamp = {"local_date": TODAY - timedelta(days=3), "customer_key": "c1"}
    return {
        "order_transactions": [
            {"transaction_id": f"t{n}", "order_id": f"o{n // 4}", "kind": kind, "status": status, "amount": n / 8}
            | {"local_date": TODAY - timedelta(days=n), "processed_at": datetime(2026, 11, 1, 3, n)}
            for n, (kind, status) in enumerate(kinds * 8)
        ],
        "abandoned_checkouts": [
            {"checkout_id": f"k{n}", **stamp, "lines_amount": 10.005 * n, "total_amount": 11.0 * n}
            | {"completed_at": datetime(2026, 11, 20) if n % 2 else None}
            for n in range(6)
        ],
        "abandoned_checkout_lines": [
            {"checkout_line_id": f"kl{n}", "checkout_id": f"k{n // 2}", "product_id": f"p{n % 3}", "quantity": n}
            for n in range(10)
        ],
        "metaobjects": [
            {"metaobject_id": f"m{n}", "type": "growth_faq", "handle": f"part-{n}", "label": f"Question {n}"}
            | {"fields": json.dumps({"question": f"Who makes “part” {n}?", "answer": "a: 1, 2"}), "updated_at": at}
            for n, at in enumerate([datetime(2026, 11, 3, 4, 5), datetime(2026, 11, 4)])
        ],
    }


def shops(action_id: str) -> Rows:
    """Three shops in one warehouse: what each of the other tests of marts finds hard, and the work of others."""
    others = rows_of_others(SimpleNamespace(id=action_id))  # type: ignore[arg-type]
    merged: Rows = {}
    given = {
        SHOP: random_shop(seed=5) | payments_and_checkouts() | others,
        "products.myshopify.com": PRODUCTS,
        "search.myshopify.com": SEARCH,
    }
    for shop_id, rows in given.items():
        for table, records in rows.items():
            merged.setdefault(table, []).extend({**record, "shop_id": shop_id} for record in records)
    return merged


def loaded(settings: Settings, action_id: str) -> Settings:
    load(settings, shops(action_id))
    limit_orders(settings, TODAY.replace(month=3, day=1), "no more can be read")
    return settings


def not_passed(result: BuildResult) -> list[tuple[str, str]]:
    """Warnings are allowed: they are compared."""
    return [(node.name, node.message) for node in result.results if node.status not in ("success", "pass", "warn")]


def warned(result: BuildResult) -> set[tuple[str, int | None]]:
    return {(node.name, node.failures) for node in result.results if node.status == "warn"}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home whose store holds three weeks of work, and the id of one of its actions."""
    home = tmp_path_factory.mktemp("worked")
    machine = machine_in(home)
    work(machine)
    actions = machine.actions()
    action_id = min(actions)
    done = min(key for key, action in actions.items() if action.state == "executed")
    readings = [outcome(actions[done], 7, 35.5), outcome(actions[done], 14, 10, reach=30)]
    with machine.store.session() as session:
        record_outcomes(session, readings, NOW)
        record_returns(session, actions[done].shop_id, [RETURN], NOW)
    machine.store.close()
    return home, action_id


@pytest.fixture(scope="module")
def duckdb_built(worked: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    home = shutil.copytree(worked[0], tmp_path_factory.mktemp("duckdb") / "home")
    settings = loaded(settings_in(home, "", GROWTH_SHOP__TIMEZONE=ZONE), worked[1])
    result = build(settings)
    assert not_passed(result) == []
    Warehouse.of(settings).publish()
    return settings, result


@pytest.fixture(scope="module")
def duckdb_shop(duckdb_built: Built) -> Settings:
    return duckdb_built[0]


@pytest.fixture(scope="module")
def keys(duckdb_shop: Settings) -> dict[str, list[str]]:
    return keys_of_marts(duckdb_shop)


def test_every_mart_is_compared_and_nearly_all_have_rows_to_compare(
    duckdb_shop: Settings, keys: dict[str, list[str]]
) -> None:
    assert sorted(keys) == MARTS
    assert {name for name in MARTS if not len(read_mart(duckdb_shop, name, keys[name]))} == EMPTY


@pytest.fixture(scope="module")
def postgres_built(
    module_postgres_url: str, worked: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Built:
    """The same shop; the work is in another store, whose copy this database gets as it is."""
    settings = settings_in(tmp_path_factory.mktemp("postgres"), module_postgres_url, GROWTH_SHOP__TIMEZONE=ZONE)
    copy_store(settings_in(worked[0]), settings)
    result = build(loaded(settings, worked[1]))
    assert not_passed(result) == []
    return settings, result


@pytest.fixture(scope="module")
def postgres_shop(postgres_built: Built) -> Settings:
    return postgres_built[0]


def copy_store(source: Settings, target: Settings) -> None:
    """Every row of a store in another database, in the order of the tables' references."""
    origin, copy = Store.of(source), Store.of(target)
    copy.migrate()
    with origin.read() as reading, copy.session() as writing:
        for table in Table.metadata.sorted_tables:
            rows = [dict(row) for row in reading.execute(table.select()).mappings()]
            if rows:
                writing.execute(table.insert(), rows)
    origin.close()
    copy.close()


@pytest.mark.postgres
def test_postgresql_warns_of_the_same_rows(duckdb_built: Built, postgres_built: Built) -> None:
    found = warned(duckdb_built[1])
    assert {name for name, _ in found} == ODD
    assert warned(postgres_built[1]) == found


@pytest.mark.postgres
@pytest.mark.parametrize("name", MARTS)
def test_postgresql_makes_the_same_mart(
    name: str, duckdb_shop: Settings, postgres_shop: Settings, keys: dict[str, list[str]]
) -> None:
    key = keys[name]
    assert differences(read_mart(duckdb_shop, name, key), read_mart(postgres_shop, name, key)) == []


@pytest.fixture(scope="module")
def spark_shop(worked: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop built on a cluster, one executor of which was killed; and the process ids of its executors, the
    killed one first."""
    folder = tmp_path_factory.mktemp("spark")
    home = shutil.copytree(worked[0], folder / "home")
    with SparkCluster(folder / "cluster", small=True) as cluster:
        settings = settings_in(
            home,
            "",
            GROWTH_SHOP__TIMEZONE=ZONE,
            GROWTH_WAREHOUSE__SPARK_REMOTE=cluster.remote,
            GROWTH_WAREHOUSE__SPARK_FOLDER=str(folder / "shared"),
            GROWTH_WAREHOUSE__THREADS="4",
        )
        executors: list[int] = []

        def kill_one(node: str) -> None:
            if node == "int_orders":
                executors.extend(cluster.executors())
                os.kill(executors[0], signal.SIGKILL)

        result = build(loaded(settings, worked[1]), on_event=kill_one)
        executors += [pid for pid in cluster.executors() if pid not in executors]
    Warehouse.of(settings).publish()
    return settings, result, executors


SPARK = pytest.mark.skipif(bool(why_not()), reason=f"no Spark cluster can run here: {why_not()}")


@SPARK
@pytest.mark.slow
def test_spark_builds_and_tests_everything_though_an_executor_is_killed(
    spark_shop: Shop,
) -> None:
    _, result, executors = spark_shop
    assert not_passed(result) == []
    # Two of the workers, and the one that took the place of the killed.
    assert len(executors) == 3


@SPARK
@pytest.mark.slow
@pytest.mark.parametrize("name", MARTS)
def test_spark_makes_the_same_mart(
    name: str,
    duckdb_shop: Settings,
    spark_shop: Shop,
    keys: dict[str, list[str]],
) -> None:
    key = keys[name]
    assert differences(read_mart(duckdb_shop, name, key), read_mart(spark_shop[0], name, key)) == []
