"""The audit chain: each event carries the hash of the one before it, so a change or a gap shows.

The hash of an event is the SHA-256 of the canonical JSON of all its columns but ``hash`` itself. Events are
appended inside the transaction they tell about, under the store's writer lock, so numbers have no gaps and the
chain never forks. Personal data never enters it: operators appear by name, customers not at all.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import canonical_json
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit_guards import guard_problems
from growth_pipelines.store.audit_records import record_hash, record_of, records
from growth_pipelines.store.audit_told import Told, action_problems, request_problems
from growth_pipelines.store.audit_walk import GENESIS, ChainWalk, Link
from growth_pipelines.store.tables import AuditEvent, AuditHead
from growth_pipelines.telemetry import current_trace_id


@dataclass(frozen=True)
class ChainReport:
    """What a walk over the whole chain found; ``problems`` is empty when nothing was changed or removed."""

    events: int
    head: str
    problems: tuple[str, ...]
    seq: int = 0

    @property
    def intact(self) -> bool:
        return not self.problems


def append_event(
    session: Session,
    *,
    event: str,
    actor: str,
    channel: str,
    now: datetime,
    action_id: str | None = None,
    version: int | None = None,
    before_digest: str | None = None,
    after_digest: str | None = None,
    trace_id: str = "",
    payload: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Add one event to the chain, in the caller's transaction. ``payload`` must have a canonical JSON form."""
    head = session.get(AuditHead, 1)
    if head is None:
        if session.scalar(select(func.count()).select_from(AuditEvent)):
            raise GrowthError("The audit chain has lost its head.", "Run `growth audit verify`; restore a backup.")
        head = AuditHead(id=1, seq=0, hash=GENESIS)
        session.add(head)
    link = AuditEvent(
        seq=head.seq + 1,
        id=str(uuid.uuid4()),
        at=now,
        actor=actor,
        channel=channel,
        event=event,
        action_id=action_id,
        version=version,
        before_digest=before_digest,
        after_digest=after_digest,
        trace_id=trace_id or current_trace_id(),
        payload=json.loads(canonical_json(dict(payload or {}))),
        prev_hash=head.hash,
    )
    link.hash = event_hash(link)
    session.add(link)
    session.flush()
    # Afterwards: the database lets the head move only to an event that is there.
    head.seq, head.hash = link.seq, link.hash
    session.flush()
    return link


def newest(session: Session, events: Sequence[str]) -> tuple[int, ...]:
    """The number of the newest event of each of these sorts, 0 where there is none: another one means news."""
    last = select(func.max(AuditEvent.seq))
    return tuple(session.scalar(last.where(AuditEvent.event == event)) or 0 for event in events)


def event_hash(event: AuditEvent) -> str:
    """What ``event.hash`` must be."""
    return record_hash(record_of(event))


def is_intact(session: Session, event: AuditEvent) -> bool:
    """Whether the event's own hash is right and its predecessor is the one it was chained to."""
    if event_hash(event) != event.hash:
        return False
    if event.seq == 1:
        return event.prev_hash == GENESIS
    before = session.get(AuditEvent, event.seq - 1)
    return before is not None and before.hash == event.prev_hash and event_hash(before) == before.hash


def verify_chain(session: Session, heads: Sequence[Link] = ()) -> ChainReport:
    """Walk the whole chain, then hold the decisions, the guards and ``heads`` (known from elsewhere) against it.

    Finds changed events, removed ones (also at the end), inserted ones, requests or actions whose state, decision
    or draft is not what the last event about them tells of, guards that the database no longer has, and by the
    heads a chain that was made anew.
    """
    walk, told = ChainWalk(heads), Told()
    for record in records(session):
        walk.take(record)
        told.take(record)
    problems = [
        *walk.problems,
        *_head_problems(session, walk.seq, walk.head),
        *walk.missing_heads(),
        *guard_problems(session),
        *action_problems(session, told),
        *request_problems(session, told),
    ]
    return ChainReport(walk.events, walk.head, tuple(problems), walk.seq)


def _head_problems(session: Session, seq: int, last: str) -> list[str]:
    head = session.get(AuditHead, 1)
    if head is None:
        return ["the chain's head is missing"] if seq else []
    if (head.seq, head.hash) != (seq, last):
        return [
            f"the chain ends at event {seq}, but its head names event {head.seq}: the end was cut off or forged"
        ]
    return []
