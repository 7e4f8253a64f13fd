"""Confidences and estimated impacts, corrected by what came of them.

Confidence: logistic recalibration (Platt 1999; Cox 1958), odds' = a + b × odds + what a recommender and a subtype
are off by on top, with priors at "as it is" that are worth some twenty outcomes. How much recommenders differ is
chosen by the evidence (Laplace's approximation; MacKay 1992). Impact: realised ÷ estimated, a recommender's own
ratio drawn towards the shop's and the shop's towards 1 (normal-normal, method of moments as in DerSimonian &
Laird 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.learning.features import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

_PRIOR_SD = 0.5
_LOWEST, _HIGHEST = 0.02, 0.98
# How far recommenders, and subtypes of one, may be off beyond the shop, in log odds; about 0.3 is believed before.
_SPREADS = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
_BELIEVED_SPREAD = 0.3
# Before any outcome a ratio is 1 give or take so much; estimates are that rough.
_RATIO_SD = 0.5
# How far recommenders' ratios lie from the shop's; about a fifth is believed before.
_RATIO_SPREADS, _BELIEVED_RATIO_SPREAD = np.array([0.025, 0.05, 0.1, 0.2, 0.4, 0.8]), 0.2
_STEPS = 25


@dataclass(frozen=True, eq=False)
class ConfidenceCalibration:
    """odds' = ``shift`` + ``slope`` × odds + offset, learnt from ``n`` outcomes; without any it changes nothing.

    ``branches`` are the names that have an offset, "recommender" and "recommender/subtype"; ``offsets`` are
    theirs, and ``covariance`` that of (shift, slope, *offsets).
    """

    shift: float = 0.0
    slope: float = 1.0
    n: int = 0
    branches: tuple[str, ...] = ()
    offsets: tuple[float, ...] = ()
    covariance: FloatArray | None = None

    def of(self, confidence: ArrayLike, recommender: str = "", subtype: str = "") -> FloatArray:
        """Recalibrated confidences, 0 to 1; without a recommender the shop's."""
        return _chance(self._odds(confidence, recommender, subtype))

    def interval(self, confidence: float, recommender: str = "", subtype: str = "") -> tuple[float, float]:
        """95 % credible interval of the share that works; before any outcome 0 to 1."""
        if self.covariance is None:
            return 0.0, 1.0
        middle = float(self._odds([confidence], recommender, subtype)[0])
        known = [float(name in (recommender, f"{recommender}/{subtype}")) for name in self.branches]
        row = np.concatenate([[1.0], _log_odds(np.array([confidence])), known])
        half = 1.96 * float(np.sqrt(row @ self.covariance @ row))
        low, high = _chance(np.array([middle - half, middle + half])).tolist()
        return low, high

    def _odds(self, confidence: ArrayLike, recommender: str, subtype: str) -> FloatArray:
        own = dict(zip(self.branches, self.offsets, strict=True))
        offset = own.get(recommender, 0.0) + own.get(f"{recommender}/{subtype}", 0.0)
        odds: FloatArray = self.shift + offset + self.slope * _log_odds(np.asarray(confidence, dtype=float))
        return odds


@dataclass(frozen=True)
class ImpactRatio:
    """Realised ÷ estimated with a 95 % interval; ``n`` outcomes."""

    ratio: float
    low: float
    high: float
    n: int


def calibrate_confidence(
    confidence: ArrayLike,
    succeeded: ArrayLike,
    paths: Sequence[tuple[str, str]] | None = None,
    weights: ArrayLike | None = None,
) -> ConfidenceCalibration:
    """From the confidence (0 to 1) of each measured action and whether it succeeded (0 or 1); none: unchanged.

    ``paths``: its recommender and subtype, which then have offsets of their own; ``weights``: what an outcome
    still counts, 1 by default.
    """
    odds, won = _log_odds(np.asarray(confidence, dtype=float)), np.asarray(succeeded, dtype=float)
    if not odds.size:
        return ConfidenceCalibration()
    counted = np.ones(odds.size) if weights is None else np.asarray(weights, dtype=float)
    branches, own = _branches(paths or [])
    rows = np.column_stack([np.ones(odds.size), odds, *([own] if branches else [])])
    fits = [_fit(rows, won, counted, spread) for spread in (_SPREADS if branches else [_BELIEVED_SPREAD])]
    at, covariance = _averaged(fits)
    # Never turned around: the surer stays the surer.
    slope = max(0.05, float(at[1]))
    return ConfidenceCalibration(float(at[0]), slope, int(odds.size), branches, tuple(at[2:].tolist()), covariance)


def _branches(paths: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], FloatArray]:
    """The names of recommenders and subtypes, and in which of them each action lies (n, names)."""
    names = sorted({name for one in paths for name in (one[0], "/".join(one))})
    of_actions = np.array([[one[0], "/".join(one)] for one in paths], dtype=object).reshape(-1, 2)
    columns = [(of_actions == name).any(axis=1) for name in names]
    return tuple(names), np.column_stack(columns).astype(float) if names else np.zeros((len(paths), 0))


