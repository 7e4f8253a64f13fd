"""The check that the store and Dagster agree, made in a run or told by the sensor between runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.assets.queue import QUEUE
from growth_pipelines.defs.display import some_of, table
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.approvals.reconciliation import Alarm

RECONCILED = dg.AssetCheckKey(QUEUE, "store_and_dagster_agree")


def store_and_dagster_agree(recommenders: Sequence[str]) -> dg.AssetChecksDefinition:
    """The check, on the queue of all actions."""

    @dg.asset_check(
        asset=QUEUE,
        name=RECONCILED.name,
        description="Every approved action is carried out within 24 hours (in live mode), and Dagster shows what "
        "the store knows: every decision, every execution, no approval or green gate that nobody gave.",
    )
    def agreement(
        context: dg.AssetCheckExecutionContext, machine: dg.ResourceParam[Machine]
    ) -> dg.AssetCheckResult:
        return look(machine, context.instance, recommenders)

    return agreement


def look(machine: Machine, instance: dg.DagsterInstance, recommenders: Sequence[str]) -> dg.AssetCheckResult:
    """Compare, keep what was found, tell of what is new, and say it as a check."""
    from growth_pipelines.approvals.alarms import note_alarms
    from growth_pipelines.defs.reconciler import reconcile

    found = reconcile(machine, instance, recommenders)
    note_alarms(machine.store, found, machine.now)
    return dg.AssetCheckResult(
        passed=not found, severity=dg.AssetCheckSeverity.ERROR, metadata=_alarm_metadata(found)
    )


def _alarm_metadata(found: "Sequence[Alarm]") -> dict[str, Any]:
    """What is wrong and what to do about it."""
    if not found:
        return {"alarms": 0}
    rows = [{"what": alarm.kind, "action": alarm.ref, "found": alarm.message} for alarm in found]
    recoveries = list(dict.fromkeys(alarm.recovery for alarm in found))
    return {"alarms": len(found), "found": table(rows), "recovery": dg.MetadataValue.md(some_of(recoveries))}
