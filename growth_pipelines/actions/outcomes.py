"""Outcomes on record: which actions are due, and what was read of them, each change with its audit event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, load_only

from growth_pipelines.actions.transitions import record, transition
from growth_pipelines.store.tables import Action, ActionOutcome
from growth_pipelines.store.unindexed import unindexed

FINAL_DAYS = 28
# Later than this after its execution, an action that could not be measured is not looked at again: its figures
# and those it is compared with have left the window that is read.
_LOOKED_AT_FOR = timedelta(days=120)
_ACTOR, _CHANNEL = "growth", "system"
# The index of classes would read the outcomes of every action.
_OF_WHAT_WAS_PROMISED = unindexed(ActionOutcome.is_promised)
_LONGEST_FIRST = ActionOutcome.horizon_days.desc()
_TOLD_OF_AN_ACTION = (Action.ref, Action.title, Action.kind, Action.recommender, Action.executed_at)
_TOLD_OF_AN_OUTCOME = (
    *(ActionOutcome.outcome_class, ActionOutcome.skipped, ActionOutcome.estimate),
    *(ActionOutcome.effect, ActionOutcome.effect_low, ActionOutcome.effect_high),
)
_FIGURES = ("outcome_class", "skipped", "effect", "effect_low", "effect_high", "observed", "is_overlapping")


@dataclass(frozen=True)
class OutcomeChange:
    """Refs of actions of which something was read that was not known, that are final now, that turned negative."""

    read: tuple[str, ...]
    final: tuple[str, ...]
    negative: tuple[str, ...]


def executed_actions(session: Session, since: datetime) -> list[Action]:
    """All that were executed from ``since`` on, rolled back ones included, in order of execution."""
    return list(
        session.scalars(select(Action).where(Action.executed_at >= since).order_by(Action.executed_at, Action.id))
    )


def is_due(action: Action, now: datetime) -> bool:
    """Whether its outcome may still change: executed, and not yet measured after 28 days."""
    assert action.executed_at is not None
    return action.state == "executed" and now - action.executed_at <= _LOOKED_AT_FOR


def vitals_due(session: Session, now: datetime, metrics: Sequence[str], devices: int) -> set[str]:
    """Ids of repairs of web vitals whose own vital is not yet on record for all kinds of ``devices``.

    Field data of 28 days are known a week or more after the outcome that was promised, so measured ones count too.
    """
    read = (
        select(ActionOutcome.action_id)
        .where(ActionOutcome.metric.in_(metrics))
        .group_by(ActionOutcome.action_id)
        .having(func.count() >= devices)
    )
    wanted = select(Action.id).where(
        Action.kind == "cwv_repair",
        Action.state.in_(("executed", "measured")),
        Action.executed_at >= now - _LOOKED_AT_FOR,
        Action.id.not_in(read),
    )
    return set(session.scalars(wanted))


def vital_outcomes(session: Session, metrics: Sequence[str], most: int) -> list[tuple[Action, ActionOutcome]]:
    """What repairs did to the vital itself, the newest ones first."""
    wanted = (
        select(Action, ActionOutcome)
        .join(ActionOutcome, ActionOutcome.action_id == Action.id)
        .where(ActionOutcome.metric.in_(metrics))
        .order_by(Action.executed_at.desc(), Action.id, ActionOutcome.metric.desc())
        .limit(most)
    )
    return [(action, outcome) for action, outcome in session.execute(wanted)]


def outcomes_of(session: Session, action_id: str) -> list[ActionOutcome]:
    """An action's outcomes: the promised metric first, the longest horizon first."""
    return list(
        session.scalars(
            select(ActionOutcome)
            .where(ActionOutcome.action_id == action_id)
            .order_by(ActionOutcome.is_promised.desc(), ActionOutcome.metric, ActionOutcome.horizon_days.desc())
        )
    )


