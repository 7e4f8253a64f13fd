"""What another order would have brought, estimated from what was shown under the present one.

Inverse propensity scoring (IPS), its self-normalised form (SNIPS; Swaminathan & Joachims 2015), the direct method
(DM: a model of the reward alone) and the doubly robust estimate (DR; Dudík, Langford & Li 2011), which is right
when either the propensities or the model are. Intervals are those of means of skewed values (``mean_interval``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.errors import GrowthError
from growth_pipelines.learning.features import FloatArray
from growth_pipelines.learning.mean_interval import mean_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Below it the weights say little whatever the number of rows: a few of them decide.
LEAST_EFFECTIVE = 100.0
# One showing with a larger share of all weights decides by itself; intervals then cover less than they say.
MOST_OF_ONE = 0.05
# One outcome does not tell how far another would lie from it.
_LEAST_TOLD = 2
_NOT_KNOWN = (-math.inf, math.inf)


class UnusableLog(GrowthError, ValueError):
    """The log can't be evaluated: lengths that differ, or probabilities that are none."""


@dataclass(frozen=True)
class OffPolicyValue:
    """Mean reward a row under the target policy; [``ci_low``, ``ci_high``] is the interval of ``dr``.

    ``ips_interval`` and ``snips_interval`` are those of the other two that need no model (low, high); ``dm`` has
    none, as nothing in a log tells how wrong its model is.
    ``effective_sample_size`` is (Σw)² ÷ Σw² of the weights target ÷ propensity (Kish), ``heaviest`` the largest
    weight's share of their sum. ``enough``: the former is at least 100, the latter at most 5 %; elsewhere nothing
    should be decided by the figures. Where no row shows what the target would, only ``dm`` is a number; where
    fewer than two do, no interval is known: all reach from −inf to inf.
    """

    ips: float
    snips: float
    dm: float
    dr: float
    ci_low: float
    ci_high: float
    ips_interval: tuple[float, float]
    snips_interval: tuple[float, float]
    effective_sample_size: float
    heaviest: float
    n: int

    @property
    def enough(self) -> bool:
        return self.effective_sample_size >= LEAST_EFFECTIVE and self.heaviest <= MOST_OF_ONE


@dataclass(frozen=True)
class OffPolicyDifference:
    """By how much more a target brings a row than a baseline, both judged on the same rows (doubly robust).

    [``ci_low``, ``ci_high``] is the interval of ``difference``; ``baseline`` is the value of the baseline.
    ``differing`` rows are those that tell the two apart, ``effective_sample_size`` is what these are worth:
    (Σ|d|)² ÷ Σd² of the differences of the weights, and ``heaviest`` the largest one's share. Where they differ
    and no row shows it, ``difference`` is NaN, and where fewer than two outcomes do the interval reaches from −inf
    to inf; ``baseline`` is NaN where no row shows what the baseline would.
    """

    difference: float
    ci_low: float
    ci_high: float
    baseline: float
    effective_sample_size: float
    heaviest: float
    differing: int
    n: int

    @property
    def enough(self) -> bool:
        return self.effective_sample_size >= LEAST_EFFECTIVE and self.heaviest <= MOST_OF_ONE


def off_policy_difference(
    action: ArrayLike,
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    baseline: ArrayLike,
    reward_model: ArrayLike,
    alpha: float = 0.05,
    *,
    outcome: ArrayLike | None = None,
) -> OffPolicyDifference:
    """Evaluate ``target`` against ``baseline``, given as :func:`off_policy_value` takes a target.

    A row's part in the difference is the difference of its two doubly robust terms, so what both have in common
    cancels, and the interval is that of a paired comparison. ``outcome`` (n,): integers from 0 on, alike in rows
    that share one outcome (an action that was shown several times); such rows count as one where it is asked how
    much the log is worth and how sure the difference is. By default every row has its own.
    Raises UnusableLog (a ValueError).
    """
    items, got, shown_with, wanted, model = _checked(action, reward, propensity, target, reward_model)
    present = _checked(action, reward, propensity, baseline, reward_model)[3]
    at = np.arange(items.size)
    residual = (got - model[at, items]) / shown_with
    valued = (present * model).sum(axis=1) + present[at, items] * residual
    apart = wanted - present
    differences = (apart * model).sum(axis=1) + apart[at, items] * residual
    weights = _by_outcome(np.abs(apart[at, items]) / shown_with, outcome)
    total, mean = float(weights.sum()), float(differences.mean())
    apart_by_outcome = _by_outcome(differences - mean, outcome)
    low, high = mean_interval(mean + apart_by_outcome * (apart_by_outcome.size / items.size), alpha)
    differing = int((np.abs(apart).sum(axis=1) > 0).sum())
    if differing and np.count_nonzero(weights) < _LEAST_TOLD:
        low, high = np.array(_NOT_KNOWN)
    return OffPolicyDifference(
        difference=mean if total > 0 or not differing else math.nan,
        ci_low=float(low),
        ci_high=float(high),
        baseline=float(valued.mean()) if present[at, items].any() else math.nan,
        effective_sample_size=total**2 / float((weights**2).sum()) if total > 0 else 0.0,
        heaviest=float(weights.max()) / total if total > 0 else 1.0,
        differing=differing,
        n=int(items.size),
    )


