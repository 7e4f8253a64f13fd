"""What an approval leads to, as pages say it before and after."""

from __future__ import annotations

from growth_pipelines.actions.tasks import is_by_hand
from growth_pipelines.settings import Mode
from growth_pipelines.store.tables import Action


def leads_to(action: Action, mode: Mode, *, paused: bool) -> str:
    """A label of ``effects`` and ``awaiting``: what stops the executor first, else a task card or a write."""
    if mode == "observe":
        return mode
    if paused:
        return "paused"
    return "task" if mode == "live" and is_by_hand(action) else mode
