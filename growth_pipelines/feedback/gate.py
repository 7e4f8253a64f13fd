"""Whether another ranking would have brought more, judged from the exploring places of what was shown.

In those places the probability of each candidate is known, so what another version would have put there is
evaluated off policy (doubly robust). Both versions are judged on the same showings, each as it was learnt before
them; the gate passes one when the interval of the difference lies above 0 and the showings that tell them apart
are worth at least 100.
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
from growth_pipelines.learning import Corrections, off_policy_difference, realised_share
from growth_pipelines.store.tables import RankingVersion, Showing

if TYPE_CHECKING:
    import pandas as pd

_LEAST_ROWS, _BLOCKS = 20, 10
_OF_A_PROPOSAL = ("recommender", "subtype", "revenue", "confidence", "ease", "page_visits", "page_position")


@dataclass(frozen=True)
class Evaluation:
    """By how much more a version brings a showing than ``against``, which brings ``present``: money in 28 days.

    ``value``, ``low``, ``high`` are of the difference; None where the showings say nothing of it.
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
class Logged:
    """Showings whose explored action is decided, and measured where it was approved; the earliest first.

    ``action`` is the explored one's place in its pool, ``model`` the expected reward of each (showings, places).
    """

    pools: list[list[dict[str, Any]]]
    action: np.ndarray
    reward: np.ndarray
    propensity: np.ndarray
    model: np.ndarray

    @property
    def explored(self) -> np.ndarray:
        """The ids of the explored actions."""
        return np.array([pool[at]["action_id"] for pool, at in zip(self.pools, self.action, strict=True)])


def evaluate(session: Session, known: Learnt, now: datetime) -> list[Evaluation]:
    """Every version but the present one; what is found is kept with the version."""
    log, present = _logged(session, known.signals), active_version(session)
    chosen = chosen_by(log, known.signals, present) if len(log.pools) >= _LEAST_ROWS else None
    found = [judged(log, known.signals, version, present, chosen) for version in MEANINGS if version != present]
    for one in found:
        row = session.get(RankingVersion, one.version)
        if row is None:
            row = RankingVersion(version=one.version, status="proposed", changed_at=now, changed_by="gate")
        row.gate = one.as_dict()
        session.add(row)
    session.flush()
    return found


def judged(
    log: Logged, signals: pd.DataFrame, version: str, against: str, chosen: np.ndarray | None
) -> Evaluation:
    """``version`` against what ``against`` would have ``chosen`` (None: too few showings)."""
    n = len(log.pools)
    if chosen is None:
        return Evaluation(version, against, False, f"{n} showings with a known end; about 100 are needed.", n, 0.0)
    new = chosen_by(log, signals, version)
    # What is tried again while it waits has one outcome, however many showings it has.
    outcome = np.unique(log.explored, return_inverse=True)[1]
    found = off_policy_difference(log.action, log.reward, log.propensity, new, chosen, log.model, outcome=outcome)
    passed = found.enough and found.ci_low > 0
    if not found.differing:
        why = "It would have shown the same as the present ranking."
    elif not found.enough:
        why = f"The showings are worth {found.effective_sample_size:.0f} that say something; about 100 are needed."
    elif passed:
        why = "It would have brought more than the present ranking."
    else:
        why = "It is not shown to bring more than the present ranking."
    # What is not known is no number in JSON either.
    figures = (
        round(each, 2) if math.isfinite(each) else None
        for each in (found.difference, found.ci_low, found.ci_high, found.baseline)
    )
    return Evaluation(version, against, bool(passed), why, n, round(found.effective_sample_size, 1), *figures)


def _logged(session: Session, signals: pd.DataFrame) -> Logged:
    by_action = signals.assign(share=realised_share(signals)).set_index("action_id")
    pools, action, reward, propensity = [], [], [], []
    for one in session.scalars(
        select(Showing).where(Showing.explored.is_not(None)).order_by(Showing.at, Showing.id)
    ):
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
    return Logged(pools, np.array(action, dtype=int), got, np.array(propensity), modelled(pools, action, got))


def modelled(pools: list[list[dict[str, Any]]], action: list[int], reward: np.ndarray) -> np.ndarray:
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
    return revenue * float(signal["share"]) if np.isfinite(signal["share"]) else None


def chosen_by(log: Logged, signals: pd.DataFrame, version: str) -> np.ndarray:
    """What the version would have put into each exploring place: places in the pools.

    Learnt without what came of that block of showings and of later ones, or it would be judged by outcomes that it
    already knows. Folds that learn from one another would err together: luck in one decides what is chosen in the
    others, and theirs what is chosen in it, so that the interval is too narrow. Learnt forwards, the differences
    of equal rankings are a martingale's, 0 on average given all before them, and errors do not add up.
    """
    chosen = np.zeros(len(log.pools), dtype=int)
    blocks = np.arange(len(log.pools)) * _BLOCKS // max(1, len(log.pools))
    last_tried = dict(zip(log.explored.tolist(), blocks.tolist(), strict=True))
    known_after = np.array([last_tried.get(one, -1) for one in signals["action_id"]])
    for block in range(_BLOCKS):
        learnt = corrections_of(signals[known_after < block], version)
        rows = np.flatnonzero(blocks == block)
        if rows.size:
            pools = [log.pools[row] for row in rows]
            scores = np.split(_scores([one for pool in pools for one in pool], learnt), _ends(pools))
            chosen[rows] = [int(np.argmax(pool)) for pool in scores]
    return chosen


def _ends(pools: list[list[dict[str, Any]]]) -> np.ndarray:
    return np.cumsum([len(pool) for pool in pools])[:-1]


def _scores(candidates: list[dict[str, Any]], learnt: Corrections) -> np.ndarray:
    """What each candidate scores under a version (candidates,)."""
    import pandas as pd

    chained = [float(one["base"]) * math.prod(_chain(one, learnt).values()) for one in candidates]
    # Showings from before pages were kept say nothing about how what is expected of them would have ranked.
    known = pd.DataFrame(candidates, columns=[*_OF_A_PROPOSAL]).assign(score=chained)
    scores: np.ndarray = known["score"].to_numpy() * learnt.expected.factors(known)
    return scores


def _chain(candidate: Mapping[str, Any], learnt: Corrections) -> dict[str, float]:
    # Showings from before confidences were kept say nothing about how a corrected one would have ranked.
    return learnt.of(candidate["recommender"], candidate["subtype"], candidate.get("confidence", 0.0))
