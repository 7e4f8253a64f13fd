"""Executed actions and what was read of them, as the store keeps it."""

from __future__ import annotations

from typing import Any

from growth_pipelines.actions.model import ActionDraft, State
from growth_pipelines.actions.transitions import transition
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from tests.drafts import NOW, seo_draft, submitted


def executed(store: Store, number: int = 1, draft: ActionDraft | None = None) -> Action:
    """An action that a policy let pass and that was carried out, all at once."""
    [action] = submitted(store, draft or seo_draft(number))
    steps: list[tuple[State, State]] = [
        ("pending", "approved"),
        ("approved", "executing"),
        ("executing", "executed"),
    ]
    for begin, end in steps:
        with store.session() as session:
            changes = {"decided_channel": "policy", "decided_at": NOW}
            assert transition(
                session, action.id, 1, begin, end, actor="ada", channel="console", now=NOW, changes=changes
            )
    return action


def outcome_row(
    action: Action, horizon: int, effect: float | None, judged: str | None, **more: Any
) -> dict[str, Any]:
    """A row of ``action_outcomes``, ±5 around its effect."""
    return {
        "action_id": action.id,
        "metric": "clicks",
        "horizon_days": horizon,
        "slug": "seo_ctr-p-20261122",
        "is_promised": True,
        "skipped": "",
        "outcome_class": judged,
        "baseline": 100.0,
        "observed": 100.0,
        "counterfactual": 100.0,
        "effect": effect,
        "effect_low": None if effect is None else effect - 5,
        "effect_high": None if effect is None else effect + 5,
        "shared_error": 1.0,
        "estimate": 40.0,
        "controls": 60,
        "is_overlapping": False,
        "days": {},
        **more,
    }
