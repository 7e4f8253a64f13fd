"""Change points of one series: where its level shifted for good, with size, interval and an honest p-value.

Steps: a transform by kind (square root for counts, log-odds for rates, logarithm for durations); weekday medians
removed; lone spikes clipped; the best piecewise-constant fit by dynamic programming; every boundary then has to
pass two unlike votes, or it is removed and its neighbours are judged again: a CUSUM test whose variance is
corrected for autocorrelation and whose p-value is for the *best* of all split points (James, James & Siegmund
1987), and a rank test on as many values as are independent. A plain t-test at a split chosen as the best one
is neither.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from growth_pipelines.monitoring.discovery import robust_scale

FloatArray = NDArray[np.float64]
Kind = Literal["generic", "count", "rate", "duration", "rolling28"]
KINDS: tuple[Kind, ...] = ("generic", "count", "rate", "duration", "rolling28")

# A level must hold for this many samples to be one.
_SHORTEST = 7
# Chance of a false change per series and look, for the CUSUM and for the rank vote.
_ALPHA, _ALPHA_RANKS = 0.001, 0.02
_SPIKE = 4.0
_WEEKDAYS_FROM = 28
_Z95 = 1.959964


@dataclass(frozen=True)
class Change:
    """``index`` is the first sample of the new regime; ``direction`` "up" or "down".

    ``size`` is new level − old level in the units of the values, ``low`` and ``high`` its 95 % interval.
    """

    index: int
    direction: str
    size: float
    low: float
    high: float
    p_value: float


def detect_changes(values: ArrayLike, dates: ArrayLike | None = None, kind: Kind = "generic") -> list[Change]:
    """Lasting shifts of level in ``values`` (NaN = missing), in order.

    ``dates`` (datetime64, same length) allow weekday patterns to be removed from daily data. ``kind`` says what
    the numbers are: counts, rates in [0, 1], durations (positive), 28-day rolling values (each sample shares
    most of its data with its neighbours), or anything else. Raises ValueError for another kind or for lengths
    that differ.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    series = np.asarray(values, dtype=float)
    days = None if dates is None else np.asarray(dates).astype("datetime64[D]")
    if days is not None and days.shape != series.shape:
        raise ValueError(f"{series.size} values but {days.size} dates")
    where = np.flatnonzero(np.isfinite(series))
    if where.size < 2 * _SHORTEST:
        return []
    known = series[where]
    if kind == "rolling28":
        return _rolling_change(known, where, None if days is None else days[where])
    level = _transform(known, kind)
    if robust_scale(np.diff(level)) == 0 and np.ptp(level) == 0:
        return []
    flat = _clip_spikes(_without_weekdays(level, None if days is None else days[where]))
    bounds, inflation = _accepted_bounds(flat)
    return [_described(known, flat, where, bounds, i, inflation, kind) for i in range(1, len(bounds) - 1)]


def _transform(values: FloatArray, kind: Kind) -> FloatArray:
    if kind == "count":
        return np.sqrt(np.clip(values, 0, None) + 0.375)
    if kind == "duration":
        smallest = values[values > 0].min() if (values > 0).any() else 1.0
        return np.log(np.maximum(values, smallest / 2))
    if kind == "rate":
        edge = 1e-4
        inside = np.clip(values, edge, 1 - edge)
        return np.log(inside / (1 - inside))
    return values


def _restore(level: float, kind: Kind) -> float:
    if kind == "count":
        return max(0.0, level * level - 0.375)
    if kind == "duration":
        return float(np.exp(level))
    return float(1 / (1 + np.exp(-level))) if kind == "rate" else level


