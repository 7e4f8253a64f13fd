"""A policy learnt from a log of what was shown: context → probability of each item.

One ridge regression an item of the reward on the context, weighted by inverse propensity, with the penalty by
generalised cross-validation (Golub, Heath & Wahba 1979); items with few rows are shrunk to the mean of all. The
probabilities are how often an item is best when its expected reward is drawn from its posterior (Thompson
sampling), so whatever is uncertain keeps a share, and every probability is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.learning.features import FloatArray
from growth_pipelines.learning.off_policy import UnusableLog

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

_DRAWS = 200
# An inverse propensity counts at most so many times its median: one rare showing is no law.
_MOST = 10.0
_PENALTIES = np.logspace(-1, 4, 16)
_NO_CONTEXT = ("action", "item", "reward", "propensity")


@dataclass(frozen=True, eq=False)
class Policy:
    """``probabilities`` and ``expected`` of new contexts; ``seed`` fixes the draws."""

    centre: FloatArray
    scale: FloatArray
    means: FloatArray
    roots: FloatArray
    level: float
    spread: float
    seed: int

    def expected(self, contexts: ArrayLike, n_items: int) -> FloatArray:
        """Expected reward (n, n_items): the reward model that off-policy evaluation asks for."""
        rows, known = self._rows(contexts), min(n_items, len(self.means))
        found = np.full((len(rows), n_items), self.level)
        found[:, :known] = rows @ self.means[:known].T
        return found

    def probabilities(self, contexts: ArrayLike, n_items: int) -> FloatArray:
        """How often each item is best in 200 draws (n, n_items), each at least a small share; rows sum to 1.

        An item that the log does not know is as good as the mean of all, as widely as items differ.
        """
        rng = np.random.default_rng(self.seed)
        rows, known = self._rows(contexts), min(n_items, len(self.means))
        won = np.full((len(rows), n_items), 0.5 / n_items)
        at = np.arange(len(rows))
        for _ in range(_DRAWS):
            noise = rng.standard_normal((n_items, self.means.shape[1]))
            drawn = np.full((len(rows), n_items), self.level) + self.spread * noise[:, 0]
            wandering = np.einsum("kij,kj->ki", self.roots[:known], noise[:known])
            drawn[:, :known] = rows @ (self.means[:known] + wandering).T
            won[at, drawn.argmax(axis=1)] += 1
        shares: FloatArray = won / won.sum(axis=1, keepdims=True)
        return shares

    def _rows(self, contexts: ArrayLike) -> FloatArray:
        rows = _matrix(contexts)
        if rows.shape[1] != self.centre.size:
            raise UnusableLog(f"{rows.shape[1]} columns, learnt from {self.centre.size}.", "Give the same ones.")
        return _with_level((rows - self.centre) / self.scale)


def fit_policy(log: pd.DataFrame | Mapping[str, Any], seed: int = 0) -> Policy:
    """Fit to one row a showing: ``action`` (item number from 0), ``reward``, ``propensity`` and the context.

    The context is ``contexts`` (or ``context``: an array n × columns) of a mapping, or every other numeric column
    of a frame. Rewards that are missing are left out. Raises UnusableLog (a ValueError) for fewer than 2 rows.
    """
    contexts, items, reward, propensity = _columns(log)
    measured = np.isfinite(reward)
    contexts, items, reward, propensity = (part[measured] for part in (contexts, items, reward, propensity))
    if reward.size < 2 or not (propensity > 0).all() or items.min() < 0:
        raise UnusableLog("At least two rewards with propensities above 0 are needed.", "Log more showings.")
    centre, scale = contexts.mean(axis=0), contexts.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    rows = _with_level((contexts - centre) / scale)
    inverse = 1 / propensity
    weights = np.minimum(inverse, _MOST * np.median(inverse))
    weights = weights / weights.mean()
    level = float(np.average(reward, weights=weights))
    number = int(items.max()) + 1
    penalty, noise = _penalty(rows, items, reward - level, weights, number)
    fits = [_ridge(rows, items == item, reward - level, weights, penalty, noise) for item in range(number)]
    means = np.array([mean for mean, _ in fits])
    spread = float(means[:, 0].std()) if number > 1 else float(np.sqrt(noise))
    means[:, 0] += level
    return Policy(centre, scale, means, np.array([root for _, root in fits]), level, spread, seed)


def _columns(log: pd.DataFrame | Mapping[str, Any]) -> tuple[FloatArray, np.ndarray, FloatArray, FloatArray]:
    names = list(log.keys())
    missing = [name for name in ("reward", "propensity") if name not in names]
    if missing or not ("action" in names or "item" in names):
        raise UnusableLog(f"The log lacks {', '.join(missing) or 'action'}.", "See fit_policy.")
    items = np.asarray(log["action"] if "action" in names else log["item"]).astype(int)
    given = next((name for name in ("contexts", "context") if name in names), None)
    if given is not None:
        contexts = _matrix(log[given])
    else:
        columns = [np.asarray(log[name]) for name in names if name not in _NO_CONTEXT]
        numeric = [column.astype(float) for column in columns if column.dtype.kind in "biuf"]
        contexts = np.column_stack(numeric) if numeric else np.zeros((items.size, 0))
    return contexts, items, np.asarray(log["reward"], dtype=float), np.asarray(log["propensity"], dtype=float)


def _matrix(values: Any) -> FloatArray:
    found = np.asarray(values)
    if found.dtype == object:
        found = np.stack([np.asarray(one, dtype=float) for one in found])
    found = found.astype(float)
    return found[:, None] if found.ndim == 1 else found


def _with_level(rows: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(len(rows)), rows])


def _ridge(
    rows: FloatArray, own: np.ndarray, reward: FloatArray, weights: FloatArray, penalty: float, noise: float
) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance root of one item's coefficients."""
    weighted = rows[own] * weights[own, None]
    inverse = np.linalg.inv(weighted.T @ rows[own] + penalty * np.eye(rows.shape[1]))
    return inverse @ (weighted.T @ reward[own]), np.sqrt(noise) * np.linalg.cholesky((inverse + inverse.T) / 2)


def _penalty(
    rows: FloatArray, items: np.ndarray, reward: FloatArray, weights: FloatArray, number: int
) -> tuple[float, float]:
    """The penalty with the least generalised cross-validation error over all items, and the noise it leaves."""
    spectra = []
    for item in range(number):
        own = items == item
        root = np.sqrt(weights[own])
        left, values, _ = np.linalg.svd(rows[own] * root[:, None], full_matrices=False)
        target = root * reward[own]
        spectra.append((values**2, left.T @ target, float(target @ target)))
    best = (np.inf, _PENALTIES[-1], 1.0)
    for penalty in _PENALTIES:
        left_over, free = 0.0, 0.0
        for squares, along, size in spectra:
            kept = squares / (squares + penalty)
            left_over += size - float(((1 - (1 - kept) ** 2) * along**2).sum())
            free += float(kept.sum())
        rest = max(reward.size - free, 1.0)
        if (error := left_over / rest**2) < best[0]:
            best = (error, penalty, left_over / rest)
    return float(best[1]), max(best[2], 1e-12)
