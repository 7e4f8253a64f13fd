"""What the audit chain tells of actions and requests, and where the tables say something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import digest
from growth_pipelines.store.tables import Action, ApprovalRequest

# What may have become of a request since the answer that the chain tells of.
_SINCE = {
    "approved": {"approved", "superseded", "expired"},
    "rejected": {"rejected"},
    "changes_requested": {"superseded"},
}


@dataclass(frozen=True)
class Answer:
    """Who answered a request how, by which door; ``to`` is the state that the action came to by it."""

    decision: str
    actor: str
    channel: str
    to: str

    def __str__(self) -> str:
        return f"{self.decision} by {self.actor} ({self.channel})"


@dataclass(frozen=True)
class Told:
    """The last of each: ``states`` and ``digests`` by action, ``answers`` by (action, version).

    ``decided``: what any decision at all tells of.
    """

    states: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    decided: set[tuple[str, int]] = field(default_factory=set)

    def take(self, record: Mapping[str, Any]) -> None:
        """The next event."""
        action, version, payload = record["action_id"], record["version"], record["payload"]
        if not action:
            return
        if "to" in payload:
            self.states[action] = payload["to"]
        if record["after_digest"]:
            self.digests[action] = record["after_digest"]
        if version is None or not payload.get("decision"):
            return
        self.decided.add((action, version))
        if payload.get("from") == "pending" != payload.get("to"):
            self.answers[action, version] = Answer(
                payload["decision"], record["actor"], record["channel"], payload["to"]
            )


def action_problems(session: Session, told: Told) -> Iterator[str]:
    """Actions whose state, draft or decider is another one than the chain tells of."""
    wanted = select(
        *(Action.id, Action.ref, Action.state, Action.version, Action.digest, Action.draft, Action.target),
        *(Action.decided_by, Action.decided_channel),
    )
    for row in session.execute(wanted.execution_options(yield_per=500)):
        if told.states.get(row.id) != row.state:
            last = told.states.get(row.id, "nothing")
            yield f"action {row.ref} is {row.state}, but the last event about it tells of {last}"
        if told.digests.get(row.id, row.digest) != row.digest:
            yield f"action {row.ref} has another digest than the last event about it tells of"
        if digest({"draft": row.draft, "target": row.target, "version": row.version}) != row.digest:
            yield f"the draft of action {row.ref} is not the one that its digest is of"
        answer = told.answers.get((row.id, row.version))
        if answer and row.decided_by and (row.decided_by, row.decided_channel) != (answer.actor, answer.channel):
            by = f"{row.decided_by} ({row.decided_channel})"
            yield f"action {row.ref} was decided by {by}, but its event says {answer}"


def request_problems(session: Session, told: Told) -> Iterator[str]:
    """Answered requests of which the chain tells nothing, or something else."""
    asked = ApprovalRequest
    answered = select(
        *(asked.action_id, asked.version, asked.status, asked.decision, asked.decided_by, asked.channel)
    ).where(asked.decided_at.is_not(None))
    for row in session.execute(answered):
        about = f"request of action {row.action_id} version {row.version}"
        answer = told.answers.get((row.action_id, row.version))
        if (row.action_id, row.version) not in told.decided:
            yield f"the {row.status} {about} has no event"
        elif answer is None:
            continue
        elif (row.decision, row.decided_by, row.channel) != (answer.decision, answer.actor, answer.channel):
            yield f"the {about} says {row.decision} by {row.decided_by} ({row.channel}), but its event {answer}"
        elif row.status not in _SINCE.get(answer.to, {row.status}):
            yield f"the {about} is {row.status}, but its event says {answer}"
