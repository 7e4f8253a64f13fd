"""Robust exponential smoothing with a damped trend and a weekly pattern, for a grid of parameters at once.

Additive damped-trend Holt–Winters in error-correction form (Hyndman et al. 2008), with errors drawn in at 2.5
running deviations before they teach the level anything (Gelper, Fried & Croux 2010). The recursion is one pass
over time in which every parameter triple is a column, so neither choosing nor averaging them costs a refit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# How fast level, trend (as a share of the level's) and weekly pattern learn: slow, middling and fast of each.
_LEVEL = (0.03, 0.06, 0.12, 0.25, 0.45)
_TREND = (0.0, 0.05, 0.15)
_SEASON = (0.03, 0.08, 0.2)
DAMPING = 0.97
# Errors beyond these many deviations are drawn in; the deviation itself forgets with this weight.
_CLIP, _SCALE_WEIGHT = 2.5, 0.05
# Makes the clipped mean square of a normal variable its variance.
_CLIP_CORRECTION = 1.0 / 0.951
_TINY = 1e-9


@dataclass(frozen=True)
class States:
    """After each sample, level and trend (time × parameters) and season (time × period × parameters).

    ``error`` (NaN where the sample is missing) and ``deviation_before`` (time × parameters) are what each met.
    """

    level: FloatArray
    trend: FloatArray
    season: FloatArray
    error: FloatArray
    deviation_before: FloatArray


def parameters() -> FloatArray:
    """3 × triples: the weights of level, trend and season."""
    return np.array([(a, a * b, c) for a in _LEVEL for b in _TREND for c in _SEASON]).T


def smooth(values: FloatArray, period: int, start: int, least_deviation: float = 0.0) -> States:
    """Run the recursion over ``values`` (NaN = missing).

    Its beginning is learned from the first ``start`` samples; ``least_deviation`` is the floor of the running
    deviation, in units of the values.
    """
    level_weight, trend_weight, season_weight = parameters()
    count, columns = values.size, level_weight.size
    level, season, deviation = _beginning(values[:start], period, columns)
    trend = np.zeros(columns)
    kept = States(
        np.empty((count, columns)),
        np.empty((count, columns)),
        np.empty((count, period, columns)),
        np.full((count, columns), np.nan),
        np.empty((count, columns)),
    )
    for time in range(count):
        phase = time % period
        ahead = level + DAMPING * trend
        deviation = np.maximum(deviation, max(least_deviation, _TINY))
        kept.deviation_before[time] = deviation
        learned = np.zeros(columns)
        if np.isfinite(values[time]):
            error = values[time] - ahead - season[phase]
            kept.error[time] = error
            learned = np.clip(error, -_CLIP * deviation, _CLIP * deviation)
            deviation = np.sqrt((1 - _SCALE_WEIGHT) * deviation**2 + _SCALE_WEIGHT * _CLIP_CORRECTION * learned**2)
        level = ahead + level_weight * learned
        trend = DAMPING * trend + trend_weight * learned
        if period > 1:
            season[phase] += season_weight * (1 - level_weight) * learned
            centre = season.mean(axis=0)
            season -= centre
            level = level + centre
        kept.level[time], kept.trend[time], kept.season[time] = level, trend, season
    return kept


def _beginning(first: FloatArray, period: int, columns: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level, weekly pattern and deviation: medians, the pattern shrunk as far as it is noise."""
    level = float(np.nanmedian(first)) if np.isfinite(first).any() else 0.0
    phase = np.arange(first.size) % period
    season = np.zeros(period)
    for day in range(period if period > 1 else 0):
        own = first[phase == day]
        season[day] = np.nanmedian(own) - level if np.isfinite(own).any() else 0.0
    season -= season.mean()
    rest = first - level - season[phase]
    deviation = 1.4826 * float(np.nanmedian(np.abs(rest))) if np.isfinite(rest).any() else 0.0
    if period > 1 and season.any():
        noise = deviation**2 * period / max(int(np.isfinite(first).sum()), 1)
        season *= max(0.0, 1 - noise / float(season.var()))
    return np.full(columns, level), np.tile(season[:, None], columns), np.full(columns, deviation)


def forecasts(states: States, horizon: int, columns: NDArray[np.intp] | slice = slice(None)) -> FloatArray:
    """From every sample, the next ``horizon`` ones: time × horizon × parameters, in units of the values."""
    count, period = states.season.shape[:2]
    ahead = np.arange(1, horizon + 1)
    grown = np.cumsum(DAMPING**ahead)
    phase = (np.arange(count)[:, None] + ahead) % period
    season = states.season[:, :, columns][np.arange(count)[:, None], phase]
    trend = states.trend[:, columns]
    path: FloatArray = states.level[:, None, columns] + grown[None, :, None] * trend[:, None, :] + season
    return path
