"""A head that was published proves how the chain was; an export proves itself where there is no store."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event, verify_chain
from growth_pipelines.store.audit_export import lines, verify_file
from growth_pipelines.store.audit_heads import (
    PUBLISHED,
    head_problems,
    heads_file,
    public_key,
    publish_head,
    read_heads,
)
from growth_pipelines.store.audit_records import EventFilter, record_hash, record_of, records
from growth_pipelines.store.audit_walk import GENESIS, Link
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, AuditHead, OutboxEntry
from tests.drafts import NOW, decided, seo_draft, submitted

DAY = timedelta(days=1)


@pytest.fixture
def history(store: Store, settings: Settings) -> Store:
    """Five events: the operator, two actions, their answers."""
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one)
    decided(store, settings, two, "reject", reason="other", note='Says "best", twice\nand =1+1')
    return store


def _made_anew(session: Session) -> None:
    """What the owner of the database could do: change events and rows alike, and give all events new hashes."""
    for trigger in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
        session.execute(text(f"DROP TRIGGER {trigger}"))
    before = GENESIS
    for event in session.scalars(select(AuditEvent).order_by(AuditEvent.seq)).all():
        event.actor = "eve" if event.actor == "bo" else event.actor
        event.prev_hash = before
        event.hash = before = record_hash(record_of(event))
    session.get_one(AuditHead, 1).hash = before
    for answered in (*session.scalars(select(Action)).all(), *session.scalars(select(ApprovalRequest)).all()):
        answered.decided_by = "eve" if answered.decided_by == "bo" else answered.decided_by
    session.flush()


def test_a_head_is_published_once_a_day_and_told_to_those_who_carry_it_away(
    history: Store, settings: Settings
) -> None:
    first = publish_head(history, settings, NOW)
    assert publish_head(history, settings, NOW + timedelta(minutes=5)) == first
    with heads_file(settings).open("a") as file:
        file.write('{"date": "cut of')
    next_day = publish_head(history, settings, NOW + DAY)
    heads = list(read_heads(heads_file(settings)))
    assert (first.seq, first.events, next_day.events) == (5, 0, 5)
    assert heads == [first, next_day]
    assert head_problems(heads, public_key(settings)) == []
    with history.read() as session:
        told = session.scalars(select(OutboxEntry).where(OutboxEntry.event == PUBLISHED)).all()
        assert [entry.payload["signature"] for entry in told] == [head.signature for head in heads]
        assert verify_chain(session, [head.link for head in heads]).intact
    assert (settings.home / "secrets" / "audit.key").stat().st_mode & 0o777 == 0o600


def test_an_entry_that_a_crash_left_out_is_made_up_for(history: Store, settings: Settings) -> None:
    publish_head(history, settings, NOW)
    with history.session() as session:
        session.execute(text("DELETE FROM outbox WHERE event = 'audit.head_published'"))
    publish_head(history, settings, NOW)
    with history.read() as session:
        assert len(session.scalars(select(OutboxEntry).where(OutboxEntry.event == PUBLISHED)).all()) == 1


def test_a_chain_made_anew_or_cut_off_is_found_by_a_published_head(history: Store, settings: Settings) -> None:
    head = publish_head(history, settings, NOW)
    with history.session() as session:
        append_event(session, event="noted", actor="t", channel="t", now=NOW)
    with history.read() as session:
        assert verify_chain(session, [head.link, Link(6, session.get_one(AuditHead, 1).hash)]).intact
        assert verify_chain(session, [Link(0, GENESIS)]).intact, "published before the first event"
        assert "was cut off" in "; ".join(verify_chain(session, [Link(7, "0" * 64)]).problems)
    if history.engine == "postgresql":
        return
    with history.session() as session:
        _made_anew(session)
    with history.read() as session:
        alone = [p for p in verify_chain(session).problems if "guard" not in p]
        assert alone == [], "by itself the chain looks well"
        assert "event 5 is not the one of the head of 2026-11-22: the chain was made anew" in (
            verify_chain(session, [head.link]).problems
        )


def test_a_head_that_was_changed_no_longer_has_its_signature(history: Store, settings: Settings) -> None:
    publish_head(history, settings, NOW)
    file = heads_file(settings)
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"seq": 4}))
    assert head_problems(list(read_heads(file)), public_key(settings)) == [
        "the head of 2026-11-22 isn't signed by this key"
    ]


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_an_export_proves_itself_and_shows_what_was_done_to_it(history: Store, tmp_path: Path, form: str) -> None:
    def write(name: str, chosen: EventFilter) -> Path:
        file = tmp_path / f"{name}.{form}"
        with history.read() as session, file.open("w", newline="") as out:
            out.writelines(lines(records(session, chosen), form))
        return file

    whole, part = write("whole", EventFilter()), write("part", EventFilter(actor="bo"))
    found = verify_file(whole)
    assert (found.intact, found.whole, found.events, found.links) == (True, True, 5, 5)
    with history.read() as session:
        last = Link(5, session.get_one(AuditHead, 1).hash)
    assert verify_file(whole, [last]).intact
    assert not verify_file(whole, [Link(6, "0" * 64)]).intact
    selection = verify_file(part)
    assert (selection.intact, selection.whole, selection.events, selection.links) == (True, False, 3, 2)
    kept = whole.read_text()
    changed = tmp_path / f"changed.{form}"
    changed.write_text(kept.replace("tone", "fine").replace("twice", "once"))
    assert any("was changed" in problem for problem in verify_file(changed).problems)
    if form == "csv":
        assert len(list(csv.DictReader(whole.open(newline="")))) == 5
