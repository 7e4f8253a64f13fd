"""All that one decision needs, while it is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import as_document
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.answers import AlreadyDecided, TimeIsOver
from growth_pipelines.approvals.proofs import DecisionRequest, Person
from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Action, ApprovalRequest


@dataclass(frozen=True)
class Case:
    """All that one decision needs."""

    session: Session
    settings: Settings
    action: Action
    request: DecisionRequest
    person: Person
    now: datetime

    def told(self, **more: Any) -> dict[str, Any]:
        """The audit payload."""
        said = {"decision": self.request.decision, "reason": self.request.reason, "note": self.request.note}
        proof = {"proof": self.person.proof_hash} if self.person.proof_hash else {}
        return {
            **{name: text for name, text in said.items() if text},
            **proof,
            **(self.person.by_policy or {}),
            **more,
        }


def asked_about(case: Case) -> ApprovalRequest:
    """The approval request of the action's present version."""
    asked = request_of(case.session, case.action)
    if asked is None:
        raise GrowthError(f"{case.action.ref} has no approval request.", "Run `growth audit verify`.")
    return asked


def already(case: Case, *, replayed: bool = False) -> AlreadyDecided:
    """Tells the late one what happened to the action, by whom, when and where."""
    action = case.action
    what = action.state.replace("_", " ")
    if replayed:
        message = f"This signature has decided about {action.ref} before; it counts once."
    elif action.decided_by and action.decided_at:
        when = local_minute(action.decided_at, case.settings.zone)
        message = (
            f"{action.ref} was decided by {action.decided_by} at {when} ({action.decided_channel}): it is {what}."
        )
    else:
        message = f"{action.ref} is {what} since {local_minute(action.state_at, case.settings.zone)}."
    if case.request.decision == "rollback":
        hint = "Only an executed action can be rolled back."
    else:
        hint = "Only a pending action can be edited or decided."
    silent = action.state in ("expired", "rejected") and action.decided_by is None
    refusal = TimeIsOver if silent else AlreadyDecided
    return refusal(message, hint, as_document(action))
