"""The morning's summary: what waits, what happened since, what is stuck; on Fridays that of the whole week."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.approvals.digest import HAPPENED, digest_of, is_weekly
from growth_pipelines.console import figures
from growth_pipelines.console.labels import label
from growth_pipelines.store.tables import Flag, OutboxCursor, OutboxEntry
from growth_pipelines.telegram.desk import Desk
from growth_pipelines.telegram.messages import rendered

LISTENER = "telegram"
FLAG = "telegram_digest"


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


def digest(desk: Desk) -> str:
    """The digest as it is now, as HTML."""
    reader, now = desk.reader(), desk.now()
    zone = ZoneInfo(reader.zone)
    day = now.astimezone(zone).date()
    weekly = is_weekly(day)
    with desk.store.read() as session:
        begins = now - timedelta(days=7 if weekly else 1)
        found = digest_of(session, begins, now, zone=desk.settings.zone, mode=desk.settings.actions.mode)
    happened = {label("digests", name).lower(): getattr(found, name).count for name in HAPPENED}
    return rendered(
        "digest.html",
        reader,
        weekly=weekly,
        day=figures.day(day),
        digest=found,
        outcomes=found.outcomes,
        happened={what: count for what, count in happened.items() if count},
        since=figures.moment(found.begins, zone),
        console_text=reader.link(),
    )


def status(desk: Desk) -> str:
    """The present state in a few lines, as HTML."""
    reader, now, mode = desk.reader(), desk.now(), desk.settings.actions.mode
    with desk.store.read() as session:
        found = digest_of(session, now, now, zone=reader.zone, mode=mode)
        behind = untold(session)
    since = found.waiting.oldest
    oldest = figures.moment(since, ZoneInfo(reader.zone)) if since else ""
    return rendered("status.html", reader, digest=found, oldest=oldest, mode=mode, untold=behind)


def untold(session: Session) -> int:
    """Entries of the outbox that the bot is still to look at."""
    cursor = session.get(OutboxCursor, LISTENER)
    beyond = select(func.count()).select_from(OutboxEntry).where(OutboxEntry.seq > (cursor.seq if cursor else 0))
    return session.scalar(beyond) or 0
