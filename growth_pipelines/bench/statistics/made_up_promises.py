"""Shops whose recommenders promise too much or too little, of which the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from growth_pipelines.learning.features import FloatArray

RECOMMENDERS, SUBTYPES = 5, 2
ESTIMATE, _ERROR = 100.0, 25.0


@dataclass(frozen=True)
class Promises:
    """How a shop's proposals are off; spreads are standard deviations between recommenders.

    ``shift`` and ``slope`` are of all confidences' log odds, ``own`` of each recommender's; ``worth`` is of the
    logarithm of what an action brings that works, ``taste`` of the log odds of approval.
    """

    name: str
    shift: float = 0.0
    slope: float = 1.0
    own: float = 0.0
    worth: float = 0.0
    taste: float = 0.0


SHOPS = (
    Promises("all is as promised"),
    Promises("all too sure", shift=-0.8),
    Promises("confidence says little", slope=0.4),
    Promises("some recommenders too sure", own=0.8),
    Promises("some estimates too high", worth=0.35),
    Promises("tastes only", taste=1.0),
    Promises("everything at once", shift=-0.8, own=0.8, worth=0.35, taste=1.0),
)


class Shop:
    """One shop, drawn with a seed."""

    def __init__(self, promises: Promises, seed: int) -> None:
        rng = np.random.default_rng([seed, 9])
        own, worth, taste = (
            np.repeat(spread * rng.normal(size=RECOMMENDERS), SUBTYPES)
            for spread in (promises.own, promises.worth, promises.taste)
        )
        own = own + 0.4 * promises.own * rng.normal(size=own.size)
        self._promises, self._own, self._worth, self._taste = promises, own, np.exp(worth), taste

    def proposals(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """recommender, subtype, confidence, revenue, and the truth: approval, works, worth."""
        kind, said = rng.integers(0, self._own.size, n), rng.uniform(0.5, 0.95, n)
        odds = self._promises.shift + self._promises.slope * np.log(said / (1 - said)) + self._own[kind]
        return pd.DataFrame(
            {
                "recommender": [f"recommender_{one // SUBTYPES}" for one in kind],
                "subtype": [f"subtype_{one % SUBTYPES}" for one in kind],
                "confidence": said,
                "revenue": rng.lognormal(5, 0.6, n),
                "approval": 1 / (1 + np.exp(-0.5 - self._taste[kind])),
                "works": 1 / (1 + np.exp(-odds)),
                "worth": self._worth[kind],
            }
        )

    def signals(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` decisions and what was measured of the approved ones, as learning takes them."""
        made = self.proposals(n, rng)
        approved, worked = rng.random(n) < made["approval"], rng.random(n) < made["works"]
        effect = worked * made["worth"] * ESTIMATE * rng.lognormal(-0.045, 0.3, n) + rng.normal(0, _ERROR, n)
        measured: FloatArray = np.where(approved, effect, np.nan)
        return made.assign(
            action_id=np.arange(n),
            change_type="change",
            age_days=0.0,
            approved=approved.astype(float),
            succeeded=np.where(approved, worked, np.nan).astype(float),
            estimate=ESTIMATE,
            effect=measured,
            effect_low=measured - 1.96 * _ERROR,
            effect_high=measured + 1.96 * _ERROR,
        )
