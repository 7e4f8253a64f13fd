"""Whether another ranking would have brought more, judged from the exploring places of what was shown.

In those places the probability of each candidate is known, so what another version would have put there is
evaluated off policy (doubly robust). Both versions are judged on the same showings; the gate passes one when the
interval of the difference lies above 0 and the showings that tell them apart are worth at least 100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.feedback.learnt import Learnt
from growth_pipelines.feedback.rankings import MEANINGS, active_version, corrections_of
from growth_pipelines.learning import Corrections, off_policy_difference
from growth_pipelines.store.tables import RankingVersion, Showing

if TYPE_CHECKING:
    import pandas as pd

_LEAST_ROWS, _FOLDS = 20, 5
# What was realised of an estimate counts between nothing-but-loss and twice the promise.
_WORST, _BEST = -1.0, 2.0


@dataclass(frozen=True)
class Evaluation:
    """By how much more a version brings a showing than ``against``, which brings ``present``: money in 28 days.

    ``value``, ``low``, ``high`` are of the difference.
    """

    version: str
    against: str
    passed: bool
    why: str
    showings: int
    effective_sample_size: float
    value: float | None = None
    low: float | None = None
    high: float | None = None
    present: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Logged:
    """Showings whose explored action is decided, and measured where it was approved."""

    pools: list[list[dict[str, Any]]]
    action: np.ndarray
    reward: np.ndarray
    propensity: np.ndarray
    model: np.ndarray


def evaluate(session: Session, known: Learnt, now: datetime) -> list[Evaluation]:
    """Every version but the present one; what is found is kept with the version."""
    log, present = _logged(session, known.signals), active_version(session)
    chosen = _chosen(log, known.signals, present) if len(log.pools) >= _LEAST_ROWS else None
    found = [_judged(log, known.signals, version, present, chosen) for version in MEANINGS if version != present]
    for one in found:
        row = session.get(RankingVersion, one.version)
        if row is None:
            row = RankingVersion(version=one.version, status="proposed", changed_at=now, changed_by="gate")
        row.gate = one.as_dict()
        session.add(row)
    session.flush()
    return found


def _judged(
    log: _Logged, signals: pd.DataFrame, version: str, against: str, chosen: np.ndarray | None
) -> Evaluation:
    n = len(log.pools)
    if chosen is None:
        return Evaluation(version, against, False, f"{n} showings with a known end; about 100 are needed.", n, 0.0)
    found = off_policy_difference(
        log.action, log.reward, log.propensity, _chosen(log, signals, version), chosen, log.model
    )
    passed = found.enough and found.ci_low > 0
    if not found.differing:
        why = "It would have shown the same as the present ranking."
    elif not found.enough:
        why = f"The showings are worth {found.effective_sample_size:.0f} that say something; about 100 are needed."
    elif passed:
        why = "It would have brought more than the present ranking."
    else:
        why = "It is not shown to bring more than the present ranking."
    figures = (round(each, 2) for each in (found.difference, found.ci_low, found.ci_high, found.baseline))
    return Evaluation(version, against, bool(passed), why, n, round(found.effective_sample_size, 1), *figures)


def _logged(session: Session, signals: pd.DataFrame) -> _Logged:
    by_action = signals.set_index("action_id")
    pools, action, reward, propensity = [], [], [], []
    for one in session.scalars(select(Showing).where(Showing.explored.is_not(None)).order_by(Showing.at)):
        ids = [each["action_id"] for each in one.pool]
        if one.explored not in by_action.index or one.explored not in ids:
            continue
        place = ids.index(one.explored)
        brought = _brought(by_action.loc[one.explored].to_dict(), one.pool[place]["revenue"])
        if brought is not None:
            pools.append(one.pool)
            action.append(place)
            reward.append(brought)
            propensity.append(one.pool[place]["propensity"])
    got = np.array(reward)
    return _Logged(pools, np.array(action, dtype=int), got, np.array(propensity), _modelled(pools, action, got))


def _modelled(pools: list[list[dict[str, Any]]], action: list[int], reward: np.ndarray) -> np.ndarray:
    """The reward model (showings, widest pool): the score before learning, scaled to what came of it."""
    base = np.zeros((len(pools), max(map(len, pools), default=1)))
    for row, pool in enumerate(pools):
        base[row, : len(pool)] = [one["base"] for one in pool]
    # One number is fitted, so the model may be judged on the rows that it was fitted to.
    said = base[np.arange(len(pools)), action]
    return (float(reward @ said / (said @ said)) if said.any() else 0.0) * base


def _brought(signal: Mapping[str, Any], revenue: float) -> float | None:
    """Money: 0 of what was refused, of what was done the realised share of its estimate (None: not measured)."""
    if signal["approved"] == 0:
        return 0.0
    if not np.isfinite(signal["effect"]) or not signal["estimate"] > 0:
        return None
    return revenue * float(np.clip(signal["effect"] / signal["estimate"], _WORST, _BEST))


def _chosen(log: _Logged, signals: pd.DataFrame, version: str) -> np.ndarray:
    """What the version would have put into each exploring place.

    Cross-fitted: it is learnt without the actions of the showings that it then chooses in, or it would be judged
    by outcomes that it already knows.
    """
    shown = np.array([pool[place]["action_id"] for pool, place in zip(log.pools, log.action, strict=True)])
    chosen = np.zeros(len(log.pools), dtype=int)
    for fold in range(_FOLDS):
        mine = np.arange(len(log.pools)) % _FOLDS == fold
        learnt = corrections_of(signals[~signals["action_id"].isin(shown[mine])], version)
        for row in np.flatnonzero(mine):
            chosen[row] = int(np.argmax([_score(one, learnt) for one in log.pools[row]]))
    return chosen


def _score(candidate: Mapping[str, Any], learnt: Corrections) -> float:
    # Showings from before confidences were kept say nothing about how a corrected one would have ranked.
    factors = learnt.of(candidate["recommender"], candidate["subtype"], candidate.get("confidence", 0.0))
    return float(candidate["base"]) * math.prod(factors.values())
