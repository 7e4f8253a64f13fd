"""What plots mark, asked for in one way: the shop's events, and what was approved for or written to a resource."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from growth_pipelines.clock import local_date
from growth_pipelines.monitoring.marks import Dated, Event
from growth_pipelines.store.happenings import Happened, happened
from growth_pipelines.store.known_events import known_events
from growth_pipelines.store.tables import Action

_REACHES = timedelta(days=180)
# Lines on a plot, the newest: of what people noted, of actions, and how many actions are looked through.
_NOTED, _ACTIONS, _READ = 12, 6, 200


def events_since(session: Session, now: datetime, zone: ZoneInfo, page: str = "", gid: str = "") -> list[Happened]:
    """Known events of the last 180 days, and actions executed or approved in them, the newest few, oldest first;
    with a ``page`` or ``gid`` what was done to others is left out."""
    today = local_date(now, zone.key)
    found = [one for one in happened(session, today - _REACHES, zone, page, gid, _READ) if one.day <= today]
    found.sort(key=lambda one: one.day)
    noted = [one for one in found if one.kind != "action"][-_NOTED:]
    done = [one for one in found if one.kind == "action"][-_ACTIONS:]
    return sorted(noted + done, key=lambda one: one.day)


def events_of(session: Session, action: Action, page: str, now: datetime, zone: ZoneInfo) -> list[Dated]:
    """Those of an action's plots: what was done to its own resource needs no title there."""
    events = events_since(session, now, zone, page, action.resource_gid)
    return [_own(one) if one.gid == action.resource_gid else one for one in events]


def _own(one: Happened) -> Event:
    return Event(one.day, "approved" if one.waits else "written")


def noted_since(session: Session, now: datetime, zone: ZoneInfo) -> list[Event]:
    """Known events of the last 180 days alone."""
    today = local_date(now, zone.key)
    noted = [Event(row.starts_on, row.title) for row in known_events(session, today - _REACHES)]
    return [one for one in noted if one.day <= today][:_NOTED]
