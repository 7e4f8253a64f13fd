"""One text of SQL on three engines: every mart of the same shop, row by row.

Apache Spark runs as a cluster of processes, and one of them is killed in the middle of the build.
"""

from __future__ import annotations

import os
import signal

import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse import dbt
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build
from tests.spark_cluster import SparkCluster, why_not

from .mart_comparison import differences, keys_of_marts, read_mart
from .raw_rows import TODAY, Rows, limit_orders, load, random_shop, settings_for

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("engines")
ROWS: Rows = random_shop(seed=5)
MARTS = sorted(path.stem for path in (dbt.PROJECT / "models" / "marts").rglob("*.sql"))


def loaded(settings: Settings) -> Settings:
    load(settings, ROWS)
    limit_orders(settings, TODAY.replace(month=3, day=1), "no more can be read")
    return settings


def not_passed(result: BuildResult) -> list[tuple[str, str]]:
    return [(node.name, node.message) for node in result.results if node.status not in ("success", "pass")]


@pytest.fixture(scope="module")
def duckdb_shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = loaded(settings_for(tmp_path_factory.mktemp("duckdb")))
    assert not_passed(build(settings)) == []
    Warehouse.of(settings).publish()
    return settings


@pytest.fixture(scope="module")
def keys(duckdb_shop: Settings) -> dict[str, list[str]]:
    return keys_of_marts(duckdb_shop)


def test_every_mart_is_compared_and_nearly_all_have_rows_to_compare(
    duckdb_shop: Settings, keys: dict[str, list[str]]
) -> None:
    assert sorted(keys) == MARTS
    assert {name for name in MARTS if not len(read_mart(duckdb_shop, name, keys[name]))} == set()


@pytest.fixture(scope="module")
def postgres_shop(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = loaded(settings_for(tmp_path_factory.mktemp("postgres"), module_postgres_url))
    assert not_passed(build(settings)) == []
    return settings


@pytest.mark.postgres
@pytest.mark.parametrize("name", MARTS)
def test_postgresql_makes_the_same_mart(
    name: str, duckdb_shop: Settings, postgres_shop: Settings, keys: dict[str, list[str]]
) -> None:
    key = keys[name]
    assert differences(read_mart(duckdb_shop, name, key), read_mart(postgres_shop, name, key)) == []


@pytest.fixture(scope="module")
def spark_shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, BuildResult, list[int]]:
    """The shop built on a cluster, one executor of which was killed; and the process ids of its executors, the
    killed one first."""
    folder = tmp_path_factory.mktemp("spark")
    with SparkCluster(folder / "cluster", small=True) as cluster:
        settings = loaded(
            settings_for(
                folder / "home",
                GROWTH_WAREHOUSE__SPARK_REMOTE=cluster.remote,
                GROWTH_WAREHOUSE__SPARK_FOLDER=str(folder / "shared"),
                GROWTH_WAREHOUSE__THREADS="4",
            )
        )
        executors: list[int] = []

        def kill_one(node: str) -> None:
            if node == "int_orders":
                executors.extend(cluster.executors())
                os.kill(executors[0], signal.SIGKILL)

        result = build(settings, on_event=kill_one, unit_tests=True)
        executors += [pid for pid in cluster.executors() if pid not in executors]
    Warehouse.of(settings).publish()
    return settings, result, executors


SPARK = pytest.mark.skipif(bool(why_not()), reason=f"no Spark cluster can run here: {why_not()}")


@SPARK
@pytest.mark.slow
def test_spark_builds_and_tests_everything_though_an_executor_is_killed(
    spark_shop: tuple[Settings, BuildResult, list[int]],
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
    spark_shop: tuple[Settings, BuildResult, list[int]],
    keys: dict[str, list[str]],
) -> None:
    key = keys[name]
    assert differences(read_mart(duckdb_shop, name, key), read_mart(spark_shop[0], name, key)) == []
