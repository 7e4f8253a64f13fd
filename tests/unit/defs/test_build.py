"""The definitions as a whole: they load, and everything in them says what it is and whose."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from growth_pipelines.defs.build import build_defs
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.settings import load_settings
from growth_pipelines.warehouse.operations_tables import TABLES as OPERATIONS


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home: Path = tmp_path_factory.mktemp("home")
    return build_defs(load_settings({"GROWTH_HOME": str(home), "GROWTH_SHOP__TIMEZONE": "America/Denver"}))


def test_definitions_load(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_raw_table_and_mart_is_an_asset(defs: dg.Definitions) -> None:
    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert {f"raw/{table}" for stream in STREAMS.values() for table in stream.tables} <= keys
    assert {"marts/fct_orders", "marts/dim_pages", "marts/fct_web_vitals", "published_warehouse"} <= keys


@pytest.mark.parametrize("name", list(RECOMMENDERS))
def test_a_recommender_is_proposals_an_external_approval_and_actions(defs: dg.Definitions, name: str) -> None:
    graph = defs.resolve_asset_graph()
    approval = graph.get(dg.AssetKey(f"{name}_approval"))
    actions = graph.get(dg.AssetKey(f"{name}_actions"))
    assert not approval.is_executable, "nothing but an operator can materialize it"
    assert approval.parent_keys == {dg.AssetKey(f"{name}_recommendations")}
    assert actions.parent_keys == {dg.AssetKey(f"{name}_recommendations"), dg.AssetKey(f"{name}_approval")}
    gate = graph.get_check_spec(dg.AssetCheckKey(dg.AssetKey(f"{name}_recommendations"), "approved_by_operator"))
    assert gate.blocking


def test_every_asset_says_what_it_is_and_whose(defs: dg.Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.group_name not in (None, "default"), spec.key
        assert spec.owners, spec.key
        assert spec.description, spec.key
        assert spec.kinds, spec.key


def test_every_check_says_what_passing_means(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    silent = [key for key in graph.asset_check_keys if not graph.get_check_spec(key).description]
    assert not silent


def test_raw_tables_and_marts_show_their_columns_and_how_old_they_may_get(defs: dg.Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        if spec.key.path[0] in ("raw", "marts"):
            assert spec.metadata["dagster/column_schema"].columns, spec.key
            # No run makes the machine's own tables: each build writes them.
            assert bool(spec.freshness_policy) != (spec.group_name == "operations"), spec.key


def test_the_machines_own_tables_are_external_and_lead_to_their_marts(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for table in OPERATIONS:
        node = graph.get(dg.AssetKey(["raw", table.name]))
        assert not node.is_executable, table.name
        assert not node.parent_keys, table.name
        assert "at each build" in str(node.description)
        assert node.child_keys, f"no model reads {table.name}"
    assert (
        dg.AssetKey(["raw", "growth_actions"])
        in graph.get(dg.AssetKey(["staging", "stg_growth__actions"])).parent_keys
    )


def test_every_source_of_a_model_is_an_asset_of_its_own(defs: dg.Definitions) -> None:
    """Dagster makes up an asset for a parent that nobody defines: without words, group or owner."""
    named = {spec.key for spec in defs.resolve_all_asset_specs()}
    assert {
        parent for spec in defs.resolve_all_asset_specs() for parent in (dep.asset_key for dep in spec.deps)
    } <= named


def test_names_on_the_lineage_differ_in_their_last_part(defs: dg.Definitions) -> None:
    names = [spec.key.path[-1] for spec in defs.resolve_all_asset_specs()]
    assert len(names) == len(set(names))


def test_jobs_sensors_and_schedules_are_these_and_run_from_the_start(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    expected = {"daily_cycle", "ingest_sources", "build_models", "detect_regressions", "recommend_actions"}
    expected |= {
        "compare_builds",
        "measure_outcomes",
        "rank_queue",
        "read_experiments",
        "repair_regressions",
        "recheck_approvals",
        "roll_back_requested",
    }
    expected |= {"publish_audit_head", "learn_from_decisions"}
    expected |= {f"{verb}_{name}" for verb in ("act_on", "recheck", "approve") for name in RECOMMENDERS}
    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == expected
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "outbox_sensor",
        "reconciler_sensor",
        "refresh_sensor",
        "run_alarm_sensor",
        "regression_sensor",
        "watch_sensor",
        "expiry_sensor",
        "approval_clock_sensor",
        "rollback_sensor",
        *(f"{name}_approval_sensor" for name in RECOMMENDERS),
    }
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in repository.sensor_defs)
    daily = repository.get_schedule_def("daily_cycle_schedule")
    assert (daily.cron_schedule, daily.execution_timezone) == ("0 6 * * *", "America/Denver")
    assert daily.default_status is dg.DefaultScheduleStatus.RUNNING


def test_everything_that_writes_the_warehouse_or_the_shop_takes_its_turn(defs: dg.Definitions) -> None:
    pools = {
        op.name: op.pool
        for asset in defs.assets or []
        if isinstance(asset, dg.AssetsDefinition)
        for op in [asset.op]
    }
    assert {name for name, pool in pools.items() if pool == "warehouse"} == {
        "ingest",
        "orders_by_month",
        "search_by_month",
        "dbt_build",
        "incremental_agreement",
        "marts__fct_customer_lifetime_value",
        "published_warehouse",
    }
    writers = {f"{name}_actions" for name in RECOMMENDERS} | {"rolled_back_actions"}
    assert {name for name, pool in pools.items() if pool == "shop_writes"} == writers


def test_no_secret_is_in_any_definition(tmp_path: Path) -> None:
    environment = {
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_SHOPIFY__ACCESS_TOKEN": "shpat_hidden",
        "GROWTH_DATABASE_URL": "postgresql://ada:shpat_hidden@h/d",
    }
    defs = build_defs(load_settings(environment))
    from dagster._core.remote_representation.external_data import RepositorySnap

    assert "shpat_hidden" not in dg.serialize_value(RepositorySnap.from_def(defs.get_repository_def()))
