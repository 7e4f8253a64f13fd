"""The audit chain: each event carries the hash of the one before it, so a change or a gap shows.

The hash of an event is the SHA-256 of the canonical JSON of all its columns but ``hash`` itself. Events are
appended inside the transaction they tell about, under the store's writer lock, so numbers have no gaps and the
chain never forks. Personal data never enters it: operators appear by name, customers not at all.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import canonical_json, digest
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, AuditHead
from growth_pipelines.telemetry import current_trace_id

# What the first event calls its predecessor's hash.
GENESIS = "0" * 64
_HASHED = tuple(column.name for column in AuditEvent.__table__.columns if column.name != "hash")


@dataclass(frozen=True)
class ChainReport:
    """What a walk over the whole chain found; ``problems`` is empty when nothing was changed or removed."""

    events: int
    head: str
    problems: tuple[str, ...]

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
    head.seq, head.hash = link.seq, link.hash
    session.add(link)
    session.flush()
    return link


def event_hash(event: AuditEvent) -> str:
    """What ``event.hash`` must be."""
    columns = {name: getattr(event, name) for name in _HASHED}
    columns["at"] = event.at.isoformat(timespec="microseconds")
    return digest(columns)


def is_intact(session: Session, event: AuditEvent) -> bool:
    """Whether the event's own hash is right and its predecessor is the one it was chained to."""
    if event_hash(event) != event.hash:
        return False
    if event.seq == 1:
        return event.prev_hash == GENESIS
    before = session.get(AuditEvent, event.seq - 1)
    return before is not None and before.hash == event.prev_hash and event_hash(before) == before.hash


def verify_chain(session: Session) -> ChainReport:
    """Walk the whole chain, then hold the decisions against it.

    Finds changed events, removed ones (also at the end), inserted ones, and requests or actions whose present
    state no event tells of.
    """
    problems: list[str] = []
    expected_seq, previous = 1, GENESIS
    count = 0
    states: dict[str, str] = {}
    decisions: Counter[tuple[str, int]] = Counter()
    for (event,) in session.execute(select(AuditEvent).order_by(AuditEvent.seq)).yield_per(1000):
        count += 1
        if event.seq != expected_seq:
            problems.append(f"event {expected_seq} is missing; the next one is {event.seq}")
        elif event.prev_hash != previous:
            problems.append(f"event {event.seq} ({event.event}) doesn't follow the one before it")
        if event_hash(event) != event.hash:
            problems.append(f"event {event.seq} ({event.event} by {event.actor}) was changed")
        expected_seq, previous = event.seq + 1, event.hash
        if event.action_id and "to" in event.payload:
            states[event.action_id] = event.payload["to"]
        if event.action_id and event.version is not None and event.payload.get("decision"):
            decisions[event.action_id, event.version] += 1
    problems += _head_problems(session, expected_seq - 1, previous)
    problems += _state_problems(session, states, decisions)
    return ChainReport(count, previous, tuple(problems))


def _head_problems(session: Session, seq: int, last: str) -> list[str]:
    head = session.get(AuditHead, 1)
    if head is None:
        return ["the chain's head is missing"] if seq else []
    if (head.seq, head.hash) != (seq, last):
        return [
            f"the chain ends at event {seq}, but its head names event {head.seq}: the end was cut off or forged"
        ]
    return []


def _state_problems(
    session: Session, states: Mapping[str, str], decisions: Mapping[tuple[str, int], int]
) -> list[str]:
    problems = []
    for identity, ref, state in session.execute(select(Action.id, Action.ref, Action.state)):
        if states.get(identity) != state:
            told = states.get(identity, "nothing")
            problems.append(f"action {ref} is {state}, but the last event about it tells of {told}")
    decided = select(ApprovalRequest.action_id, ApprovalRequest.version, ApprovalRequest.status).where(
        ApprovalRequest.decided_at.is_not(None)
    )
    for action_id, version, status in session.execute(decided):
        if not decisions.get((action_id, version)):
            problems.append(f"the {status} request of action {action_id} version {version} has no event")
    return problems
