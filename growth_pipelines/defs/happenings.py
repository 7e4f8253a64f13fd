"""What was done, as monitoring needs it: events that people noted and actions that were executed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.monitoring.suspects import Happening
from growth_pipelines.store.known_events import known_events
from growth_pipelines.store.tables import Action

# As far back as a change can have begun and still count.
REACHES = timedelta(days=180)


def happenings(session: Session, today: date, zone: str) -> list[Happening]:
    """Those of the last 180 days; days are the shop's."""
    since = today - REACHES
    noted = [
        Happening(row.kind, row.title, row.starts_on, row.ends_on) for row in known_events(session, since)
    ]  # fmt: skip
    executed = select(Action).where(Action.executed_at >= datetime.combine(since, datetime.min.time(), UTC))
    return noted + [_executed(action, ZoneInfo(zone)) for action in session.scalars(executed)]


def _executed(action: Action, zone: ZoneInfo) -> Happening:
    assert action.executed_at is not None
    day = action.executed_at.astimezone(zone).date()
    path = urlsplit(action.target["url"]).path
    return Happening("action", action.title, day, day, "" if path in ("", "/") else path, action.ref)
