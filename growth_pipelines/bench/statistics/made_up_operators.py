"""Operators that are not there: proposals every round, tastes that shift, outcomes that come late.

Each world draws its own number of kinds, which features matter and how much, how tastes shift (jumps or a random
walk), how late outcomes are and how noisy, and how much sooner is approved what is shown first. So nothing that is
measured here is measured on one world.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from growth_pipelines.learning.features import FloatArray

CANDIDATES, SHOWN, ROUNDS = 30, 5, 120


@dataclass(frozen=True)
class World:
    """What kind of world: ``shift`` "jumps" or "walk"; ``raw`` proposals have amounts with long tails."""

    name: str
    kinds: int
    shift: str
    lag: int
    noise: float
    raw: bool = False
    position_bias: float = 0.1


WORLDS = (
    World("tastes jump", kinds=6, shift="jumps", lag=4, noise=0.6),
    World("tastes wander", kinds=5, shift="walk", lag=4, noise=0.8),
    World("amounts with long tails", kinds=8, shift="jumps", lag=4, noise=0.8, raw=True),
    World("outcomes ten rounds late", kinds=6, shift="walk", lag=10, noise=1.0, position_bias=0.3),
)


class Operators:
    """One world, drawn with a seed; ``propose`` gives a round's candidates, ``decide`` what comes of some."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self._rng = np.random.default_rng([seed, 101])
        kinds = world.kinds
        self._worth = self._rng.normal(0.6, 0.5, kinds)
        self._by_position = self._rng.normal(0, 0.5, kinds)
        self._by_traffic = self._rng.normal(0, 0.5, kinds)
        self._by_impact = self._rng.uniform(0.2, 0.6)
        self._taste = self._rng.normal(0, 1.2, kinds)
        self._by_effort = -self._rng.uniform(0.2, 0.6)
        self._round = 0
        self._made = 0

    def propose(self) -> pd.DataFrame:
        """The round's candidates; tastes have moved."""
        rng, kinds = self._rng, self.world.kinds
        if self.world.shift == "walk":
            self._taste = 0.99 * self._taste + rng.normal(0, 0.17, kinds)
        elif self._round and self._round % 40 == 0:
            moved = rng.permutation(kinds)[: max(2, kinds // 2)]
            self._taste[moved] = rng.normal(0, 1.2, moved.size)
        self._round += 1
        self._kind = rng.integers(0, kinds, CANDIDATES)
        self._drawn = rng.normal(size=(4, CANDIDATES))
        self._confidence = rng.uniform(0.5, 0.95, CANDIDATES)
        self._made += CANDIDATES
        impact, effort, traffic, position = self._drawn
        if self.world.raw:
            impact, traffic = 120 * np.exp(impact), 900 * np.exp(1.2 * traffic)
            position, effort = 1 + 12 / (1 + np.exp(-position)), np.clip(np.round(3 + effort), 1, 5)
        columns = {
            "id": np.array([f"p{number}" for number in range(self._made - CANDIDATES, self._made)], dtype=object),
            "action_type": np.array([f"kind_{kind}" for kind in self._kind], dtype=object),
            "predicted_impact": impact,
            "effort": effort,
            "traffic": traffic,
            "position": position,
            "confidence": self._confidence,
        }
        return _frame(columns)

    @property
    def approval(self) -> FloatArray:
        """The probability that each candidate is approved if it is shown first."""
        impact, effort, _, _ = self._drawn
        odds = 0.2 + self._taste[self._kind] + 0.3 * impact + self._by_effort * effort
        chance: FloatArray = 1 / (1 + np.exp(-odds))
        return chance

    @property
    def outcome(self) -> FloatArray:
        """What each candidate brings if it is done."""
        impact, _, traffic, position = self._drawn
        brings: FloatArray = (
            self._worth[self._kind]
            + self._by_position[self._kind] * position
            + self._by_traffic[self._kind] * np.tanh(traffic)
            + self._by_impact * impact
        )
        return brings

    def seen(self) -> FloatArray:
        """How an approval falls with the place in the list (SHOWN,)."""
        fading: FloatArray = (1 - self.world.position_bias) ** np.arange(SHOWN, dtype=float)
        return fading

    def decide(self, shown: np.ndarray) -> tuple[FloatArray, FloatArray, float]:
        """Approvals (0, 1) and outcomes of the candidates at these places, and the expected reward missed."""
        chance = self.approval
        approved = (self._rng.random(SHOWN) < chance[shown] * self.seen()).astype(float)
        outcome = self.outcome[shown] + self._rng.normal(0, self.world.noise, SHOWN)
        value = chance * self.outcome
        best = np.sort(value)[::-1][:SHOWN] @ self.seen()
        return approved, outcome, float(best - value[shown] @ self.seen())


class Log:
    """What was shown in up to ``rounds`` rounds, and what came of it.

    It is asked for every round: columns are kept as arrays, of which a frame is only a view.
    """

    def __init__(self, rounds: int) -> None:
        self._rounds, most = 0, rounds * SHOWN
        numbers = ("predicted_impact", "effort", "traffic", "position", "confidence", "outcome")
        self._columns: dict[str, np.ndarray] = {
            **{name: np.empty(most, dtype=object) for name in ("id", "action_type", "decision")},
            **{name: np.empty(most) for name in numbers},
            "round": np.repeat(np.arange(rounds), SHOWN),
            "place": np.tile(np.arange(SHOWN), rounds),
        }

    def history(self, measured: int) -> pd.DataFrame:
        """All that was shown; the outcomes of rounds after ``measured`` are still missing."""
        shown = {name: column[: self._rounds * SHOWN] for name, column in self._columns.items()}
        shown["outcome"] = np.where(shown["round"] <= measured, shown["outcome"], np.nan)
        return _frame(shown)

    def add(self, candidates: pd.DataFrame, shown: np.ndarray, approved: FloatArray, outcome: FloatArray) -> None:
        """The next round: those at the places ``shown`` of its candidates were shown."""
        new = slice(self._rounds * SHOWN, (self._rounds + 1) * SHOWN)
        for name in candidates:
            self._columns[str(name)][new] = candidates[name].to_numpy()[shown]
        self._columns["decision"][new] = np.where(approved == 1, "approved", "rejected")
        self._columns["outcome"][new] = np.where(approved == 1, outcome, np.nan)
        self._rounds += 1


def _frame(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Words stay Python's: to make pandas's own of them takes longer than all that is asked of them."""
    rows = pd.RangeIndex(len(next(iter(columns.values()))))
    return pd.DataFrame(
        {name: pd.Series(column, rows, dtype=column.dtype) for name, column in columns.items()}, rows, copy=False
    )
