"""The audit chain: whatever is changed, removed, cut off or slipped in behind its back is found."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event, event_hash, is_intact, verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent
from tests.drafts import NOW, decided, seo_draft, submitted

_TRIGGERS = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")


@pytest.fixture
def history(store: Store, settings: Settings) -> Store:
    """A store with eight events: the operator, two actions, their answers, three notes."""
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one)
    decided(store, settings, two, "reject", reason="tone")
    with store.session() as session:
        for number in range(3):
            append_event(session, event="noted", actor="t", channel="t", now=NOW, payload={"number": number})
    return store


def _problems(store: Store) -> str:
    with store.read() as session:
        return "; ".join(verify_chain(session).problems)


def _drop_guards(connection: Connection) -> None:
    """What somebody with the database's password could do first."""
    if connection.dialect.name == "sqlite":
        for name in connection.execute(_TRIGGERS).scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    for table in ("audit_events", "audit_head"):
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def _tamper(store: Store, *statements: str) -> None:
    with store.connection() as connection:
        _drop_guards(connection)
        for statement in statements:
            connection.execute(text(statement))


_THE_YES = "WHERE decision = 'approve'"
_APPROVED = f"(SELECT action_id FROM approval_requests {_THE_YES})"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (f"UPDATE approval_requests SET decided_by = 'mallory' {_THE_YES}", "approve by mallory"),
        (
            "UPDATE approval_requests SET channel = 'telegram' WHERE decision = 'approve'",
            r"\(telegram\), but its event",
        ),
        (f"UPDATE approval_requests SET decision = 'reject' {_THE_YES}", "says reject by"),
        (
            "UPDATE approval_requests SET status = 'rejected' WHERE decision = 'approve'",
            "is rejected, but its event",
        ),
        (f"UPDATE actions SET decided_by = 'mallory' WHERE id = {_APPROVED}", "was decided by mallory"),
        (f"UPDATE actions SET version = 2 WHERE id = {_APPROVED}", "not the one that its digest is of"),
        (f"UPDATE actions SET digest = 'x' WHERE id = {_APPROVED}", "another digest than the last event"),
    ],
)
def test_a_row_that_says_another_thing_than_the_chain_is_found(history: Store, statement: str, found: str) -> None:
    with history.connection() as connection:
        connection.execute(text(statement))
    assert re.search(found, _problems(history))


def test_a_draft_that_was_changed_behind_the_chain_is_found(history: Store) -> None:
    with history.session() as session:
        action = session.scalars(select(Action)).first()
        assert action is not None
        action.draft = {**action.draft, "title": "Another title"}
    assert f"the draft of action {action.ref} is not the one" in _problems(history)


def test_an_untouched_chain_is_intact(history: Store) -> None:
    with history.read() as session:
        report = verify_chain(session)
    assert (report.intact, report.events) == (True, 8)


_EVENT = "'i', '2026-11-01 00:00:00', 'eve', 'cli', 'x', NULL, NULL, NULL, NULL, '', '{}', 'p', 'h'"
_SHORT = "SELECT seq, 'i', at, 'eve', channel, event, action_id, version, NULL, NULL, '', payload, prev_hash, 'h'"
_REFUSED = {
    "sqlite": [
        f"REPLACE INTO audit_events {_SHORT} FROM audit_events WHERE seq = 4",
        "UPDATE OR REPLACE audit_events SET seq = 4 WHERE seq = 5",
        "REPLACE INTO audit_head VALUES (1, 3, 'h')",
    ],
    "postgresql": [
        "TRUNCATE audit_events",
        "TRUNCATE audit_head",
        f"INSERT INTO audit_events {_SHORT} FROM audit_events WHERE seq = 4"
        " ON CONFLICT (seq) DO UPDATE SET actor = 'eve'",
        "SET LOCAL session_replication_role = replica; UPDATE audit_events SET actor = 'eve'",
    ],
}


def test_the_database_refuses_whatever_is_no_next_event(history: Store) -> None:
    statements = [
        "UPDATE audit_events SET actor = 'eve'",
        "DELETE FROM audit_events",
        f"INSERT INTO audit_events VALUES (0, {_EVENT})",
        f"INSERT INTO audit_events VALUES (10, {_EVENT})",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 3",
        "UPDATE audit_head SET hash = 'h'",
        "UPDATE audit_head SET seq = 99",
        "UPDATE audit_head SET id = 2",
        *_REFUSED[history.engine],
    ]
    for statement in statements:
        with pytest.raises(DatabaseError, match=r"never|only append"), history.connection() as connection:
            connection.execute(text(statement))
    assert _problems(history) == ""


