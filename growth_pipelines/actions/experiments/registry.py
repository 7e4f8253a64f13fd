"""Experiments in the store: declared once, moved by the state machine, each change an event of the audit chain.

Callers have proved who ``actor`` is. What shows anything to shoppers (a start, a promotion) is written by the
executor on behalf of an approved action (:mod:`switch`); operators pause, stop and decide directly.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.actions.experiments.declaration import BadExperiment, Declaration, check, is_plain
from growth_pipelines.actions.experiments.states import FIRST_COVERAGE, Move, Status, after, ramp_due
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.keyset import page_of
from growth_pipelines.store.tables import AuditEvent, Experiment, Operator, OutboxEntry


class NoSuchExperiment(GrowthError):
    """No experiment has this key."""


class MayNotExperiment(GrowthError):
    """The person's role changes no experiment."""


def drafted(one: Declaration, *, shop_id: str, actor: str, now: datetime) -> Experiment:
    """The draft that a declaration makes, not registered. Raises BadExperiment."""
    check(one)
    declared = asdict(one)
    arms = [{"name": name, "weight": float(weight)} for name, weight in one.arms]
    return Experiment(
        **{**declared, "arms": arms, "guardrails": [asdict(guardrail) for guardrail in one.guardrails]},
        id=str(uuid.uuid4()),
        shop_id=shop_id,
        coverage=0.0,
        coverage_at=None,
        status="draft",
        created_at=now,
        created_by=actor,
        started_at=None,
        ended_at=None,
        decision=None,
        promoted="",
        drawn=None,
    )


def create(
    session: Session, one: Declaration, *, shop_id: str, actor: str, channel: str, now: datetime
) -> Experiment:
    """Register an experiment as a draft. Raises BadExperiment, also for a key that is taken."""
    must_decide(session, actor)
    row = drafted(one, shop_id=shop_id, actor=actor, now=now)
    if session.scalar(select(Experiment.id).where(Experiment.key == one.key)):
        taken = f"There is an experiment {one.key} already."
        raise BadExperiment(taken, "A key is used once: it draws the arms.", {"key": taken})
    session.add(row)
    session.flush()
    tell_chain(session, row, "created", actor, channel, now, {"declared": {**asdict(one), "arms": row.arms}})
    return row


def find_experiment(session: Session, key: str) -> Experiment:
    """The experiment with this key or id. Raises NoSuchExperiment."""
    wanted = select(Experiment).where((Experiment.key == key) | (Experiment.id == key))
    row = session.scalar(wanted) if key.isprintable() else None
    if row is None:
        raise NoSuchExperiment(f"There is no experiment {key}.", "See `growth experiments list`.")
    return row


def experiments(session: Session) -> list[Experiment]:
    """All, the newest first."""
    return list(session.scalars(select(Experiment).order_by(Experiment.created_at.desc(), Experiment.id.desc())))


def experiment_page(
    session: Session, status: str | None, unit: str | None, limit: int, cursor: str | None
) -> tuple[list[Experiment], str | None]:
    """The newest ``limit`` of a state and kind of unit (None: any), or those after ``cursor``; the next cursor.

    Raises BadCursor.
    """
    wanted = select(Experiment)
    if status is not None:
        wanted = wanted.where(Experiment.status == status)
    if unit is not None:
        wanted = wanted.where(Experiment.unit == unit)
    found, following = page_of(
        session,
        wanted,
        (Experiment.created_at, Experiment.id),
        lambda row: (row[0].created_at, row[0].id),
        f"experiments {status} {unit}",
        limit,
        cursor,
    )
    return [row for (row,) in found], following


def move(
    session: Session,
    row: Experiment,
    step: Move,
    *,
    actor: str,
    channel: str,
    now: datetime,
    reason: str = "",
) -> Experiment:
    """Pause, resume or stop an experiment, as a person or the machine itself. Raises NoSuchMove.

    A start and a decision have functions of their own.
    """
    status = after(cast(Status, row.status), step)
    before, row.status = row.status, status
    if status == "stopped":
        row.ended_at = now
    payload = {"from_status": before, "to_status": status, **({"reason": reason} if reason else {})}
    tell_chain(session, row, _PAST[step], actor, channel, now, payload)
    return row


def start(session: Session, row: Experiment, *, actor: str, channel: str, now: datetime) -> Experiment:
    """Begin, with the first step of the ramp. Only the executor calls this, for an approved action."""
    move(session, row, "start", actor=actor, channel=channel, now=now)
    row.started_at = row.coverage_at = now
    # What was drawn takes part from the start on; visitors come by themselves, so a ramp is possible.
    row.coverage = min(FIRST_COVERAGE, row.coverage_goal) if row.unit == "visitor" else row.coverage_goal
    session.flush()
    return row


