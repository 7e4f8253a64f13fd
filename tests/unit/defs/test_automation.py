"""What is refreshed by itself, when, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from growth_pipelines.defs.automation import CRONS
from growth_pipelines.defs.build import build_defs
from growth_pipelines.settings import load_settings

START = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)  # a Friday, 05:00 in Denver
CONSEQUENCES = (
    "_recommendations",
    "_approval",
    "_actions",
    "_regressions",
    "_watch",
    "incidents",
    "action_queue",
    "rolled_back",
)


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home: Path = tmp_path_factory.mktemp("home")
    return build_defs(load_settings({"GROWTH_HOME": str(home), "GROWTH_SHOP__TIMEZONE": "America/Denver"}))


class Evaluations:
    """Evaluations one after the other on one instance, the first of which saw nothing yet."""

    def __init__(self, defs: dg.Definitions) -> None:
        self._defs = defs
        self.instance = dg.DagsterInstance.ephemeral()
        self._keys = defs.resolve_asset_graph().get_all_asset_keys()
        self._cursor = dg.evaluate_automation_conditions(defs, self.instance, evaluation_time=START).cursor

    def requested(self, at: datetime) -> set[str]:
        result = dg.evaluate_automation_conditions(
            self._defs, self.instance, cursor=self._cursor, evaluation_time=at
        )
        self._cursor = result.cursor
        return {key.to_user_string() for key in self._keys if result.get_num_requested(key)}

    def happened(self, *keys: str) -> None:
        for key in keys:
            event = dg.AssetMaterialization(dg.AssetKey.from_user_string(key))
            self.instance.report_runless_asset_event(event)


@pytest.fixture
def evaluations(defs: dg.Definitions) -> Evaluations:
    return Evaluations(defs)


def test_orders_are_read_each_hour_and_all_that_is_made_of_them_follows_in_the_same_run(
    evaluations: Evaluations,
) -> None:
    assert evaluations.requested(START + timedelta(minutes=36)) == set()
    asked = evaluations.requested(START + timedelta(minutes=38))
    assert {"raw/orders", "raw/refunds", "marts/fct_orders", "marts/fct_shop_daily"} <= asked
    assert "marts/fct_customer_lifetime_value" in asked
    assert "published_warehouse" in asked
    assert not asked & {"raw/search_page_daily", "raw/crux_history", "raw/products"}
    assert evaluations.requested(START + timedelta(minutes=39)) == set()
    assert "raw/orders" in evaluations.requested(START + timedelta(minutes=98))


@pytest.mark.parametrize(
    ("table", "tick"),
    [
        ("raw/search_page_daily", datetime(2026, 11, 27, 22, 12, tzinfo=UTC)),  # 15:12 in Denver
        ("raw/crux_history", datetime(2026, 12, 1, 16, 12, tzinfo=UTC)),  # Tuesday, 09:12 in Denver
    ],
)
def test_search_is_read_daily_and_vitals_weekly_in_the_shops_zone(
    defs: dg.Definitions, table: str, tick: datetime
) -> None:
    evaluations = Evaluations(defs)
    assert table not in evaluations.requested(tick - timedelta(minutes=1))
    assert table in evaluations.requested(tick + timedelta(minutes=1))


def test_new_data_rebuild_what_is_made_of_them_and_nothing_else(evaluations: Evaluations) -> None:
    evaluations.happened("raw/psi_runs")
    asked = evaluations.requested(START + timedelta(minutes=5))
    assert {"marts/fct_lab_runs", "published_warehouse"} <= asked
    assert "staging/stg_shopify__orders" not in asked
    assert not any(key.startswith("raw/") for key in asked)


def test_what_a_run_has_built_already_is_not_built_again(evaluations: Evaluations) -> None:
    """The daily cycle reads and builds in one run."""

    @dg.asset(key=["raw", "psi_runs"])
    def raw() -> None: ...

    @dg.asset(key=["staging", "stg_psi__runs"], deps=[raw])
    def staged() -> None: ...

    dg.materialize([raw, staged], instance=evaluations.instance)
    assert "staging/stg_psi__runs" not in evaluations.requested(START + timedelta(minutes=5))


def test_nothing_with_a_consequence_is_automated(defs: dg.Definitions) -> None:
    automated = [s.key.to_user_string() for s in defs.resolve_all_asset_specs() if s.automation_condition]
    assert "marts/fct_orders" in automated
    assert not [key for key in automated if "/" not in key and any(part in key for part in CONSEQUENCES)]


def test_checks_ride_along_with_what_is_refreshed(defs: dg.Definitions) -> None:
    """Dagster runs all checks of a requested asset only while none of them has a condition of its own."""
    graph = defs.resolve_asset_graph()
    assert not [key for key in graph.asset_check_keys if graph.get(key).automation_condition]


def test_no_cadence_falls_on_the_daily_cycle() -> None:
    assert all(not cron.startswith("0 6 ") for cron in CRONS.values())
