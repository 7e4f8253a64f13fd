"""Change points of one series: where its level shifted for good, with size, date and interval of both.

Steps: days on which nothing was counted, and weekdays without trade, are left out (``lost_days``, ``day_grid``);
values become levels of stable variance, without weekly pattern and lone spikes (``levels``); steps beyond what
drift and noise do anyhow are looked for at every date (``step_scan``), the clearest first; each one found is
taken out, and the others are judged and dated again without it. Beside these, the share of days on which nothing
was counted may change (``lost_share``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from growth_pipelines.monitoring.day_grid import DayArray, calendar_days, closed_days, weekdays
from growth_pipelines.monitoring.levels import (
    KINDS,
    FloatArray,
    Kind,
    Levels,
    filled,
    stable_levels,
    without_spikes,
    without_weekdays,
)
from growth_pipelines.monitoring.lost_days import lost_days
from growth_pipelines.monitoring.lost_share import lost_share_step
from growth_pipelines.monitoring.step_scan import SHORTEST, Design, Scan, design, scan_steps

__all__ = ["ALPHA", "KINDS", "LONGEST", "Change", "Kind", "detect_changes", "detect_each"]

# Chance of a false change per series and look; smaller for rolling values, whose rounding and quantiles fit the
# model less well; larger where a day counts so little that chance hides drift, and p-values are right therefore.
ALPHA, ALPHA_ROLLING, ALPHA_THIN = 0.001, 0.0002, 0.01
_THIN = 15.0
# A single series is watched for a shift; in a fleet, where p-values are ranked, the scan is more cautious.
_QUIET_WEIGHT = 0.3
# Only the last samples are judged: an older past says little about what is usual now.
LONGEST = 400
_MOST_CHANGES = 8
# Series scanned together: as many as keep the arrays of a block in the cache.
_BLOCK = 16
_WINDOW = 28
# Up to this share of missing samples, and no longer gap than a week, they are filled in; else they are left out.
_FEW_MISSING, _SHORT_GAP = 0.1, 7
_Z95 = 1.959964
_DATE_LEVEL = 0.95
# The old level is that of at most these many samples before the change.
_LEVEL_BEFORE = 56
# What varies by less, as a share of the largest level, is rounding of the arithmetic.
_ROUNDING = 1e-9
# A mean of values differs from its mean level by skewness; by more than this factor only beside a level at 0.
_MOST_SKEWED = 2.0


@dataclass(frozen=True)
class Change:
    """``index`` is the first sample of the new regime; ``direction`` "up" or "down".

    ``size`` is new level − old level in the units of the values, ``low`` and ``high`` its 95 % interval. With 95 %
    probability the first sample of the new regime lies between ``first`` and ``last`` (indices, inclusive).
    """

    index: int
    direction: str
    size: float
    low: float
    high: float
    p_value: float
    first: int
    last: int


@dataclass(frozen=True)
class _Step:
    candidate: int
    size: float
    error: float
    p_value: float
    first: int
    last: int


def detect_changes(values: ArrayLike, dates: ArrayLike | None = None, kind: Kind = "generic") -> list[Change]:
    """Lasting shifts of level in the last 400 of ``values`` (NaN = missing), in order.

    ``dates`` (days, the earliest first, same length; a zoned instant counts as its zone's day) allow weekday
    patterns to be removed from daily data. ``kind`` says what the numbers are: counts, rates in [0, 1], durations
    (positive), 28-day rolling values (each sample shares most of its data with its neighbours), or anything else.
    Give complete days only. Raises ValueError for another kind, for lengths that differ, for dates that are
    missing, out of order or repeated. Rates beyond [0, 1] count as the nearest end.
    """
    return detect_each(np.asarray(values, dtype=float)[None, :], dates, kind)[0]


def detect_each(values: ArrayLike, dates: ArrayLike | None = None, kind: Kind = "generic") -> list[list[Change]]:
    """:func:`detect_changes` of each row of ``values`` (series × samples), sooner than one by one."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    many = np.asarray(values, dtype=float)
    days = None if dates is None else _in_order(calendar_days(dates), many.shape[1])
    if kind == "rolling28" or not (many == 0).any():
        return _of_values(many, days, kind)
    closed = np.zeros(many.shape, dtype=bool) if days is None or _spacing(days) != 1 else closed_days(many, days)
    lost = lost_days(many, None if days is None else weekdays(days), kind == "count") & ~closed
    counted = np.where(closed | lost, np.nan, many)
    found = _of_values(counted, days, kind)
    for row in np.flatnonzero(closed.any(axis=1)):
        # A size is one of the mean over all days, closed ones too.
        trade = 1 - closed[row].sum() / np.isfinite(many[row]).sum()
        found[row] = [replace(one, size=one.size * trade, low=one.low * trade, high=one.high * trade)
                      for one in found[row]]  # fmt: skip
    for row in np.flatnonzero(lost.any(axis=1)):
        found[row] = _with_lost(found[row], counted[row], lost[row])
    return found


def _of_values(many: FloatArray, days: DayArray | None, kind: Kind) -> list[list[Change]]:
    found: list[list[Change]] = [[] for _ in many]
    judged = [_judged(series) for series in many]
    # Rows that are judged on the same samples go together.
    alike: dict[bytes, list[int]] = {}
    for row, where in enumerate(judged):
        alike.setdefault(where.tobytes(), []).append(row)
    for rows in alike.values():
        where = judged[rows[0]]
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            for row, changes in zip(block, _of_block(many[block][:, where], days, where, kind), strict=True):
                found[row] = changes
    return found


def _with_lost(changes: list[Change], counted: FloatArray, lost: NDArray[np.bool_]) -> list[Change]:
    """``changes`` and that of the share of lost days, unless the level changed in the same week."""
    where = np.flatnonzero(np.isfinite(counted) | lost)[-LONGEST:]
    step = lost_share_step(lost[where], SHORTEST)
    if step is None or step.p_value > ALPHA:
        return changes
    index, first, last = (int(where[place]) for place in (step.index, step.first, step.last))
    if any(abs(one.index - index) < SHORTEST for one in changes):
        return changes
    before = counted[where[: step.index]]
    usual = float(np.nanmean(before[-_LEVEL_BEFORE:] if np.isfinite(before[-_LEVEL_BEFORE:]).any() else before))
    size, low, high = (-usual * share for share in (step.share, step.high, step.low))
    direction = "down" if size < 0 else "up"
    told = Change(index, direction, size, low, high, step.p_value, first, last)
    return sorted([*changes, told], key=lambda one: one.index)


def _in_order(days: DayArray, values: int) -> DayArray:
    if days.size != values:
        raise ValueError(f"{values} values but {days.size} dates")
    if np.isnat(days).any():
        raise ValueError("a date is missing")
    if (late := np.flatnonzero(np.diff(days).astype(int) <= 0)).size:
        before, after = days[late[0]], days[late[0] + 1]
        raise ValueError(f"{after} comes after {before}: give one value a day, the earliest first")
    return days


def _of_block(
    known: FloatArray, days: NDArray[Any] | None, where: NDArray[np.intp], kind: Kind
) -> list[list[Change]]:
    """The changes of rows of which the samples ``where`` are judged."""
    found: list[list[Change]] = [[] for _ in known]
    window = _WINDOW if kind == "rolling28" else 1
    spacing = _spacing(None if days is None else days[where])
    if where.size < 2 * SHORTEST or where.size * spacing < 2 * window:
        return found
    moving = np.nanmax(known, axis=1) > np.nanmin(known, axis=1)
    judged = np.flatnonzero(moving & (np.isfinite(known).sum(axis=1) >= 2 * SHORTEST))
    if judged.size:
        flat = stable_levels(filled(known[judged]), kind).level
        if window == 1:
            flat = without_spikes(without_weekdays(flat, _weekday(days, where)))
        varying = np.ptp(flat, axis=1) > _rounding(flat)
        judged, flat = judged[varying], flat[varying]
    if not judged.size:
        return found
    alpha = _alpha(known[judged], kind)
    scan = scan_steps(flat, spacing, window, None, _QUIET_WEIGHT)
    for place in np.flatnonzero(scan.p_value <= alpha):
        row = judged[place]
        series = _Series(flat[place], spacing, window, float(alpha[place]))
        values = filled(known[row : row + 1])
        levels, reach = stable_levels(values, kind), float(np.ptp(values))
        found[row] = [_described(step, series, levels, reach, where) for step in _steps(series)]
    return found


def _rounding(level: FloatArray) -> FloatArray:
    """Differences that say nothing, by row."""
    rounding: FloatArray = _ROUNDING * np.abs(level).max(axis=-1)
    return rounding


def _alpha(known: FloatArray, kind: Kind) -> FloatArray:
    """By row."""
    thin = (np.nanmean(known, axis=1) < _THIN) & (kind == "count")
    return np.where(thin, ALPHA_THIN, ALPHA_ROLLING if kind == "rolling28" else ALPHA)


def _judged(series: FloatArray) -> NDArray[np.intp]:
    """Which samples are judged: the last ones; where many are missing, only those that are known."""
    known = np.isfinite(series)
    if not known.any():
        return np.zeros(0, dtype=np.intp)
    first, last = np.flatnonzero(known)[[0, -1]]
    where = np.arange(first, last + 1)[-LONGEST:]
    inside = np.flatnonzero(known[where])
    few = inside.size >= (1 - _FEW_MISSING) * where.size and int(np.diff(inside, prepend=-1).max()) <= _SHORT_GAP
    return where if few else where[inside]


def _spacing(days: NDArray[Any] | None) -> int:
    """Days between samples; 1 where dates say nothing."""
    if days is None or days.size < 2:
        return 1
    return max(1, int(np.median(np.diff(days).astype(int))))


def _weekday(days: NDArray[Any] | None, where: NDArray[np.intp]) -> NDArray[Any] | None:
    if days is None or where.size < 2 or np.median(np.diff(days[where]).astype(int)) != 1:
        return None
    return (days[where].astype(int) + 3) % 7


@dataclass(frozen=True)
class _Series:
    """Levels that are ``spacing`` days apart and hold ``window`` days each, and the design they are judged by."""

    level: FloatArray
    spacing: int
    window: int
    alpha: float

    @property
    def model(self) -> Design:
        return design(self.level.size, self.spacing, self.window)


def _steps(series: _Series) -> list[_Step]:
    """The steps that hold beside each other, by date."""
    found: list[_Step] = []
    while len(found) < _MOST_CHANGES:
        step = _best_step(series, found)
        if step is None or step.p_value > series.alpha:
            break
        settled = _settled(series, [*found, step])
        if len(settled) <= len(found):
            break
        found = settled
    return sorted(found, key=lambda one: one.candidate)


def _settled(series: _Series, found: list[_Step]) -> list[_Step]:
    """Each step judged and dated again beside the others; those that no longer hold go, weakest first."""
    while found:
        for number in range(len(found) if len(found) > 1 else 0):
            others = found[:number] + found[number + 1 :]
            again = _best_step(series, others, near=found[number].candidate)
            found = [*found[:number], again or found[number], *found[number + 1 :]]
        weakest = max(found, key=lambda one: one.p_value)
        if weakest.p_value <= series.alpha:
            break
        found = [one for one in found if one is not weakest]
    return found


def _best_step(series: _Series, others: list[_Step], near: int | None = None) -> _Step | None:
    """The clearest step beside ``others``; with ``near``, between its neighbours among them."""
    model = series.model
    rest = series.level - sum((one.size * model.steps[:, one.candidate] for one in others), np.zeros(1))
    if np.ptp(rest) <= _rounding(series.level):
        return None
    number = np.arange(model.candidates.size)
    allowed = np.ones(number.size, dtype=bool)
    for one in others:
        allowed &= np.abs(number - one.candidate) >= SHORTEST
        if near is not None:
            allowed &= number > one.candidate if near > one.candidate else number < one.candidate
    if not allowed.any():
        return None
    scan = scan_steps(rest[None, :], series.spacing, series.window, allowed, _QUIET_WEIGHT)
    first, last = _date_interval(scan)
    return _Step(int(scan.best[0]), float(scan.step[0]), float(scan.error[0]), float(scan.p_value[0]), first, last)


def _date_interval(scan: Scan) -> tuple[int, int]:
    """Candidates between which the date lies with 95 % probability."""
    below = np.cumsum(scan.date_weight[0])
    tail = (1 - _DATE_LEVEL) / 2
    first = int(np.searchsorted(below, tail))
    last = min(int(np.searchsorted(below, 1 - tail)), below.size - 1)
    return min(first, int(scan.best[0])), max(last, int(scan.best[0]))


def _described(
    step: _Step, series: _Series, levels: Levels, reach_of_values: float, where: NDArray[np.intp]
) -> Change:
    """``step`` as a change in the units of the values, at positions of the series as it was given."""
    candidates = series.model.candidates
    begin = int(candidates[step.candidate])
    before = series.level[max(0, begin - _LEVEL_BEFORE) : begin]
    old, reach = float(before.mean()), _Z95 * step.error
    ends = old + np.array([[0.0, step.size, step.size - reach, step.size + reach]])
    was, now, low, high = levels.restore(ends)[0]
    # The mean of the values before, moved by the ratio of levels: a restored mean level is not a mean value.
    usual = float(levels.restore(before[None, :]).mean())
    scale = usual / was if was > 0 and usual > 0 else 1.0
    scale = min(max(scale, 1 / _MOST_SKEWED), _MOST_SKEWED)
    # Both levels lie among the values, as far as the windows already hold the new one. Beside a level at 0 a step
    # of logarithms may be of any size.
    most = reach_of_values / float(series.model.steps[-1, step.candidate])
    size, low, high = (float(np.clip(scale * (end - was), -most, most)) for end in (now, low, high))
    return Change(
        int(where[begin]),
        "up" if step.size > 0 else "down",
        size,
        min(low, size),
        max(high, size),
        step.p_value,
        int(where[candidates[step.first]]),
        int(where[candidates[step.last]]),
    )