def ramp(session: Session, row: Experiment, *, actor: str, channel: str, now: datetime) -> bool:
    """Raise the share of units that take part, if the first step has lasted a day; weights stay as they are."""
    if not ramp_due(row.status, row.coverage, row.coverage_goal, row.coverage_at, now):
        return False
    payload = {"from_coverage": row.coverage, "to_coverage": row.coverage_goal}
    row.coverage, row.coverage_at = row.coverage_goal, now
    tell_chain(session, row, "ramped", actor, channel, now, payload)
    return True


def decide_experiment(
    session: Session, row: Experiment, reading: Mapping[str, Any], *, actor: str, channel: str, now: datetime
) -> Experiment:
    """Freeze what a stopped experiment showed; ``reading`` has the digest of its data. Raises NoSuchMove."""
    must_decide(session, actor)
    before = row.status
    row.status = after(cast(Status, row.status), "decide")
    row.decision = {**reading, "decided_by": actor, "decided_at": now.isoformat()}
    payload = {"from_status": before, "to_status": row.status, "reading": dict(reading)}
    tell_chain(session, row, "decided", actor, channel, now, payload)
    return row


def promote(session: Session, row: Experiment, arm: str, *, actor: str, channel: str, now: datetime) -> Experiment:
    """Give everybody ``arm``, or nobody any (empty). Only the executor calls this."""
    if arm and arm not in arm_names(row):
        raise BadExperiment(f"{row.key} has no arm {arm}.", f"Its arms are {', '.join(arm_names(row))}.")
    if row.status != "decided":
        raise BadExperiment(f"{row.key} is {row.status}, not decided.", "Decide it first.")
    before, row.promoted = row.promoted, arm
    tell_chain(
        session, row, "promoted" if arm else "demoted", actor, channel, now, {"from_arm": before, "to_arm": arm}
    )
    return row


def operator_move(
    session: Session, key: str, step: Move, *, actor: str, channel: str, now: datetime, reason: str
) -> Experiment:
    """What a person may do at once: pause, resume, stop; each with a reason."""
    must_decide(session, actor)
    if step not in ("pause", "resume", "stop"):
        raise BadExperiment(f"Nobody may {step} an experiment without an approval.", "Propose it.")
    if not is_plain(reason):
        raise BadExperiment("The reason holds control characters.", "Write it anew.")
    if not reason.strip():
        raise BadExperiment("Say why.", "The reason stays in the history of the experiment.")
    row = find_experiment(session, key)
    return move(session, row, step, actor=actor, channel=channel, now=now, reason=reason.strip()[:500])


def arm_names(row: Experiment) -> list[str]:
    """Control's first."""
    return [str(arm["name"]) for arm in row.arms]


def arm_weights(row: Experiment) -> tuple[float, ...]:
    """In the order of the names."""
    return tuple(float(arm["weight"]) for arm in row.arms)


_PAST: dict[Move, str] = {"start": "started", "pause": "paused", "resume": "resumed", "stop": "stopped"}
EVENTS = ("created", "ramped", "decided", "promoted", "demoted", "forgotten", *_PAST.values())


def tell_chain(
    session: Session, row: Experiment, event: str, actor: str, channel: str, now: datetime, more: Mapping[str, Any]
) -> None:
    """Record ``event`` of the experiment: a link of the audit chain with ``more``, and a row of the outbox."""
    session.flush()
    told = {"experiment": row.key, **more}
    link = append_event(session, event=f"experiment_{event}", actor=actor, channel=channel, now=now, payload=told)
    payload = {**told, "actor": actor, "channel": channel, "at": now.isoformat(), "audit_seq": link.seq}
    session.add(OutboxEntry(event=f"experiment.{event}", payload=payload, created_at=now))
    session.flush()


def must_decide(session: Session, actor: str) -> None:
    """Raises MayNotExperiment unless ``actor`` may change experiments, or ask for their start and promotion."""
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role not in MAY_DECIDE:
        raise MayNotExperiment(
            f"{actor or 'Nobody'} may not change experiments.", "It takes an active operator or admin."
        )


def history(session: Session, row: Experiment) -> Sequence[Mapping[str, Any]]:
    """What happened to an experiment, the oldest first, from the audit chain."""
    events = session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.event.in_([f"experiment_{name}" for name in EVENTS]),
            AuditEvent.payload["experiment"].as_string() == row.key,
        )
        .order_by(AuditEvent.seq)
    )
    return [
        {
            "at": event.at,
            "event": event.event.removeprefix("experiment_"),
            "actor": event.actor,
            "channel": event.channel,
            "reason": event.payload.get("reason", ""),
            "coverage": event.payload.get("to_coverage"),
            "arm": event.payload.get("to_arm", ""),
            "seq": event.seq,
        }
        for event in events
    ]


def document(row: Experiment) -> dict[str, Any]:
    """An experiment as JSON; instants are ISO 8601."""
    values = {column.name: getattr(row, column.name) for column in Experiment.__table__.columns}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
