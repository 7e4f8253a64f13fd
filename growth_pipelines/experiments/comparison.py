"""The difference of two arms with its interval: fixed horizon or always valid, absolute or relative."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from growth_pipelines.experiments.arms import (
    METRICS,
    Arm,
    Metric,
    Moments,
    UnusableSample,
    moments,
    pooled_slope,
    sufficient_statistics,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Comparison:
    """``diff`` is treatment − control in the metric's units, or as a share of control; ``se`` its standard error.

    ``chance_to_win`` is the probability that the treatment's true value is the higher one, ``risk_treatment``
    what is lost on average by taking the treatment where it is the lower one, ``risk_control`` by staying where
    it is the higher one (both in the units of ``diff``; a flat prior).
    """

    diff: float
    se: float
    p_value: float
    ci_low: float
    ci_high: float
    chance_to_win: float
    risk_control: float
    risk_treatment: float


def compare(
    control: Arm,
    treatment: Arm,
    metric: Metric,
    alpha: float = 0.05,
    relative: bool = False,
    sequential: bool = False,
    tuning: float = 5000,
) -> Comparison:
    """Treatment against control from their sufficient statistics (``arms``).

    Welch's t with Satterthwaite's degrees of freedom; a ratio and ``relative`` = (t − c) ÷ c by the delta method.
    CUPED takes off what the time before exposure foretold, and is relative to control's unadjusted mean.
    ``sequential``: interval and p-value hold at every look (``sequences``), tightest at ``tuning`` units of both
    arms. The Bayesian reading is N(diff, se) in either case.

    Raises UnusableSample (a ValueError) for figures no arm can have, fewer than 2 units, no variation at all, or
    a relative change of a control that is not above 0.
    """
    if metric not in METRICS:
        raise UnusableSample(f"Unknown metric {metric!r}.", f"Known: {', '.join(METRICS)}.")
    if not 0 < alpha < 1 or not 0 < tuning < math.inf:
        raise UnusableSample(
            f"alpha {alpha:g}, tuning {tuning:g}.", "0 < alpha < 1 and a finite tuning > 0 are needed."
        )
    c, t = moments(control, metric, "control"), moments(treatment, metric, "treatment")
    slope = pooled_slope(control, treatment) if metric == "cuped" else 0.0
    diff = t.mean - c.mean - slope * (t.pre_mean - c.pre_mean)
    c_share, t_share = _adjusted_variance(c, slope) / c.n, _adjusted_variance(t, slope) / t.n
    freedom = _satterthwaite(c_share, c.n, t_share, t.n)
    variance = c_share + t_share
    if relative:
        if c.mean <= 0:
            raise UnusableSample(
                f"Control's mean is {c.mean:g}: nothing is a share of it.", "Compare with relative=False."
            )
        diff, variance = diff / c.mean, _relative_variance(c, t, slope)
    if not variance > 0:
        raise UnusableSample("No unit of either arm differs from another.", "Wait for more units.")
    return _read(diff, math.sqrt(variance), freedom, c.n + t.n, alpha, tuning if sequential else None)


def compare_to_control(
    control: Arm,
    treatment: Arm,
    metric: Metric,
    alpha: float = 0.05,
    sequential: bool = False,
    tuning: float = 5000,
) -> Comparison:
    """The difference as a share of control's mean, with Fieller's interval.

    It holds 0 exactly where the interval of the plain difference by ``compare`` does, and has the same p-value;
    ``sequential`` and ``tuning`` as there.
    ``compare(relative=True)`` linearises the share at its estimate. Where few units have any value it takes a
    treatment that happens to be low for one that varies little, and calls chance a loss several times too often;
    Fieller's interval does not (Fieller 1954; Franz 2007, arXiv 0710.2024). Raises
    UnusableSample (a ValueError) as ``compare`` does, and where control itself can't be told from 0.
    """
    absolute = compare(control, treatment, metric, alpha, sequential=sequential, tuning=tuning)
    c = moments(control, metric, "control")
    slope = pooled_slope(control, treatment) if metric == "cuped" else 0.0
    wide = (absolute.ci_high - absolute.ci_low) / (2 * absolute.se)
    own, shared = c.variance / c.n, -(c.variance - slope * c.pre_covariance) / c.n
    # Shares δ with (difference − δ control)² ≤ wide² × its variance: between the roots of a δ² − 2 b δ + f.
    a = c.mean**2 - wide**2 * own
    b, f = absolute.diff * c.mean - wide**2 * shared, absolute.diff**2 - wide**2 * absolute.se**2
    if c.mean <= 0 or a <= 0:
        raise UnusableSample(
            f"Control's mean is {c.mean:g}, which can't be told from 0.", "Wait until more units have a value."
        )
    if moments(treatment, metric, "treatment").variance == 0:
        # Nobody of the treatment has any value: its share is -1 without a doubt that could be measured in it.
        low, high = absolute.ci_low / c.mean, absolute.ci_high / c.mean
        return from_interval(absolute.diff / c.mean, low, high, absolute.p_value, alpha)
    reach = math.sqrt(max(0.0, b * b - a * f))
    return from_interval(absolute.diff / c.mean, (b - reach) / a, (b + reach) / a, absolute.p_value, alpha)


def from_interval(diff: float, ci_low: float, ci_high: float, p_value: float, alpha: float) -> Comparison:
    """A comparison whose 1 − α interval was got otherwise (by placebo throws, by Student's t over pairs).

    Its standard error is what makes a normal interval as wide, and the chance to win and the risks are of that: an
    approximation, the interval and the p-value are not.
    """
    from scipy.special import ndtri

    se = (ci_high - ci_low) / (2 * float(ndtri(1 - alpha / 2)))
    winning, gain = _bayesian(diff, se)
    return Comparison(diff, se, p_value, ci_low, ci_high, winning, max(0.0, gain), max(0.0, gain - diff))


def mean_difference(control: ArrayLike | Arm, treatment: ArrayLike | Arm, alpha: float = 0.05) -> Comparison:
    """Difference of two means with Welch's interval: from a value a unit (arrays), or from arms' sums."""
    if not isinstance(control, Mapping) and not isinstance(treatment, Mapping):
        control, treatment = _near_zero(control, treatment)
    arms = [arm if isinstance(arm, Mapping) else sufficient_statistics(arm) for arm in (control, treatment)]
    return compare(arms[0], arms[1], "mean", alpha)


def _near_zero(control: ArrayLike, treatment: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
    """Both less the same constant, which no difference feels: squares of large values would lose their digits."""
    import numpy as np

    arms = np.asarray(control, dtype=float).ravel(), np.asarray(treatment, dtype=float).ravel()
    if not all(arm.size for arm in arms):
        return arms
    middle = np.median(np.concatenate(arms))
    return arms[0] - middle, arms[1] - middle


def effects_differ(one: Comparison, other: Comparison) -> float:
    """P-value that two comparisons of *different* units have the same true ``diff``.

    Of the units exposed in the first week and of the later ones (a difference is novelty), or of two segments.
    """
    from scipy.special import ndtr

    return 2 * float(ndtr(-abs(one.diff - other.diff) / math.hypot(one.se, other.se)))


def stratified(
    strata: Sequence[tuple[Arm, Arm]],
    metric: Metric,
    alpha: float = 0.05,
    sequential: bool = False,
    tuning: float = 5000,
) -> Comparison:
    """Control and treatment compared within each stratum, and averaged by the strata's units (absolute).

    For a split that was changed on the way: units by the day of their first exposure, or by period of one split.
    Summed over such a split, arms differ by the mix of their days alone (Simpson's paradox). The interval is
    normal: some hundred units a stratum. Errors as ``compare``.
    """
    if not strata:
        raise UnusableSample("No stratum.", "Give control and treatment of each.")
    found = [compare(control, treatment, metric, alpha) for control, treatment in strata]
    units = [float(control["n"]) + float(treatment["n"]) for control, treatment in strata]
    total = math.fsum(units)
    diff = math.fsum(n * one.diff for n, one in zip(units, found, strict=True)) / total
    se = math.sqrt(math.fsum((n * one.se) ** 2 for n, one in zip(units, found, strict=True))) / total
    return _read(diff, se, math.inf, total, alpha, tuning if sequential else None)


def _read(diff: float, se: float, freedom: float, units: float, alpha: float, tuning: float | None) -> Comparison:
    from scipy.special import stdtr, stdtrit

    from growth_pipelines.experiments.sequences import always_valid_p_value, standard_errors_wide

    z = diff / se
    if tuning is None:
        width = float(stdtrit(freedom, 1 - alpha / 2)) * se
        p_value = 2 * float(stdtr(freedom, -abs(z)))
    else:
        width = standard_errors_wide(units, alpha, tuning) * se
        p_value = always_valid_p_value(z, units, alpha, tuning)
    winning, gain = _bayesian(diff, se)
    return Comparison(
        diff=diff,
        se=se,
        p_value=p_value,
        ci_low=diff - width,
        ci_high=diff + width,
        chance_to_win=winning,
        risk_control=max(0.0, gain),
        risk_treatment=max(0.0, gain - diff),
    )


def _bayesian(diff: float, se: float) -> tuple[float, float]:
    """P(δ > 0) and E[max(δ, 0)] of δ ~ N(diff, se); the expected loss is what is left of the mean."""
    from scipy.special import ndtr

    z = diff / se
    winning = float(ndtr(z))
    return winning, diff * winning + se * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _adjusted_variance(arm: Moments, slope: float) -> float:
    return max(0.0, arm.variance - 2 * slope * arm.pre_covariance + slope * slope * arm.pre_variance)


def _satterthwaite(c_share: float, c_n: float, t_share: float, t_n: float) -> float:
    whole = c_share + t_share
    if not whole > 0:
        return math.inf
    return 1 / ((c_share / whole) ** 2 / (c_n - 1) + (t_share / whole) ** 2 / (t_n - 1))


def _relative_variance(c: Moments, t: Moments, slope: float) -> float:
    """Of (t − c − θ(t₀ − c₀)) ÷ c, linearised at its mean, where both arms were alike before: t₀ = c₀."""
    ratio = t.mean / c.mean
    of_control = ratio * ratio * c.variance - 2 * slope * ratio * c.pre_covariance + slope**2 * c.pre_variance
    return (max(0.0, of_control) / c.n + _adjusted_variance(t, slope) / t.n) / (c.mean * c.mean)
