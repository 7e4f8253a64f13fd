"""One definition a metric: on a random shop its formula gives what the mart's column holds."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pandas as pd
import pytest

from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from growth_pipelines.warehouse.dbt_project import PROJECT

from .raw_rows import load, random_shop, settings_for

pytestmark = pytest.mark.xdist_group("metrics")
with (PROJECT / "seeds" / "metrics.csv").open(encoding="utf-8", newline="") as file:
    METRICS = {row["metric"]: row for row in csv.DictReader(file)}
MARTS = {path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")}
HELD = [name for name, row in METRICS.items() if row["column_name"] and row["mart"] in MARTS]
COMPUTED = [name for name, row in METRICS.items() if not row["column_name"]]
# Whether the project's tests pass on such a shop is what test_marts asks.
MODELS = [
    f"+{name}" for name in sorted({row[part] for row in METRICS.values() for part in ("mart", "parts_from")})
]
MODELS.append("metrics")
# Days without an order are rows of the daily mart and of no group of orders.
COUNTS = {"net_sales", "orders", "new_customers"}


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def marts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WarehouseConnection]:
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else ""
    settings = settings_for(tmp_path_factory.mktemp("home"), url)
    load(settings, random_shop(seed=5))
    assert build(settings, MODELS, data_tests=False).ok
    Warehouse.of(settings).publish()
    with Warehouse.of(settings).read() as connection:
        yield connection


def computed(marts: WarehouseConnection, row: dict[str, str]) -> pd.DataFrame:
    grain, formula = row["grain"], row["formula"]
    sql = f"select {grain}, {formula} as metric_value from marts.{row['parts_from']} group by {grain}"
    return marts.frame(sql)


def test_the_metrics_that_people_ask_for_are_defined() -> None:
    asked = {"aov", "cvr", "ctr", "ltv", "quick_ratio", "retention", "net_sales", "orders", "sessions", "clicks"}
    assert asked | {"impressions", "new_customers", "returning_share"} == set(METRICS)
    assert all(row["definition"].endswith(".") and row["unit"] and row["label"] for row in METRICS.values())
    # Growth accounting is a mart to come; its ratio is held against it as soon as it is there.
    assert {row["mart"] for row in METRICS.values()} - MARTS <= {"fct_growth_accounting"}


@pytest.mark.parametrize("name", HELD)
def test_a_metric_is_what_its_mart_holds(marts: WarehouseConnection, name: str) -> None:
    row = METRICS[name]
    keys = row["grain"].split(", ")
    stored = marts.frame(f"select {row['grain']}, {row['column_name']} as stored_value from marts.{row['mart']}")
    both = stored.merge(computed(marts, row), on=keys, how="outer", indicator=True)
    assert len(both) == len(stored) > 20
    if name in COUNTS:
        both["metric_value"] = both["metric_value"].fillna(0)
    assert (both["_merge"] != "right_only").all()
    same = (both["stored_value"] - both["metric_value"]).abs() <= 1e-9 * both["stored_value"].abs() + 1e-12
    assert (same | (both["stored_value"].isna() & both["metric_value"].isna())).all()
    assert (both["stored_value"] > 0).sum() > 10, "the claim is about rows with something in them"


@pytest.mark.parametrize("name", COMPUTED)
def test_a_ratio_that_no_mart_holds_is_one(marts: WarehouseConnection, name: str) -> None:
    values = computed(marts, METRICS[name])["metric_value"].dropna()
    assert len(values) > 10
    assert values.between(0, 1).all()
    assert values.nunique() > 3


def test_the_definitions_can_be_read_in_the_warehouse(marts: WarehouseConnection) -> None:
    assert set(marts.frame("select metric from staging.metrics")["metric"]) == set(METRICS)
