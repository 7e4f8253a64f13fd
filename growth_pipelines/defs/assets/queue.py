"""The queue: the ranked top of everything that waits for the operator.

Ranking, conflicts and diversity are in ``actions.queue``; this asset lets time pass over the waiting actions
(expiry, deferrals that come due) and shows the result.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import table
from growth_pipelines.defs.machine import Machine

QUEUE = dg.AssetKey("action_queue")


def action_queue(recommendations: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset, which depends on every recommender."""

    @dg.asset(
        key=QUEUE,
        deps=list(recommendations),
        group_name="actions",
        kinds={"python"},
        owners=[OWNER],
        description="The ranked Top 10 that the operator sees, after expiries and deferrals.",
    )
    def rank(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
        from growth_pipelines.actions.lifecycle import expire_due, release_deferred
        from growth_pipelines.actions.queue import as_document, list_actions, top

        expired = expire_due(machine.store, machine.now)
        released = release_deferred(machine.store, machine.now)
        with machine.store.read() as session:
            best = [as_document(action) for action in top(session, machine.settings.actions.top, machine.now)]
            pending = len(list_actions(session, state="pending"))
        return dg.MaterializeResult(
            metadata={
                "pending": pending,
                "expired": len(expired),
                "released": len(released),
                "revenue_28d_of_top": round(sum(action["impact"]["revenue_28d"] for action in best), 2),
                "top": table([queue_row(action) for action in best]),
            }
        )

    return rank


def queue_row(action: dict[str, Any]) -> dict[str, Any]:
    """One line of the queue, for people."""
    return {
        "title": action["title"],
        "kind": action["kind"],
        "revenue_28d": round(action["impact"]["revenue_28d"], 2),
        "confidence": round(action["confidence"], 2),
        "score": round(action["score"], 2),
        "page": action["target"]["url"],
        "digest": action["digest"],
    }
