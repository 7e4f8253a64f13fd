"""The score of an action and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What ranks unless an operator chose another version.
RANKING_VERSION = "revenue-confidence-ease-2"
# Factors that were learnt; each is 1 without data. Those of the chain lie within these ends.
CHAIN = ("calibration", "win_rate", "realised")
LOWEST, HIGHEST = 0.5, 1.5
# What is expected of the page is compared with the money that the chain arrives at.
EXPECTED = "expected"
LEARNT = (*CHAIN, EXPECTED)


@dataclass(frozen=True)
class Score:
    """``value`` is money over 28 days, discounted; ``factors`` multiply to it."""

    value: float
    factors: dict[str, float]


def score(revenue_28d: float, confidence: float, ease: float, learnt: Mapping[str, float] | None = None) -> Score:
    """Expected revenue × confidence × ease × what was learnt (by name, see CHAIN; nothing without data)."""
    known = {name: bounded((learnt or {})[name]) for name in CHAIN if name in (learnt or {})}
    value = max(0.0, revenue_28d) * confidence * ease
    for factor in known.values():
        value *= factor
    plain = {"revenue_28d": revenue_28d, "confidence": confidence, "ease": ease, "win_rate": 1.0}
    return Score(value, {**plain, **known})


def bounded(factor: float) -> float:
    """The factor, within what one lesson may do to a score."""
    return min(HIGHEST, max(LOWEST, factor))


def before_learning(score: float, factors: Mapping[str, float]) -> float:
    """A score without its learnt factors."""
    for name in LEARNT:
        score /= factors.get(name, 1.0)
    return score
