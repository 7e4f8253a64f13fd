"""Sensors fire for what they watch, once, and are silent otherwise."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from growth_pipelines.defs.applications import OUTBOX_MARK
from growth_pipelines.defs.jobs import FULL_CYCLE_TAG
from growth_pipelines.defs.machine import Machine
from growth_pipelines.defs.reports import deliver_outbox
from growth_pipelines.settings import Settings
from growth_pipelines.store.outbox import undelivered

from .conftest import NOW, Desk


def _marks(desk: Desk) -> list[object]:
    events = desk.instance.fetch_materializations(dg.AssetKey("seo_ctr_approval"), limit=50).records
    return [record.asset_materialization.metadata[OUTBOX_MARK].value for record in events]


def test_a_decision_made_elsewhere_is_shown_in_dagster_once(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    desk.tick("outbox_sensor")
    assert len(_marks(desk)) == 1
    assert desk.gate().passed
    desk.tick("outbox_sensor")
    assert len(_marks(desk)) == 1
    with desk.store.read() as session:
        assert undelivered(session, 10) == []


def test_a_delivery_that_was_interrupted_before_it_was_noted_is_not_shown_twice(desk: Desk) -> None:
    desk.decide(desk.propose())
    deliver_outbox(desk.machine, desk.instance, ["seo_ctr"])
    with desk.store.session() as session:
        session.connection().exec_driver_sql("UPDATE outbox SET delivered_at = NULL")
    deliver_outbox(desk.machine, desk.instance, ["seo_ctr"])
    assert len(_marks(desk)) == 1


def test_a_forged_mark_of_any_kind_holds_up_no_delivery(desk: Desk) -> None:
    desk.decide(desk.propose())
    for mark in (dg.MetadataValue.json({"seq": 1}), dg.MetadataValue.json([1]), "1"):
        event = dg.AssetMaterialization("seo_ctr_approval", metadata={OUTBOX_MARK: mark})
        desk.instance.report_runless_asset_event(event)
    deliver_outbox(desk.machine, desk.instance, ["seo_ctr"])
    assert len(_marks(desk)) == 4


def test_an_approval_made_elsewhere_is_executed_and_asked_for_once_an_hour(desk: Desk) -> None:
    desk.decide(desk.propose())
    first = desk.tick("seo_ctr_approval_sensor").run_requests
    again = desk.tick("seo_ctr_approval_sensor").run_requests
    assert first is not None
    assert again is not None
    assert [request.run_key for request in first] == [request.run_key for request in again], (
        "Dagster runs a key once"
    )


def test_nothing_is_started_while_writes_are_paused(desk: Desk) -> None:
    from growth_pipelines.actions.brake import pause

    desk.decide(desk.propose())
    pause(desk.store, actor="ada", channel="cli", reason="stocktaking", now=NOW)
    assert not desk.tick("seo_ctr_approval_sensor").run_requests


def test_a_rollback_that_was_asked_for_is_carried_out(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    assert not desk.tick("rollback_sensor").run_requests
    desk.run("act_on_seo_ctr")
    desk.decide(desk.action(action.id), "rollback", reason="sales fell")
    assert desk.tick("rollback_sensor").run_requests
    assert desk.run("roll_back_requested").success
    assert desk.action(action.id).state == "rolled_back"
    assert not desk.tick("rollback_sensor").run_requests


def test_an_action_past_its_time_is_expired(desk: Desk) -> None:
    action = desk.propose()
    assert not desk.tick("expiry_sensor").run_requests
    later = _at(desk, days=8)
    assert later.tick("expiry_sensor").run_requests
    assert later.run("rank_queue").success
    assert desk.action(action.id).state == "expired"
    assert not later.tick("expiry_sensor").run_requests


def test_a_deferred_action_comes_back_on_its_date(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action, "defer", until=(NOW + timedelta(days=3)).date())
    assert not _at(desk, days=1).tick("expiry_sensor").run_requests
    later = _at(desk, days=4)
    assert later.tick("expiry_sensor").run_requests
    assert later.run("rank_queue").success
    assert desk.action(action.id).state == "pending"


def _at(desk: Desk, days: int) -> Desk:
    """The same desk some days later."""
    settings: Settings = desk.settings.model_copy(update={"now": NOW + timedelta(days=days)})
    assert Machine(settings).now == NOW + timedelta(days=days)
    return Desk(desk.shop, settings, desk.instance, desk.products)


def _happened(desk: Desk, *key: str) -> None:
    desk.instance.report_runless_asset_event(dg.AssetMaterialization(key))


def test_data_that_arrive_outside_of_a_cycle_start_a_regression_check_once_published(desk: Desk) -> None:
    _happened(desk, "raw", "crux_history")
    assert not desk.tick("regression_sensor").run_requests, "the models are not there yet"
    _happened(desk, "published_warehouse")
    answer = desk.tick("regression_sensor")
    assert len(answer.run_requests or []) == 1
    assert not desk.tick("regression_sensor", answer.cursor).run_requests
    _happened(desk, "raw", "search_page_daily")
    assert not desk.tick("regression_sensor", answer.cursor).run_requests
    _happened(desk, "published_warehouse")
    assert desk.tick("regression_sensor", answer.cursor).run_requests


def test_data_of_a_full_cycle_start_no_second_regression_check(desk: Desk) -> None:
    @dg.asset(key=["raw", "crux_history"])
    def vitals() -> None:
        return None

    dg.materialize([vitals], instance=desk.instance, tags={FULL_CYCLE_TAG: "daily"})
    assert not desk.tick("regression_sensor").run_requests
