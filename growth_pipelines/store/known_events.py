"""What people know of and figures don't: deploys, campaigns, holidays, outages. Drawn on charts, and suspects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import EVENT_KINDS, KnownEvent, Operator


class BadEvent(GrowthError):
    """The event can't be noted or removed."""


class MayNotNote(GrowthError):
    """The person's role notes no events and silences nothing."""


def may_note(session: Session, actor: str) -> None:
    """Raises MayNotNote unless ``actor`` is an active operator or admin."""
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role == "viewer":
        raise MayNotNote(f"{actor or 'Nobody'} may not do that.", "It takes an active operator or admin.")


def add_event(
    session: Session,
    *,
    kind: str,
    title: str,
    starts_on: date,
    ends_on: date | None = None,
    actor: str,
    channel: str,
    now: datetime,
) -> KnownEvent:
    """Note an event of whole days, both ends included (one day unless ``ends_on`` says more); an audit event.

    The caller has proved who ``actor`` is. Raises MayNotNote, and BadEvent for what is no event.
    """
    may_note(session, actor)
    if kind not in EVENT_KINDS:
        raise BadEvent(f"There is no kind of event {kind!r}.", f"It is one of {', '.join(EVENT_KINDS)}.")
    title, last = " ".join(title.split()), ends_on or starts_on
    if not title or len(title) > 200:
        raise BadEvent("An event needs a title of up to 200 characters.", "Say what happened in a few words.")
    if last < starts_on:
        raise BadEvent("An event can't end before it starts.", "Correct the days.")
    row = KnownEvent(kind=kind, title=title, starts_on=starts_on, ends_on=last, created_by=actor, created_at=now)
    session.add(row)
    session.flush()
    append_event(session, event="known_event_added", actor=actor, channel=channel, now=now, payload=_told(row))
    return row


def remove_event(session: Session, number: int, *, actor: str, channel: str, now: datetime) -> None:
    """Take a noted event back; an audit event. Raises MayNotNote, and BadEvent where there is none."""
    may_note(session, actor)
    row = session.get(KnownEvent, number)
    if row is None:
        raise BadEvent(f"There is no event {number}.", "See `growth events list`.")
    session.delete(row)
    append_event(session, event="known_event_removed", actor=actor, channel=channel, now=now, payload=_told(row))


def known_events(session: Session, since: date) -> Sequence[KnownEvent]:
    """Events that had not ended before ``since``, the newest first."""
    wanted = select(KnownEvent).where(KnownEvent.ends_on >= since)
    return session.scalars(wanted.order_by(KnownEvent.starts_on.desc(), KnownEvent.id.desc())).all()


def _told(row: KnownEvent) -> dict[str, str | int]:
    return {
        "number": row.id,
        "kind": row.kind,
        "title": row.title,
        "from": row.starts_on.isoformat(),
        "to": row.ends_on.isoformat(),
    }
