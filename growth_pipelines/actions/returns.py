"""What each executed action was expected to bring in 28 days, and what is on record of what it brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.outcomes import FINAL_DAYS
from growth_pipelines.clock import local_date
from growth_pipelines.store.audit import newest
from growth_pipelines.store.tables import Action, ActionOutcome, ActionReturn

# Whatever changes what was executed or what came of it is one of these events.
_CHANGED_BY = ("executed", "task_done", "rolled_back", "outcome_read")


@dataclass(frozen=True)
class ExecutedReturn:
    """``effect`` is (effect, low, high, shared error) of the revenue of 28 days in major units, None while that is
    not known; ``reason`` says why it never will be, empty where it only has to wait. ``outcome_class`` is that of
    the metric that was promised. ``executed_on`` is a day of the shop."""

    ref: str
    recommender: str
    executed_on: date
    promised: float
    effect: tuple[float, float, float, float] | None
    reason: str
    outcome_class: str | None
    is_overlapping: bool


def returns_rest_on(session: Session) -> tuple[int, ...]:
    """While this is the same, ``executed_returns`` are."""
    return newest(session, _CHANGED_BY)


def executed_returns(session: Session, zone: str) -> list[ExecutedReturn]:
    """All that were ever executed, in order of execution. ``zone``: the shop's IANA zone."""
    final = ActionOutcome.horizon_days == FINAL_DAYS
    revenue = and_(ActionOutcome.action_id == Action.id, ActionOutcome.metric == "revenue", final)
    wanted = (
        select(Action.id, Action.ref, Action.recommender, Action.state, Action.executed_at)
        .add_columns(Action.impact["revenue_28d"].as_float(), ActionOutcome.effect, ActionOutcome.effect_low)
        .add_columns(ActionOutcome.effect_high, ActionOutcome.shared_error)
        .add_columns(ActionOutcome.skipped, ActionOutcome.is_overlapping)
        .outerjoin(ActionOutcome, revenue)
        .where(Action.executed_at.is_not(None))
        .order_by(Action.executed_at, Action.id)
    )
    # A second join to the same table was read by the index of classes: every outcome for each action.
    judged = select(ActionOutcome.action_id, ActionOutcome.outcome_class).where(ActionOutcome.is_promised, final)
    classes = {one.action_id: one.outcome_class for one in session.execute(judged)}
    found = []
    rows: Iterable[Any] = session.execute(wanted)
    for id_, ref, recommender, state, at, worth, effect, low, high, shared, skipped, other in rows:
        undone = "It was rolled back before 28 days were over." if state == "rolled_back" else ""
        found.append(
            ExecutedReturn(
                ref=ref,
                recommender=recommender,
                executed_on=local_date(at, zone),
                promised=worth or 0.0,
                effect=None if effect is None else (effect, low, high, shared),
                reason="" if effect is not None else skipped or undone,
                outcome_class=classes.get(id_),
                is_overlapping=bool(other),
            )
        )
    return found


def record_returns(session: Session, shop_id: str, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Keep the sums of a shop, with the other columns of ``action_returns``, in place of those that were there."""
    session.execute(delete(ActionReturn).where(ActionReturn.shop_id == shop_id))
    session.add_all(ActionReturn(shop_id=shop_id, counted_at=now, **row) for row in rows)
