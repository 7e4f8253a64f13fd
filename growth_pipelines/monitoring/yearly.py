"""A yearly pattern of a daily series, believed as far as its years agree with each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_WEEKS, _DAYS = 52, 364
# The pattern is smoothed over five weeks; it cannot tell weeks apart that move from year to year.
_SMOOTHING = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9


def yearly_index(level: FloatArray, horizon: int) -> FloatArray:
    """Deviation from the usual level by time of year, for every day of ``level`` and ``horizon`` days after it.

    ``level``: daily, NaN = missing, weekly pattern welcome. Zeros all over where there are not two whole years.
    The weeks' mean deviation over the years is shrunk by signal ÷ (signal + noise ÷ years), the signal being what
    two years have in common.
    """
    years = level.size // _DAYS
    pattern = np.zeros(_WEEKS)
    if years >= 2:
        weeks = level[level.size - years * _DAYS :].reshape(years * _WEEKS, 7)
        known = np.isfinite(weeks).any(axis=1)
        mean = np.full(len(weeks), np.nan)
        mean[known] = np.nanmean(weeks[known], axis=1)
        pattern = _agreed(_without_trend(mean).reshape(years, _WEEKS))
    # The last week of the last year ends on the last day; day 0 of the pattern is a year before.
    day = np.arange(level.size + horizon) - (level.size - years * _DAYS)
    middle = (day - 3.0) / 7.0
    week = np.floor(middle).astype(int)
    part = middle - week
    index: FloatArray = (1 - part) * pattern[week % _WEEKS] + part * pattern[(week + 1) % _WEEKS]
    return index


def _without_trend(weeks: FloatArray) -> FloatArray:
    """Minus the line through the means of whole years, which no season can bend."""
    years = weeks.size // _WEEKS
    means = np.array([np.nanmean(year) if np.isfinite(year).any() else np.nan for year in np.split(weeks, years)])
    if not np.isfinite(means).all():
        return np.full(weeks.size, np.nan)
    middles = _WEEKS * np.arange(years) + (_WEEKS - 1) / 2
    slope, base = np.polyfit(middles, means, 1)
    rest: FloatArray = weeks - (base + slope * np.arange(weeks.size))
    return rest


def _agreed(deviation: FloatArray) -> FloatArray:
    """years × 52 → the pattern that they share."""
    if not np.isfinite(deviation).any(axis=0).all():
        return np.zeros(_WEEKS)
    around = np.concatenate([deviation[:, -2:], deviation, deviation[:, :2]], axis=1)
    around = np.where(np.isfinite(around), around, 0.0)
    smoothed = np.array([np.convolve(year, _SMOOTHING, "valid") for year in around])
    years = len(smoothed)
    mean = smoothed.mean(axis=0)
    noise = float(smoothed.var(axis=0, ddof=1).mean())
    total = float((mean**2).mean())
    signal = max(total - noise / years, 0.0)
    pattern: FloatArray = (mean - mean.mean()) * (signal / total if total > 0 else 0.0)
    return pattern
