"""What was done, as monitoring needs it: the suspects of a change."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from growth_pipelines.monitoring.suspects import Happening
from growth_pipelines.store.happenings import happened

# As far back as a change can have begun and still count.
REACHES = timedelta(days=180)


def happenings(session: Session, today: date, zone: str) -> list[Happening]:
    """Known events and executed actions of the last 180 days; what only waits can have caused nothing."""
    return [
        Happening(one.kind, one.title, one.starts_on, one.ends_on, one.page, one.ref)
        for one in happened(session, today - REACHES, ZoneInfo(zone))
        if not one.waits
    ]
