"""The executor's own proof: rows that merely say "approved" carry no authority."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from growth_pipelines.actions.authority import Authority, authority, rollback_authority
from growth_pipelines.actions.brake import pause, resume
from growth_pipelines.actions.lifecycle import record, revise, transition
from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.operators import add_operator, remove_operator
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent
from tests.drafts import NOW, decided, seo_draft, submitted

Check = Callable[..., Authority]


@pytest.fixture
def action(store: Store, settings: Settings) -> Action:
    """An action that bo has approved."""
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action)
    return action


@pytest.fixture
def check(store: Store, action: Action) -> Check:
    def ask(days: float = 0, **options: bool) -> Authority:
        with store.read() as session:
            return authority(session, find(session, action.id), NOW + timedelta(days=days), **options)

    return ask


def change(store: Store, statement: str) -> None:
    with store.connection() as connection:
        connection.execute(text(statement))


def test_an_operators_approval_is_authority(check: Check) -> None:
    proof = check()
    assert (proof.valid, proof.operator, proof.channel, proof.decided_at) == (True, "bo", "cli", NOW)


def test_it_ends_7_days_after_the_approval_even_if_nobody_stored_that(check: Check) -> None:
    assert check(6.99).valid
    assert "expired at 2026-11-29" in check(7).why


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("""UPDATE actions SET draft = '{"title": "Buy now!!!"}'""", "its draft is not the one"),
        (
            "UPDATE actions SET target = replace(CAST(target AS TEXT), 'Product/1', 'Product/2')",
            "its draft is not",
        ),
        ("UPDATE actions SET digest = 'x'", "its draft is not the one"),
        ("UPDATE actions SET version = 2", "its draft is not the one"),
        ("UPDATE approval_requests SET status = 'pending'", "the approval request of version 1 is pending"),
        ("UPDATE approval_requests SET digest = 'x'", "it was approved with another draft"),
        ("UPDATE approval_requests SET decided_by = NULL", "it was approved with another draft"),
        ("UPDATE approval_requests SET decided_by = 'eve'", "the request names eve, the audit event bo"),
        ("DELETE FROM approval_requests", "the approval request of version 1 is missing"),
        ("UPDATE operators SET active = false", "bo may not decide"),
        ("UPDATE operators SET role = 'viewer'", "bo may not decide"),
    ],
)
def test_any_row_that_does_not_fit_takes_the_authority_away(
    store: Store, check: Check, statement: str, why: str
) -> None:
    if store.engine == "postgresql":
        statement = statement.replace(
            "CAST(target AS TEXT), 'Product/1', 'Product/2')", "target::text, 'Product/1', 'Product/2')::json"
        )
    change(store, statement)
    assert not check().valid
    assert why in check().why


def test_a_row_set_to_approved_by_hand_is_not_approved(store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    change(store, "UPDATE actions SET state = 'approved'")
    with store.read() as session:
        assert "request of version 1 is pending" in authority(session, find(session, action.id), NOW).why
    change(store, "UPDATE approval_requests SET status = 'approved', decided_by = 'bo'")
    with store.read() as session:
        assert (
            authority(session, find(session, action.id), NOW).why
            == "no audit event tells that version 1 was approved"
        )


def test_an_approval_event_slipped_in_without_the_right_hash_is_not_believed(store: Store, action: Action) -> None:
    with store.session() as session:
        event = session.query(AuditEvent).filter_by(event="approved").one()
        columns = {c.name: getattr(event, c.name) for c in AuditEvent.__table__.columns}
        session.add(AuditEvent(**{**columns, "seq": event.seq + 1, "id": "forged", "hash": "0" * 64}))
    with store.read() as session:
        assert "the audit chain is broken at event" in authority(session, find(session, action.id), NOW).why


def test_a_removed_operators_approval_is_not_executed(store: Store, settings: Settings, check: Check) -> None:
    remove_operator(store, settings, "bo", NOW)
    assert "bo may not decide" in check().why


def test_adding_an_operator_again_brings_no_old_approval_back(
    store: Store, settings: Settings, check: Check
) -> None:
    """Whoever took the old key may have made it."""
    remove_operator(store, settings, "bo", NOW)
    add_operator(store, settings, "bo", "operator", NOW)
    assert "bo was removed after that" in check().why
    (action,) = submitted(store, seo_draft(2))
    decided(store, settings, action)
    with store.read() as session:
        assert authority(session, find(session, action.id), NOW).valid


def test_nothing_has_authority_while_the_brake_is_on(store: Store, check: Check) -> None:
    pause(store, actor="bo", channel="cli", reason="odd prices", now=NOW)
    assert "odd prices" in check().why
    resume(store, actor="bo", channel="cli", reason="checked", now=NOW)
    assert check().valid


def test_an_executing_action_counts_only_for_the_run_that_resumes_it(
    store: Store, action: Action, check: Check
) -> None:
    with store.session() as session:
        transition(session, action.id, 1, "approved", "executing", actor="e", channel="e", now=NOW)
    assert check().why == "it is executing, not approved"
    assert check(30, resuming=True).valid


def test_a_drifted_action_needs_a_new_approval(store: Store, action: Action, check: Check) -> None:
    with store.session() as session:
        transition(session, action.id, 1, "approved", "executing", actor="e", channel="e", now=NOW)
        stored = find(session, action.id)
        revise(
            session,
            action.id,
            1,
            "executing",
            draft=stored.draft,
            diff=stored.diff,
            actor="e",
            channel="e",
            now=NOW,
        )
    assert check().why == "it is pending, not approved"


def test_a_rollback_needs_an_operators_request(store: Store, settings: Settings, action: Action) -> None:
    with store.session() as session:
        for step in (("approved", "executing"), ("executing", "executed")):
            transition(session, action.id, 1, *step, actor="e", channel="e", now=NOW)
        assert "no audit event" in rollback_authority(session, find(session, action.id)).why
    decided(store, settings, action, "rollback", reason="clicks fell")
    with store.session() as session:
        found = find(session, action.id)
        assert rollback_authority(session, found).valid
        record(session, found, "rollback_refused", "growth", "executor", NOW, before="executed")
        assert rollback_authority(session, found).why == "the rollback that was asked for has been answered"
    later = NOW + timedelta(seconds=1)
    decided(store, settings, action, "rollback", reason="it is as we wrote it again", now=later)
    with store.read() as session:
        assert rollback_authority(session, find(session, action.id)).valid
