"""The lifetime value in the warehouse: what it reads, writes and says, on both engines."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from growth_pipelines.defs.assets.lifetime_value import FORESEEN, LIFETIME_VALUE, _judged, lifetime_value
from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.machine import Machine
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.customer_values import COLUMNS, replace_values, value_customers
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.lifetime_value import back_test
from growth_pipelines.warehouse.lifetime_value import lifetime_value as pure
from tests.integration.warehouse.raw_rows import SHOP, TODAY, settings_for

from .conftest import QUIET

FIRST = date(2025, 9, 1)
ENGINES = ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)]


def random_orders(seed: int = 1, customers: int = 900) -> pd.DataFrame:
    """customer_key, date_day, net_cents, refund_cents: some come back, some are guests, some get money back."""
    rng = np.random.default_rng(seed)
    span = (TODAY - FIRST).days
    rows = []
    for number in range(customers):
        day, rate, leaving = rng.integers(0, span), rng.gamma(0.9) / 60, rng.beta(0.8, 2.5)
        while day <= span:
            net = int(rng.gamma(3, 2000))
            refund = int(net * 1.1) if rng.random() < 0.04 else 0
            rows.append((f"c{number}", FIRST + timedelta(days=int(day)), net, refund))
            if rng.random() < leaving:
                break
            day += 1 + int(rng.exponential(1 / rate))
    rows += [(None, FIRST + timedelta(days=int(day)), 5000, 0) for day in rng.integers(0, span, 50)]
    return pd.DataFrame(rows, columns=["customer_key", "date_day", "net_cents", "refund_cents"])


def load_marts(settings: Settings, orders: pd.DataFrame, covered_to: date | None) -> None:
    """The two marts that are read, with the columns that are read."""
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    types = "shop_id varchar, currency varchar, customer_key varchar, date_day date, net_cents bigint"
    with warehouse.write() as connection:
        connection.execute(f"create table marts.fct_orders ({types}, refund_cents bigint)")
        connection.execute(
            "create table marts.dim_data_coverage (shop_id varchar, stream varchar, covered_to timestamp)"
        )
        rows = [
            (SHOP, "USD", None if key != key else key, *rest)
            for key, *rest in orders.itertuples(index=False, name=None)
        ]
        sql = "insert into marts.fct_orders values (?, ?, ?, ?, ?, ?)"
        if rows and connection.engine == "duckdb":
            connection.native.executemany(sql, rows)
        elif rows:
            connection.native.cursor().executemany(sql.replace("?", "%s"), rows)
        connection.execute(
            "insert into marts.dim_data_coverage values (?, 'orders', ?), (?, 'products', null)",
            [SHOP, covered_to, SHOP],
        )


def settings_on(engine: str, home: Path, request: pytest.FixtureRequest) -> Settings:
    return settings_for(home, request.getfixturevalue("postgres_url") if engine == "postgres" else "")


def written(settings: Settings) -> pd.DataFrame:
    with Warehouse.of(settings).write() as connection:
        frame = connection.frame("select * from marts.fct_customer_lifetime_value order by customer_key")
    assert list(frame.columns) == list(COLUMNS)
    return frame


def materialized(settings: Settings) -> tuple[dict[str, Any], dg.AssetCheckEvaluation]:
    asset = lifetime_value("What they are worth.", dg.TableSchema([]), "duckdb")
    result = dg.materialize([asset], resources={"machine": Machine(settings)}, run_config=QUIET)
    (event,) = result.asset_materializations_for_node("marts__fct_customer_lifetime_value")
    (check,) = result.get_asset_check_evaluations()
    return {name: value.value for name, value in event.metadata.items()}, check


@pytest.mark.parametrize("engine", ENGINES)
def test_the_table_is_what_the_pure_function_says(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = settings_on(engine, tmp_path, request)
    orders = random_orders()
    load_marts(settings, orders, TODAY)
    metadata, check = materialized(settings)
    told = written(settings)
    # Independently: guests out, no more is given back than the order's net, yesterday is the last whole day.
    known = orders.dropna(subset="customer_key")
    refunds = known[known["refund_cents"] > 0]
    back = refunds.assign(amount=-np.minimum(refunds["refund_cents"], refunds["net_cents"]))
    rows = pd.concat([known.assign(amount=known["net_cents"]), back]).rename(
        columns={"customer_key": "customer_id", "date_day": "date"}
    )
    expected = pure(rows, TODAY - timedelta(days=1), 365).sort_values("customer_id")
    assert list(told["customer_key"]) == list(expected["customer_id"])
    assert told["expected_purchases"].to_numpy() == pytest.approx(
        expected["expected_purchases"].to_numpy(), rel=1e-9
    )
    for cents, name in (("expected_value_cents", "expected_value"), ("low_cents", "low"), ("high_cents", "high")):
        assert told[cents].dtype == "int64"
        assert np.abs(told[cents].to_numpy() - expected[name].to_numpy()).max() <= 0.5 + 1e-6
    assert set(told["shop_id"]) == {SHOP}
    assert set(told["currency"]) == {"USD"}
    assert {str(day)[:10] for day in told["as_of"]} == {(TODAY - timedelta(days=1)).isoformat()}
    assert set(told["horizon_days"]) == {365}
    assert told["p_alive"].between(0, 1).all()
    assert metadata["dagster/row_count"] == metadata["customers"] == len(told)
    assert metadata["back_test_window"] == "24 Aug – 21 Nov 2026"
    assert "data:image/svg+xml" in metadata["calibration"]
    assert {record.data["forecast"] for record in metadata["back_test"].records} == {
        *("model", "mean_rate", "last_period")
    }
    assert 0.85 < metadata["coverage_of_90_percent_intervals"] <= 1
    assert check.passed
    # A second time replaces the rows.
    materialized(settings)
    pd.testing.assert_frame_equal(told, written(settings))


@pytest.mark.parametrize("engine", ENGINES)
def test_what_fails_half_way_leaves_yesterdays_rows(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = settings_on(engine, tmp_path, request)
    load_marts(settings, random_orders(customers=30), TODAY)
    materialized(settings)
    before = written(settings)
    with Warehouse.of(settings).writer() as connection:
        shops = value_customers(connection, TODAY, 90)
        shops[0].values["low_cents"] = "not a number"
        with pytest.raises(Exception, match="not a number"), connection.transaction():
            replace_values(connection, shops)
    pd.testing.assert_frame_equal(before, written(settings))


def test_days_that_were_not_read_are_no_silence(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    orders = random_orders(customers=300)
    load_marts(settings, orders[orders["date_day"] <= date(2026, 9, 1)], date(2026, 9, 11))
    metadata, _ = materialized(settings)
    assert metadata["as_of"] == "2026-09-10"


@pytest.mark.parametrize("covered_to", [None, TODAY])
def test_a_shop_without_orders_has_an_empty_table(tmp_path: Path, covered_to: date | None) -> None:
    settings = settings_for(tmp_path)
    load_marts(settings, random_orders()[:0], covered_to)
    metadata, check = materialized(settings)
    assert written(settings).empty
    assert metadata["dagster/row_count"] == 0
    assert check.passed


def test_a_young_shop_is_told_that_nothing_was_tested(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    orders = random_orders(customers=40)
    load_marts(settings, orders[orders["date_day"] >= TODAY - timedelta(days=40)], TODAY)
    metadata, check = materialized(settings)
    assert metadata["model"] == "average customer"
    assert metadata["back_test"] == "The history is too short for one."
    assert check.passed
    assert check.description == "The history is too short to keep days from the model."


def test_a_back_test_out_of_bounds_warns_and_blocks_nothing() -> None:
    """Every customer stops at once: no history could have told."""
    rows = (
        random_orders()
        .dropna(subset="customer_key")
        .rename(columns={"customer_key": "customer_id", "date_day": "date", "net_cents": "amount"})
    )
    end = TODAY - timedelta(days=90)
    assert _judged(back_test(rows, end, 90)).passed
    few = rows[(pd.to_datetime(rows["date"]) <= pd.Timestamp(end)) | (rows["customer_id"].isin(["c1", "c2"]))]
    judged = _judged(back_test(few, end, 90))
    assert not judged.passed
    assert judged.severity is dg.AssetCheckSeverity.WARN
    assert "When not to trust it" in judged.metadata["recovery"].value


def test_it_is_built_with_the_models_and_before_publication(tmp_path: Path) -> None:
    defs = build_defs(settings_for(tmp_path))
    graph = defs.resolve_asset_graph()
    assert graph.get(LIFETIME_VALUE).parent_keys == {
        dg.AssetKey(["marts", name]) for name in ("fct_orders", "dim_data_coverage")
    }
    assert LIFETIME_VALUE in graph.get(dg.AssetKey("published_warehouse")).parent_keys
    for job in ("build_models", "daily_cycle"):
        layer = defs.resolve_job_def(job).asset_layer
        assert LIFETIME_VALUE in layer.selected_asset_keys
        assert FORESEEN in layer.asset_graph.asset_check_keys
