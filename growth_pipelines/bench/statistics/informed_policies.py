"""What could be reached: a policy that knows how a world was drawn, and only has to learn this one's numbers.

It holds the posteriors that follow: of the outcomes' coefficients by the normal distribution they were drawn from,
of the tastes on a grid that drifts or jumps as the world's do, and it knows how an approval falls with the place.
No shop is known like that; what this policy misses as well, no ranking can be expected to find out in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from growth_pipelines.bench.statistics.made_up_operators import SHOWN, World
from growth_pipelines.learning.features import FloatArray, IntArray

_TASTES = np.linspace(-4.2, 4.2, 57)
# By how much more effort is liked less: uniform, as the worlds draw it.
_EFFORTS = np.linspace(-0.6, -0.2, 9)
# Of the standard error, which is added to the expected outcome: what is uncertain has its turn.
_WIDTH = 0.3


@dataclass(frozen=True)
class Proposed:
    """Proposals as the world drew them: ``kinds``, ``impact``, ``effort`` (n,), ``rows`` of its outcomes."""

    kinds: IntArray
    impact: FloatArray
    effort: FloatArray
    rows: FloatArray

    @classmethod
    def of(cls, frame: pd.DataFrame, world: World) -> Proposed:
        kinds = frame["action_type"].str.removeprefix("kind_").astype(int).to_numpy()
        impact, effort, traffic, position = (
            frame[name].to_numpy(dtype=float) for name in ("predicted_impact", "effort", "traffic", "position")
        )
        if world.raw:
            impact, traffic = np.log(impact / 120), np.log(traffic / 900) / 1.2
            share = (position - 1) / 12
            position, effort = np.log(share / (1 - share)), effort - 3
        own = np.eye(world.kinds)[kinds]
        by_kind = [own, own * position[:, None], own * np.tanh(traffic)[:, None]]
        return cls(kinds, impact, effort, np.column_stack([*by_kind, impact]))


class Tastes:
    """P(taste, liking of effort | decisions): (efforts, kinds, tastes), kinds independent given the liking."""

    def __init__(self, world: World) -> None:
        self._world = world
        prior = np.exp(-0.5 * (_TASTES / 1.2) ** 2)
        self._prior: FloatArray = prior / prior.sum()
        self._log_efforts = np.zeros(_EFFORTS.size)
        self._tastes = np.tile(self._prior, (_EFFORTS.size, world.kinds, 1))
        moved = np.exp(-0.5 * ((_TASTES[None, :] - 0.99 * _TASTES[:, None]) / 0.17) ** 2)
        self._moves = moved / moved.sum(axis=1, keepdims=True)

    def move(self, now: int) -> None:
        """Into round ``now``: what a world's ``propose`` does."""
        kinds = self._world.kinds
        if self._world.shift == "walk":
            self._tastes = self._tastes @ self._moves
        elif now and now % 40 == 0:
            share = max(2, kinds // 2) / kinds
            self._tastes = (1 - share) * self._tastes + share * self._prior

    def learn(self, shown: Proposed, approved: FloatArray, seen: FloatArray) -> None:
        """From decisions (0, 1); ``seen`` is how often what was shown there is looked at."""
        chances = _chances(shown) * seen[:, None, None]
        for kind, chance, yes in zip(shown.kinds, chances, approved, strict=True):
            told = self._tastes[:, kind] * (chance if yes else 1 - chance)
            total = told.sum(axis=1)
            self._tastes[:, kind] = told / total[:, None]
            self._log_efforts += np.log(total)

    def approval(self, proposed: Proposed) -> FloatArray:
        """The expected probability that each is approved if it is shown first."""
        efforts = np.exp(self._log_efforts - self._log_efforts.max())
        tastes = self._tastes[:, proposed.kinds]
        found: FloatArray = np.einsum("e,nef,enf->n", efforts / efforts.sum(), _chances(proposed), tastes)
        return found


class Outcomes:
    """The coefficients' posterior: worth, by position, by traffic of each kind, by impact."""

    def __init__(self, world: World) -> None:
        kinds = world.kinds
        self.noise = world.noise**2
        self._precision = np.diag(1 / np.repeat([0.5, 0.4 / 12**0.5], [3 * kinds, 1]) ** 2)
        self._against = self._precision @ np.repeat([0.6, 0.0, 0.4], [kinds, 2 * kinds, 1])

    def learn(self, rows: FloatArray, outcome: FloatArray) -> None:
        self._precision = self._precision + rows.T @ rows / self.noise
        self._against = self._against + rows.T @ outcome / self.noise

    def posterior(self, pending: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean, and covariance once the ``pending`` rows are measured too."""
        mean = np.asarray(np.linalg.solve(self._precision, self._against), dtype=float)
        measured = self._precision + pending.T @ pending / self.noise
        return mean, np.asarray(np.linalg.inv(measured), dtype=float)


class Informed:
    """The policy in one game: expected approval × upper bound of the outcome, one place after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tastes, self._outcomes = Tastes(world), Outcomes(world)
        self._seen: FloatArray = (1 - world.position_bias) ** np.arange(SHOWN, dtype=float)
        self._measured = np.zeros(0, dtype=bool)

    def choose(self, history: pd.DataFrame, candidates: pd.DataFrame, now: int) -> np.ndarray:
        """The places of the candidates that are shown, best first; asked once a round, in their order."""
        self._catch_up(history)
        self._tastes.move(now)
        proposed = Proposed.of(candidates, self._world)
        approval = self._tastes.approval(proposed)
        awaited = history[(history["decision"] == "approved") & history["outcome"].isna()]
        mean, covariance = self._outcomes.posterior(Proposed.of(awaited, self._world).rows)
        shown: list[int] = []
        for seen in self._seen:
            error = np.sqrt(np.einsum("ij,jk,ik->i", proposed.rows, covariance, proposed.rows))
            score = approval * (proposed.rows @ mean + _WIDTH * error)
            score[shown] = -np.inf
            shown.append(int(score.argmax()))
            # What is shown here will tell something, if it is approved: the next place need not ask it again.
            row = proposed.rows[shown[-1]]
            told = covariance @ row
            known = approval[shown[-1]] * seen / (self._outcomes.noise + row @ told)
            covariance = covariance - known * np.outer(told, told)
        return np.array(shown)

    def _catch_up(self, history: pd.DataFrame) -> None:
        new = history.iloc[self._measured.size :]
        seen = self._seen[new["place"].to_numpy(dtype=int)]
        self._tastes.learn(Proposed.of(new, self._world), (new["decision"] == "approved").to_numpy(float), seen)
        measured = history["outcome"].notna().to_numpy()
        fresh = measured.copy()
        fresh[: self._measured.size] &= ~self._measured
        self._outcomes.learn(
            Proposed.of(history[fresh], self._world).rows, history["outcome"].to_numpy(dtype=float)[fresh]
        )
        self._measured = measured


def _chances(proposed: Proposed) -> FloatArray:
    """That each is approved, for each liking of effort and each taste: (n, efforts, tastes)."""
    impact, effort = proposed.impact[:, None, None], proposed.effort[:, None, None]
    odds = 0.2 + _TASTES + 0.3 * impact + _EFFORTS[:, None] * effort
    chance: FloatArray = 1 / (1 + np.exp(-odds))
    return chance
