"""What is known of an arm: its sufficient statistics, checked, and the moments of one unit's value.

Sums over units are all that any comparison needs, so an arm is a handful of numbers that add up over days: ``n``
units, ``sum`` and ``sum_squares`` of the metric; for a ratio the same of the denominator (``d_sum``,
``d_sum_squares``) and the sum of products ``xd_sum``; for CUPED those of the same units' metric before they were
exposed (``pre_sum``, ``pre_sum_squares``, ``xpre_sum``). A proportion needs ``n`` and ``sum`` only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Metric = Literal["proportion", "mean", "ratio", "cuped"]
METRICS: tuple[Metric, ...] = get_args(Metric)
Arm = Mapping[str, float]

_SUMS: dict[Metric, tuple[str, ...]] = {
    "proportion": ("sum",),
    "mean": ("sum", "sum_squares"),
    "ratio": ("sum", "sum_squares", "d_sum", "d_sum_squares", "xd_sum"),
    "cuped": ("sum", "sum_squares", "pre_sum", "pre_sum_squares", "xpre_sum"),
}
# A sum of squares less its square of sums loses digits: what is negative by less than this share of it is zero.
_ROUNDING = 1e-9


class UnusableSample(GrowthError, ValueError):
    """Figures that no experiment could have given, or too few of them to compare."""


@dataclass(frozen=True)
class Moments:
    """Of one unit: mean and variance of its metric; of its metric before exposure, and the covariance of both."""

    n: float
    mean: float
    variance: float
    pre_mean: float = 0.0
    pre_variance: float = 0.0
    pre_covariance: float = 0.0


def moments(arm: Arm, metric: Metric, name: str) -> Moments:
    """Mean and variance of a unit of the arm called ``name`` in errors.

    A proportion's variance is p(1 − p), other variances have n − 1 below. A ratio's is that of the linearised
    ratio of means (delta method; Deng et al. 2018, "Applying the Delta Method in Metric Analytics", eq. 2):
    (σ²ₓ − 2 r σₓᵈ + r² σ²ᵈ) ÷ mean(d)².
    """
    sums = _checked(arm, metric, name)
    n, total = sums["n"], sums["sum"]
    if metric == "proportion":
        if not 0 <= total <= n:
            raise UnusableSample(
                f"{name}: {total:g} of {n:g} units is no proportion.",
                "sum counts the units that did it, each once.",
            )
        share = total / n
        return Moments(n, share, share * (1 - share))
    mean, variance = total / n, _variance(n, total, sums["sum_squares"], name, "sum_squares")
    if metric == "mean":
        return Moments(n, mean, variance)
    if metric == "ratio":
        return _ratio(sums, mean, variance, name)
    pre_variance = _variance(n, sums["pre_sum"], sums["pre_sum_squares"], name, "pre_sum_squares")
    covariance = _covariance(n, total, sums["pre_sum"], sums["xpre_sum"])
    _check_correlation(covariance, variance, pre_variance, name, "xpre_sum")
    return Moments(n, mean, variance, sums["pre_sum"] / n, pre_variance, covariance)


def pooled_slope(control: Arm, treatment: Arm) -> float:
    """CUPED's θ: the slope of the metric on its value before exposure, over the units of both arms together.

    0 where nothing was known before (Deng et al. 2013, "Improving the Sensitivity of Online Controlled
    Experiments by Utilizing Pre-Experiment Data", eq. 4).
    """
    both = {key: control[key] + treatment[key] for key in ("n", *_SUMS["cuped"])}
    pre_variance = _variance(both["n"], both["pre_sum"], both["pre_sum_squares"], "both arms", "pre_sum_squares")
    if pre_variance == 0:
        return 0.0
    return _covariance(both["n"], both["sum"], both["pre_sum"], both["xpre_sum"]) / pre_variance


def sufficient_statistics(
    values: ArrayLike, denominators: ArrayLike | None = None, pre: ArrayLike | None = None
) -> dict[str, float]:
    """The sums of an arm from its units: one value a unit in each array (the same order; no NaN)."""
    import numpy as np

    found: dict[str, float] = {}
    x = np.asarray(values, dtype=float).ravel()
    for prefix, product, other in (("", "", x), ("d_", "xd_sum", denominators), ("pre_", "xpre_sum", pre)):
        if other is None:
            continue
        column = np.asarray(other, dtype=float).ravel()
        if column.size != x.size:
            raise UnusableSample(f"{x.size} values but {column.size} of {prefix}values.", "Give one a unit.")
        if not np.isfinite(column).all():
            raise UnusableSample("A value is missing or infinite.", "Drop the unit, or count it as 0.")
        found |= {f"{prefix}sum": float(column.sum()), f"{prefix}sum_squares": float(column @ column)}
        if product:
            found[product] = float(x @ column)
    return {"n": float(x.size), **found}


def _checked(arm: Arm, metric: Metric, name: str) -> dict[str, float]:
    keys = ("n", *_SUMS[metric])
    missing = [key for key in keys if key not in arm]
    if missing:
        raise UnusableSample(
            f"{name}: {', '.join(missing)} is missing.", f"A comparison by {metric} needs {', '.join(keys)}."
        )
    sums = {key: float(arm[key]) for key in keys}
    wrong = [key for key, value in sums.items() if not math.isfinite(value)]
    if wrong:
        raise UnusableSample(f"{name}: {', '.join(wrong)} is not a finite number.", "Check how it is summed.")
    if sums["n"] < 2:
        raise UnusableSample(f"{name}: {sums['n']:g} units.", "At least 2 in each arm are needed to compare.")
    return sums


def _ratio(sums: Arm, mean: float, variance: float, name: str) -> Moments:
    n, below = sums["n"], sums["d_sum"] / sums["n"]
    if below <= 0:
        raise UnusableSample(f"{name}: the denominators sum to {sums['d_sum']:g}.", "A ratio needs more than 0.")
    d_variance = _variance(n, sums["d_sum"], sums["d_sum_squares"], name, "d_sum_squares")
    covariance = _covariance(n, sums["sum"], sums["d_sum"], sums["xd_sum"])
    _check_correlation(covariance, variance, d_variance, name, "xd_sum")
    ratio = mean / below
    linearised = variance - 2 * ratio * covariance + ratio * ratio * d_variance
    return Moments(n, ratio, max(0.0, linearised) / (below * below))


def _variance(n: float, total: float, squares: float, name: str, key: str) -> float:
    spread = squares - total * total / n
    if spread < -_ROUNDING * max(squares, total * total / n):
        raise UnusableSample(
            f"{name}: {key} {squares:g} is less than {total:g}² ÷ {n:g}: a negative variance.",
            "Sum the squares of each unit's value, over the same units.",
        )
    return spread / (n - 1) if spread > _ROUNDING**1.5 * squares else 0.0


def _covariance(n: float, x: float, y: float, products: float) -> float:
    return (products - x * y / n) / (n - 1)


def _check_correlation(covariance: float, x_variance: float, y_variance: float, name: str, key: str) -> None:
    if covariance**2 > x_variance * y_variance * (1 + 1e-6) + 1e-12:
        raise UnusableSample(
            f"{name}: {key} does not go with the other sums: a correlation beyond 1.",
            "Sum the products of both values of a unit, over the same units.",
        )