def _without_weekdays(level: FloatArray, days: NDArray[Any] | None) -> FloatArray:
    """``level`` minus each weekday's median deviation from the week around it, for daily data of four weeks."""
    if days is None or level.size < _WEEKDAYS_FROM or np.median(np.diff(days).astype(int)) != 1:
        return level
    weekday = (days.astype(int) + 3) % 7
    deviation = level - _running_median(level, 7)
    pattern = np.array(
        [np.median(deviation[weekday == day]) if (weekday == day).any() else 0.0 for day in range(7)]
    )
    adjusted: FloatArray = level - (pattern - pattern.mean())[weekday]
    return adjusted


def _running_median(values: FloatArray, width: int) -> FloatArray:
    half = width // 2
    padded = np.concatenate([np.repeat(np.nan, half), values, np.repeat(np.nan, half)])
    middle: FloatArray = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return middle


def _clip_spikes(values: FloatArray) -> FloatArray:
    """Values further than four robust deviations from the median of the two weeks around are drawn in."""
    local = _running_median(values, 15)
    scale = robust_scale(values - local, centre=0.0)
    if scale == 0:
        return values
    return np.clip(values, local - _SPIKE * scale, local + _SPIKE * scale)


def _accepted_bounds(values: FloatArray) -> tuple[list[int], float]:
    """Bounds of the segments after both votes, and the variance inflation by autocorrelation."""
    noise = max(robust_scale(np.diff(values)) / np.sqrt(2), 1e-12)
    bounds = _best_partition(values, 3.0 * np.log(values.size) * noise**2)
    inflation = 1.0
    for _ in range(2):
        inflation = _inflation(_residuals(values, bounds))
        spread = float(np.std(_residuals(values, bounds)))
        bounds = _best_partition(values, 2.0 * np.log(values.size) * max(spread, noise) ** 2 * inflation)
    while len(bounds) > 2:
        inflation = _inflation(_residuals(values, bounds))
        doubts = [_doubt(values, bounds, i, inflation) for i in range(1, len(bounds) - 1)]
        weakest = int(np.argmax(doubts))
        if doubts[weakest] <= 1.0:
            break
        del bounds[weakest + 1]
    return bounds, inflation


def _best_partition(values: FloatArray, penalty: float) -> list[int]:
    """Bounds [0, …, n] of the segments with least squared error plus ``penalty`` a segment (exact)."""
    n = values.size
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    best = np.full(n + 1, np.inf)
    best[0], came_from = -penalty, np.zeros(n + 1, dtype=np.intp)
    for end in range(_SHORTEST, n + 1):
        starts = np.arange(0, end - _SHORTEST + 1)
        error = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / (end - starts)
        total = best[starts] + error + penalty
        choice = int(np.argmin(total))
        best[end], came_from[end] = total[choice], starts[choice]
    bounds = [n]
    while bounds[-1] > 0:
        bounds.append(int(came_from[bounds[-1]]))
    return bounds[::-1]


def _residuals(values: FloatArray, bounds: list[int]) -> FloatArray:
    parts = [values[a:b] - values[a:b].mean() for a, b in itertools.pairwise(bounds)]
    return np.concatenate(parts)


def _inflation(residuals: FloatArray) -> float:
    """Long-run variance ÷ variance of an AR(1) with the residuals' lag-1 autocorrelation, bias-corrected."""
    total = float((residuals**2).sum())
    if total == 0:
        return 1.0
    rho = float((residuals[1:] * residuals[:-1]).sum()) / total
    rho = min(0.9, max(0.0, rho + (1 + 3 * rho) / residuals.size))
    return (1 + rho) / (1 - rho)


def _doubt(values: FloatArray, bounds: list[int], i: int, inflation: float) -> float:
    """How far a boundary misses its votes: at most 1 when both pass."""
    return max(
        _cusum_p_value(values, bounds, i, inflation) / _ALPHA,
        _rank_p_value(values, bounds, i, inflation) / _ALPHA_RANKS,
    )


