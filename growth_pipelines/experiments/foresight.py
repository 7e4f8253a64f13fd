"""What units drawn before the start would show at the planned end, told from what such units did before.

Visitors are planned by how many come (``planning``). Pages, customers and days are all there beforehand: the
question is how small an effect they show, which depends on how much such units vary by themselves. Power is that
of the planned end, at its share of α (``planned_looks``); the earlier looks can only find harm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.experiments.arms import Arm, Metric, UnusableSample, moments
from growth_pipelines.experiments.placebo import Throws
from growth_pipelines.experiments.planned_looks import END_ALPHA

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# More pairs of blocks than two years have days.
_MOST_PAIRS = 365
# Effects beyond a factor of twenty are not looked for.
_HIGHEST = 19.0


@dataclass(frozen=True)
class Spread:
    """The mean of a unit's value, and its variance; None for a proportion, whose mean says it."""

    mean: float
    variance: float | None = None


@dataclass(frozen=True)
class Foretold:
    """``effect`` is the least relative one that is found with the power asked for, inf where none is.

    ``units`` of all arms would find the effect asked for; None where that can't be said.
    """

    effect: float
    units: int | None = None


def spread_of(past: Arm, metric: Metric) -> Spread:
    """The spread in the sums of past units (``sufficient_statistics``), as ``compare`` reads this metric.

    A ratio's is the linearised one, CUPED's what the time before leaves of it: σ² (1 − ρ²). Raises UnusableSample
    (a ValueError).
    """
    found = moments(past, metric, "units of the past")
    if metric == "proportion":
        return Spread(found.mean)
    explained = found.pre_covariance**2 / found.pre_variance if found.pre_variance else 0.0
    return Spread(found.mean, found.variance - explained)


def of_units(counts: Sequence[int], spread: Spread, effect: float, power: float = 0.8) -> Foretold:
    """For units compared one by one, relative to control: ``counts`` an arm, control's first.

    It is found where the interval of the plain difference leaves 0, and Fieller's of the relative one with it
    (``compare_to_control``). The effect is taken to raise every unit's value by the same factor, so the treatment
    varies more. Raises UnusableSample (a ValueError) for counts or an effect that nothing can be planned for.
    """
    ratio, total = min(counts[1:]) / counts[0], sum(counts) / counts[0]
    if not (ratio > 0 and spread.mean > 0 and effect > 0):
        raise UnusableSample(f"mean {spread.mean:g}, effect {effect:g}.", "Arms, mean and effect are above 0.")
    if spread.variance is None and spread.mean * (1 + effect) >= 1:
        raise UnusableSample(f"{spread.mean:g} and {effect:.0%} more.", "A share stays below 1.")
    alpha = END_ALPHA / (len(counts) - 1)

    def needed(sought: float) -> float:
        return _control_units(spread, sought, ratio, alpha, power)

    highest = _HIGHEST if spread.variance is not None else (1 - 1e-9) / spread.mean - 1
    return Foretold(_least(lambda sought: needed(sought) <= counts[0], highest), math.ceil(needed(effect) * total))


def _control_units(spread: Spread, effect: float, ratio: float, alpha: float, power: float) -> float:
    """((z₁₋α⸝₂ + z_power) ÷ difference)² × the variance of the difference at one unit of control."""
    from scipy.special import ndtri

    raised = spread.mean * (1 + effect)
    if spread.variance is None:
        treated, control = raised * (1 - raised), spread.mean * (1 - spread.mean)
    else:
        treated, control = (1 + effect) ** 2 * spread.variance, spread.variance
    wide = ndtri(1 - alpha / 2) + ndtri(power)
    return float((wide / (effect * spread.mean)) ** 2 * (treated / ratio + control))


def _least(enough: Callable[[float], bool], highest: float) -> float:
    """The least effect for which ``enough`` holds, where it holds from some on; inf if not for the highest."""
    if not enough(highest):
        return math.inf
    low, high = 0.0, highest
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def of_days(
    values: ArrayLike, block: int, carry_over: int, days: int, effect: float, power: float = 0.8
) -> Foretold:
    """For a switchback of ``days``, from the ``values`` of past days; units are days.

    As ``switchback_effect`` compares: Student's t over pairs of neighbouring blocks, relative to their mean, whose
    power is that of the noncentral t. A coin says which of a pair is treated, so their differences have the mean
    0, and the weekday's share in them counts as noise. Raises UnusableSample (a ValueError).
    """
    spread = _pair_spread(np.asarray(values, dtype=float), block, carry_over)
    pairs = days // (2 * block)
    if pairs < 2:
        raise UnusableSample(f"{days} days in blocks of {block}.", "At least two pairs of blocks are needed.")
    if not effect > 0:
        raise UnusableSample(f"effect {effect:g}.", "It is a share above 0.")
    fitting = (one for one in range(2, _MOST_PAIRS + 1) if _least_in_pairs(spread, one, power) <= effect)
    needed = next(fitting, None)
    return Foretold(_least_in_pairs(spread, pairs, power), None if needed is None else 2 * block * needed)


def _pair_spread(series: NDArray[Any], block: int, carry_over: int) -> float:
    """Root mean square of the pairs' differences, as a share of a block's mean."""
    used = 2 * block * (series.size // (2 * block))
    means = series[series.size - used :].reshape(-1, block)[:, carry_over:].mean(axis=1).reshape(-1, 2)
    means = means[np.isfinite(means).all(axis=1)]
    if len(means) < 2 or not means.mean() > 0:
        raise UnusableSample(f"{len(means)} whole pairs of past blocks.", "More days have to be known.")
    return float(np.sqrt(np.mean((means[:, 0] - means[:, 1]) ** 2)) / means.mean())


def _least_in_pairs(spread: float, pairs: int, power: float) -> float:
    from scipy.special import nctdtrinc, stdtrit

    bar = stdtrit(pairs - 1, 1 - END_ALPHA / 2)
    return float(nctdtrinc(pairs - 1, 1 - power, bar)) * spread / math.sqrt(pairs)


def of_pages(throws: Throws, power: float = 0.8) -> Foretold:
    """For a split test of pages, from the placebo ``throws`` of a time in which nothing was changed.

    The effect is put on the pages of the real throw: it is found where the gap with it is as large as is rare
    among the other throws, which feel it too, as their arms hold some of the changed pages. How gaps vary by
    themselves is read from the throws.
    """
    by_itself = throws.gaps(0.0)

    def is_found(theta: float) -> bool:
        with_it = np.abs(throws.gaps(-theta)[1:])
        return theta + float(np.quantile(by_itself, 1 - power)) >= float(np.quantile(with_it, 1 - END_ALPHA))

    theta = _least(is_found, math.log1p(_HIGHEST))
    return Foretold(math.expm1(theta) if math.isfinite(theta) else math.inf)
