"""What the store tells Dagster: decisions as materializations of ``X_approval``, verdicts as check results.

The store is the truth and Dagster shows it. Entries of the outbox are delivered in order and marked afterwards;
a crash in between repeats some, which are recognised by their mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.applications import OUTBOX_MARK
from growth_pipelines.defs.assets.carried_out import DONE
from growth_pipelines.defs.gate import judge, report_judgement
from growth_pipelines.defs.links import action_links, action_url
from growth_pipelines.defs.machine import Machine
from growth_pipelines.settings import Settings

if TYPE_CHECKING:
    from growth_pipelines.store.tables import OutboxEntry

_AT_ONCE = 500
# Events of one asset that are looked through.
_NEWEST = 300
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
            own = [entry for entry in entries if entry.payload.get("recommender") == name]
            _report_decisions(machine, instance, name, own)
            _report_executions(machine, instance, name, own)
            report_judgement(instance, name, judge(machine, instance, name))
        with machine.store.session() as session:
            mark_delivered(session, entries, machine.now)
        delivered += len(entries)


def _report_decisions(
    machine: Machine, instance: dg.DagsterInstance, recommender: str, entries: Sequence[OutboxEntry]
) -> None:
    decisions = [entry for entry in entries if entry.event in DECISIONS]
    if not decisions:
        return
    approval = dg.AssetKey(f"{recommender}_approval")
    known = _already_reported(instance, approval, len(decisions))
    for entry in decisions:
        if entry.seq not in known:
            instance.report_runless_asset_event(_materialization(machine.settings, approval, entry))


def _report_executions(
    machine: Machine, instance: dg.DagsterInstance, recommender: str, entries: Sequence[OutboxEntry]
) -> None:
    """What was carried out by `growth execute`; a run tells of its own executions itself, at its end."""
    carried = [entry.payload for entry in entries if entry.event == "action.executed"]
    if not carried or _anything_runs(instance):
        return
    known = set(told_of(instance, recommender))
    new = [(said["ref"], said["title"]) for said in carried if said["ref"] not in known]
    if new:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                f"{recommender}_actions",
                description="Carried out by `growth execute`, outside of any run.",
                metadata={"open": action_links(machine.settings.console_url, new), DONE: [ref for ref, _ in new]},
            )
        )


def told_of(instance: dg.DagsterInstance, recommender: str) -> Iterator[str]:
    """The refs of what the newest runs of a recommender say they carried out."""
    for record in instance.fetch_materializations(dg.AssetKey(f"{recommender}_actions"), limit=_NEWEST).records:
        metadata = record.asset_materialization.metadata if record.asset_materialization else {}
        if DONE in metadata:
            refs: Any = metadata[DONE].value
            yield from map(str, refs if isinstance(refs, list) else [])
        elif isinstance(metadata.get("results"), dg.TableMetadataValue):
            # Runs of before, which told of the first 25 only.
            table: Any = metadata["results"]
            yield from (str(row.data.get("action")) for row in table.records)


def _anything_runs(instance: dg.DagsterInstance) -> bool:
    return bool(instance.get_run_ids(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=1))


def _already_reported(instance: dg.DagsterInstance, approval: dg.AssetKey, count: int) -> set[int]:
    """Marks of the newest events: a repetition after a crash can only concern the last ones.

    Anyone can report an event, so a mark may be anything; ours are numbers.
    """
    newest = instance.fetch_materializations(approval, limit=count + 100).records
    events = [record.asset_materialization for record in newest]
    marks = [event.metadata[OUTBOX_MARK].value for event in events if event and OUTBOX_MARK in event.metadata]
    return {mark for mark in marks if isinstance(mark, int)}


def _materialization(settings: Settings, approval: dg.AssetKey, entry: OutboxEntry) -> dg.AssetMaterialization:
    told = entry.payload
    return dg.AssetMaterialization(
        approval,
        description=f"{told['title']}: {DECISIONS[entry.event]} by {told['actor']} ({told['channel']}).",
        metadata={
            "action": told["ref"],
            "open": action_url(settings, told["ref"]),
            "version": told["version"],
            "decision": DECISIONS[entry.event],
            "operator": told["actor"],
            "channel": told["channel"],
            "digest": told["digest"],
            "decided_at": dg.MetadataValue.timestamp(datetime.fromisoformat(told["at"])),
            OUTBOX_MARK: entry.seq,
        },
    )