def _averaged(fits: Sequence[tuple[FloatArray, FloatArray, float]]) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance over all spreads, each as far as the outcomes speak for it."""
    shares = np.exp(np.array([fit for _, _, fit in fits]) - max(fit for _, _, fit in fits))
    shares /= shares.sum()
    modes = np.array([mode for mode, _, _ in fits])
    mean: FloatArray = shares @ modes
    within = np.einsum("s,sij->ij", shares, np.array([covariance for _, covariance, _ in fits]))
    return mean, within + (shares[:, None] * (modes - mean)).T @ (modes - mean)


def _fit(
    rows: FloatArray, won: FloatArray, counted: FloatArray, spread: float
) -> tuple[FloatArray, FloatArray, float]:
    """Mode and covariance of the coefficients, and how well this spread of the offsets explains the outcomes."""
    extra = rows.shape[1] - 2
    prior = np.array([0.0, 1.0] + [0.0] * extra)
    precision = np.diag([_PRIOR_SD**-2] * 2 + [spread**-2] * extra)
    at = prior
    for _ in range(_STEPS):
        chance = _chance(rows @ at)
        gradient = rows.T @ (counted * (won - chance)) - precision @ (at - prior)
        bend = (rows * (counted * chance * (1 - chance))[:, None]).T @ rows + precision
        at = at + np.clip(np.linalg.solve(bend, gradient), -1, 1)
    odds, away = rows @ at, at - prior
    fit = float(counted @ (won * odds - np.logaddexp(0, odds)) - 0.5 * away @ precision @ away)
    fit += 0.5 * (np.linalg.slogdet(precision)[1] - np.linalg.slogdet(bend)[1])
    fit -= 0.5 * float(np.log(spread / _BELIEVED_SPREAD)) ** 2
    return at, np.asarray(np.linalg.inv(bend), dtype=np.float64), fit


def reliability(confidence: ArrayLike, succeeded: ArrayLike, bins: int = 5) -> list[dict[str, float]]:
    """Per bin of confidence: the mean that was said, the share that succeeded (Wilson's interval), and n."""
    said, won = np.asarray(confidence, dtype=float), np.asarray(succeeded, dtype=float)
    place = np.minimum((said * bins).astype(int), bins - 1)
    found = []
    for one in np.unique(place):
        mine = place == one
        n, share = int(mine.sum()), float(won[mine].mean())
        middle, half = (share + 1.92 / n) / (1 + 3.84 / n), 1.96 / (1 + 3.84 / n)
        half *= float(np.sqrt(share * (1 - share) / n + 0.96 / n**2))
        found.append(
            {"said": float(said[mine].mean()), "share": share, "low": middle - half, "high": middle + half, "n": n}
        )
    return found


def impact_ratios(outcomes: pd.DataFrame) -> dict[str, ImpactRatio]:
    """By recommender, and "" for the whole shop.

    ``outcomes``: recommender, estimate (above 0), effect, effect_low, effect_high (95 %), all in one unit a row.
    Rows without an estimate above 0 or without an interval say nothing.
    """
    frame = outcomes[(outcomes["estimate"] > 0) & outcomes["effect"].notna()]
    frame = frame[(frame["effect_high"] - frame["effect_low"]) > 0]
    estimate = frame["estimate"].to_numpy(dtype=float)
    ratio = frame["effect"].to_numpy(dtype=float) / estimate
    error = (frame["effect_high"] - frame["effect_low"]).to_numpy(dtype=float) / 3.92 / estimate
    spread = _between(ratio, error)
    shop = _shrunk(ratio, error, spread, 1.0, [_RATIO_SD], [1.0])
    found = {"": shop}
    names = frame["recommender"].astype(str).to_numpy()
    each = {str(name): names == name for name in np.unique(names)}
    shares = _likely_spreads([(ratio[mine], error[mine]) for mine in each.values()], spread, shop.ratio)
    for name, mine in each.items():
        found[name] = _shrunk(ratio[mine], error[mine], spread, shop.ratio, _RATIO_SPREADS, shares)
    return found


def _likely_spreads(groups: Sequence[tuple[FloatArray, FloatArray]], spread: float, shop: float) -> FloatArray:
    """How likely each spread of the recommenders' ratios is, by the marginal likelihood of their means."""
    weights = np.array([(1 / (error**2 + spread)).sum() for _, error in groups])
    sums = np.array([(ratio / (error**2 + spread)).sum() for ratio, error in groups])
    fit = -0.5 * np.log(_RATIO_SPREADS / _BELIEVED_RATIO_SPREAD) ** 2
    if groups:
        variance = 1 / weights + _RATIO_SPREADS[:, None] ** 2
        fit -= 0.5 * (np.log(variance) + (sums / weights - shop) ** 2 / variance).sum(axis=1)
    shares: FloatArray = np.exp(fit - fit.max())
    return shares / shares.sum()


def _between(ratio: FloatArray, error: FloatArray) -> float:
    """Variance of the true ratios between actions, beyond what their intervals explain."""
    if ratio.size < 2:
        return _RATIO_SD**2
    weights = 1 / error**2
    mean = float(np.average(ratio, weights=weights))
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    return max(0.0, (float(weights @ (ratio - mean) ** 2) - (ratio.size - 1)) / scale) if scale > 0 else 0.0


def _shrunk(
    ratio: FloatArray, error: FloatArray, spread: float, prior: float, prior_sd: ArrayLike, shares: ArrayLike
) -> ImpactRatio:
    """Drawn towards ``prior``, averaged over how far (``prior_sd``) it may lie from it, with these ``shares``."""
    weights, trust = 1 / (error**2 + spread), 1 / np.asarray(prior_sd, dtype=float) ** 2
    precision = weights.sum() + trust
    means = (weights @ ratio + prior * trust) / precision
    mean = float(np.asarray(shares) @ means)
    half = 1.96 * float(np.sqrt(np.asarray(shares) @ (1 / precision + (means - mean) ** 2)))
    return ImpactRatio(mean, mean - half, mean + half, int(ratio.size))


def _chance(odds: FloatArray) -> FloatArray:
    chance: FloatArray = 1 / (1 + np.exp(-np.clip(odds, -20, 20)))
    return chance


def _log_odds(share: FloatArray) -> FloatArray:
    inside = np.clip(share, _LOWEST, _HIGHEST)
    odds: FloatArray = np.log(inside / (1 - inside))
    return odds
