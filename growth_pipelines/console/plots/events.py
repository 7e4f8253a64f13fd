"""What plots mark, asked for in one way: the shop's events, and what was approved for or written to a resource."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from growth_pipelines.clock import local_date
from growth_pipelines.monitoring.marks import Dated, Event
from growth_pipelines.store.happenings import Happened, done_to, happened, noted
from growth_pipelines.store.tables import Action

_REACHES = timedelta(days=180)
# Lines on a plot, the newest: of what people noted, of actions, and how many actions are looked through.
_NOTED, _ACTIONS, _READ = 12, 6, 200


def events_since(session: Session, now: datetime, zone: ZoneInfo, page: str = "") -> list[Happened]:
    """Known events of the last 180 days, and actions executed or approved in them, the newest few, oldest first;
    with a ``page`` what was done to others is left out."""
    today = local_date(now, zone.key)
    found = happened(session, today - _REACHES, zone, _READ)
    return _newest([one for one in found if not page or one.page in ("", page)], today)


def events_of(session: Session, action: Action, now: datetime, zone: ZoneInfo) -> list[Dated]:
    """Those of an action's plots: what was done to its own resource needs no title there."""
    today = local_date(now, zone.key)
    since = today - _REACHES
    own = done_to(session, action.resource_gid, since, zone) if action.resource_gid else []
    return [_own(one) for one in _newest([*noted(session, since), *own], today)]


def noted_since(session: Session, now: datetime, zone: ZoneInfo) -> list[Happened]:
    """Known events of the last 180 days alone."""
    today = local_date(now, zone.key)
    return _newest(noted(session, today - _REACHES), today)


def _newest(found: Sequence[Happened], today: date) -> list[Happened]:
    """As many as can be told apart, those of later days left out, oldest first."""
    past = sorted((one for one in found if one.day <= today), key=lambda one: one.day)
    events = [one for one in past if one.kind != "action"][-_NOTED:]
    done = [one for one in past if one.kind == "action"][-_ACTIONS:]
    return sorted(events + done, key=lambda one: one.day)


def _own(one: Happened) -> Dated:
    if one.kind != "action":
        return one
    return Event(one.day, "approved" if one.waits else "written")
