"""Days at zero among busy ones: nothing was counted, which is not the same as nothing happened.

A day whose relative standard deviation around its usual value is CV sees nothing with a probability of at most
exp(−1 ÷ CV²), if what is counted or summed up comes independently: of λ things of any size CV² ≥ 1 ÷ λ, and
P(0) = exp(−λ). Of counts more is known: a negative binomial's (1 + kμ)^(−1 ÷ k), k = CV² − 1 ÷ μ. Zeros that are
too many for that are lost days: of those told, at most one in a hundred is expected to be a true zero (Benjamini
& Hochberg 1995, over all days). Zeros of thin or erratic series, of closed weekdays, and of a level that has
fallen to next to nothing are none; nor is a week of zeros: that is a level. Sums and shares have lost days only
where these outnumber the days below half of the usual: zeros at the tail of such days are part of them. Where all
are multiples of one number (one price, grades), they are counts of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# The share of lost days that may be true zeros.
_FALSE = 0.01
_WEEK, _HALF = 7, 7
# From the mean absolute deviation to the standard one; unlike a median's it is 0 for constants only.
_NORMAL_MEAN = 1.2533141373155003
_LEAST_EXCESS, _ROUNDING = 1e-6, 1e-6


def lost_days(values: FloatArray, weekday: NDArray[Any] | None = None, counted: bool = True) -> BoolArray:
    """Which samples of ``values`` (series × days; NaN = missing) are lost.

    ``weekday``: the phase of each day in its week, else every seventh is alike. ``counted``: values are numbers of
    things; otherwise sums, shares or durations in any unit. Series with negative values have no lost days.
    """
    found = np.zeros(values.shape, dtype=bool)
    nothing, something = values == 0, values > 0
    if not counted:
        multiples, unit = _multiples(values, something)
        found[multiples] = lost_days(values[multiples] / unit[multiples], weekday)
        nothing = nothing & ~multiples[:, None]
    number, days = nothing.sum(axis=1), nothing.sum(axis=1) + something.sum(axis=1)
    likely = (number > 0) & (days - number > _WEEK) & ~(values < 0).any(axis=1)
    if counted:
        # The best weekday has at most seven times the mean.
        mean = np.where(something, values, 0.0).sum(axis=1) / np.maximum(days - number, 1)
        likely &= _WEEK * mean > np.log(days / (_FALSE * np.maximum(number, 1)))
    rows = np.flatnonzero(likely)
    if rows.size:
        phase = np.arange(values.shape[1]) % _WEEK if weekday is None else weekday
        some, zeros = values[rows], nothing[rows]
        usual = _usual(some, phase)
        chance = np.exp(-_improbability(some, usual, counted))
        if not counted:
            low = ((some > 0) & (some < usual / 2)).sum(axis=1)
            chance[low >= number[rows]] = 1.0
        ordered = np.sort(np.where(zeros, chance, 1.0), axis=1)
        allowed = _FALSE * np.arange(1, ordered.shape[1] + 1) / days[rows, None]
        most = np.where(ordered <= allowed, ordered, -1.0).max(axis=1, keepdims=True)
        found[rows] = zeros & (chance <= most) & (_length_of_runs(zeros) < _WEEK)
    return found


def _multiples(values: FloatArray, something: BoolArray) -> tuple[BoolArray, FloatArray]:
    """Which series hold only multiples of their least value, and that value as a column."""
    unit = np.where(something, values, np.inf).min(axis=1, keepdims=True)
    unit = np.where(np.isfinite(unit), unit, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        number = np.where(something, values, 0.0) / unit
        rest: FloatArray = np.abs(number - np.rint(number)).max(axis=1)
    return rest < _ROUNDING, unit


def _usual(values: FloatArray, phase: NDArray[Any]) -> FloatArray:
    """The median of the days with something in the two weeks around, times the weekday's factor; 0 = not known."""
    padded = np.pad(np.where(values > 0, values, np.inf), ((0, 0), (_HALF, _HALF)), constant_values=np.inf)
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * _HALF + 1, axis=1), axis=2)
    known = np.isfinite(around).sum(axis=2)
    low, high = np.maximum(known - 1, 0) // 2, known // 2
    ends = (np.take_along_axis(around, place[:, :, None], axis=2)[:, :, 0] for place in (low, high))
    local = np.where(known > 0, sum(ends, np.zeros(1)) / 2, 0.0)
    ratio = np.where(np.isfinite(values) & (local > 0), values / np.where(local > 0, local, 1.0), np.nan)
    factor = np.zeros((len(values), _WEEK))
    for day in np.unique(phase):
        own = ratio[:, phase == day]
        some = np.isfinite(own).any(axis=1)
        factor[some, day] = np.nanmedian(own[some], axis=1)
    usual: FloatArray = local * factor[:, phase]
    return usual


def _improbability(values: FloatArray, usual: FloatArray, counted: bool) -> FloatArray:
    """−log of (at most) the probability of nothing, by day; 0 where nothing is usual."""
    open_days = usual > 0
    level = np.where(open_days, usual, 1.0)
    judged = open_days & (values > 0)
    number = np.maximum(judged.sum(axis=1, keepdims=True), 1)
    deviation = np.where(judged, np.abs(values / level - 1), 0.0).sum(axis=1, keepdims=True) / number
    squared = (_NORMAL_MEAN * deviation) ** 2
    if counted:
        excess = np.maximum(squared - 1 / level, _LEAST_EXCESS)
        return np.where(open_days, np.log1p(excess * level) / excess, 0.0)
    # Weaker days have fewer of the same things.
    mean = np.where(judged, level, 0.0).sum(axis=1, keepdims=True) / number
    weaker = squared * np.maximum(mean / level, 1.0)
    return np.where(open_days, 1 / np.maximum(weaker, _LEAST_EXCESS), 0.0)


def _length_of_runs(true: BoolArray) -> NDArray[np.intp]:
    """Of each sample, how many in a row around it are true."""
    place = np.arange(true.shape[1])
    before = np.maximum.accumulate(np.where(true, -1, place), axis=1)
    after = np.minimum.accumulate(np.where(true, true.shape[1], place)[:, ::-1], axis=1)[:, ::-1]
    length: NDArray[np.intp] = after - before - 1
    return length
