"""The morning's summary: what waits, what happened since, what is stuck; on Fridays that of the whole week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.lifecycle import overdue
from growth_pipelines.actions.queue import as_document, top
from growth_pipelines.console import figures
from growth_pipelines.store.incidents import loud_incidents
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, Flag, OutboxCursor, OutboxEntry
from growth_pipelines.telegram.desk import PRIORITIES, Desk, waiting
from growth_pipelines.telegram.messages import rendered

LISTENER = "telegram"
FLAG = "telegram_digest"
FRIDAY = 4
_BEST = 10
# What is counted as having happened, in this order.
_TOLD = ("approved", "rejected", "changes_requested", "deferred", "executed", "failed", "rolled_back", "expired")


def is_due(sent_on: date | None, now: datetime, zone: str, at: time) -> bool:
    """Whether today's digest is still to be sent; a bot that was down sends it late, but on the same day."""
    local = now.astimezone(ZoneInfo(zone))
    return local.time() >= at and (sent_on is None or sent_on < local.date())


def sent_on(session: Session) -> date | None:
    """The shop's day of the last digest."""
    flag = session.get(Flag, FLAG)
    return date.fromisoformat(flag.value["day"]) if flag else None


def note_sent(session: Session, day: date, now: datetime) -> None:
    """Note that the day's digest was sent, so that a restart sends no second one."""
    flag = session.get(Flag, FLAG) or Flag(key=FLAG)
    flag.value, flag.updated_at, flag.updated_by = {"day": day.isoformat()}, now, LISTENER
    session.add(flag)


def digest(desk: Desk, *, weekly: bool) -> str:
    """The digest as it is now, as HTML."""
    reader, now = desk.reader(), desk.now()
    zone = ZoneInfo(reader.zone)
    since = now - timedelta(days=7 if weekly else 1)
    with desk.store.read() as session:
        counts = waiting_by_priority(session, now)
        return rendered(
            "digest.html",
            reader,
            weekly=weekly,
            day=figures.day(now.astimezone(zone).date()),
            total=sum(counts.values()),
            waiting=counts,
            ending=_ending(session, now),
            best=[as_document(action) for action in top(session, _BEST, now)],
            happened=_happened(session, since),
            since=figures.moment(since, zone),
            late=_late(session, desk),
            incidents=[row.title for row in loud_incidents(session, now)],
            brake=str(brake(session) or ""),
            console_text=reader.link(),
        )


def status(desk: Desk) -> str:
    """The present state in a few lines, as HTML."""
    reader, now = desk.reader(), desk.now()
    with desk.store.read() as session:
        counts = waiting_by_priority(session, now)
        oldest = session.scalar(waiting(select(func.min(Action.created_at)), now))
        return rendered(
            "status.html",
            reader,
            total=sum(counts.values()),
            waiting=counts,
            oldest=figures.moment(oldest, ZoneInfo(reader.zone)) if oldest else "",
            mode=desk.settings.actions.mode,
            brake=str(brake(session) or ""),
            late=_late(session, desk),
            untold=untold(session),
        )


def waiting_by_priority(session: Session, now: datetime) -> dict[str, int]:
    """How many requests wait, by priority, the most urgent first; none with 0."""
    counted = waiting(select(ApprovalRequest.priority, func.count()).select_from(Action), now)
    found = dict(session.execute(counted.group_by(ApprovalRequest.priority)).tuples().all())
    return {priority: found[priority] for priority in PRIORITIES if priority in found}


def untold(session: Session) -> int:
    """Entries of the outbox that the bot is still to look at."""
    cursor = session.get(OutboxCursor, LISTENER)
    beyond = select(func.count()).select_from(OutboxEntry).where(OutboxEntry.seq > (cursor.seq if cursor else 0))
    return session.scalar(beyond) or 0


def _ending(session: Session, now: datetime) -> int:
    soon = waiting(select(func.count()).select_from(Action), now).where(
        Action.expires_at <= now + timedelta(days=1)
    )
    return session.scalar(soon) or 0


def _happened(session: Session, since: datetime) -> Mapping[str, int]:
    counted = (
        select(AuditEvent.event, func.count())
        .where(AuditEvent.at > since, AuditEvent.event.in_(_TOLD))
        .group_by(AuditEvent.event)
    )
    found = dict(session.execute(counted).tuples().all())
    return {event: found[event] for event in _TOLD if event in found}


def _late(session: Session, desk: Desk) -> int:
    return Counter(one.state for one in overdue(session, desk.now(), desk.settings.actions.mode))["approved"]
