"""The queue: the ranked top of everything that waits for the operator.

Ranking, conflicts and diversity are in ``actions.queue``; this asset lets time pass over the waiting actions
(expiry, deferrals that come due) and shows the result.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import amount, table
from growth_pipelines.defs.links import action_links
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
        description="What the operator sees first: the best of all waiting actions, ranked by money, confidence "
        "and ease, never two that conflict; the last of ten places tries something out. What waited too long has "
        "expired, what was deferred until today is back.",
    )
    def rank(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
        from growth_pipelines.actions.lifecycle import expire_due, release_deferred
        from growth_pipelines.actions.queue import as_document, count_actions, top
        from growth_pipelines.approvals.automatic import approve_automatically
        from growth_pipelines.feedback.learnt import learnt
        from growth_pipelines.feedback.rankings import active_version
        from growth_pipelines.feedback.showings import show

        expired = expire_due(machine.store, machine.now)
        released = release_deferred(machine.store, machine.now)
        passed = approve_automatically(machine.store, machine.settings, machine.now)
        with machine.store.session() as session:
            known = learnt(session, machine.now)
            show(session, machine.settings.actions.top, known.rates, active_version(session), machine.now)
        with machine.store.read() as session:
            best = [as_document(action) for action in top(session, machine.settings.actions.top, machine.now)]
            pending = count_actions(session, "pending")
        currency = machine.settings.currency
        return dg.MaterializeResult(
            metadata={
                "pending": pending,
                "expired": len(expired),
                "released": len(released),
                "approved_by_policy": len(passed),
                "revenue_28d_of_top": round(sum(action["impact"]["revenue_28d"] for action in best), 2),
                **({"currency": currency} if currency else {}),
                "top": table([queue_row(action, currency) for action in best]),
                **({"open": links_of(machine, best)} if best else {}),
            }
        )

    return rank


def links_of(machine: Machine, actions: Sequence[dict[str, Any]]) -> dg.MetadataValue:
    """The actions' pages in the console."""
    return action_links(machine.settings.console_url, [(action["ref"], action["title"]) for action in actions])


def queue_row(action: dict[str, Any], currency: str) -> dict[str, Any]:
    """One line of the queue, for people: what it is and brings, and what one decides on it with."""
    impact = action["impact"]
    return {
        "ref": action["ref"],
        "title": action["title"],
        "money_28d": amount(impact["revenue_28d"], currency),
        "interval_95": f"{amount(impact['revenue_low'], '')} – {amount(impact['revenue_high'], currency)}",
        "confidence": round(action["confidence"], 2),
        "score": round(action["score"]),
        "page": urlsplit(action["target"]["url"]).path or "/",
        "digest": action["digest"],
    }
