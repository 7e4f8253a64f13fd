"""The reconciler: does Dagster show what the store knows? Reads both; the comparison is in the approvals.

Dagster's side is read before the store's: what is decided in between is then news that Dagster is yet to hear, and
not a disagreement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.applications import OUTBOX_MARK
from growth_pipelines.defs.check_reports import newest_evaluation
from growth_pipelines.defs.gate import GATE
from growth_pipelines.defs.machine import Machine
from growth_pipelines.defs.reports import DECISIONS, told_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from growth_pipelines.approvals.reconciliation import Alarm, Carried, Decision, Gate
    from growth_pipelines.store.tables import OutboxEntry

# How far back: of what is older, Dagster's own retention decides.
_DAYS = timedelta(days=7)
_DECISIONS, _EVENTS = 100, 300


def reconcile(machine: Machine, instance: dg.DagsterInstance, recommenders: Sequence[str]) -> list[Alarm]:
    """Every disagreement there is now, and what is approved and not done."""
    from growth_pipelines.approvals import reconciliation as held

    gates = {name: _newest_gate(instance, name) for name in recommenders}
    approvals = [shown for name in recommenders for shown in _approvals(instance, name)]
    done = {(name, ref) for name in recommenders for ref in told_of(instance, name)}
    with machine.store.read() as session:
        waiting = _undelivered(session)
        told = _told(session, recommenders, machine)
        known = [*told, *_entries(session, [item.number for _, item in approvals])]
        carried = _carried(session, recommenders, machine)
        overdue = _overdue(session, machine)
        judged = [_gate(session, name, gate, machine) for name, gate in gates.items() if gate]
    # A judgement that was reported meanwhile is another event.
    steady = [gate for gate in judged if _newest_gate(instance, gate.recommender) == (gate.event, gate.green)]
    lagging = {str(entry.payload.get("recommender")) for entry in waiting}
    return held.few(
        (
            *held.late(overdue),
            *held.untold([entry.created_at for entry in waiting], machine.now, machine.settings.zone),
            *held.unshown(told, [item for _, item in approvals]),
            *held.forged_marks(known, approvals),
            *held.forged_gates(steady, lagging),
            *held.unrecorded(carried, done, machine.now),
        )
    )


# -- Dagster's side ---------------------------------------------------------------------------------------------


def _materializations(instance: dg.DagsterInstance, asset: str) -> Iterator[tuple[int, dg.AssetMaterialization]]:
    for record in instance.fetch_materializations(dg.AssetKey(asset), limit=_EVENTS).records:
        if record.asset_materialization is not None:
            yield record.storage_id, record.asset_materialization


def _approvals(instance: dg.DagsterInstance, recommender: str) -> Iterator[tuple[int, Decision]]:
    """The approvals that carry the store's mark."""
    from growth_pipelines.approvals.reconciliation import Decision

    names = (OUTBOX_MARK, "action", "version", "digest", "decision", "operator")
    for event, shown in _materializations(instance, f"{recommender}_approval"):
        if OUTBOX_MARK in shown.metadata:
            mark, *rest = (shown.metadata[name].value if name in shown.metadata else None for name in names)
            yield event, Decision(mark, recommender, *rest)


def _newest_gate(instance: dg.DagsterInstance, recommender: str) -> tuple[int, bool] | None:
    """The newest result: its event and whether it is green."""
    newest = newest_evaluation(instance, dg.AssetCheckKey(dg.AssetKey(f"{recommender}_recommendations"), GATE))
    return (newest[0], newest[1].passed) if newest else None


# -- the store's side -------------------------------------------------------------------------------------------


def _undelivered(session: Session) -> list[OutboxEntry]:
    from growth_pipelines.store.outbox import undelivered

    return undelivered(session, 1000)


def _told(session: Session, recommenders: Sequence[str], machine: Machine) -> list[Decision]:
    """The newest decisions that Dagster was told of."""
    from sqlalchemy import select

    from growth_pipelines.store.tables import OutboxEntry

    wanted = select(OutboxEntry).where(
        OutboxEntry.event.in_(DECISIONS),
        OutboxEntry.delivered_at.is_not(None),
        OutboxEntry.created_at >= machine.now - _DAYS,
    )
    newest = session.scalars(wanted.order_by(OutboxEntry.seq.desc()).limit(_DECISIONS))
    return [decision for entry in newest if (decision := _decision(entry)).recommender in recommenders]


def _entries(session: Session, numbers: Sequence[object]) -> list[Decision]:
    """The decisions of these outbox entries, told or not; numbers may be anything."""
    from sqlalchemy import select

    from growth_pipelines.store.tables import OutboxEntry

    ours = {number for number in numbers if type(number) is int and 0 < number < 2**63}
    wanted = select(OutboxEntry).where(OutboxEntry.seq.in_(ours), OutboxEntry.event.in_(DECISIONS))
    return [_decision(entry) for entry in session.scalars(wanted)]


def _decision(entry: OutboxEntry) -> Decision:
    from growth_pipelines.approvals.reconciliation import Decision

    said = entry.payload
    return Decision(
        entry.seq,
        str(said["recommender"]),
        said["ref"],
        said["version"],
        said["digest"],
        DECISIONS[entry.event],
        said["actor"],
    )


def _carried(session: Session, recommenders: Sequence[str], machine: Machine) -> list[Carried]:
    from sqlalchemy import select

    from growth_pipelines.approvals.reconciliation import Carried
    from growth_pipelines.store.tables import Action, Execution

    # By the ledger: an action whose work is done by hand counts as executed on the day when that was.
    wanted = (
        select(Action.recommender, Action.ref, Action.version, Execution.finished_at)
        .join(Execution, (Execution.action_id == Action.id) & (Execution.version == Action.version))
        .where(
            Action.state.in_(("executed", "measured")),
            Execution.finished_at >= machine.now - _DAYS,
            Action.recommender.in_(recommenders),
        )
        .order_by(Execution.finished_at.desc())
        .limit(_DECISIONS)
    )
    return [
        Carried(recommender, ref, version, at)
        for recommender, ref, version, at in session.execute(wanted)
        if at is not None
    ]


def _overdue(session: Session, machine: Machine) -> list[tuple[str, Any]]:
    from growth_pipelines.actions.lifecycle import overdue
    from growth_pipelines.store.tables import Action

    found = overdue(session, machine.now, machine.settings.actions.mode)
    return [(session.get_one(Action, item.action_id).recommender, item) for item in found]


def _gate(session: Session, recommender: str, newest: tuple[int, bool], machine: Machine) -> Gate:
    """The gate and whether the store holds an approval, or did until a moment ago: that its time is over is told
    to Dagster by a run."""
    from growth_pipelines.approvals.reconciliation import PATIENCE, Gate
    from growth_pipelines.approvals.standing import standings

    approved = any(
        standing.valid
        for moment in (machine.now, machine.now - PATIENCE)
        for standing in standings(session, recommender, moment)
    )
    return Gate(recommender, *newest, approved)
