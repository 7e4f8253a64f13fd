"""Outcomes on record: kept once, final after 28 days, and what turned out badly is told and counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from growth_pipelines.actions.outcomes import (
    executed_actions,
    is_due,
    longest_outcomes,
    outcomes_of,
    record_outcomes,
    standing,
    vital_outcomes,
    vitals_due,
)
from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.automatic import record_of
from growth_pipelines.mail.alarms import sentence_of
from growth_pipelines.policies.terms import AutomaticRule
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, OutboxEntry
from tests.drafts import NOW, task_draft
from tests.outcomes_read import executed, outcome_row

LATER = NOW + timedelta(days=32)


def put(store: Store, *rows: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    with store.session() as session:
        change = record_outcomes(session, rows, LATER)
    return change.read, change.final, change.negative


def state(store: Store, action: Action) -> str:
    with store.read() as session:
        return find(session, action.id).state


def test_a_reading_is_kept_once_and_28_days_make_it_measured(store: Store, settings: Settings) -> None:
    action = executed(store)
    early = outcome_row(action, 7, 30.0, "partial")
    assert put(store, early) == ((action.ref,), (), ())
    assert put(store, early) == ((), (), ())
    assert put(store, {**early, "effect": 33.0}) == ((action.ref,), (), ())
    assert state(store, action) == "executed"
    assert put(store, early, outcome_row(action, 28, 45.0, "success")) == ((action.ref,), (action.ref,), ())
    assert state(store, action) == "measured"
    with store.read() as session:
        kept = [(one.horizon_days, one.effect) for one in outcomes_of(session, action.id)]
        [known] = executed_actions(session, NOW - timedelta(days=1))
        assert not is_due(known, LATER)
        assert verify_chain(session).intact
    assert kept == [(28, 45.0), (7, 30.0)]


def test_what_can_not_be_measured_is_kept_with_its_reason_and_is_no_zero(store: Store, settings: Settings) -> None:
    action = executed(store)
    assert put(store, outcome_row(action, 28, None, None, skipped="Why not.")) == ((action.ref,), (), ())
    assert state(store, action) == "executed"


def test_the_longest_reading_that_is_known_stands_for_the_action(store: Store, settings: Settings) -> None:
    action = executed(store)

    def known() -> list[tuple[str, int, float | None]]:
        with store.read() as session:
            found = longest_outcomes(session, NOW - timedelta(days=1))
            assert longest_outcomes(session, NOW + timedelta(days=1)) == []
            return [(done.ref, one.horizon_days, one.effect) for done, one in found]

    assert known() == []
    put(store, outcome_row(action, 28, None, None, skipped="Why not."))
    assert known() == [(action.ref, 28, None)]
    revenue = {"metric": "revenue", "is_promised": False}
    put(
        store,
        outcome_row(action, 7, 3.0, "none"),
        outcome_row(action, 14, 5.0, "partial"),
        outcome_row(action, 28, 9.0, "none", **revenue),
    )
    assert known() == [(action.ref, 14, 5.0)]


def test_a_repair_is_due_until_its_vital_is_on_record_for_each_device(store: Store, settings: Settings) -> None:
    metrics = ["inp_phone", "inp_desktop"]
    other, action = executed(store, 1), executed(store, draft=task_draft(2))

    def due(days: int = 32) -> set[str]:
        with store.read() as session:
            return vitals_due(session, NOW + timedelta(days=days), metrics, 2)

    assert due() == {action.id} != {other.id}
    assert due(days=130) == set()
    vital = {"is_promised": False, "estimate": None}
    put(store, outcome_row(action, 28, 45.0, "success", metric="sessions"))
    assert state(store, action) == "measured"
    assert due() == {action.id}, "field data are known later than what was promised"
    put(store, outcome_row(action, 28, -400.0, None, metric="inp_phone", **vital))
    assert due() == {action.id}
    put(store, outcome_row(action, 28, None, None, metric="inp_desktop", skipped="No field data.", **vital))
    assert due() == set()
    assert state(store, action) == "measured"
    with store.read() as session:
        told = [(done.ref, one.metric, one.effect) for done, one in vital_outcomes(session, metrics, 5)]
        judged_by = standing(outcomes_of(session, action.id))
    assert judged_by is not None
    assert judged_by.metric == "sessions"
    assert told == [(action.ref, "inp_phone", -400.0), (action.ref, "inp_desktop", None)]


def test_a_negative_outcome_is_told_and_is_no_success_of_the_rule(store: Store, settings: Settings) -> None:
    action = executed(store)
    rule = AutomaticRule(kind="seo_ctr", enabled=True, min_confidence=0.8)
    with store.read() as session:
        assert record_of(session, rule).success == 1
    assert put(store, outcome_row(action, 7, -30.0, "negative")) == ((action.ref,), (), (action.ref,))
    with store.read() as session:
        assert record_of(session, rule).success == 0
        [told] = session.query(OutboxEntry).filter(OutboxEntry.event == "action.outcome_negative")
    assert "made things worse after 7 days: -30 clicks" in sentence_of(told)
    put(store, outcome_row(action, 28, 2.0, "inconclusive"))
    with store.read() as session:
        assert record_of(session, rule).success == 1, "the longest reading counts, not the worst of three"
