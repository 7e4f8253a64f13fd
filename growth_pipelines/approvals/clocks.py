"""What time does to waiting requests: a reminder after a share of the time to answer, a second contact at its end.

Both instants were set when the question was put, so a machine that was off tells late but never twice. What ends
a wait is in ``actions.lifecycle``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.lifecycle import CLOCK
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.actions.transitions import record
from growth_pipelines.approvals.absences import away_now
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, Operator

_AT_ONCE = 200


@dataclass(frozen=True)
class Told:
    """The refs whose people were reminded, and those that went to the second contact."""

    reminded: tuple[str, ...]
    escalated: tuple[str, ...]


def tell_late(store: Store, now: datetime) -> Told:
    """Remind and escalate what is due, the longest overdue first; each once."""
    with store.session() as session:
        escalated = [_escalate(session, *late, now) for late in _waiting(session, "due_at", "escalated_at", now)]
        reminded = [_remind(session, *late, now) for late in _waiting(session, "remind_at", "reminded_at", now)]
    return Told(tuple(reminded), tuple(escalated))


def _waiting(session: Session, when: str, done: str, now: datetime) -> Sequence[tuple[ApprovalRequest, Action]]:
    """The requests whose moment has come and whose action still waits for an answer."""
    moment, told = getattr(ApprovalRequest, when), getattr(ApprovalRequest, done)
    wanted = (
        select(ApprovalRequest, Action)
        .join(Action, Action.id == ApprovalRequest.action_id)
        .where(
            ApprovalRequest.status == "pending",
            moment <= now,
            told.is_(None),
            Action.state == "pending",
            Action.version == ApprovalRequest.version,
            Action.expires_at > now,
        )
        .order_by(moment, ApprovalRequest.id)
        .limit(_AT_ONCE)
    )
    return [(request, action) for request, action in session.execute(wanted)]


def _remind(session: Session, request: ApprovalRequest, action: Action, now: datetime) -> str:
    request.reminded_at = now
    due = {"due_at": request.due_at.isoformat()}
    record(session, action, "reminded", CLOCK, CLOCK, now, before=action.state, payload=due, told=due)
    return action.ref


def _escalate(session: Session, request: ApprovalRequest, action: Action, now: datetime) -> str:
    request.escalated_at = now
    # Whoever is told of the end needs no reminder any more.
    request.reminded_at = request.reminded_at or now
    whom = {"contacts": contacts(session, request, now)}
    record(session, action, "escalated", CLOCK, CLOCK, now, before=action.state, payload=whom, told=whom)
    return action.ref


def contacts(session: Session, request: ApprovalRequest, now: datetime) -> list[str]:
    """Who is told when nobody has answered in time: the contact of the terms, else every admin.

    For one who is away, their delegate is told.
    """
    named = terms_of(request).escalate_to
    people = session.scalars(select(Operator).where(Operator.active).order_by(Operator.name)).all()
    chosen = [person.name for person in people if person.name == named] if named else []
    chosen = chosen or [person.name for person in people if person.role == "admin"]
    away = {one.operator: one.delegate for one in away_now(session, now)}
    return sorted({away.get(name, name) for name in chosen})
