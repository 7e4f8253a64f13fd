"""What the queue's own rankings miss in the made-up operators' worlds: the best scores, the last place at random.

:func:`rank` draws from its posteriors; the queue scores, and keeps a place for trying things. So what it
misses is played by itself, with the very functions that the queue's scores are made by.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
import pandas as pd

from growth_pipelines.bench.statistics.made_up_operators import SHOWN, World
from growth_pipelines.feedback.rankings import corrections_of
from growth_pipelines.learning import Corrections
from growth_pipelines.learning.features import FloatArray

# History, candidates and the round → the places of the candidates that are shown, best first.
Chooses: TypeAlias = Callable[[pd.DataFrame, pd.DataFrame, int], np.ndarray]

# Lessons fade by half in 90 days: here in 30 rounds, as they do for the function ``rank``.
_DAYS_A_ROUND = 3.0
# What an estimate of the middle is in money; outcomes are in its unit.
_MIDDLE = 120.0


def chooses(version: str, world: World) -> Chooses:
    """The places that the queue shows in ``world`` under ``version``, best first."""
    return partial(_shown, version, world)


def _shown(version: str, world: World, history: pd.DataFrame, candidates: pd.DataFrame, now: int) -> np.ndarray:
    learnt = corrections_of(_signals(history, world, now), version) if len(history) else Corrections(version)
    order = np.argsort(-_scores(_proposals(candidates, world), learnt), kind="stable")
    tried = np.random.default_rng(now).choice(order[SHOWN - 1 :])
    return np.append(order[: SHOWN - 1], tried)


def _scores(proposals: pd.DataFrame, learnt: Corrections) -> FloatArray:
    kinds = zip(proposals["recommender"], proposals["subtype"], proposals["confidence"], strict=True)
    chain = np.array([np.prod(list(learnt.of(*kind).values())) for kind in kinds])
    score = proposals["revenue"].to_numpy() * proposals["confidence"].to_numpy() * chain
    found: FloatArray = score * learnt.expected.factors(proposals.assign(score=score))
    return found


def _proposals(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """As the queue has them: no estimate is below nothing, and an ease tells nothing of the effort here."""
    impact = frame["predicted_impact"]
    return pd.DataFrame(
        {
            "recommender": frame["action_type"],
            "subtype": "all",
            "revenue": impact if world.raw else _MIDDLE * np.exp(impact),
            "confidence": frame["confidence"],
            "ease": 1.0,
            "page_visits": frame["traffic"],
            "page_position": frame["position"],
        }
    )


def _signals(history: pd.DataFrame, world: World, now: int) -> pd.DataFrame:
    """The log as signals (see ``signal_frame``)."""
    outcome, proposals = _MIDDLE * history["outcome"].to_numpy(dtype=float), _proposals(history, world)
    error = _MIDDLE * world.noise
    return proposals.assign(
        action_id=np.arange(len(history)),
        change_type="change",
        age_days=(now - history["round"].to_numpy(dtype=float)) * _DAYS_A_ROUND,
        approved=(history["decision"] == "approved").to_numpy(float),
        succeeded=np.where(np.isfinite(outcome), outcome > 0, np.nan),
        estimate=proposals["revenue"],
        effect=outcome,
        effect_low=outcome - 1.96 * error,
        effect_high=outcome + 1.96 * error,
        place=history["place"],
    )
