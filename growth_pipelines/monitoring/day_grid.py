"""A series on a calendar without holes: missing days, days of the week without trade, single days closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from growth_pipelines.monitoring.discovery import robust_scale

FloatArray = NDArray[np.float64]
DayArray = NDArray[Any]

_WEEK = 7
# A weekday is closed when it had nearly always nothing where the other days' share of nothing makes that absurd.
_CLOSED_SHARE, _CLOSED_CHANCE, _CLOSED_WEEKS = 0.9, 0.01, 26
# A lone day at zero this many deviations under its neighbours was a closed day, not a bad one.
_CLOSED_DEVIATIONS, _NEIGHBOURS = 4.0, 15


@dataclass(frozen=True)
class DayGrid:
    """``calendar``: values (NaN = not known) every ``step`` days from ``start`` on.

    ``kept`` says which of them are on weekdays with trade, ``period`` how many of those are a season (1 = none).
    """

    start: np.datetime64
    step: int
    calendar: FloatArray
    open_weekdays: tuple[int, ...]

    @property
    def days(self) -> DayArray:
        return self.start + self.step * np.arange(self.calendar.size)

    @property
    def kept(self) -> NDArray[np.bool_]:
        return self.is_open(self.days)

    @property
    def period(self) -> int:
        return len(self.open_weekdays) if self.step == 1 else 1

    def is_open(self, days: DayArray) -> NDArray[np.bool_]:
        return np.isin(weekdays(days), self.open_weekdays)

    def following(self, horizon: int) -> DayArray:
        """The next ``horizon`` days (or weeks) after the last."""
        return self.start + self.step * (self.calendar.size + np.arange(horizon))


def calendar_days(dates: ArrayLike) -> DayArray:
    """Days (datetime64[D]) of dates, instants (a zoned one: of its zone) or ISO texts, in one dimension."""
    days = np.asarray(dates).ravel()
    if days.dtype == object:
        days = np.array([one.replace(tzinfo=None) if getattr(one, "tzinfo", None) else one for one in days])
    return days.astype("datetime64[D]")


def weekdays(days: DayArray) -> NDArray[np.intp]:
    """0 = Monday."""
    weekday: NDArray[np.intp] = (days.astype("datetime64[D]").astype(int) + 3) % _WEEK
    return weekday


def day_grid(values: ArrayLike, dates: ArrayLike | None) -> DayGrid:
    """``values`` in the order of ``dates`` (days or weeks apart; None = consecutive days) on a whole calendar.

    Raises ValueError when lengths differ, a date occurs twice, or the samples are neither days nor weeks.
    """
    series = np.asarray(values, dtype=float).ravel()
    if dates is None:
        dates = np.datetime64("2001-01-01") + np.arange(series.size)
    days = calendar_days(dates)
    if days.size != series.size:
        raise ValueError(f"{series.size} values but {days.size} dates")
    if np.isnat(days).any():
        raise ValueError("a date is missing")
    if days.size == 0:
        raise ValueError("there are no values")
    order = np.argsort(days, kind="stable")
    days, series = days[order], np.where(np.isfinite(series[order]), series[order], np.nan)
    gaps = np.diff(days).astype(int)
    if (gaps == 0).any():
        raise ValueError(f"{days[1:][gaps == 0][0]} occurs twice: give one value a day")
    step = _step(gaps)
    position = (days - days[0]).astype(int) // step
    calendar = np.full(int(position[-1]) + 1, np.nan)
    calendar[position] = series
    grid = DayGrid(days[0], step, calendar, tuple(range(_WEEK)))
    return grid if step != 1 else DayGrid(days[0], step, calendar, open_weekdays(calendar, grid.days))


def begun(grid: DayGrid, least: int) -> DayGrid:
    """Without the time before anything was sold at all, where that is no chance; ``least`` known samples stay."""
    something = np.flatnonzero(np.nan_to_num(grid.calendar) != 0)
    known = np.flatnonzero(np.isfinite(grid.calendar))
    if not something.size or known.size <= least:
        return grid
    first = min(int(something[0]), int(known[-least]))
    before, since = grid.kept[:first].sum(), grid.kept[first:].sum()
    chance = ((since - something.size + 0.5) / (since + 1)) ** before
    if chance >= _CLOSED_CHANCE:
        return grid
    return replace(grid, start=grid.days[first], calendar=grid.calendar[first:])


def _step(gaps: NDArray[Any]) -> int:
    """1 for days, 7 for weeks."""
    if gaps.size and (gaps % _WEEK == 0).all():
        return _WEEK
    if gaps.size and np.median(gaps) > 2:
        raise ValueError(f"samples are mostly {np.median(gaps):.0f} days apart: give daily or weekly values")
    return 1


def open_weekdays(values: FloatArray, days: DayArray) -> tuple[int, ...]:
    """Weekdays (0 = Monday) on which something happens in the last half-year; all where nothing ever does."""
    recent = slice(-_CLOSED_WEEKS * _WEEK, None)
    nothing = ~(np.nan_to_num(values[recent]) != 0)
    weekday = weekdays(days[recent])
    found = []
    for day in range(_WEEK):
        own, others = nothing[weekday == day], nothing[weekday != day]
        chance = ((others.sum() + 0.5) / (others.size + 1)) ** own.sum()
        closed = own.size >= 2 and own.mean() >= _CLOSED_SHARE and chance < _CLOSED_CHANCE
        found += [] if closed else [day]
    return tuple(found) or tuple(range(_WEEK))


def closed_days(values: FloatArray, days: DayArray) -> NDArray[np.bool_]:
    """Days at zero on weekdays without trade, of series × days."""
    closed = np.zeros(values.shape, dtype=bool)
    weekday, nothing = weekdays(days), values == 0
    every = np.stack([nothing[:, weekday == day].mean(axis=1) for day in np.unique(weekday)])
    # The last half-year decides: nobody is judged who has few such days altogether.
    for row in np.flatnonzero((every >= _CLOSED_SHARE / 2).any(axis=0)):
        closed[row] = nothing[row] & ~np.isin(weekday, open_weekdays(values[row], days))
    return closed


def without_closed_days(values: FloatArray, level: FloatArray) -> FloatArray:
    """``level`` with NaN on lone days at zero far under the days around them: holidays, not demand."""
    if not (values == 0).any() or level.size < _NEIGHBOURS:
        return level
    half = _NEIGHBOURS // 2
    padded = np.concatenate([np.full(half, np.nan), level, np.full(half, np.nan)])
    around = np.lib.stride_tricks.sliding_window_view(padded, _NEIGHBOURS)
    known = np.isfinite(around).any(axis=1)
    local = np.full(level.size, np.nan)
    local[known] = np.nanmedian(around[known], axis=1)
    scale = robust_scale(level[values != 0] - local[values != 0], centre=0.0)
    closed = (values == 0) & (local - level > _CLOSED_DEVIATIONS * scale) & (local > level)
    return np.where(closed, np.nan, level)
