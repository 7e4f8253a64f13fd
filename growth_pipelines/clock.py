"""The one clock: everything that asks for the time asks here, so tests and replays can fix it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime: ...


@dataclass(frozen=True)
class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class FixedClock:
    """Stands still at one instant (``GROWTH_NOW``)."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant.astimezone(UTC)


def clock_at(instant: datetime | None) -> Clock:
    """A fixed clock at ``instant`` (naive means UTC), or the system clock for None."""
    if instant is None:
        return SystemClock()
    return FixedClock(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def local_date(instant: datetime, timezone: str) -> date:
    """The calendar date of ``instant`` in the shop's zone (an IANA name)."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def local_minute(instant: datetime, timezone: str) -> str:
    """An instant as people of the shop read it, such as ``2026-11-28 17:01 MST``."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M %Z}"


def start_of_day(day: date, timezone: str) -> datetime:
    """The instant (UTC) at which a day begins in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
