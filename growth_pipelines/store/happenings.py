"""What was done to the shop: events that people noted, and actions that were written or are approved to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from growth_pipelines.store.known_events import known_events
from growth_pipelines.store.tables import Action


@dataclass(frozen=True)
class Happened:
    """A known event, or an action (kind ``action``); days are the shop's.

    ``page`` is the path that an action writes to, empty for the whole shop, and ``gid`` the resource. ``waits``
    says that the action is approved and not executed yet; its day is then the decision's.
    """

    kind: str
    title: str
    starts_on: date
    ends_on: date
    page: str = ""
    gid: str = ""
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


def happened(
    session: Session, since: date, zone: ZoneInfo, page: str = "", gid: str = "", most: int | None = None
) -> list[Happened]:
    """Known events that had not ended before ``since``, and actions executed, or approved and waiting, since then.

    With a ``page`` or ``gid`` only what concerns it: the actions on it and what is done to the whole shop. At most
    the newest ``most`` actions.
    """
    noted = [Happened(row.kind, row.title, row.starts_on, row.ends_on) for row in known_events(session, since)]
    decided, start = func.coalesce(Action.decided_at, Action.updated_at), datetime.combine(since, time(), UTC)
    waits = and_(Action.state == "approved", Action.executed_at.is_(None), decided >= start)
    url = Action.target["url"].as_string()
    wanted = (
        select(Action.executed_at, decided, Action.title, url, Action.resource_gid, Action.ref)
        .where(or_(Action.executed_at >= start, waits))
        .order_by(func.coalesce(Action.executed_at, decided).desc(), Action.id)
        .limit(most)
    )
    if page or gid:
        wanted = wanted.where(or_(*_concerns(url, page, gid)))
    rows: Iterable[Any] = session.execute(wanted)
    found = [_action(*row, zone) for row in rows]
    return noted + [one for one in found if not page or not one.page or one.page == page or one.gid == gid]


def _concerns(url: Any, page: str, gid: str) -> Sequence[ColumnElement[bool]]:
    """A superset in SQL, which knows no paths of addresses: the exact path is compared after it."""
    of_shop = ~url.like("%//%/_%")
    of_page = [url.contains(page, autoescape=True)] if page else []
    return [of_shop, *of_page, *([Action.resource_gid == gid] if gid else [])]


def _action(
    executed: datetime | None, decided: datetime, title: str, url: str, gid: str, ref: str, zone: ZoneInfo
) -> Happened:
    day = (executed or decided).astimezone(zone).date()
    path = urlsplit(url).path
    page = "" if path in ("", "/") else path
    return Happened("action", title, day, day, page, gid, ref, waits=executed is None)