def _cusum_p_value(values: FloatArray, bounds: list[int], i: int, inflation: float) -> float:
    """P(the largest standardised CUSUM of a quiet stretch is at least that of this one)."""
    left, right = values[bounds[i - 1] : bounds[i]], values[bounds[i] : bounds[i + 1]]
    n = left.size + right.size
    spread = _pooled_spread(left, right)
    z = abs(float(right.mean() - left.mean())) / (spread * np.sqrt(inflation * (1 / left.size + 1 / right.size)))
    if z < 1.5:
        return 1.0
    z = _normal_equivalent(z, n / inflation)
    edge = _SHORTEST / n
    density = float(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
    odds = 2 * np.log((1 - edge) / edge)
    return float(min(1.0, z * density * ((1 - 1 / z**2) * odds + 4 / z**2)))


def _normal_equivalent(t: float, independent: float) -> float:
    """The normal deviate as improbable as ``t`` with the freedom that the independent values leave."""
    from scipy.special import ndtri, stdtr

    tail = float(stdtr(max(independent - 2, 3.0), -t))
    return float(-ndtri(max(tail, 1e-300)))


def _pooled_spread(left: FloatArray, right: FloatArray) -> float:
    squares = ((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum()
    return max(float(np.sqrt(squares / max(left.size + right.size - 2, 1))), 1e-12)


def _rank_p_value(values: FloatArray, bounds: list[int], i: int, inflation: float) -> float:
    """Mann–Whitney test of the two sides, its variance inflated for autocorrelation; two-sided."""
    from scipy.special import ndtr

    left, right = values[bounds[i - 1] : bounds[i]], values[bounds[i] : bounds[i + 1]]
    m, n = left.size, right.size
    order = np.sort(right)
    wins = (
        float(np.searchsorted(order, left, side="left").sum() + np.searchsorted(order, left, side="right").sum())
        / 2
    )
    z = abs(wins - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12 * inflation)
    return float(2 * ndtr(-z))


def _described(
    raw: FloatArray,
    flat: FloatArray,
    where: NDArray[np.intp],
    bounds: list[int],
    i: int,
    inflation: float,
    kind: Kind,
) -> Change:
    left, right = flat[bounds[i - 1] : bounds[i]], flat[bounds[i] : bounds[i + 1]]
    error = _Z95 * _pooled_spread(left, right) * np.sqrt(inflation * (1 / left.size + 1 / right.size))
    old, step = float(left.mean()), float(right.mean() - left.mean())
    size, low, high = (_restore(old + s, kind) - _restore(old, kind) for s in (step, step - error, step + error))
    p_value = _cusum_p_value(flat, bounds, i, inflation)
    return Change(int(where[bounds[i]]), "up" if step > 0 else "down", size, low, high, p_value)


def _rolling_change(values: FloatArray, where: NDArray[np.intp], days: NDArray[Any] | None) -> list[Change]:
    """The one clearest change of a 28-day rolling series: a ramp as long as the window, dated at its foot."""
    from growth_pipelines.monitoring.vitals import best_ramp, onset_p_value

    step = 1 if days is None else max(1, int(np.median(np.diff(days).astype(int))))
    overlap = max(2, round(28 / step))
    if values.size < 3 * overlap:
        return []
    grid, known = values[None, :], np.ones((1, values.size), dtype=bool)
    ramps = [best_ramp(sign * grid, known, overlap=overlap) for sign in (1.0, -1.0)]
    p_values = [float(onset_p_value(r.t_value, r.freedom, known.sum(axis=1), overlap)[0]) for r in ramps]
    better = int(np.argmin(p_values))
    p_value, ramp, sign = min(1.0, 2 * p_values[better]), ramps[better], (1.0, -1.0)[better]
    if not p_value <= _ALPHA:
        return []
    size, error = sign * float(ramp.gain[0]), _Z95 * float(ramp.error[0])
    first = int(ramp.onset[0]) + 1
    return [Change(int(where[first]), "up" if size > 0 else "down", size, size - error, size + error, p_value)]
