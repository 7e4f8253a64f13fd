"""Who is away, and who decides in their place meanwhile.

A delegate uses the absent one's right to approve, in their own name and as their own single vote; the record says
for whom. A delegate's delegate has no such right.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import Absence, Operator

# Asked for around every page, so it is put together once.
_NOT_OVER = select(Absence).where(Absence.ends_at > bindparam("now")).order_by(Absence.begins_at, Absence.id)


class BadAbsence(GrowthError):
    """The absence can't be noted."""


@dataclass(frozen=True)
class Away:
    """One absence, to be shown."""

    id: str
    operator: str
    delegate: str
    begins_at: datetime
    ends_at: datetime


def add_absence(
    session: Session,
    *,
    operator: str,
    delegate: str,
    begins_at: datetime,
    ends_at: datetime,
    actor: str,
    channel: str,
    now: datetime,
    zone: str = "UTC",
) -> Away:
    """Note an absence; people note their own, admins anyone's. Raises BadAbsence, which names a day of
    ``zone``.
    """
    people = {person.name: person for person in session.scalars(select(Operator).where(Operator.active))}
    for name in (operator, delegate, actor):
        if name not in people:
            raise BadAbsence(f"{name or 'Nobody'} is no active operator.", "See `growth operators list`.")
    if actor != operator and people[actor].role != "admin":
        raise BadAbsence(f"{actor} may only note absences of their own.", "Ask an admin.")
    if delegate == operator or people[delegate].role not in MAY_DECIDE:
        raise BadAbsence(f"{delegate} can't stand in for {operator}.", "Name another operator who may decide.")
    if not now < ends_at or not begins_at < ends_at:
        raise BadAbsence("An absence ends after it begins, and not in the past.", "Correct the days.")
    for other in session.scalars(select(Absence).where(Absence.operator == operator, Absence.ends_at > now)):
        if other.begins_at < ends_at and begins_at < other.ends_at:
            day = local_date(other.begins_at, zone)
            raise BadAbsence(f"{operator} is away already, from {day} on.", "Remove that.")
    row = Absence(
        id=str(uuid.uuid4()),
        operator=operator,
        delegate=delegate,
        begins_at=begins_at,
        ends_at=ends_at,
        created_by=actor,
        created_at=now,
    )
    session.add(row)
    session.flush()
    told = {
        "operator": operator,
        "delegate": delegate,
        "from": begins_at.isoformat(),
        "until": ends_at.isoformat(),
    }
    append_event(session, event="absence_noted", actor=actor, channel=channel, now=now, payload=told)
    return _away(row)


def end_absence(session: Session, identity: str, *, actor: str, channel: str, now: datetime) -> None:
    """Take an absence back. Raises BadAbsence."""
    row = session.get(Absence, identity)
    person = session.get(Operator, actor)
    if row is None:
        raise BadAbsence("There is no such absence.", "See `growth policies absences`.")
    if person is None or not person.active or (actor != row.operator and person.role != "admin"):
        raise BadAbsence(f"{actor} may only take back absences of their own.", "Ask an admin.")
    told = {"operator": row.operator, "delegate": row.delegate}
    append_event(session, event="absence_ended", actor=actor, channel=channel, now=now, payload=told)
    session.delete(row)
    session.flush()


def absences(session: Session, now: datetime) -> list[Away]:
    """Those that are or will be, the nearest first."""
    return [_away(row) for row in session.scalars(_NOT_OVER, {"now": now})]


def away_now(session: Session, now: datetime) -> list[Away]:
    """Those that are away at this moment."""
    return [one for one in absences(session, now) if one.begins_at <= now]


def _away(row: Absence) -> Away:
    return Away(row.id, row.operator, row.delegate, row.begins_at, row.ends_at)
