"""What the queue showed, with which probability; one place in ten tries something out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import ROOM_TO_TRY, top
from growth_pipelines.actions.scoring import before_learning
from growth_pipelines.learning import WinRate
from growth_pipelines.store.tables import Action, Showing

_POOL, _DRAWS = 30, 200
# Every candidate keeps this part of a draw, so that no propensity is 0.
_LEAST = 0.5
_KEPT_FOR = timedelta(hours=20)


def show(session: Session, n: int, rates: Sequence[WinRate], version: str, now: datetime) -> Showing:
    """Log the present top ``n`` with what takes the exploring place; within 20 hours the same one is kept.

    Thompson sampling: approval and success of each candidate's kind are drawn from their posteriors 200 times; the
    shares with which candidates come first are the propensities, and one of them is drawn.
    """
    last = session.scalar(select(Showing).order_by(Showing.at.desc()).limit(1))
    if last is not None and last.at > now - _KEPT_FOR:
        return last
    # The larger list is as varied as its own length allows, so what is shown is asked for by itself.
    shown_now = top(session, n, now, trying=False)
    larger = top(session, n + _POOL, now, trying=False)
    waiting = [*shown_now, *(one for one in larger if one not in shown_now)]
    places = int(n >= ROOM_TO_TRY)
    best, others = waiting[: n - places], [one for one in waiting[n - places :] if one.score > 0]
    pool, explored = [], None
    if places and len(others) > places:
        rng = np.random.default_rng([int(now.timestamp()), len(others)])
        shares = _propensities(others, rates, rng)
        explored = others[int(rng.choice(len(others), p=shares))]
        pool = [_candidate(one, float(share)) for one, share in zip(others, shares, strict=True)]
    shown = [*best, explored] if explored is not None else shown_now
    chances = {one["action_id"]: one["propensity"] for one in pool}
    showing = Showing(
        id=str(uuid.uuid4()),
        at=now,
        ranking_version=version,
        shown=[
            {"action_id": one.id, "rank": rank, "propensity": chances.get(one.id, 1.0)}
            for rank, one in enumerate(shown, 1)
        ],
        explored=explored.id if explored is not None else None,
        pool=pool,
    )
    session.add(showing)
    session.flush()
    return showing


def _propensities(actions: Sequence[Action], rates: Sequence[WinRate], rng: np.random.Generator) -> np.ndarray:
    by_key: Mapping[str, WinRate] = {one.key: one for one in rates}
    values = np.tile([one.score for one in actions], (_DRAWS, 1))
    for place, one in enumerate(actions):
        rate = by_key.get(f"{one.recommender}/{one.subtype}") or by_key.get(one.recommender)
        for known in (rate.approval, rate.success) if rate else ():
            spread = (known.high - known.low) / 3.92
            values[:, place] *= np.clip(rng.normal(known.mean, spread, _DRAWS), 0.01, 1) / known.mean
        if rate is None:
            # Never decided about: anything between half and half as much again.
            values[:, place] *= rng.uniform(0.5, 1.5, _DRAWS)
    won = np.bincount(values.argmax(axis=1), minlength=len(actions)) + _LEAST
    return np.asarray(won / won.sum())


def _candidate(action: Action, propensity: float) -> dict[str, Any]:
    return {
        "action_id": action.id,
        "recommender": action.recommender,
        "subtype": action.subtype,
        "base": before_learning(action.score, action.factors),
        "confidence": action.confidence,
        "revenue": action.impact.get("revenue_28d", 0.0),
        "ease": action.ease,
        "page_visits": action.page_visits,
        "page_position": action.page_position,
        "propensity": propensity,
    }
