"""Learnt habits that an operator switched off; each switch is an audit event."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import Flag, Operator

_PREFIX = "habit:"
_LONGEST = 60


class MayNotTeach(GrowthError):
    """The person's role changes nothing of what is learnt."""


def check_may_teach(session: Session, actor: str) -> None:
    """Raises MayNotTeach unless ``actor`` is an active operator or admin."""
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role not in MAY_DECIDE:
        raise MayNotTeach(
            f"{actor or 'Nobody'} may not change what is learnt.", "It takes an active operator or admin."
        )


def switched_off(session: Session) -> frozenset[str]:
    """The keys of the habits that are not followed."""
    flags = session.scalars(select(Flag).where(Flag.key.startswith(_PREFIX, autoescape=True)))
    return frozenset(flag.key.removeprefix(_PREFIX) for flag in flags if not flag.value["followed"])


def follow_habit(session: Session, key: str, followed: bool, *, actor: str, channel: str, now: datetime) -> None:
    """Follow a learnt habit, or no longer. The caller has proved who ``actor`` is. Raises GrowthError."""
    check_may_teach(session, actor)
    if not key.strip() or len(key) > _LONGEST or not key.isprintable():
        raise GrowthError("No such habit.", "See the page Learning.")
    flag = session.get(Flag, f"{_PREFIX}{key}") or Flag(key=f"{_PREFIX}{key}")
    flag.value, flag.updated_at, flag.updated_by = {"followed": followed}, now, actor
    session.add(flag)
    append_event(
        session,
        event="habit_followed" if followed else "habit_dropped",
        actor=actor,
        channel=channel,
        now=now,
        payload={"habit": key},
    )
    session.flush()
