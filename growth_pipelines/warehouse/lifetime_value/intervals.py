"""Predictive intervals of a customer's value: what they may spend, not what they spend on average.

The future of an active customer depends on x and T alone (and is proportional to a scale of their own), so it is
simulated once for each cell of alike customers: rate, chance to leave, purchases and their worth are drawn from
their posterior distributions. Whether the customer is still active, and of which class, mixes the cells' curves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.warehouse.lifetime_value.purchases import PurchaseModel
from growth_pipelines.warehouse.lifetime_value.spend import SpendModel

FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]

_DRAWS = 1000
# Points of each cell's curve, as many below as above the middle; one less than a power of two to bisect.
_POINTS = 127
# The ages of customers in one cell differ by at most this share.
_AGE_STEP = 0.05
_CELLS_AT_ONCE = 500


def value_interval(
    purchases: PurchaseModel,
    spend: SpendModel,
    x: FloatArray,
    age: FloatArray,
    active: FloatArray,
    horizon: float,
    level: float,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Equal-tailed quantiles of (value in the horizon / scale), low and high, one a customer.

    ``active``: P(class and active), classes × customers.
    """
    counts, ages, place = _cells(x, age)
    rng = np.random.default_rng(seed)
    blocks = [
        _curves(
            purchases,
            spend,
            counts[start : start + _CELLS_AT_ONCE],
            ages[start : start + _CELLS_AT_ONCE],
            horizon,
            rng,
        )
        for start in range(0, len(counts), _CELLS_AT_ONCE)
    ]
    points = np.concatenate([points for points, _ in blocks])
    curves = np.concatenate([curves for _, curves in blocks], axis=1)
    low, high = (_quantile(points, curves, place, active, share) for share in ((1 - level) / 2, (1 + level) / 2))
    return low, high


def _cells(x: FloatArray, age: FloatArray) -> tuple[FloatArray, FloatArray, Places]:
    """Cells of equal x and nearly equal age: their x and mean age, and each customer's cell."""
    steps = np.round(np.log1p(age) / _AGE_STEP).astype(np.int64)
    width = int(steps.max()) + 1
    keys, place = np.unique(x.astype(np.int64) * width + steps, return_inverse=True)
    return (keys // width).astype(float), np.bincount(place, weights=age) / np.bincount(place), place


def _curves(
    purchases: PurchaseModel,
    spend: SpendModel,
    x: FloatArray,
    age: FloatArray,
    horizon: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Of each cell: points, cells × points, and P(value / scale ≤ point | class, active), with classes first."""
    draws = [
        np.sort(_futures(rate, purchases, spend, x[:, None], age[:, None], horizon, rng), axis=1)
        for rate in purchases.rates
    ]
    pooled = np.sort(np.concatenate(draws, axis=1), axis=1)
    points = pooled[:, np.linspace(0, pooled.shape[1] - 1, _POINTS).round().astype(int)]
    curves = [
        [np.searchsorted(drawn, at, side="right") for drawn, at in zip(of_class, points, strict=True)]
        for of_class in draws
    ]
    return points, np.asarray(curves) / _DRAWS


def _futures(
    rate: tuple[float, float],
    purchases: PurchaseModel,
    spend: SpendModel,
    x: FloatArray,
    age: FloatArray,
    horizon: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Draws of (value / scale) of active customers of one class, cells × draws."""
    (r, alpha), shape = rate, (len(x), _DRAWS)
    wanted = rng.poisson(rng.standard_gamma(r + x, shape) * (horizon / (alpha + age)))
    leaving = rng.beta(purchases.a, purchases.b + purchases.survived(x), shape)
    made = np.minimum(wanted, rng.geometric(np.maximum(leaving, 1e-12)))
    worth = rng.standard_gamma(spend.p * made) / rng.standard_gamma(spend.q + spend.p * (x + 1), shape)
    return np.asarray(worth)


def _quantile(
    points: FloatArray, curves: FloatArray, place: Places, active: FloatArray, share: float
) -> FloatArray:
    """Where each customer's distribution function first reaches ``share``, linear between points.

    The function is P(not active) + Σ P(class, active) × the class's curve; the first point is found by bisection.
    """
    gone = 1 - active.sum(axis=0)

    def reached(at: Places) -> FloatArray:
        return gone + sum(of_class * curve[place, at] for of_class, curve in zip(active, curves, strict=True))

    first = np.zeros(len(place), dtype=np.intp)
    step = (_POINTS + 1) // 2
    while step:
        first = np.where(reached(first + step - 1) < share, first + step, first)
        step //= 2
    first = np.minimum(first, _POINTS - 1)
    before = np.maximum(first - 1, 0)
    below, above = reached(before), reached(first)
    part = np.where(first > before, np.clip((share - below) / np.maximum(above - below, 1e-12), 0, 1), 1.0)
    left, right = points[place, before], points[place, first]
    return np.asarray(left + part * (right - left))
