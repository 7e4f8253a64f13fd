"""Forecasts of a daily or weekly series with intervals from what its own forecasts used to miss by.

Square roots of what cannot be negative; weekdays without trade left out; lone closed days taken for missing; a
yearly pattern where two years are known; then robust damped exponential smoothing with a weekly pattern, averaged
over the parameters that forecast this series best so far (``smoothing``). The intervals are conformal: quantiles
of the errors that the same model made from each earlier day, whose spread grows with the horizon as in a local
level model (variance linear in the horizon).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from growth_pipelines.monitoring.day_grid import (
    DayArray,
    DayGrid,
    FloatArray,
    begun,
    day_grid,
    without_closed_days,
)
from growth_pipelines.monitoring.discovery import robust_scale
from growth_pipelines.monitoring.smoothing import forecasts, smooth
from growth_pipelines.monitoring.yearly import yearly_index

LEAST_VALUES = 14
_LONGEST_SILENCE = 28
# The best of the 45 parameter triples are averaged; judged on forecasts of up to four weeks.
_AVERAGED, _JUDGED = 6, 28
_LONGEST = 365 * 3
_BEGINNING = 4
# Errors count as at most this many deviations where their variance is measured.
_OUTLIER = 5.0


@dataclass(frozen=True)
class Forecast:
    """``mean``, ``low`` and ``high`` for each of ``dates``, in the units of the values; unpacks as those three.

    A day lies between ``low`` and ``high`` with probability ``level``. Each day has its own interval: the sum over
    days is less certain than the sums of the ends suggest only where days move together.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    dates: DayArray
    level: float

    def __iter__(self) -> Iterator[FloatArray]:
        return iter((self.mean, self.low, self.high))


def forecast(
    values: ArrayLike, dates: ArrayLike | None, horizon: int, level: float = 0.9, *, incomplete: int = 0
) -> Forecast:
    """The ``horizon`` days (weeks, for weekly values) after the last of ``dates``.

    ``values``: floats, NaN or absent dates = not known; ``dates``: datetime64, one value a day, any order; None =
    consecutive days. The last ``incomplete`` samples are not believed (data still arriving) but bridged. Where no
    value is negative no forecast is. A weekday on which there is never anything is forecast to be 0; zeros before
    the first sale of something new are left out; a holiday ahead is not known.

    Raises ValueError when fewer than 14 values are known, none in the last 28 samples, samples are neither days
    nor weeks, a date occurs twice, or ``horizon`` or ``level`` make no sense.
    """
    if horizon < 1 or not 0 < level < 1:
        raise ValueError("horizon must be at least 1 and level between 0 and 1")
    grid = day_grid(values, dates)
    if incomplete > 0:
        grid.calendar[-incomplete:] = np.nan
    _check(grid)
    grid = begun(grid, LEAST_VALUES)
    ahead = grid.following(horizon)
    open_ahead = grid.is_open(ahead)
    mean, low, high = np.zeros(horizon), np.zeros(horizon), np.zeros(horizon)
    mean[open_ahead], low[open_ahead], high[open_ahead] = _forecast_open(grid, open_ahead, level)
    return Forecast(mean, low, high, ahead, level)


def _check(grid: DayGrid) -> None:
    known = np.flatnonzero(np.isfinite(grid.calendar))
    unit = "days" if grid.step == 1 else "weeks"
    if known.size < LEAST_VALUES:
        raise ValueError(f"{known.size} {unit} are known: a forecast needs {LEAST_VALUES}")
    silent = grid.calendar.size - 1 - int(known[-1])
    if silent > _LONGEST_SILENCE:
        raise ValueError(f"nothing is known of the last {silent} {unit}: there is nothing to forecast from")


