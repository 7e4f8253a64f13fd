"""On which days a change may have begun: the 95 % confidence set of a change point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Twice the log-likelihood ratio that the true day exceeds with probability .05: the solution of
# (1 - exp(-c / 2))² = .95 (Siegmund 1988, Confidence sets in change-point problems).
_CUT = -2.0 * math.log(1.0 - math.sqrt(0.95))
_WEEK = 7


def onset_interval(values: ArrayLike, index: int, days: ArrayLike | None = None) -> tuple[int, int]:
    """First and last index on which the change found at ``index`` may have begun, with probability .95.

    ``values`` are those from the change before to the change after it (NaN = missing); with ``days`` (datetime64)
    a weekly pattern is taken out. Autocorrelated noise widens the interval.
    """
    series = np.asarray(values, dtype=float)
    known = np.flatnonzero(np.isfinite(series))
    place = int(np.searchsorted(known, index))
    if known.size < 6 or not 2 < place < known.size - 2:
        return max(0, index - _WEEK), min(series.size - 1, index + _WEEK)
    flat = series[known]
    rest = _around_levels(flat, place)
    if days is not None and known.size >= 4 * _WEEK:
        weekday = np.asarray(days).astype("datetime64[D]").astype(int)[known] % _WEEK
        means = np.array([rest[weekday == day].mean() if (weekday == day).any() else 0.0 for day in range(_WEEK)])
        flat, rest = flat - means[weekday], rest - means[weekday]
    splits = np.arange(2, known.size - 1)
    sums = np.cumsum(flat)
    before, total = sums[splits - 1], sums[-1]
    explained = before**2 / splits + (total - before) ** 2 / (known.size - splits)
    ratio = (explained.max() - explained) / max(_long_run_variance(rest), 1e-300)
    inside = splits[ratio <= _CUT]
    return int(known[min(inside.min(), place)]), int(known[max(inside.max(), place)])


def _around_levels(flat: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    rest: NDArray[np.float64] = flat - np.where(
        np.arange(flat.size) < place, flat[:place].mean(), flat[place:].mean()
    )
    return rest


def _long_run_variance(rest: NDArray[np.float64]) -> float:
    """Variance of noise that remembers: that of a first-order process, never less than its plain variance."""
    variance = float(rest.var(ddof=2))
    lag = float(np.clip((rest[1:] * rest[:-1]).sum() / max((rest**2).sum(), 1e-300), 0.0, 0.9))
    return variance * (1 + lag) / (1 - lag)
