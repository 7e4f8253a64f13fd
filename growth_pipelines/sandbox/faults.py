"""Planned failures: what the real APIs do on bad days, a given number of times.

A plan is a JSON list of {match, times, kind, status, retry_after, seconds, skip}. ``match`` is a part of the
path or of the GraphQL document; ``skip`` lets the first so many matching requests pass.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

KINDS = (
    "status",  # answer with this HTTP status (429 by default), with Retry-After when given
    "throttle",  # GraphQL THROTTLED at HTTP 200
    "drop",  # close the connection without an answer; nothing was done
    "broken_json",  # HTTP 200 whose body is not JSON
    "truncate",  # a body cut in the middle, then the connection closes
    "delay",  # a right answer, ``seconds`` late
    "graphql_error",  # HTTP 200 with an internal error and no data
    "crash_after_write",  # the request is carried out, then the connection drops without an answer
    "bulk_failure",  # the next bulk operation ends FAILED with partial data
)


class FaultPlanError(ValueError):
    """The plan cannot be read."""


@dataclass
class Fault:
    match: str
    kind: str
    times: int = 1
    skip: int = 0
    status: int = 429
    retry_after: float | None = None
    seconds: float = 1.0


class Faults:
    """The plan that is left."""

    def __init__(self, plan: list[dict[str, Any]]) -> None:
        self._lock = Lock()
        self._left: list[Fault] = []
        self.add(plan)

    def add(self, plan: list[dict[str, Any]]) -> None:
        """More faults, after those that are left."""
        faults = []
        for entry in plan:
            try:
                fault = Fault(**entry)
            except TypeError as error:
                raise FaultPlanError(f"fault {entry}: {error}") from error
            if fault.kind not in KINDS:
                raise FaultPlanError(f"fault {entry}: kind must be one of {', '.join(KINDS)}")
            faults.append(fault)
        with self._lock:
            self._left.extend(faults)

    def next(self, text: str) -> Fault | None:
        """The fault that hits a request whose path and body contain ``text``; each call uses one up."""
        with self._lock:
            for fault in self._left:
                if fault.match not in text:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


def read_plan(path: Path) -> list[dict[str, Any]]:
    """A fault plan from a file. Raises FaultPlanError when it is not a JSON list of objects."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FaultPlanError(f"{path}: {error}") from error
    if not isinstance(plan, list) or not all(isinstance(entry, dict) for entry in plan):
        raise FaultPlanError(f"{path}: a fault plan is a JSON list of objects")
    return plan
