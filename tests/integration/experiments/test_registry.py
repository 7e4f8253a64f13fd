"""The register: states only move as declared, nothing shows without an approval, everything is in the chain."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.experiments.declaration import BadExperiment
from growth_pipelines.actions.experiments.proposals import NotProposed, propose_promotion, propose_start
from growth_pipelines.actions.experiments.registry import (
    MayNotExperiment,
    decide_experiment,
    experiments,
    find_experiment,
    history,
    operator_move,
    ramp,
)
from growth_pipelines.actions.experiments.states import NoSuchMove
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.rollback import roll_back
from growth_pipelines.approvals.at_once import sentence_of
from growth_pipelines.readouts.keeping import keep_readings
from growth_pipelines.readouts.supervision import supervise
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import OutboxEntry
from tests.drafts import NOW, decided, settings_in, with_operator
from tests.experiments_declared import begun, declaration, fresh, read_after, registered, started
from tests.new_stores import new_store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Settings]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    settings = settings_in(tmp_path, url, GROWTH_ACTIONS__MODE="live")
    store = new_store(settings)
    with_operator(store, settings)
    return store, settings


def test_the_day_of_what_is_asked_for_is_the_shops(tmp_path: Path) -> None:
    """In Sydney the afternoon of UTC is the next morning."""
    settings = settings_in(tmp_path, GROWTH_SHOP__TIMEZONE="Australia/Sydney", GROWTH_SHOP__DOMAIN="demo.example")
    store = new_store(settings)
    with_operator(store, settings)
    action_id = propose_start(store, settings, registered(store, declaration(), NOW), NOW)
    with store.read() as session:
        [seen] = find(session, action_id).evidence
    assert (seen["start"], seen["end"]) == ("2026-11-23", "2026-11-23")
    store.close()


def test_an_experiment_starts_only_by_an_approved_action_and_a_rollback_stops_it(
    machine: tuple[Store, Settings],
) -> None:
    store, settings = machine
    row = registered(store, declaration(), NOW)
    action_id = propose_start(store, settings, row, NOW)
    [result] = execute_approved(store, settings, only=[action_id], now=NOW)
    assert (result.status, fresh(store, row.key).status) == ("refused", "draft")
    with store.read() as session:
        action = find(session, action_id)
    decided(store, settings, action, "approve", now=NOW)
    [result] = execute_approved(store, settings, only=[action_id], now=NOW)
    assert result.status == "executed", result.message
    running = fresh(store, row.key)
    assert (running.status, running.coverage, running.started_at) == ("running", 0.1, NOW)
    with store.read() as session:
        action = find(session, action_id)
    decided(store, settings, action, "rollback", now=NOW, reason="the bar covers the menu")
    assert roll_back(store, settings, action_id, now=NOW).status == "rolled_back"
    assert fresh(store, row.key).status == "stopped"
    with store.read() as session:
        told = [event["event"] for event in history(session, fresh(store, row.key))]
        assert told == ["created", "started", "stopped"]
        assert verify_chain(session).intact


def test_a_ramp_waits_a_day_and_never_touches_weights(machine: tuple[Store, Settings]) -> None:
    store, settings = machine
    row = registered(store, declaration(), NOW)
    started(store, settings, row, NOW)
    for hours, raised in ((23.9, False), (24, True), (48, False)):
        with store.session() as session:
            at = NOW + timedelta(hours=hours)
            assert ramp(session, find_experiment(session, row.key), actor="m", channel="m", now=at) is raised
    after = fresh(store, row.key)
    assert (after.coverage, after.arms) == (1.0, row.arms)


def test_a_winner_goes_to_everybody_by_approval_and_comes_back_by_rollback(
    machine: tuple[Store, Settings],
) -> None:
    store, settings = machine
    row = registered(store, declaration(), NOW)
    started(store, settings, row, NOW)
    with pytest.raises(NotProposed):
        propose_promotion(store, settings, fresh(store, row.key), "bar", NOW)
    with store.session() as session:
        operator_move(session, row.key, "stop", actor="bo", channel="cli", now=NOW, reason="planned end")
    with store.session() as session:
        reading = {"status": "ship", "data_digest": "0" * 64}
        decide_experiment(session, find_experiment(session, row.key), reading, actor="bo", channel="cli", now=NOW)
    with pytest.raises(NotProposed):
        propose_promotion(store, settings, fresh(store, row.key), "nobody", NOW)
    action_id = propose_promotion(store, settings, fresh(store, row.key), "bar", NOW)
    for decision, more in (("approve", {}), ("rollback", {"reason": "orders fell"})):
        with store.read() as session:
            action = find(session, action_id)
        decided(store, settings, action, decision, now=NOW, **more)
        if decision == "approve":
            execute_approved(store, settings, only=[action_id], now=NOW)
            assert fresh(store, row.key).promoted == "bar"
    assert roll_back(store, settings, action_id, now=NOW).status == "rolled_back"
    assert (fresh(store, row.key).promoted, fresh(store, row.key).status) == ("", "decided")


def test_a_start_that_was_rolled_back_keeps_no_promotion_from_being_asked_for(
    machine: tuple[Store, Settings],
) -> None:
    store, settings = machine
    row = registered(store, declaration(), NOW)
    start = started(store, settings, row, NOW)
    with store.session() as session:
        operator_move(session, row.key, "stop", actor="bo", channel="cli", now=NOW, reason="planned end")
    with store.session() as session:
        reading = {"status": "ship", "data_digest": "0" * 64}
        decide_experiment(session, find_experiment(session, row.key), reading, actor="bo", channel="cli", now=NOW)
    undone(store, settings, start)
    promotion = propose_promotion(store, settings, fresh(store, row.key), "bar", NOW)
    with store.read() as session:
        action = find(session, promotion)
    decided(store, settings, action, "approve", now=NOW)
    execute_approved(store, settings, only=[promotion], now=NOW)
    undone(store, settings, promotion)
    with pytest.raises(NotProposed, match="was rolled back"):
        propose_promotion(store, settings, fresh(store, row.key), "bar", NOW)


def undone(store: Store, settings: Settings, action_id: str) -> None:
    """The action after its rollback."""
    with store.read() as session:
        action = find(session, action_id)
    decided(store, settings, action, "rollback", now=NOW, reason="orders fell")
    assert roll_back(store, settings, action_id, now=NOW).status == "rolled_back"


def test_a_stop_by_the_machine_and_sizes_that_no_longer_fit_are_told_once(machine: tuple[Store, Settings]) -> None:
    store, settings = machine
    harmful = begun(store, settings, NOW, planned_units=40_000)
    unfit = begun(store, settings, NOW, key="unfit", planned_units=40_000)
    for _ in range(2):
        with store.session() as session:
            read = {
                harmful.key: read_after(harmful, 14, rail=-0.5),
                unfit.key: read_after(unfit, 14, counts=(21_000, 19_000)),
            }
            supervise(session, read, NOW)
            keep_readings(session, experiments(session), read, NOW.date(), NOW)
    with store.read() as session:
        told = [said for entry in session.query(OutboxEntry) if (said := sentence_of(entry))]
    assert len(told) == 2, told
    assert (
        "free-shipping-bar was stopped by the machine: bar: a guardrail is broken (sessions)" in told[0] + told[1]
    )
    assert "arms of the experiment unfit do not fit" in told[0] + told[1]
    assert fresh(store, harmful.key).status == "stopped"
    assert fresh(store, unfit.key).status == "running"


@pytest.mark.parametrize(
    "flaw",
    [
        {"key": "Two Words"},
        {"hypothesis": "short"},
        {"arms": (("control", 1.0),)},
        {"arms": (("a", 1.0), ("a", 1.0))},
        {"arms": (("a", 1.0), ("b", 0.0))},
        {"arms": (("a", 1.0), ("b", float("nan")))},
        {"metric_kind": "median"},
        {"minimum_effect": 0.0},
        {"coverage_goal": 1.5},
    ],
)
def test_what_cannot_be_run_is_not_registered(tmp_path: Path, flaw: dict[str, object]) -> None:
    settings = settings_in(tmp_path)
    store = new_store(settings)
    with_operator(store, settings)
    with pytest.raises(BadExperiment):
        registered(store, declaration(**flaw), NOW)
    store.close()


def test_a_key_is_used_once_and_only_operators_register(machine: tuple[Store, Settings]) -> None:
    store, _ = machine
    registered(store, declaration(), NOW)
    with pytest.raises(BadExperiment):
        registered(store, declaration(), NOW)
    with pytest.raises(MayNotExperiment):
        registered(store, declaration("other"), NOW, actor="nobody")
    with store.session() as session, pytest.raises(NoSuchMove):
        operator_move(session, "free-shipping-bar", "pause", actor="bo", channel="cli", now=NOW, reason="why")
