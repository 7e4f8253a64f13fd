"""What was done in the shop, told the same way for executions and rollbacks.

Whether and how an action is carried out is the executor's business; it verifies each one itself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import table
from growth_pipelines.defs.links import action_links
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.actions.execution import ExecutionResult

DONE = "done"
ROLLBACKS = dg.AssetKey("rolled_back_actions")
_CARRIED_OUT = ("executed", "dry_run", "rolled_back")
# Curves over time need their zeros.
_ALWAYS = ("executed", "refused", "failed")
_OTHERWISE = ("refused", "drifted", "failed", "already_done", "paused")


def told(key: dg.AssetKey, results: Sequence["ExecutionResult"], machine: Machine) -> Iterator[Any]:
    """A materialization when something was carried out, else an observation that says why nothing was.

    Raises dg.Failure afterwards when an action failed; it is not tried again by Dagster.
    """
    counts = Counter(str(result.status) for result in results)
    rows = [{"action": r.ref, "status": r.status, "message": r.message} for r in results]
    said = [(r.ref, str(r.status).replace("_", " ")) for r in results]
    metadata: dict[str, Any] = {
        "mode": machine.settings.actions.mode,
        **{status: counts[status] for status in _ALWAYS},
        **{status: counts[status] for status in (*_CARRIED_OUT, *_OTHERWISE) if counts[status]},
        **({"results": table(rows)} if rows else {}),
        **({"open": action_links(machine.settings.console_url, said)} if said else {}),
        # All of them, where the table ends: the reconciler looks for each.
        DONE: [r.ref for r in results if r.status in _CARRIED_OUT],
    }
    if any(counts[status] for status in _CARRIED_OUT):
        yield dg.MaterializeResult(metadata=metadata)
    else:
        why = str(rows[0]["message"]) if rows else "Nothing was written: no action is approved."
        yield dg.AssetObservation(key, description=why, metadata=metadata)
    failed = [result for result in results if result.status == "failed"]
    if failed:
        raise dg.Failure(
            f"{len(failed)} of {len(results)} failed, first {failed[0].ref}: {failed[0].message}",
            allow_retries=False,
        )


def rolled_back_actions(actions: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset; it depends on what was carried out."""

    @dg.asset(
        key=ROLLBACKS,
        deps=list(actions),
        group_name="actions",
        kinds={"shopify", "python"},
        owners=[OWNER],
        pool="shop_writes",
        output_required=False,
        description="What was undone: executed actions that an operator asked to be rolled back.",
    )
    def roll_back(machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
        from growth_pipelines.actions.rollback import roll_back_requested

        results = roll_back_requested(machine.store, machine.settings, now=machine.now)
        yield from told(ROLLBACKS, results, machine)

    return roll_back
