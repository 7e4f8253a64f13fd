"""Why somebody should look at an experiment now: a pure function of its row and its newest reading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from growth_pipelines.store.tables import Experiment

Look = Literal[
    "sizes_do_not_fit",
    "does_harm",
    "may_ship",
    "plan_reached",
    "days_are_over",
    "not_read",
    "to_be_decided",
]
# A reading comes with each build, and there is one a day at least.
READ_WITHIN = timedelta(hours=26)


def looks_needed(
    row: Experiment, reading: Mapping[str, Any] | None, read_at: datetime | None, now: datetime
) -> tuple[Look, ...]:
    """The reasons, the most urgent first; none for drafts and for what is decided.

    ``reading`` is the document of the newest reading, None where there is none.
    """
    if row.status not in ("running", "paused", "stopped"):
        return ()
    found: list[tuple[bool, Look]] = []
    if reading is not None:
        running = row.status != "stopped"
        found = [
            (not reading["healthy"], "sizes_do_not_fit"),
            (running and reading["status"] == "roll back", "does_harm"),
            (running and reading["status"] == "ship", "may_ship"),
            (running and reading["over"] and reading["status"] != "ship", "plan_reached"),
            (running and not reading["over"] and reading["days"] > row.planned_days, "days_are_over"),
        ]
    since = read_at or row.started_at
    found.append((since is not None and now - since > READ_WITHIN, "not_read"))
    found.append((row.status == "stopped", "to_be_decided"))
    return tuple(look for holds, look in found if holds)
