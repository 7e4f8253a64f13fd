"""What was done, as monitoring needs it: the suspects of a change, and the marks of charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from growth_pipelines.monitoring import marks
from growth_pipelines.monitoring.marks import within
from growth_pipelines.monitoring.suspects import Happening
from growth_pipelines.store.happenings import happened

if TYPE_CHECKING:
    from growth_pipelines.defs.machine import Machine

# As far back as a change can have begun and still count.
REACHES = timedelta(days=180)
# Lines on a chart, the newest; more could not be told apart. Pixels of the charts with days on their axis.
_DRAWN, _WIDTH = 12, 640


def happenings(session: Session, today: date, zone: str) -> list[Happening]:
    """Known events and executed actions of the last 180 days; what only waits can have caused nothing."""
    return [
        Happening(one.kind, one.title, one.starts_on, one.ends_on, one.page, one.ref)
        for one in happened(session, today - REACHES, ZoneInfo(zone))
        if not one.waits
    ]


def marked(machine: Machine, values: Sequence[dict[str, Any]], page: str = "") -> list[dict[str, Any]]:
    """A chart's ``values`` (each with its ``day``) and what happened in those days: ``day``, ``event``, ``side``.

    Known events, and actions executed or approved: with a ``page`` those on it and on the whole shop.
    """
    days = sorted(str(row["day"]) for row in values)
    if not days:
        return []
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    with machine.store.read() as session:
        found = happened(session, first, ZoneInfo(machine.zone))
    events = within((one for one in found if not page or one.page in ("", page)), first, last)[-_DRAWN:]
    lines = [
        {"day": one["day"], "event": one["what"], "side": one["side"]}
        for one in marks.marked(events, first, last, _WIDTH)
    ]
    measures = [*dict.fromkeys(row["measure"] for row in values if "measure" in row)]
    if not measures:
        return [*values, *lines]
    # The names stand in the first of the charts above each other; the lines go through all of them.
    named = [{**one, "measure": measures[0]} for one in lines]
    return [*values, *named, *({**one, "event": "", "measure": name} for name in measures[1:] for one in lines)]