def _forecast_open(
    grid: DayGrid, open_ahead: NDArray[np.bool_], level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, low and high of the days ahead on which there is trade."""
    count = int(open_ahead.sum())
    if count == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    never_negative = not (grid.calendar < 0).any()
    values = grid.calendar[grid.kept]
    roots = np.sqrt(values) if never_negative else values
    roots = without_closed_days(values, roots) if never_negative else roots
    yearly = _yearly_on_kept(grid, roots, open_ahead)
    roots = roots - yearly[: roots.size]
    silent = roots.size - 1 - int(np.flatnonzero(np.isfinite(roots))[-1])
    path, error = _paths(roots[-_LONGEST:], grid.period, count, silent)
    low, high = _ends(error, level, grid.period)
    middle, variance = path + yearly[roots.size :], error.variance[silent : silent + count]
    if not never_negative:
        return middle, middle + low[silent:], middle + high[silent:]
    middle = np.maximum(middle, 0.0)
    mean = middle**2 + variance
    ends = [np.maximum(middle + end[silent:], 0.0) ** 2 for end in (low, high)]
    # A mean of many zeros and a few sales can lie above what is exceeded once in twenty days.
    return mean, np.minimum(ends[0], mean), np.maximum(ends[1], mean)


def _yearly_on_kept(grid: DayGrid, roots: FloatArray, open_ahead: NDArray[np.bool_]) -> FloatArray:
    """The yearly pattern on the kept days so far and on the open days ahead."""
    if grid.step != 1:
        return np.zeros(roots.size + int(open_ahead.sum()))
    whole = np.full(grid.calendar.size, np.nan)
    whole[grid.kept] = roots
    return yearly_index(whole, open_ahead.size)[np.concatenate([grid.kept, open_ahead])]


@dataclass(frozen=True)
class _Errors:
    """``missed``: origins × horizon, what forecasts from earlier days missed by; ``variance`` by horizon."""

    missed: FloatArray
    variance: FloatArray


def _paths(roots: FloatArray, period: int, count: int, silent: int) -> tuple[FloatArray, _Errors]:
    """The forecast of the ``count`` samples ahead, and the errors of the same made from each sample before.

    The last ``silent`` samples are missing, so the errors are taken for that much longer a way.
    """
    states = smooth(roots, period, _BEGINNING * max(period, 7))
    way = count + silent
    judged = _missed(roots, forecasts(states, min(way, _JUDGED)))
    first = min(_BEGINNING * max(period, 7), roots.size // 3)
    loss = np.nanmean(np.abs(judged[first:-1]), axis=(0, 1))
    best = np.argsort(loss, kind="stable")[:_AVERAGED]
    path = forecasts(states, way, best).mean(axis=2)
    missed = _missed(roots, path[:, :, None])[first:-1, :, 0]
    return path[-1, :count], _Errors(missed, _variance(missed))


def _missed(roots: FloatArray, path: FloatArray) -> FloatArray:
    """Truth − forecast for each origin × horizon × parameters, NaN where the truth is not known."""
    count, horizon = path.shape[:2]
    truth = np.concatenate([roots, np.full(horizon, np.nan)])
    missed: FloatArray = truth[np.arange(count)[:, None] + np.arange(1, horizon + 1)][:, :, None] - path
    return missed


def _variance(missed: FloatArray) -> FloatArray:
    """Mean squared error by horizon: a line with neither end negative, as level noise accumulates."""
    known = np.isfinite(missed)
    number = known.sum(axis=0).astype(float)
    squares = np.where(known, missed**2, 0.0)
    usual = max(robust_scale(missed.ravel(), centre=0.0) ** 2, squares.sum() / max(number.sum(), 1.0))
    squares = np.minimum(squares, _OUTLIER**2 * usual)
    ahead = np.arange(1.0, missed.shape[1] + 1)
    mean = squares.sum() / max(number.sum(), 1.0)
    middle = (number * ahead).sum() / max(number.sum(), 1.0)
    spread = (number * (ahead - middle) ** 2).sum()
    by_horizon = squares.sum(axis=0) / np.maximum(number, 1.0)
    slope = (number * (ahead - middle) * (by_horizon - mean)).sum() / spread if spread > 0 else 0.0
    slope = min(max(slope, 0.0), mean / middle if middle > 0 else 0.0)
    line: FloatArray = mean + slope * (ahead - middle)
    return line


def _ends(errors: _Errors, level: float, period: int) -> tuple[FloatArray, FloatArray]:
    """Lower and upper end by horizon, as deviations from the path.

    Quantiles of the standardised errors of all horizons together, widened by Student's over the normal's quantile:
    errors of neighbouring origins are nearly the same, so there are about as many as there are weeks.
    """
    from scipy.special import ndtri, stdtrit

    spread = np.sqrt(errors.variance)
    if not spread.any():
        return spread, spread
    standard = errors.missed / np.where(spread > 0, spread, 1.0)
    tail = (1 - level) / 2
    low, high = np.quantile(standard[np.isfinite(standard)], [tail, 1 - tail])
    weeks = max(np.isfinite(errors.missed).any(axis=1).sum() / max(period, 1) - 1, 1.0)
    wider = float(stdtrit(weeks, 1 - tail) / ndtri(1 - tail))
    return min(low, 0.0) * wider * spread, max(high, 0.0) * wider * spread
