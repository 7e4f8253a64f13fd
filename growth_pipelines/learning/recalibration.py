"""Confidences and estimated impacts, corrected by what came of them.

Confidence: logistic recalibration (Platt 1999; Cox 1958), odds' = a + b × odds, with a prior at "as it is" that
is worth some twenty outcomes. Impact: realised ÷ estimated, a recommender's own ratio drawn towards the shop's
and the shop's towards 1 (normal-normal, method of moments as in DerSimonian & Laird 1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.learning.features import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

_PRIOR_SD = 0.5
_LOWEST, _HIGHEST = 0.02, 0.98
# Before any outcome a ratio is 1 give or take so much; estimates are that rough.
_RATIO_SD = 0.5
_STEPS = 25


@dataclass(frozen=True)
class ConfidenceCalibration:
    """odds' = ``shift`` + ``slope`` × odds, learnt from ``n`` outcomes; (0, 1) changes nothing."""

    shift: float = 0.0
    slope: float = 1.0
    n: int = 0

    def of(self, confidence: ArrayLike) -> FloatArray:
        """Recalibrated confidences, 0 to 1."""
        odds = self.shift + self.slope * _log_odds(np.asarray(confidence, dtype=float))
        corrected: FloatArray = 1 / (1 + np.exp(-odds))
        return corrected


@dataclass(frozen=True)
class ImpactRatio:
    """Realised ÷ estimated with a 95 % interval; ``n`` outcomes."""

    ratio: float
    low: float
    high: float
    n: int


def calibrate_confidence(confidence: ArrayLike, succeeded: ArrayLike) -> ConfidenceCalibration:
    """From the confidence (0 to 1) of each measured action and whether it succeeded (0 or 1); none: unchanged."""
    odds, won = _log_odds(np.asarray(confidence, dtype=float)), np.asarray(succeeded, dtype=float)
    rows, prior, at = np.column_stack([np.ones(odds.size), odds]), np.array([0.0, 1.0]), np.array([0.0, 1.0])
    precision = np.eye(2) / _PRIOR_SD**2
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ at, -20, 20)))
        gradient = rows.T @ (won - chance) - precision @ (at - prior)
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + precision
        at = at + np.clip(np.linalg.solve(bend, gradient), -1, 1)
    # Never turned around: the surer stays the surer.
    return ConfidenceCalibration(float(at[0]), max(0.05, float(at[1])), int(odds.size))


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
    shop = _shrunk(ratio, error, spread, 1.0, _RATIO_SD)
    found = {"": shop}
    names = frame["recommender"].astype(str).to_numpy()
    for name in np.unique(names):
        mine = names == name
        found[str(name)] = _shrunk(ratio[mine], error[mine], spread, shop.ratio, _RATIO_SD / 2)
    return found


def _between(ratio: FloatArray, error: FloatArray) -> float:
    """Variance of the true ratios between actions, beyond what their intervals explain."""
    if ratio.size < 2:
        return _RATIO_SD**2
    weights = 1 / error**2
    mean = float(np.average(ratio, weights=weights))
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    return max(0.0, (float(weights @ (ratio - mean) ** 2) - (ratio.size - 1)) / scale) if scale > 0 else 0.0


def _shrunk(ratio: FloatArray, error: FloatArray, spread: float, prior: float, prior_sd: float) -> ImpactRatio:
    weights = 1 / (error**2 + spread)
    precision = float(weights.sum()) + 1 / prior_sd**2
    mean = (float(weights @ ratio) + prior / prior_sd**2) / precision
    half = 1.96 / float(np.sqrt(precision))
    return ImpactRatio(mean, mean - half, mean + half, int(ratio.size))


def _log_odds(share: FloatArray) -> FloatArray:
    inside = np.clip(share, _LOWEST, _HIGHEST)
    odds: FloatArray = np.log(inside / (1 - inside))
    return odds
