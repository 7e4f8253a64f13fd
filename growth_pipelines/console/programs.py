"""What the supervisor last said of the programs. Nobody is asked over the network: a page never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from growth_pipelines.settings import Settings


@dataclass(frozen=True)
class ProgramState:
    """One program: its state, since when (as the supervisor wrote it), and how often it was started again."""

    name: str
    state: str
    since: str
    restarts: int


def program_states(settings: Settings) -> list[ProgramState]:
    """Every program that the supervisor keeps; none where the console runs on its own."""
    from growth_pipelines.commands.serve import state_file
    from growth_pipelines.commands.supervision import birth, running

    document: dict[str, Any] = running(state_file(settings)) or {"programs": {}}
    found = []
    for name, known in document["programs"].items():
        alive = bool(known.get("birth")) and birth(known["pid"]) == known["birth"]
        state = known.get("state", "stopped") if alive else "dead"
        found.append(ProgramState(name, state, str(known.get("since", "")), int(known.get("restarts", 0))))
    return found