def longest_outcomes(
    session: Session, since: datetime, most: int | None = None
) -> list[tuple[Action, ActionOutcome]]:
    """The longest known reading of what was promised of each action executed from ``since`` on, the newest first.

    One that can't be measured has its reason; one that nothing is known of yet is left out. ``most``: so many
    actions at the most. Drafts, evidence and daily figures are read only if they are asked for.
    """
    known = exists().where(ActionOutcome.action_id == Action.id, _OF_WHAT_WAS_PROMISED)
    newest = (
        select(Action.id)
        .where(Action.executed_at >= since, known)
        .order_by(Action.executed_at.desc(), Action.id)
        .limit(most)
    )
    wanted = (
        select(Action, ActionOutcome)
        .join(ActionOutcome, ActionOutcome.action_id == Action.id)
        .options(load_only(*_TOLD_OF_AN_ACTION), load_only(*_TOLD_OF_AN_OUTCOME))
        .where(Action.id.in_(newest), _OF_WHAT_WAS_PROMISED)
        .order_by(Action.executed_at.desc(), Action.id, ActionOutcome.effect.is_(None), _LONGEST_FIRST)
    )
    longest: dict[str, tuple[Action, ActionOutcome]] = {}
    for action, outcome in session.execute(wanted):
        longest.setdefault(action.id, (action, outcome))
    return list(longest.values())


def standing(outcomes: Sequence[ActionOutcome]) -> ActionOutcome | None:
    """What an action is judged by: the longest reading of the metric that it promised."""
    return next((one for one in outcomes if one.is_promised and one.outcome_class), None)


def outcome_document(outcome: ActionOutcome) -> dict[str, Any]:
    """An outcome as programs get it."""
    names = ("metric", "horizon_days", "is_promised", "outcome_class", "skipped", "observed", "counterfactual")
    numbers = ("effect", "effect_low", "effect_high", "estimate", "controls", "is_overlapping")
    return {name: getattr(outcome, name) for name in (*names, *numbers)} | {
        "measured_at": outcome.measured_at.isoformat()
    }


def record_outcomes(session: Session, rows: Iterable[Mapping[str, Any]], now: datetime) -> OutcomeChange:
    """Store one reading: rows with the columns of ``action_outcomes``. Doing it twice changes nothing more.

    A promised metric that turned negative is told to whoever listens to the outbox; one that is known after 28
    days makes its action a measured one, whose outcome is not read again.
    """
    by_action: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_action.setdefault(row["action_id"], []).append(row)
    read, final, negative = [], [], []
    for action_id, fresh in by_action.items():
        action = session.get_one(Action, action_id)
        changed = [row for row in fresh if _put(session, row, now)]
        if not changed:
            continue
        read.append(action.ref)
        record(
            session, action, "outcome_read", _ACTOR, _CHANNEL, now, payload={"outcomes": [*map(_told, changed)]}
        )
        worse = [row for row in changed if row["is_promised"] and row["outcome_class"] == "negative"]
        if worse:
            negative.append(action.ref)
            told = _told(max(worse, key=lambda row: row["horizon_days"]))
            record(session, action, "outcome_negative", _ACTOR, _CHANNEL, now, payload=told, told=told)
        if _is_final(fresh) and transition(
            session, action.id, action.version, "executed", "measured", actor=_ACTOR, channel=_CHANNEL, now=now
        ):
            final.append(action.ref)
    return OutcomeChange(tuple(read), tuple(final), tuple(negative))


def _put(session: Session, row: Mapping[str, Any], now: datetime) -> bool:
    """Whether the row was not known so. What is not known yet and never was is not kept."""
    key = (row["action_id"], row["metric"], row["horizon_days"])
    known = session.get(ActionOutcome, key)
    if known is not None and all(_same(getattr(known, name), row[name]) for name in _FIGURES):
        return False
    if known is None:
        session.add(ActionOutcome(**row, measured_at=now))
    else:
        for name, value in row.items():
            setattr(known, name, value)
        known.measured_at = now
    session.flush()
    return True


def _same(known: Any, fresh: Any) -> bool:
    if isinstance(known, float) and isinstance(fresh, float | int):
        return abs(known - fresh) <= 1e-6 * max(1.0, abs(known))
    return bool(known == fresh)


def _is_final(rows: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        row["is_promised"] and row["horizon_days"] == FINAL_DAYS and row["effect"] is not None for row in rows
    )


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("metric", "horizon_days", "outcome_class", "effect", "effect_low", "effect_high", "skipped")
    return {name: row[name] for name in names}
