"""Expected click-through rate by position: the shop's own curve, shrunk towards a prior.

The curve is prior(position) × multiplier(position). The multipliers come from the shop's non-brand rows by a
random-effects estimate over pages: each page's clicks at a position against what the prior expects, weighted
by how much one page can say about the curve (a page differs from its neighbours by more than chance, so ten
pages beat one page with ten times the clicks), with outlying pages down-weighted (Tukey's biweight) so that
the very snippets that underperform do not drag the expectation down to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# CTR at positions 1-10, then beyond. Own knots beyond 10 let a shop's curve fall further where its data say so.
PRIOR_CTR = np.array([0.316, 0.156, 0.101, 0.074, 0.059, 0.049, 0.041, 0.035, 0.031, 0.027, 0.02, 0.02, 0.02])
KNOTS = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 40])
# Strength of the prior, in pages' worth of evidence at a position and for the shop as a whole.
_PRIOR_PAGES_AT_KNOT = 3.0
_PRIOR_PAGES = 2.0
# Pages' typical difference in CTR at equal rank before the shop's own data say otherwise, as a log standard
# deviation, and how many pages that belief is worth.
_PRIOR_DISPERSION = 0.15
_PRIOR_DISPERSION_PAGES = 10.0
_BIWEIGHT = 4.685  # 95 % efficient for normal data (Beaton & Tukey 1974)
_ROUNDS = 8


@dataclass(frozen=True)
class CtrCurve:
    """CTR at each of :data:`KNOTS`, never rising with position; between knots linear, beyond the last constant.

    ``dispersion`` is the log standard deviation between healthy pages at equal rank beyond chance;
    ``pages`` and ``clicks`` say how much data stand behind it.
    """

    ctr: FloatArray
    dispersion: float
    pages: int
    clicks: float

    def expected(self, position: FloatArray | pd.Series) -> FloatArray:
        """Expected CTR at (fractional) positions; positions under 1 count as 1."""
        return np.interp(np.asarray(position, dtype=float), KNOTS, self.ctr)


PRIOR_CURVE = CtrCurve(PRIOR_CTR, _PRIOR_DISPERSION, 0, 0.0)


def fit_curve(rows: pd.DataFrame) -> CtrCurve:
    """The shop's curve from ``rows``: page_key, clicks, impressions, position (one row a page × query).

    Give it non-brand rows only. Without rows it is the prior itself.
    """
    rows = rows[(rows["impressions"] > 0) & (rows["position"] > 0)]
    if rows.empty:
        return PRIOR_CURVE
    page, _ = pd.factorize(rows["page_key"], sort=True)
    clicks, expected = _spread_over_knots(rows, page)
    page_clicks, weight = clicks.sum(axis=1), np.ones(len(clicks))
    multiplier, tau = np.ones(KNOTS.size), _PRIOR_DISPERSION
    for _ in range(_ROUNDS):
        fitted = expected @ multiplier
        deviation = np.log((page_clicks + 0.5) / (fitted + 0.5))
        noise = 1.0 / (fitted + 0.5)
        telling = fitted >= 5
        if telling.any():
            deviation = deviation - _weighted_median(deviation[telling], 1 / (noise[telling] + tau**2))
            tau = _dispersion(deviation[telling], noise[telling])
        weight = _biweight(deviation / np.sqrt(noise + tau**2))
        multiplier = _multipliers(clicks, expected, weight, tau)
    ctr = np.minimum(_decreasing(PRIOR_CTR * multiplier, expected.sum(axis=0) + 1.0), 1.0)
    return CtrCurve(ctr, tau, int((expected.sum(axis=1) > 0).sum()), float(page_clicks.sum()))


def _spread_over_knots(rows: pd.DataFrame, page: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Clicks and prior-expected clicks by page × knot; a fractional position counts for its two neighbours."""
    position = np.clip(rows["position"].to_numpy(float), KNOTS[0], KNOTS[-1])
    below = np.clip(np.searchsorted(KNOTS, position, side="right") - 1, 0, KNOTS.size - 2)
    share_above = (position - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below])
    clicks = rows["clicks"].to_numpy(float)
    expected = rows["impressions"].to_numpy(float) * np.interp(position, KNOTS, PRIOR_CTR)
    shape = (int(page.max()) + 1, KNOTS.size)
    totals = np.zeros((2, *shape))
    for knot, share in ((below, 1 - share_above), (below + 1, share_above)):
        np.add.at(totals[0], (page, knot), clicks * share)
        np.add.at(totals[1], (page, knot), expected * share)
    return totals[0], totals[1]


def _multipliers(clicks: FloatArray, expected: FloatArray, weight: FloatArray, tau: float) -> FloatArray:
    """Multiplier at each knot: shrunk to the shop's overall multiplier, and that one to 1."""
    overall = _pooled_ratio(clicks.sum(axis=1, keepdims=True), expected.sum(axis=1, keepdims=True), weight, tau)
    whole = overall[0][0] + _PRIOR_PAGES / tau**2
    centre = (overall[0][0] * overall[1][0] + _PRIOR_PAGES / tau**2) / whole
    information, ratio = _pooled_ratio(clicks, expected, weight, tau)
    prior = _PRIOR_PAGES_AT_KNOT / tau**2
    shrunk: FloatArray = (information * ratio + prior * centre) / (information + prior)
    return shrunk


def _pooled_ratio(
    clicks: FloatArray, expected: FloatArray, weight: FloatArray, tau: float
) -> tuple[FloatArray, FloatArray]:
    """Information and clicks ÷ expected per column, where one page counts for at most 1/τ²."""
    counted = expected > 0
    information = np.where(counted, 1.0 / (1.0 / np.where(counted, expected, 1.0) + tau**2), 0.0)
    information = information * weight[:, None]
    per_expected = np.where(counted, information / np.where(counted, expected, 1.0), 0.0)
    total = information.sum(axis=0)
    ratio = np.divide((per_expected * clicks).sum(axis=0), total, out=np.ones_like(total), where=total > 0)
    return total, ratio


def _dispersion(deviation: FloatArray, noise: FloatArray) -> float:
    from growth_pipelines.monitoring.discovery import excess_dispersion

    pages = deviation.size
    own = excess_dispersion(deviation, noise)
    prior = _PRIOR_DISPERSION_PAGES
    return float(np.sqrt((pages * own**2 + prior * _PRIOR_DISPERSION**2) / (pages + prior)))


def _biweight(z: FloatArray) -> FloatArray:
    inside: FloatArray = np.clip(1 - (z / _BIWEIGHT) ** 2, 0, None) ** 2
    return inside


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)])


def _decreasing(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The closest never-rising sequence in weighted least squares (pool adjacent violators)."""
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([float(value), float(weight), 1.0])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last = blocks.pop()
            total = blocks[-1][1] + last[1]
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + last[0] * last[1]) / total,
                total,
                blocks[-1][2] + last[2],
            ]
    return np.concatenate([np.full(int(count), value) for value, _, count in blocks])
