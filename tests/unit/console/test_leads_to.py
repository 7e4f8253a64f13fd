"""Before an approval a page says what it leads to, as the executor will have it."""

from __future__ import annotations

import pytest

from growth_pipelines.console.labels import all_labels
from growth_pipelines.console.leads_to import leads_to
from growth_pipelines.settings import Mode
from growth_pipelines.store.tables import Action


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize(
    ("mode", "paused", "expected"),
    [
        ("observe", False, "observe"),
        ("observe", True, "observe"),
        ("propose", True, "paused"),
        ("propose", False, "propose"),
        ("live", True, "paused"),
        ("live", False, ""),
    ],
)
def test_what_stops_the_executor_first_is_told(mode: Mode, paused: bool, expected: str, by_hand: bool) -> None:
    action = Action(diff=[{"field": "task", "change_type": "task" if by_hand else "change"}])
    told = leads_to(action, mode, paused=paused)
    assert told == (expected or ("task" if by_hand else "live"))
    assert told in all_labels()["effects"]
    assert told in all_labels()["awaiting"]
