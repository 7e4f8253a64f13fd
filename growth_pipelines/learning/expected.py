"""What multiplies a score once the page counts: expected money ÷ the money that the score's other factors say.

Expected is P(approve) × E[outcome | done], as in :mod:`ranking` without its draw: the list keeps a place for
trying things, so its score need not. Of what else is known of a proposal it adds how many visit its page and where
that stands in search, and what each kind makes of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.learning.fading import HALF_LIFE_DAYS
from growth_pipelines.learning.features import Features, FloatArray
from growth_pipelines.learning.ranking import COLUMNS, HALF_LIFE, Expecting, fitted

if TYPE_CHECKING:
    import pandas as pd

# What was realised of an estimate counts between nothing-but-loss and twice the promise.
WORST, BEST = -1.0, 2.0
# A model that adds features up may come out at nothing or below, so its word is bounded: no proposal moves past
# another of over ten times its money, and what is expected to do harm stays in the list, further down.
LOWEST, HIGHEST = 0.1, 10.0
# Fewer outcomes are fewer than the numbers that are learnt from them where there are a handful of kinds.
LEAST_OUTCOMES = 20
# Decisions fade as fast as in the other lessons.
_DAYS_A_ROUND = HALF_LIFE_DAYS / HALF_LIFE


@dataclass(frozen=True, eq=False)
class ExpectedValues:
    """What is expected of proposals; ``usual`` traffic and position stand in where a page's are not known.

    Without a model every factor is 1.
    """

    model: Expecting | None = None
    usual: tuple[float, float] = (np.nan, np.nan)

    def factors(self, proposals: pd.DataFrame) -> FloatArray:
        """What multiplies each ``score`` (money in 28 days × ease × what else was learnt): 0.1 to 10.

        ``proposals``: recommender, subtype, revenue, confidence, ease, page_visits, page_position, score. It is 1
        where the score is 0, the revenue or the ease not known.
        """
        if self.model is None or proposals.empty:
            return np.ones(len(proposals))
        candidates = _candidates(proposals)
        for name, usual in zip(("traffic", "position"), self.usual, strict=True):
            candidates[name] = candidates[name].fillna(usual)
        worth = self.model.of(candidates).value * proposals["ease"].to_numpy(dtype=float, na_value=np.nan)
        said = proposals["score"].to_numpy(dtype=float, na_value=np.nan)
        factor = np.divide(worth, said, out=np.full(len(said), np.nan), where=said > 0)
        known = np.isfinite(factor) & candidates["predicted_impact"].notna().to_numpy()
        bounded: FloatArray = np.where(known, np.clip(factor, LOWEST, HIGHEST), 1.0)
        return bounded


def expected_values(signals: pd.DataFrame) -> ExpectedValues:
    """Learnt from ``signals``: what ``factors`` takes but the score, and age_days, approved, estimate, effect, and
    place (in the list it was decided from, 0 first; missing if not known)."""
    history = _candidates(signals).assign(
        round=-signals["age_days"].to_numpy(dtype=float) / _DAYS_A_ROUND,
        decision=np.select([signals["approved"] == 1, signals["approved"] == 0], ["approved", "rejected"], ""),
        outcome=signals["revenue"].to_numpy(dtype=float) * realised_share(signals),
        place=signals["place"].to_numpy(dtype=float, na_value=np.nan),
    )
    known = (history["decision"] == "approved") & history["outcome"].notna()
    if known.sum() < LEAST_OUTCOMES:
        return ExpectedValues()
    model = fitted(history, Features(history[COLUMNS]))
    if model.approval is None or model.outcome is None:
        return ExpectedValues()
    return ExpectedValues(model, (float(history["traffic"].median()), float(history["position"].median())))


def realised_share(signals: pd.DataFrame) -> FloatArray:
    """What came of each estimate, −1 to 2; NaN where nothing was measured or estimated."""
    estimate = signals["estimate"].to_numpy(dtype=float, na_value=np.nan)
    effect = signals["effect"].to_numpy(dtype=float, na_value=np.nan)
    share = np.divide(effect, estimate, out=np.full(len(signals), np.nan), where=estimate > 0)
    clipped: FloatArray = np.clip(share, WORST, BEST)
    return clipped


def _candidates(proposals: pd.DataFrame) -> pd.DataFrame:
    """As the ranking's models take them; an effort is what the ease lacks."""
    import pandas as pd

    return pd.DataFrame(
        {
            "action_type": proposals["recommender"].astype(str) + "/" + proposals["subtype"].astype(str),
            "predicted_impact": proposals["revenue"].astype(float),
            "effort": 1 - proposals["ease"].astype(float),
            "traffic": proposals["page_visits"].astype(float),
            "position": proposals["page_position"].astype(float),
            "confidence": proposals["confidence"].astype(float),
        }
    )
