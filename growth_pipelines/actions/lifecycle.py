"""The life of an action: what the rest of the machine calls to move actions on.

:mod:`transitions` holds the table of steps and makes each one; :mod:`submission` turns drafts into actions,
:mod:`refusals` says which it does not; here is what time itself does: waits that end, and deferrals that come due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import State
from growth_pipelines.actions.refusals import SubmitRules
from growth_pipelines.actions.submission import SubmitResult, rules_for, submit
from growth_pipelines.actions.suppression import lift_suppression
from growth_pipelines.actions.terms import put_under, start_clock, terms_of
from growth_pipelines.actions.transitions import (
    TRANSITIONS,
    IllegalTransition,
    record,
    request_of,
    revise,
    transition,
)
from growth_pipelines.policies.book import in_force
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action

__all__ = [
    "TRANSITIONS",
    "IllegalTransition",
    "Overdue",
    "SubmitResult",
    "SubmitRules",
    "due",
    "expire_due",
    "is_expired",
    "lift_suppression",
    "overdue",
    "record",
    "release_deferred",
    "request_of",
    "revise",
    "rules_for",
    "submit",
    "transition",
]
CLOCK = "clock"
# States whose `expires_at` ends them; a deferred action first comes back to pending.
EXPIRING: tuple[State, ...] = ("pending", "changes_requested", "approved")
# How long an approved action may wait, and an executing one take, before someone is warned.
APPROVED_WARNING = timedelta(hours=24)
EXECUTING_WARNING = timedelta(minutes=5)


@dataclass(frozen=True)
class Overdue:
    """An action that stays in a state for longer than it should."""

    action_id: str
    ref: str
    state: str
    since: datetime
    message: str


def is_expired(action: Action, now: datetime) -> bool:
    """Whether the action's time is over, also when nobody has stored that yet."""
    return action.state in EXPIRING and action.expires_at <= now


def due(session: Session, now: datetime) -> list[tuple[str, int, str]]:
    """(ref, version, state) of the actions whose time is over or whose deferral has ended."""
    over = and_(Action.state.in_(EXPIRING), Action.expires_at <= now)
    back = and_(Action.state == "deferred", Action.deferred_until <= now)
    found = session.execute(select(Action.ref, Action.version, Action.state).where(or_(over, back)))
    return [(ref, version, state) for ref, version, state in found]


def expire_due(store: Store, now: datetime) -> list[str]:
    """Store the expiry of every action whose time is over; their ids. Doing it twice changes nothing."""
    with store.session() as session:
        due = session.scalars(
            select(Action).where(Action.state.in_(EXPIRING), Action.expires_at <= now).order_by(Action.expires_at)
        ).all()
        return [action.id for action in due if expire(session, action, now)]


def expire(session: Session, action: Action, now: datetime) -> bool:
    """Store that one action's time is over: expired, or rejected where its terms say that silence is a no."""
    waited = "not executed in time" if action.state == "approved" else "not decided in time"
    return transition(
        session,
        action.id,
        action.version,
        cast(State, action.state),
        _ending(session, action),
        actor=CLOCK,
        channel=CLOCK,
        now=now,
        payload={"why": waited, "expires_at": action.expires_at.isoformat()},
    )


def _ending(session: Session, action: Action) -> State:
    request = request_of(session, action) if action.state == "pending" else None
    return "rejected" if request is not None and terms_of(request).at_the_end == "reject" else "expired"


def release_deferred(store: Store, now: datetime) -> list[str]:
    """Bring back every deferred action whose date has come; their ids."""
    with store.session() as session:
        due = session.scalars(select(Action).where(Action.state == "deferred", Action.deferred_until <= now)).all()
        return [action.id for action in due if release(session, action, now)]


def release(session: Session, action: Action, now: datetime) -> bool:
    """Put a deferred action's question again, with its time to answer starting now."""
    cleared = dict.fromkeys(("deferred_until", "decided_by", "decided_at", "decided_channel"))
    if not transition(
        session,
        action.id,
        action.version,
        "deferred",
        "pending",
        actor=CLOCK,
        channel=CLOCK,
        now=now,
        changes=cleared,
    ):
        return False
    request = request_of(session, action)
    if request is not None:
        put_under(request, action, in_force(session), now)
        start_clock(session, request, action, now)
        session.flush()
    return True


def overdue(session: Session, now: datetime, mode: str = "live") -> list[Overdue]:
    """Approved actions that aren't executed after 24 hours, executing ones that take more than 5 minutes.

    In a ``mode`` in which nothing is written, approved actions rightly wait.
    """
    found = []
    for state, limit, message in (
        ("approved", APPROVED_WARNING, "approved but not executed for more than 24 hours"),
        ("executing", EXECUTING_WARNING, "executing for more than 5 minutes"),
    ):
        if state == "approved" and mode != "live":
            continue
        late = select(Action).where(Action.state == state, Action.state_at < now - limit).order_by(Action.state_at)
        found += [
            Overdue(action.id, action.ref, state, action.state_at, f"{action.title}: {message}")
            for action in session.scalars(late)
        ]
    return found
