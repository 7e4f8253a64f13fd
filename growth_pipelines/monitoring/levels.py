"""From values to levels that can be compared: stable variance, no weekly pattern, no lone spikes. Row by row.

Counts are mapped by Anscombe's transform for the negative binomial (1948), arcsinh √(x ÷ k): a square root where
counts are small, a logarithm where their own variation is larger than Poisson's, with k from how much a series
varies within a weekday. Rates become log-odds, durations logarithms, other values that are never negative square
roots: half-way between noise that grows with the level and noise that does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Kind = Literal["generic", "count", "rate", "duration", "rolling28"]
KINDS: tuple[Kind, ...] = ("generic", "count", "rate", "duration", "rolling28")

_WEEK, _WEEKDAYS_FROM = 7, 28
_SPIKE, _SPIKE_WIDTH = 4.0, 15
_NORMAL_MAD = 0.6744897501960817
_ANSCOMBE = 0.375
# Rates are kept this far from 0 and 1; positive values this share of their median from 0.
_EDGE, _LEAST_SHARE = 1e-4, 0.05
# Rolling values may be rounded to 0: an offset of this share of the median keeps the logarithm calm, or of half
# the mean where most of the values are next to nothing beside the others.
_ROLLING_OFFSET, _OF_THE_MEAN = 0.2, 0.5
_LEAST_EXCESS = 1e-4


@dataclass(frozen=True)
class Levels:
    """``level`` (series × samples) and ``restore``, which maps levels back to values (row by row)."""

    level: FloatArray
    restore: Callable[[FloatArray], FloatArray]


def stable_levels(values: FloatArray, kind: Kind) -> Levels:
    """``values``: series × samples without missing ones."""
    if kind == "count":
        return _counts(values)
    if kind == "rate":
        inside = np.clip(values, _EDGE, 1 - _EDGE)
        return Levels(np.log(inside / (1 - inside)), lambda level: 1 / (1 + np.exp(-level)))
    positive = (values >= 0).all(axis=1, keepdims=True)
    if kind == "rolling28" and positive.all():
        usual = np.median(values, axis=1, keepdims=True)
        usual = np.maximum(usual, _OF_THE_MEAN * values.mean(axis=1, keepdims=True))
        offset = np.maximum(_ROLLING_OFFSET * usual, 1e-12)
        return Levels(np.log(values + offset), lambda level: np.exp(level) - offset)
    if kind == "duration":
        least = np.maximum(_LEAST_SHARE * np.median(values, axis=1, keepdims=True), 1e-12)
        return Levels(np.log(np.maximum(values, least)), np.exp)
    return Levels(
        np.where(positive, np.sqrt(np.maximum(values, 0.0)), values),
        lambda level: np.where(positive, np.maximum(level, 0.0) ** 2, level),
    )


def _counts(values: FloatArray) -> Levels:
    counted = np.maximum(values, 0.0)
    excess = _excess_variation(counted)
    shape = 1 / excess
    below = np.maximum(shape - 2 * _ANSCOMBE, shape / 4)
    level = np.sqrt(shape) * np.arcsinh(np.sqrt((counted + _ANSCOMBE) / below))
    return Levels(level, lambda one: np.maximum(np.sinh(one / np.sqrt(shape)) ** 2 * below - _ANSCOMBE, 0.0))


def _excess_variation(values: FloatArray) -> FloatArray:
    """Squared relative variation within the weekday beyond Poisson's, at least a little; one a row."""
    phase = np.arange(values.shape[1]) % _WEEK
    usual = np.stack([values[:, phase == day].mean(axis=1) for day in range(_WEEK)], axis=1) + 0.1
    ratio = values / usual[:, phase]
    middle = np.median(ratio, axis=1, keepdims=True)
    spread = np.median(np.abs(ratio - middle), axis=1, keepdims=True) / _NORMAL_MAD
    chance = 1 / np.maximum(values.mean(axis=1, keepdims=True), 0.1)
    return np.maximum(spread**2 - chance, _LEAST_EXCESS)


def filled(values: FloatArray) -> FloatArray:
    """Missing samples of each row take the median of the two weeks around, neighbours' line put in first."""
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    whole = np.array(values, dtype=float)
    position = np.arange(values.shape[1])
    for row in np.flatnonzero(missing.any(axis=1)):
        known = ~missing[row]
        whole[row] = np.interp(position, position[known], values[row, known]) if known.any() else 0.0
    local = running_median(whole, _SPIKE_WIDTH)
    return np.where(missing, local, whole)


def without_weekdays(level: FloatArray, weekday: NDArray[Any] | None) -> FloatArray:
    """``level`` minus each weekday's median deviation from the week around it, for daily data of four weeks."""
    if weekday is None or level.shape[1] < _WEEKDAYS_FROM:
        return level
    deviation = level - running_median(level, _WEEK)
    # Weekdays without trade may be left out.
    known, place = np.unique(weekday, return_inverse=True)
    pattern = np.stack([np.median(deviation[:, place == day], axis=1) for day in range(known.size)], axis=1)
    adjusted: FloatArray = level - (pattern - pattern.mean(axis=1, keepdims=True))[:, place]
    return adjusted


def without_spikes(level: FloatArray) -> FloatArray:
    """Samples further than four robust deviations from the median of the two weeks around are drawn in."""
    local = running_median(level, _SPIKE_WIDTH)
    scale = np.median(np.abs(level - local), axis=1, keepdims=True) / _NORMAL_MAD
    reach = np.where(scale > 0, _SPIKE * scale, np.inf)
    return np.clip(level, local - reach, local + reach)


def running_median(level: FloatArray, width: int) -> FloatArray:
    """Median of the ``width`` samples around each, rows mirrored at their ends."""
    from scipy.ndimage import median_filter

    half = width // 2
    padded = np.pad(level, ((0, 0), (half, half)), mode="reflect")
    # End to end in one dimension, where SciPy filters several times sooner than along an axis.
    middle: FloatArray = median_filter(padded.ravel(), size=width).reshape(padded.shape)
    return middle[:, half:-half]