def off_policy_value(
    action: ArrayLike,
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    reward_model: ArrayLike,
    alpha: float = 0.05,
) -> OffPolicyValue:
    """Evaluate ``target`` from ``n`` logged rows with ``items`` possible actions.

    ``action`` (n,): index of the item that was shown. ``reward`` (n,): what came of it. ``propensity`` (n,): the
    probability with which it was shown then. ``target`` (n, items): the other policy's probabilities, rows summing
    to 1, or (n,) integers, the item it would have shown. ``reward_model`` (n, items): expected reward of each
    item; fit it on other rows, or the interval is too narrow.

    The intervals are those of means of skewed values, as heavy weights make them, SNIPS' by the delta method: of
    snips + w (reward − snips) ÷ mean w. [dr, dr] of two rows or more that do not vary; of fewer, nothing is known
    (see OffPolicyValue). Raises UnusableLog (a ValueError).
    """
    items, got, shown_with, wanted, model = _checked(action, reward, propensity, target, reward_model)
    at = np.arange(items.size)
    weights = wanted[at, items] / shown_with
    modelled = (wanted * model).sum(axis=1)
    robust = modelled + weights * (got - model[at, items])
    total, weighted = float(weights.sum()), weights * got
    snips = float(weighted.sum() / total) if total > 0 else math.nan
    relative = weights * (items.size / total) if total > 0 else weights
    lows, highs = mean_interval(np.stack([robust, weighted, snips + relative * (got - snips)]), alpha)
    dr, ips_interval, snips_interval = zip(lows.tolist(), highs.tolist(), strict=True)
    if np.count_nonzero(weights) < _LEAST_TOLD:
        dr = ips_interval = snips_interval = _NOT_KNOWN
    return OffPolicyValue(
        ips=float(weighted.mean()) if total > 0 else math.nan,
        snips=snips,
        dm=float(modelled.mean()),
        dr=float(robust.mean()) if total > 0 else math.nan,
        ci_low=dr[0],
        ci_high=dr[1],
        ips_interval=ips_interval,
        snips_interval=snips_interval,
        effective_sample_size=total**2 / float((weights**2).sum()) if total > 0 else 0.0,
        heaviest=float(weights.max()) / total if total > 0 else 1.0,
        n=int(items.size),
    )


def _checked(
    action: ArrayLike, reward: ArrayLike, propensity: ArrayLike, target: ArrayLike, reward_model: ArrayLike
) -> tuple[np.ndarray, FloatArray, FloatArray, FloatArray, FloatArray]:
    items = np.asarray(action).astype(int)
    got, shown_with = np.asarray(reward, dtype=float), np.asarray(propensity, dtype=float)
    model, wanted = np.asarray(reward_model, dtype=float), np.asarray(target)
    if model.ndim != 2 or not items.size or not items.size == got.size == shown_with.size == len(model):
        raise UnusableLog(
            "action, reward and propensity need n values each, reward_model n × items.", "Use one row a showing."
        )
    if wanted.ndim == 1 and np.issubdtype(wanted.dtype, np.integer) and wanted.size == items.size:
        wanted = np.eye(model.shape[1])[wanted]
    wanted = wanted.astype(float)
    if wanted.shape != model.shape:
        raise UnusableLog(f"target is {wanted.shape}, reward_model {model.shape}.", "Both are n × items.")
    if items.min() < 0 or items.max() >= model.shape[1]:
        raise UnusableLog("An action is no column of reward_model.", "Number the items from 0.")
    if not (shown_with > 0).all() or (shown_with > 1 + 1e-9).any():
        raise UnusableLog("Propensities must be above 0 and at most 1.", "What can't be shown is never in a log.")
    if (wanted < 0).any() or not np.allclose(wanted.sum(axis=1), 1, atol=1e-6):
        raise UnusableLog("The rows of target must be probabilities that sum to 1.", "Divide them by their sums.")
    if not (np.isfinite(got).all() and np.isfinite(model).all()):
        raise UnusableLog("A reward or a modelled reward is missing.", "Leave rows out that are not measured yet.")
    return items, got, shown_with, wanted, model


def _by_outcome(values: FloatArray, outcome: ArrayLike | None) -> FloatArray:
    """Sums over the rows that share an outcome."""
    if outcome is None:
        return values
    shared = np.unique(np.asarray(outcome), return_inverse=True)[1]
    if shared.shape != values.shape:
        raise UnusableLog(f"outcome has {shared.size} values for {values.size} rows.", "Give one number a row.")
    sums: FloatArray = np.bincount(shared, values).astype(float)
    return sums
