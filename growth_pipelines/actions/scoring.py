"""The score of an action and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

RANKING_VERSION = "revenue-confidence-ease-1"


@dataclass(frozen=True)
class Score:
    """``value`` is money over 28 days, discounted; ``factors`` multiply to it."""

    value: float
    factors: dict[str, float]


def score(revenue_28d: float, confidence: float, ease: float, win_rate: float = 1.0) -> Score:
    """Expected revenue × confidence × ease × learned win-rate factor (1 without data, clamped to 0.5–1.5)."""
    factor = min(1.5, max(0.5, win_rate))
    value = max(0.0, revenue_28d) * confidence * ease * factor
    return Score(value, {"revenue_28d": revenue_28d, "confidence": confidence, "ease": ease, "win_rate": factor})
