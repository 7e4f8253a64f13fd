"""What was done to the shop: events that people noted, and actions that were written or are approved to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from growth_pipelines.store.known_events import known_events
from growth_pipelines.store.tables import Action

_ACTIONS = select(
    Action.executed_at,
    func.coalesce(Action.decided_at, Action.updated_at),
    Action.title,
    Action.target["url"].as_string(),
    Action.ref,
)


@dataclass(frozen=True)
class Happened:
    """A known event, or an action (kind ``action``); days are the shop's.

    ``page`` is the path that an action writes to, empty for the whole shop. ``waits`` says that the action is
    approved and not executed yet; its day is then the decision's.
    """

    kind: str
    title: str
    starts_on: date
    ends_on: date
    page: str = ""
    ref: str = ""
    waits: bool = False

    @property
    def day(self) -> date:
        """Where a chart marks it."""
        return self.starts_on

    @property
    def what(self) -> str:
        """As a chart names it."""
        return f"approved: {self.title}" if self.waits else self.title


def happened(session: Session, since: date, zone: ZoneInfo, most: int | None = None) -> list[Happened]:
    """Known events that had not ended before ``since``, and actions executed, or approved and waiting, since then;
    of the actions at most the newest ``most`` of each sort."""
    return [*noted(session, since), *_executed(session, since, zone, most), *_waiting(session, since, zone, most)]


def noted(session: Session, since: date) -> list[Happened]:
    """Known events alone."""
    return [Happened(row.kind, row.title, row.starts_on, row.ends_on) for row in known_events(session, since)]


def done_to(session: Session, gid: str, since: date, zone: ZoneInfo) -> list[Happened]:
    """Actions on one resource alone, executed or approved."""
    own = Action.resource_gid == gid
    return [*_executed(session, since, zone, None, own), *_waiting(session, since, zone, None, own)]


def _executed(
    session: Session, since: date, zone: ZoneInfo, most: int | None, *about: ColumnElement[bool]
) -> list[Happened]:
    wanted = _ACTIONS.where(Action.executed_at >= _start(since), *about).order_by(Action.executed_at.desc())
    return [_action(row, zone) for row in session.execute(wanted.limit(most))]


def _waiting(
    session: Session, since: date, zone: ZoneInfo, most: int | None, *about: ColumnElement[bool]
) -> list[Happened]:
    waits = (Action.state == "approved", Action.executed_at.is_(None), Action.updated_at >= _start(since))
    wanted = _ACTIONS.where(*waits, *about).order_by(Action.updated_at.desc())
    return [_action(row, zone) for row in session.execute(wanted.limit(most))]


def _start(since: date) -> datetime:
    return datetime.combine(since, time(), UTC)


def _action(row: Any, zone: ZoneInfo) -> Happened:
    executed, decided, title, url, ref = row
    day = (executed or decided).astimezone(zone).date()
    path = urlsplit(url).path
    page = "" if path in ("", "/") else path
    return Happened("action", title, day, day, page, ref, waits=executed is None)
