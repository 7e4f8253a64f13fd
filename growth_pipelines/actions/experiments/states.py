"""The states of an experiment and the moves between them; pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from growth_pipelines.errors import GrowthError

Status = Literal["draft", "running", "paused", "stopped", "decided"]
Move = Literal["start", "pause", "resume", "stop", "decide"]
MOVES: dict[tuple[Status, Move], Status] = {
    ("draft", "start"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "stop"): "stopped",
    ("paused", "stop"): "stopped",
    ("stopped", "decide"): "decided",
}
# A ramp raises the share of units that take part, never the weights: nobody changes arms.
FIRST_COVERAGE = 0.1
LEAST_HOURS = timedelta(hours=24)


class NoSuchMove(GrowthError):
    """The experiment is not in a state from which this is possible."""


def after(status: Status, move: Move) -> Status:
    """The state that ``move`` leads to. Raises NoSuchMove."""
    found = MOVES.get((status, move))
    if found is None:
        possible = [name for (at, name) in MOVES if at == status]
        raise NoSuchMove(
            f"A {status} experiment can't {move}.",
            f"It can {' or '.join(possible)}." if possible else "It is over.",
        )
    return found


def ramp_due(status: str, coverage: float, goal: float, coverage_at: datetime | None, now: datetime) -> bool:
    """Whether the first step has lasted long enough for the share of units to be raised to ``goal``."""
    return status == "running" and coverage < goal and coverage_at is not None and now - coverage_at >= LEAST_HOURS
