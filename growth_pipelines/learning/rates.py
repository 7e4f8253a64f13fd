"""How often proposals of a kind are approved and then work, partially pooled, with old ones fading.

Beta-binomial shrinkage down a tree: shop → recommender → subtype → change type. A branch's prior is its parent's
rate, worth as many decisions as the data say that branches are alike (empirical Bayes by the marginal
likelihood). Approval and success are two rates: whoever counted refusals together with outcomes, which come
weeks later, would learn first that nothing works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.actions.scoring import bounded
from growth_pipelines.learning.fading import HALF_LIFE_DAYS
from growth_pipelines.learning.features import FloatArray

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("recommender", "subtype", "change_type")
# What the shop's own rate starts from: two decisions' worth of not knowing.
_START = 1.0
_STRENGTHS = 2.0 ** np.arange(2, 9)
_BELIEVED_STRENGTH, _BELIEF = 16.0, 0.5


@dataclass(frozen=True)
class Rate:
    """A rate with its 95 % credible interval from ``n`` decayed observations; ``prior`` is the shop's."""

    mean: float
    low: float
    high: float
    n: float
    prior: float

    @property
    def ratio(self) -> float:
        return self.mean / self.prior


@dataclass(frozen=True)
class WinRate:
    """``path`` is (recommender), (recommender, subtype) or (recommender, subtype, change type)."""

    path: tuple[str, ...]
    approval: Rate
    success: Rate

    @property
    def key(self) -> str:
        return "/".join(self.path)

    @property
    def factor(self) -> float:
        """What multiplies the score: posterior ÷ prior mean of both rates, within 0.5 and 1.5."""
        return bounded(self.approval.ratio * self.success.ratio)


def win_rates(signals: pd.DataFrame) -> list[WinRate]:
    """The rates of every branch that has a decision or an outcome, parents before their branches.

    ``signals``: one row an action with recommender, subtype, change_type, age_days (since the decision or the
    outcome), approved and succeeded (1, 0, or NaN: not decided, not measured or inconclusive). No rows, no rates.
    """
    if not len(signals):
        return []
    weights = 0.5 ** (np.maximum(signals["age_days"].to_numpy(dtype=float), 0) / HALF_LIFE_DAYS)
    paths = list(signals[list(LEVELS)].astype(str).itertuples(index=False, name=None))
    rates = [_rates(paths, signals[name].to_numpy(dtype=float), weights) for name in ("approved", "succeeded")]
    known = sorted({path[:depth] for path in paths for depth in range(1, len(LEVELS) + 1)})
    found = [WinRate(path, rates[0][path], rates[1][path]) for path in known]
    return [one for one in found if one.approval.n or one.success.n]


def factors(rates: list[WinRate]) -> dict[str, float]:
    """By key, as scoring asks for it: "recommender" and "recommender/subtype"."""
    return {one.key: one.factor for one in rates if len(one.path) < len(LEVELS)}


def _rates(paths: list[tuple[str, ...]], happened: FloatArray, weights: FloatArray) -> dict[tuple[str, ...], Rate]:
    known = np.isfinite(happened)
    won, lost = weights * known * np.nan_to_num(happened), weights * known * (1 - np.nan_to_num(happened))
    shop = (won.sum() + _START) / (won.sum() + lost.sum() + 2 * _START)
    n = float(won.sum() + lost.sum() + 2 * _START)
    parents: dict[tuple[str, ...], tuple[float, float]] = {(): (float(shop), float(shop * (1 - shop) / (n + 1)))}
    found: dict[tuple[str, ...], Rate] = {}
    for depth in range(1, len(LEVELS) + 1):
        branches, at = np.unique(["\x1f".join(path[:depth]) for path in paths], return_inverse=True)
        keys = [tuple(str(branch).split("\x1f")) for branch in branches]
        wins, losses = (np.bincount(at, each, len(keys)).astype(float) for each in (won, lost))
        above = np.array([parents[key[:-1]] for key in keys])
        means, variances = _posteriors(wins, losses, above[:, 0], above[:, 1])
        parents |= dict(zip(keys, zip(means.tolist(), variances.tolist(), strict=True), strict=True))
        ends = _interval(means, variances)
        rows = np.column_stack([means, *ends, wins + losses, np.full(len(keys), shop)]).tolist()
        found |= {key: Rate(*row) for key, row in zip(keys, rows, strict=True)}
    return found


def _posteriors(
    wins: FloatArray, losses: FloatArray, prior: FloatArray, prior_variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Means and variances of the branches' rates, averaged over how many decisions a parent's rate may be worth.

    Strengths are weighed by the marginal likelihood of all branches, and by a belief in about 16; that the
    parent's rate is not known exactly widens what leans on it.
    """
    from scipy.special import betaln

    strength = _STRENGTHS[:, None]
    first, second = strength * prior, strength * (1 - prior)
    fit = (betaln(first + wins, second + losses) - betaln(first, second)).sum(axis=1)
    fit -= 0.5 * _BELIEF * np.log(_STRENGTHS / _BELIEVED_STRENGTH) ** 2
    shares = np.exp(fit - fit.max())
    shares = (shares / shares.sum())[:, None]
    n = wins + losses
    mean = (first + wins) / (strength + n)
    variance = mean * (1 - mean) / (strength + n + 1) + (strength / (strength + n)) ** 2 * prior_variance
    overall = (shares * mean).sum(axis=0)
    return overall, (shares * (variance + mean**2)).sum(axis=0) - overall**2


def _interval(mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """95 %, of the beta distribution with these moments."""
    from scipy.special import betaincinv

    size = np.maximum(mean * (1 - mean) / variance - 1, 1e-3)
    low, high = (betaincinv(mean * size, (1 - mean) * size, share) for share in (0.025, 0.975))
    return low, high
