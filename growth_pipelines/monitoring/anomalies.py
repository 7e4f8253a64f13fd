"""How strange each sample is, given only what came before it: the standardised error of yesterday's forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from growth_pipelines.monitoring.day_grid import calendar_days
from growth_pipelines.monitoring.smoothing import smooth

FloatArray = NDArray[np.float64]

# The first two weeks are learned from, not judged.
_BEGINNING = 14
# The best columns of the parameter grid so far are averaged; past errors are forgotten with this weight.
_AVERAGED, _FORGETTING = 6, 0.03
# Smallest deviation: half of Poisson's on a square-root scale for counts, a share of the level for the rest.
_LEAST_COUNT, _LEAST_SHARE = 0.25, 0.002
_ANSCOMBE = 0.375


def anomaly_scores(values: ArrayLike, dates: ArrayLike | None = None) -> FloatArray:
    """|error of the one-step forecast| in deviations of such errors so far, for each of ``values``.

    ``dates`` (datetime64, any order, None = consecutive days): of daily data the weekly pattern is learned; other
    spacings are taken in order, without a pattern. A score depends on no later value. The first 14 samples score
    0, missing values (NaN) score NaN. About one quiet day in 50 scores over 3, more where tails are heavy. Raises
    ValueError for lengths that differ and for a date that is missing.
    """
    series = np.asarray(values, dtype=float).ravel()
    position, period = _positions(series.size, dates)
    grid = np.full(int(position.max()) + 1 if position.size else 0, np.nan)
    grid[position] = np.where(np.isfinite(series), series, np.nan)
    if grid.size <= _BEGINNING:
        return np.where(np.isfinite(series), 0.0, np.nan)
    level, least = _variance_stable(grid)
    states = smooth(level, period, _BEGINNING, least)
    best = _best_so_far(states.error)
    error = np.take_along_axis(states.error, best, axis=1).mean(axis=1)
    deviation = np.take_along_axis(states.deviation_before, best, axis=1).mean(axis=1)
    scores = np.abs(error) / deviation
    scores[:_BEGINNING] = np.where(np.isfinite(grid[:_BEGINNING]), 0.0, np.nan)
    found: FloatArray = scores[position]
    return found


def _positions(count: int, dates: ArrayLike | None) -> tuple[NDArray[Any], int]:
    """Where each sample stands in time, and the length of a week in samples (1 = no weekly pattern)."""
    if dates is None:
        return np.arange(count), 7
    times = np.asarray(dates).ravel()
    if times.size != count:
        raise ValueError(f"{count} values but {times.size} dates")
    calendar = calendar_days(times)
    if np.isnat(calendar).any():
        raise ValueError("a date is missing")
    days = calendar.astype(int)
    gaps = np.diff(np.sort(days))
    if count and (gaps > 0).all() and (not gaps.size or np.median(gaps) <= 2):
        return days - days.min(), 7
    return np.argsort(np.argsort(times, kind="stable"), kind="stable"), 1


def _variance_stable(grid: FloatArray) -> tuple[FloatArray, float]:
    """Square roots where the first two weeks hold nothing negative, and the smallest deviation of a sample."""
    first = grid[:_BEGINNING][np.isfinite(grid[:_BEGINNING])]
    if (first < 0).any():
        return grid, _LEAST_SHARE * float(np.abs(first).mean())
    whole = bool((first == np.round(first)).all())
    shifted = grid + _ANSCOMBE if whole else grid
    level = np.sign(shifted) * np.sqrt(np.abs(shifted))
    usual = float(np.sqrt(first).mean()) if first.size else 0.0
    return level, _LEAST_COUNT if whole else _LEAST_SHARE * usual


def _best_so_far(error: FloatArray) -> NDArray[np.intp]:
    """Per sample, the columns with the least mean error before it (time × averaged)."""
    from scipy.signal import lfilter

    missed = np.nan_to_num(np.abs(error))
    loss = lfilter([_FORGETTING], [1.0, -(1.0 - _FORGETTING)], missed, axis=0)
    before = np.vstack([np.zeros(error.shape[1]), loss[:-1]])
    ranked: NDArray[np.intp] = np.argsort(before, axis=1, kind="stable")[:, :_AVERAGED]
    return ranked