_UNGUARDED = {
    "sqlite": {
        "DROP TRIGGER audit_events_no_update": "audit_events_no_update .* missing",
        "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN SELECT 1; END": "rewritten",
    },
    "postgresql": {
        "DROP TRIGGER audit_events_append_only ON audit_events": "audit_events_append_only .* missing",
        "ALTER TABLE audit_head DISABLE TRIGGER audit_head_only_forward": "only_forward .* switched off",
        "ALTER TABLE audit_events ENABLE TRIGGER audit_events_only_append": "only_append .* switched off",
        "CREATE OR REPLACE FUNCTION growth.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RETURN NULL; END$$": "audit_head_no_delete .* rewritten",
    },
}


def test_a_guard_that_is_gone_or_changed_is_noticed(history: Store) -> None:
    for statement, found in _UNGUARDED[history.engine].items():
        with history.connection() as connection:
            connection.execute(text(statement))
        assert re.search(found, _problems(history)), statement


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_events SET actor = 'eve' WHERE seq = 4", r"event 4 \(approved by eve\) was changed"),
        ("UPDATE audit_events SET payload = '{}' WHERE seq = 3", r"event 3 .* was changed"),
        ("UPDATE audit_events SET version = 2 WHERE seq = 4", r"event 4 .* was changed"),
        ("UPDATE audit_events SET at = '2026-11-01 00:00:00' WHERE seq = 4", r"event 4 .* was changed"),
        ("DELETE FROM audit_events WHERE seq = 5", "event 5 is missing; the next one is 6"),
        ("DELETE FROM audit_events WHERE seq = 1", "event 1 is missing"),
        ("DELETE FROM audit_events WHERE seq > 5", "the chain ends at event 5, but its head names event 8"),
        ("DELETE FROM audit_events", "the chain ends at event 0, but its head names event 8"),
        ("DELETE FROM audit_head", "the chain's head is missing"),
        (
            "UPDATE actions SET state = 'approved' WHERE state = 'rejected'",
            "is approved, but the last event .* rejected",
        ),
    ],
)
def test_tampering_is_found(history: Store, statement: str, found: str) -> None:
    _tamper(history, statement)
    with history.read() as session:
        report = verify_chain(session)
    assert not report.intact
    assert re.search(found, "; ".join(report.problems)), report.problems


def test_cutting_off_the_end_together_with_the_head_is_found_by_the_decisions(history: Store) -> None:
    with history.read() as session:
        fourth = session.get_one(AuditEvent, 3)
    _tamper(
        history,
        "DELETE FROM audit_events WHERE seq > 3",
        f"UPDATE audit_head SET seq = 3, hash = '{fourth.hash}'",
    )
    problems = _problems(history)
    assert "is approved, but the last event about it tells of pending" in problems
    assert "the approved request" in problems


def test_an_event_rehashed_after_a_change_breaks_the_link_to_the_next(history: Store) -> None:
    def forge(session: Session) -> str:
        event = session.get_one(AuditEvent, 4)
        event.actor = "eve"
        forged = event_hash(event)
        session.rollback()
        return forged

    with history.read() as session:
        forged = forge(session)
    _tamper(history, f"UPDATE audit_events SET actor = 'eve', hash = '{forged}' WHERE seq = 4")
    assert "event 5 (rejected) doesn't follow the one before it" in _problems(history)
    with history.read() as session:
        assert not is_intact(session, session.get_one(AuditEvent, 5))


def test_an_approval_without_an_event_is_found(history: Store) -> None:
    _tamper(history, "UPDATE approval_requests SET decided_by = 'eve', version = 7 WHERE status = 'approved'")
    assert "version 7 has no event" in _problems(history)


def test_appending_to_a_chain_without_head_is_refused(history: Store) -> None:
    _tamper(history, "DELETE FROM audit_head")
    with pytest.raises(Exception, match="lost its head"), history.session() as session:
        append_event(session, event="x", actor="t", channel="t", now=NOW)


def test_a_rolled_back_transaction_leaves_no_gap(history: Store) -> None:
    def fails() -> None:
        with history.session() as session:
            append_event(session, event="x", actor="t", channel="t", now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with history.session() as session:
        assert append_event(session, event="y", actor="t", channel="t", now=NOW).seq == 9
    assert _problems(history) == ""
