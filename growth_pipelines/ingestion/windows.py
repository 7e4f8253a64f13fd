"""Which part of the past a run reads. Windows overlap instead of trusting a high-water mark, because sources
show rows late: Shopify's search index by seconds to minutes, Search Console by days. Pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True)
class Window:
    """[start, end), naive UTC. Windows of days start and end at midnight. ``open_end`` = up to now, not cut."""

    start: datetime
    end: datetime
    open_end: bool = True

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def days(self) -> list[date]:
        count = max(0, (self.end.date() - self.start.date()).days)
        return [self.start.date() + timedelta(days=n) for n in range(count)]

    def chunks(self, days: int) -> Iterator[Window]:
        """The same time in pieces of at most ``days`` days, oldest first."""
        start = self.start
        while start < self.end:
            end = min(self.end, start + timedelta(days=days))
            yield Window(start, end, self.open_end and end == self.end)
            start = end

    def months(self) -> Iterator[Window]:
        """The same time in calendar months, oldest first; the first and the last may be parts of one."""
        start = self.start
        while start < self.end:
            following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
            end = min(self.end, datetime.combine(following.date(), time()))
            yield Window(start, end, self.open_end and end == self.end)
            start = end

    def halves(self) -> tuple[Window, Window]:
        """The same time in two pieces, cut at a whole second."""
        middle = (self.start + self.length / 2).replace(microsecond=0)
        return Window(self.start, middle, False), Window(middle, self.end, self.open_end)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def naive_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def plan_time(
    now: datetime,
    cursor: datetime | None,
    *,
    overlap: timedelta,
    history: timedelta,
    covered_from: datetime | None = None,
    since: date | None = None,
    until: date | None = None,
    full: bool = False,
) -> Window:
    """The window of a stream that is read by the time of its records' last change. ``until`` is inclusive.

    What lies before ``covered_from`` was never read (the first run was asked for some days only, or ``history`` is
    longer now), so it is read again from the first day of the history.
    """
    end = naive_utc(now)
    first = midnight((end - history).date())
    start = first if full or _unread(first, cursor, covered_from) else (cursor or first) - overlap
    if since is not None:
        start = midnight(since)
    if until is None:
        return Window(min(start, end), end)
    end = min(end, midnight(until) + timedelta(days=1))
    return Window(min(start, end), end, open_end=False)


def plan_days(
    last_day: date,
    cursor: datetime | None,
    *,
    overlap_days: int,
    history_days: int,
    covered_from: datetime | None = None,
    since: date | None = None,
    until: date | None = None,
    full: bool = False,
) -> Window:
    """The window of a daily stream whose newest readable day is ``last_day``. ``until`` is inclusive; what lies
    before ``covered_from`` is read as by :func:`plan_time`."""
    end = midnight(min(last_day, until or last_day)) + timedelta(days=1)
    oldest = midnight(last_day) + timedelta(days=1 - history_days)
    again = (cursor or oldest) - timedelta(days=overlap_days)
    start = oldest if full or _unread(oldest, cursor, covered_from) else max(oldest, again)
    if since is not None:
        start = midnight(since)
    return Window(min(start, end), end)


def _unread(first: datetime, cursor: datetime | None, covered_from: datetime | None) -> bool:
    """True when a stream lacks a part of its history."""
    return cursor is None or (covered_from is not None and covered_from > first)


def covered(start: datetime | None, position: datetime | None, window: Window) -> tuple[datetime, datetime]:
    """What a stream has after ``window`` was loaded on top of [start, position).

    The cursor (the second) never goes back, and never jumps over a time that was not read.
    """
    if position is None:
        return window.start, window.end
    start = start or position
    if window.start > position or window.end < start:
        return start, position
    return min(start, window.start), max(position, window.end)
