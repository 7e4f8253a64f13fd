"""Whether another ranking would have brought more, judged from the exploring places of what was shown.

In those places the probability of each candidate is known, so what another version would have put there is
evaluated off policy (doubly robust). The gate passes a version whose interval excludes the present one's value,
with an effective sample size of at least 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.feedback.learnt import Learnt, signal_frame
from growth_pipelines.feedback.rankings import MEANINGS, active_version, score_factors
from growth_pipelines.learning import OffPolicyValue, off_policy_value
from growth_pipelines.store.tables import RankingVersion, Showing

_LEAST_ROWS = 20
# What was realised of an estimate counts between nothing-but-loss and twice the promise.
_WORST, _BEST = -1.0, 2.0


@dataclass(frozen=True)
class Evaluation:
    """A version's value a showing, in money over 28 days, against ``present`` (DR) of the version ``against``."""

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


def evaluate(session: Session, known: Learnt, now: datetime) -> list[Evaluation]:
    """Every version but the present one; what is found is kept with the version."""
    log, present = _logged(session, now), active_version(session)
    base = _value(log, score_factors(known, present)) if len(log.pools) >= _LEAST_ROWS else None
    found = [_judged(log, known, version, present, base) for version in MEANINGS if version != present]
    for one in found:
        row = session.get(RankingVersion, one.version)
        if row is None:
            row = RankingVersion(version=one.version, status="proposed", changed_at=now, changed_by="gate")
        row.gate = one.as_dict()
        session.add(row)
    session.flush()
    return found


def _judged(log: _Logged, known: Learnt, version: str, against: str, base: OffPolicyValue | None) -> Evaluation:
    n = len(log.pools)
    if base is None:
        return Evaluation(version, against, False, f"{n} showings with a known end; about 100 are needed.", n, 0.0)
    value = _value(log, score_factors(known, version))
    passed = value.enough and value.ci_low > base.dr
    if not value.enough:
        why = f"The showings are worth {value.effective_sample_size:.0f} that say something; about 100 are needed."
    elif passed:
        why = "It would have brought more than the present ranking."
    else:
        why = "It is not shown to bring more than the present ranking."
    figures = (round(each, 2) for each in (value.dr, value.ci_low, value.ci_high, base.dr))
    return Evaluation(version, against, bool(passed), why, n, round(value.effective_sample_size, 1), *figures)


def _logged(session: Session, now: datetime) -> _Logged:
    signals = signal_frame(session, now).set_index("action_id")
    pools, action, reward, propensity = [], [], [], []
    for one in session.scalars(select(Showing).where(Showing.explored.is_not(None)).order_by(Showing.at)):
        ids = [each["action_id"] for each in one.pool]
        if one.explored not in signals.index or one.explored not in ids:
            continue
        place = ids.index(one.explored)
        brought = _brought(signals.loc[one.explored].to_dict(), one.pool[place]["revenue"])
        if brought is not None:
            pools.append(one.pool)
            action.append(place)
            reward.append(brought)
            propensity.append(one.pool[place]["propensity"])
    return _Logged(pools, np.array(action, dtype=int), np.array(reward), np.array(propensity))


def _brought(signal: Mapping[str, Any], revenue: float) -> float | None:
    """Money: 0 of what was refused, of what was done the realised share of its estimate (None: not measured)."""
    if signal["approved"] == 0:
        return 0.0
    if not np.isfinite(signal["effect"]) or not signal["estimate"] > 0:
        return None
    return revenue * float(np.clip(signal["effect"] / signal["estimate"], _WORST, _BEST))


def _value(log: _Logged, factors: Mapping[str, float]) -> OffPolicyValue:
    n, widest = len(log.pools), max(len(pool) for pool in log.pools)
    base, target = np.zeros((n, widest)), np.zeros((n, widest))
    for row, pool in enumerate(log.pools):
        base[row, : len(pool)] = [one["base"] for one in pool]
        scores = [one["base"] * _factor(factors, one) for one in pool]
        target[row, int(np.argmax(scores))] = 1.0
    # One number is fitted, so the model may be judged on the rows that it was fitted to.
    said = base[np.arange(n), log.action]
    scale = float(log.reward @ said / (said @ said)) if said.any() else 0.0
    return off_policy_value(log.action, log.reward, log.propensity, target, scale * base)


def _factor(factors: Mapping[str, float], candidate: Mapping[str, Any]) -> float:
    own = f"{candidate['recommender']}/{candidate['subtype']}"
    return factors.get(own, factors.get(candidate["recommender"], 1.0))
