"""False-discovery control and robust scale: what keeps a scan over many pages honest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Median absolute deviation of a standard normal variable.
_NORMAL_MAD = 0.6744897501960817


def adjusted_p_values(p_values: FloatArray) -> FloatArray:
    """Benjamini–Hochberg adjusted p-values ("q-values") of a 1-D array; NaN stays NaN and is not counted.

    Rejecting where the result is ≤ q keeps the expected share of false discoveries ≤ q
    (Benjamini & Hochberg 1995) under independence or positive dependence.
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    if known.size == 0:
        return adjusted
    order = known[np.argsort(p_values[known], kind="stable")]
    ranked = p_values[order] * known.size / np.arange(1, known.size + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(ranked[::-1])[::-1])
    return adjusted


def robust_scale(values: FloatArray, centre: float | None = None) -> float:
    """Standard deviation of the bulk of ``values`` from the median absolute deviation; NaN without values."""
    values = values[~np.isnan(values)]
    if values.size == 0:
        return float("nan")
    middle = float(np.median(values)) if centre is None else centre
    return float(np.median(np.abs(values - middle))) / _NORMAL_MAD


def excess_dispersion(deviation: FloatArray, sampling_variance: FloatArray) -> float:
    """How much values differ from each other beyond their own sampling noise: a robust τ, ≥ 0.

    ``deviation`` are centred values (here: log ratios of pages), ``sampling_variance`` what chance alone would
    give each. Solves median(|deviation| / √(sampling variance + τ²)) = 0.674 by bisection, so a minority of
    truly different pages hardly moves it.
    """
    known = ~(np.isnan(deviation) | np.isnan(sampling_variance))
    deviation, sampling_variance = np.abs(deviation[known]), sampling_variance[known]
    if deviation.size == 0:
        return 0.0

    def spread(tau: float) -> float:
        return float(np.median(deviation / np.sqrt(sampling_variance + tau * tau))) - _NORMAL_MAD

    low, high = 0.0, 4.0
    if spread(low) <= 0:
        return 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if spread(middle) > 0 else (low, middle)
    return (low + high) / 2
