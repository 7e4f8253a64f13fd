"""What the check ``approved_by_operator`` says about one recommender: a pure function, shown in Dagster.

The verdict is a display and a gate within a run. It is not the lock: the executor proves every action again by
:func:`growth_pipelines.actions.authority.authority`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from growth_pipelines.approvals.signatures import OperatorKey, examine

VerdictState = Literal[
    "no_proposal",
    "pending",
    "malformed",
    "unknown_operator",
    "bad_signature",
    "superseded",
    "expired",
    "rejected",
    "approved",
]
WAITING = ("pending", "deferred", "changes_requested")
_WAITING_SHOWN = 5
# Somebody tried to pass something off as a decision: red in every run.
FORGED = ("malformed", "unknown_operator", "bad_signature")


@dataclass(frozen=True)
class Standing:
    """Where one action of the recommender stands; ``valid`` and ``why`` say whether it is approved."""

    action_id: str
    ref: str
    state: str
    version: int
    digest: str
    valid: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """``severity`` is WARN (amber) or ERROR (red); it matters only when not ``passed``."""

    state: VerdictState
    passed: bool
    severity: Literal["WARN", "ERROR"]
    description: str
    counts: dict[str, int]
    approved: tuple[str, ...] = ()
    # The actions that it is about, by their refs: the approved ones, or the first that wait.
    refs: tuple[str, ...] = ()


def verdict(
    actions: Sequence[Standing],
    now: datetime,
    *,
    record: Any = None,
    keys: Mapping[str, OperatorKey] | None = None,
    gating: bool = False,
    zone: str = "UTC",
) -> Verdict:
    """Judge a recommender's actions and, if one came in through Dagster, the newest decision ``record``.

    Passes when at least one action is approved, not yet done, unexpired and of current digest. Amber while all
    wait; red on a malformed or forged record. ``gating`` (a run that acts) makes everything that doesn't pass
    red, so that the run stops there. ``zone``: in which it tells times.
    """
    counts = dict(sorted(Counter(action.state for action in actions).items()))
    state, description = _judged(actions, now, record, keys or {}, zone)
    passed = state == "approved"
    red = state in FORGED or (gating and not passed)
    valid = [action for action in actions if action.valid] if passed else []
    shown = valid or [action for action in actions if action.state in WAITING][:_WAITING_SHOWN]
    return Verdict(
        state,
        passed,
        "ERROR" if red else "WARN",
        description,
        counts,
        approved=tuple(action.action_id for action in valid),
        refs=tuple(action.ref for action in shown),
    )


def _judged(
    actions: Sequence[Standing], now: datetime, record: Any, keys: Mapping[str, OperatorKey], zone: str
) -> tuple[VerdictState, str]:
    if record is not None:
        flaw = _flaw_of(actions, now, record, keys, zone)
        if flaw is not None and flaw[0] in FORGED:
            return flaw
    else:
        flaw = None
    valid = [action for action in actions if action.valid]
    if valid:
        refs = ", ".join(action.ref for action in valid)
        return "approved", f"{len(valid)} approved and ready to execute: {refs}."
    if flaw is not None:
        return flaw
    return _without_approval(actions)


def _flaw_of(
    actions: Sequence[Standing], now: datetime, record: Any, keys: Mapping[str, OperatorKey], zone: str
) -> tuple[VerdictState, str] | None:
    """What is wrong with the record, or None when it is proof about one of the actions as they are now."""
    finding = examine(record, keys, now, zone)
    if finding.flaw is not None or finding.record is None:
        return finding.flaw or "malformed", f"Not accepted: {finding.why}."
    known = {action.action_id: action for action in actions}
    action = known.get(finding.record.action_id)
    if action is None:
        return "superseded", "The record is about no present draft of this recommender."
    if action.digest != finding.record.digest:
        return "superseded", f"The record decides version {finding.record.version} of {action.ref}, which is gone."
    return None


def _without_approval(actions: Sequence[Standing]) -> tuple[VerdictState, str]:
    states = Counter(action.state for action in actions)
    waiting = sum(states[state] for state in WAITING)
    if waiting:
        return "pending", f"{waiting} waiting for an operator's decision."
    blocked = [action for action in actions if action.state == "approved"]
    if blocked:
        return "expired", f"Approved, but not to be executed: {blocked[0].ref}: {blocked[0].why}."
    for state in ("rejected", "expired", "superseded"):
        if states[state]:
            return state, f"Nothing to execute: {states[state]} {state}."
    return "no_proposal", "Nothing is proposed." if not actions else "Everything proposed is done."
