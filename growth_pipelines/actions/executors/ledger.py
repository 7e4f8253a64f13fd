"""The ledger of executions: what was there before, what was sent, what stands there now.

The row of (action, version) is made in the transaction that moves the action to ``executing``, before the
write. The audit event of that step carries the digest of the snapshot and of the values to write, so a ledger
row that was changed or made up afterwards is recognised and neither resumed nor rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.transitions import transition
from growth_pipelines.canonical import digest
from growth_pipelines.store.audit import is_intact
from growth_pipelines.store.tables import Action, AuditEvent, Execution

ACTOR, CHANNEL = "growth", "executor"
UNDER_WAY = ("started", "written")


def ledger_row(session: Session, action: Action) -> Execution | None:
    """The ledger's row of the action's present version."""
    return session.get(Execution, (action.id, action.version))


def start(
    session: Session,
    action: Action,
    *,
    snapshot: Mapping[str, str],
    written: Mapping[str, str],
    now: datetime,
) -> bool:
    """Move the action from approved to executing and open its ledger row; False when somebody was first."""
    sealed = {"snapshot": dict(snapshot), "written": dict(written)}
    moved = transition(
        session,
        action.id,
        action.version,
        "approved",
        "executing",
        actor=ACTOR,
        channel=CHANNEL,
        now=now,
        payload={"seal": digest(sealed)},
    )
    if not moved:
        return False
    row = _open(session, action, now)
    row.status, row.attempts, row.started_at = "started", row.attempts + 1, now
    row.snapshot, row.written = sealed["snapshot"], sealed["written"]
    return True


def note_dry_run(
    session: Session, action: Action, *, snapshot: Mapping[str, str], written: Mapping[str, str], now: datetime
) -> None:
    """Keep what would have been written; the action stays approved."""
    row = _open(session, action, now)
    row.snapshot, row.written, row.finished_at = dict(snapshot), dict(written), now


def close(
    row: Execution,
    status: str,
    *,
    now: datetime,
    read_back: Mapping[str, str] | None = None,
    request_ids: Sequence[str] = (),
    error: str = "",
) -> None:
    """Record how the execution ended. Request ids add to those already known."""
    row.status, row.finished_at, row.error = status, now, error or None
    if read_back is not None:
        row.read_back = dict(read_back)
    row.request_ids = list(dict.fromkeys([*row.request_ids, *request_ids]))


def is_genuine(session: Session, action: Action, row: Execution) -> bool:
    """Whether the audit chain tells of exactly this row's snapshot and values."""
    event = session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.action_id == action.id,
            AuditEvent.version == action.version,
            AuditEvent.event == "executing",
        )
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    ).first()
    sealed: dict[str, Any] = {"snapshot": row.snapshot, "written": row.written}
    return event is not None and is_intact(session, event) and event.payload.get("seal") == digest(sealed)


def _open(session: Session, action: Action, now: datetime) -> Execution:
    row = ledger_row(session, action)
    if row is None:
        row = Execution(
            action_id=action.id,
            version=action.version,
            status="dry_run",
            attempts=0,
            started_at=now,
            request_ids=[],
        )
        session.add(row)
    return row
