"""What the ranking is held against: LinUCB and linear Thompson sampling over the same features.

Both learn the reward (outcome if approved, else 0) as one linear model by ridge regression. LinUCB (Li et al.
2010) ranks by mean + width × standard error, Thompson sampling (Agrawal & Goyal 2013) by a draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.learning.features import Features


@dataclass(frozen=True)
class LinearBandit:
    """``width`` of the bound or the draw, ``ridge`` penalty, ``half_life`` in rounds (None: none)."""

    draws: bool
    width: float
    ridge: float
    half_life: float | None

    def rank(self, history: pd.DataFrame, candidates: pd.DataFrame, k: int, seed: int) -> NDArray[np.int64]:
        """The places of the ``k`` best candidates, best first."""
        rng = np.random.default_rng(seed)
        if not len(history):
            return np.asarray(rng.permutation(len(candidates))[:k], dtype=np.int64)
        features = Features(pd.concat([history, candidates], ignore_index=True))
        known = history[(history["decision"] == "rejected") | history["outcome"].notna()]
        rows, now = features.of(known), features.of(candidates)
        reward = np.where(known["decision"] == "approved", known["outcome"].fillna(0.0), 0.0)
        age = history["round"].max() - known["round"].to_numpy(dtype=float)
        weights = np.ones(len(known)) if self.half_life is None else 0.5 ** (age / self.half_life)
        inverse = np.linalg.inv((rows * weights[:, None]).T @ rows + self.ridge * np.eye(rows.shape[1]))
        mean = inverse @ (rows.T @ (weights * reward))
        if self.draws:
            score = now @ rng.multivariate_normal(mean, self.width**2 * inverse, method="cholesky")
        else:
            score = now @ mean + self.width * np.sqrt(np.einsum("ij,jk,ik->i", now, inverse, now))
        return np.asarray(np.argsort(-score, kind="stable")[:k], dtype=np.int64)
