"""What the store tells Dagster: decisions as materializations of ``X_approval``, verdicts as check results.

The store is the truth and Dagster shows it. Entries of the outbox are delivered in order and marked afterwards;
a crash in between repeats some, which are recognised by their mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from growth_pipelines.defs.applications import OUTBOX_MARK
from growth_pipelines.defs.gate import judge, report_judgement
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.store.tables import OutboxEntry

_AT_ONCE = 500
# Decisions of a person; everything else that happens to an action changes the verdict only.
DECISIONS = {
    "action.approved": "approved",
    "action.rejected": "rejected",
    "action.deferred": "deferred",
    "action.changes_requested": "changes requested",
    "action.rollback_requested": "rollback requested",
}


def deliver_outbox(machine: Machine, instance: dg.DagsterInstance, recommenders: Sequence[str]) -> int:
    """Tell Dagster everything it was not told yet; how many entries that were."""
    from growth_pipelines.store.outbox import mark_delivered, undelivered

    delivered = 0
    while True:
        with machine.store.read() as session:
            entries = undelivered(session, _AT_ONCE)
        if not entries:
            return delivered
        concerned = {str(e.payload.get("recommender")) for e in entries} & set(recommenders)
        for name in sorted(concerned):
            _report_decisions(instance, name, [e for e in entries if e.payload.get("recommender") == name])
            report_judgement(instance, name, judge(machine, instance, name))
        with machine.store.session() as session:
            mark_delivered(session, entries, machine.now)
        delivered += len(entries)


def _report_decisions(instance: dg.DagsterInstance, recommender: str, entries: Sequence[OutboxEntry]) -> None:
    decisions = [entry for entry in entries if entry.event in DECISIONS]
    if not decisions:
        return
    approval = dg.AssetKey(f"{recommender}_approval")
    known = _already_reported(instance, approval, len(decisions))
    for entry in decisions:
        if entry.seq not in known:
            instance.report_runless_asset_event(_materialization(approval, entry))


def _already_reported(instance: dg.DagsterInstance, approval: dg.AssetKey, count: int) -> set[int]:
    """Marks of the newest events: a repetition after a crash can only concern the last ones.

    Anyone can report an event, so a mark may be anything; ours are numbers.
    """
    newest = instance.fetch_materializations(approval, limit=count + 100).records
    events = [record.asset_materialization for record in newest]
    marks = [event.metadata[OUTBOX_MARK].value for event in events if event and OUTBOX_MARK in event.metadata]
    return {mark for mark in marks if isinstance(mark, int)}


def _materialization(approval: dg.AssetKey, entry: OutboxEntry) -> dg.AssetMaterialization:
    told = entry.payload
    return dg.AssetMaterialization(
        approval,
        description=f"{told['title']}: {DECISIONS[entry.event]} by {told['actor']} ({told['channel']}).",
        metadata={
            "action": told["ref"],
            "version": told["version"],
            "decision": DECISIONS[entry.event],
            "operator": told["actor"],
            "channel": told["channel"],
            "digest": told["digest"],
            "decided_at": dg.MetadataValue.timestamp(datetime.fromisoformat(told["at"])),
            OUTBOX_MARK: entry.seq,
        },
    )
