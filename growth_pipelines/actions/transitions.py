"""Which state may follow which, and the one way to get there: compare-and-set, with its audit event.

A transition changes the action, its approval request, the audit chain and the outbox in the caller's one
transaction. A change of the draft is a new version with a request of its own; the old request is superseded.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import FieldChange, State, Target, action_digest
from growth_pipelines.actions.terms import put_under, start_clock
from growth_pipelines.canonical import canonical_json
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.book import in_force
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, OutboxEntry

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"approved", "deferred", "changes_requested", "rejected", "expired", "superseded"}),
    "approved": frozenset({"executing", "superseded", "expired"}),
    "executing": frozenset({"executed", "pending", "failed"}),
    "executed": frozenset({"measured", "rolled_back"}),
    "measured": frozenset({"rolled_back"}),
    "deferred": frozenset({"pending", "superseded"}),
    # An answer that never came back with a new version must not block its resource for ever.
    "changes_requested": frozenset({"pending", "superseded", "expired"}),
    "rejected": frozenset(),
    "expired": frozenset(),
    "superseded": frozenset(),
    "failed": frozenset(),
    "rolled_back": frozenset(),
}
# These lead back to pending with a changed draft only: through `revise`, which makes the next version.
NEEDS_NEW_VERSION = frozenset({("executing", "pending"), ("changes_requested", "pending")})
# What a transition makes of the version's approval request; states not named here leave it as it is.
_REQUEST_STATUS = {
    "approved": "approved",
    "rejected": "rejected",
    "expired": "expired",
    "superseded": "superseded",
    "changes_requested": "superseded",
}


class IllegalTransition(GrowthError):
    """The lifecycle has no such step; nothing was changed."""


def transition(
    session: Session,
    action_id: str,
    version: int,
    from_state: State,
    to_state: State,
    *,
    actor: str,
    channel: str,
    now: datetime,
    payload: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bool:
    """Move an action on if it still is what the caller saw; False when someone else was first.

    The request row, the audit event (``payload`` plus ``from`` and ``to``) and an outbox entry
    ``action.<to_state>`` are written in the same transaction. ``changes`` sets further columns of the action.
    Raises IllegalTransition for a step that the lifecycle doesn't have.
    """
    if to_state not in TRANSITIONS[from_state] or (from_state, to_state) in NEEDS_NEW_VERSION:
        raise IllegalTransition(f"An action can't go from {from_state} to {to_state}.")
    values: dict[str, Any] = {"state": to_state, "state_at": now, "updated_at": now, **(changes or {})}
    if to_state == "executed":
        values["executed_at"] = now
    action = _compare_and_set(session, action_id, version, from_state, values)
    if action is None:
        return False
    _settle_request(session, action, to_state)
    record(session, action, to_state, actor, channel, now, before=from_state, payload=payload)
    return True


def revise(
    session: Session,
    action_id: str,
    version: int,
    from_state: State,
    *,
    draft: Mapping[str, Any],
    diff: list[dict[str, Any]],
    actor: str,
    channel: str,
    now: datetime,
    requester: str = "",
    payload: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bool:
    """Give an action its next version with another draft or diff; False when someone else was first.

    A pending action stays pending and a deferred one deferred; changes_requested and executing (the resource
    drifted) go back to pending. The old version's request is superseded and a new one is opened, so no
    decision on the old version holds. The expiry is kept unless ``changes`` sets ``expires_at``.
    """
    if from_state not in ("pending", "deferred", "changes_requested", "executing"):
        raise IllegalTransition(f"The draft of an action that is {from_state} can't be changed.")
    to_state = "deferred" if from_state == "deferred" else "pending"
    seen = session.get(Action, action_id, populate_existing=True)
    if seen is None or (seen.version, seen.state) != (version, from_state):
        return False
    before_digest = seen.digest
    plain = plain_json(draft)
    values: dict[str, Any] = {
        "version": version + 1,
        "state": to_state,
        "draft": plain,
        "diff": plain_json(diff),
        "fields": sorted({change["field"] for change in diff}),
        "digest": action_digest(plain, Target.model_validate(seen.target), version + 1),
        "updated_at": now,
        "decided_by": None,
        "decided_at": None,
        "decided_channel": None,
        **(changes or {}),
    }
    if to_state != from_state:
        values["state_at"] = now
    action = _compare_and_set(session, action_id, version, from_state, values)
    if action is None:
        return False
    _settle_request(session, action, "superseded", version)
    open_request(session, action, requester or actor, now)
    record(
        session,
        action,
        "revised",
        actor,
        channel,
        now,
        before=from_state,
        before_digest=before_digest,
        payload=payload,
    )
    return True


def open_request(session: Session, action: Action, requester: str, now: datetime) -> ApprovalRequest:
    """Put the question about the action's present version, under the terms of the policies in force."""
    request = ApprovalRequest(
        id=str(uuid.uuid4()),
        action_id=action.id,
        version=action.version,
        trace_id=action.trace_id,
        requester=requester,
        status="pending",
        digest=action.digest,
        created_at=now,
        expires_at=action.expires_at,
    )
    put_under(request, action, in_force(session), now)
    start_clock(session, request, action, now)
    session.add(request)
    session.flush()
    return request


def request_of(session: Session, action: Action) -> ApprovalRequest | None:
    """The approval request of the action's present version."""
    return session.scalar(
        select(ApprovalRequest).where(
            ApprovalRequest.action_id == action.id, ApprovalRequest.version == action.version
        )
    )


def digests_asked(session: Session, action: Action) -> list[str]:
    """The digests of the drafts that the operators were asked about, the newest first."""
    asked = select(ApprovalRequest.digest).where(ApprovalRequest.action_id == action.id)
    return list(session.scalars(asked.order_by(ApprovalRequest.version.desc())))


def record(
    session: Session,
    action: Action,
    event: str,
    actor: str,
    channel: str,
    now: datetime,
    *,
    before: str | None = None,
    before_digest: str | None = None,
    payload: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append the audit event and the outbox entry (``action.<event>``) of something that happened to an action.

    ``told`` is for the listeners of the outbox, besides what they are told of every event.
    """
    link = append_event(
        session,
        event=event,
        actor=actor,
        channel=channel,
        now=now,
        action_id=action.id,
        version=action.version,
        before_digest=before_digest or (action.digest if before else None),
        after_digest=action.digest,
        trace_id=action.trace_id,
        payload={**(payload or {}), "from": before, "to": action.state},
    )
    entry = {
        **(told or {}),
        "action_id": action.id,
        "ref": action.ref,
        "version": action.version,
        "kind": action.kind,
        "recommender": action.recommender,
        "title": action.title,
        "state": action.state,
        "digest": action.digest,
        "actor": actor,
        "channel": channel,
        "at": now.isoformat(),
        "audit_seq": link.seq,
    }
    session.add(OutboxEntry(event=f"action.{event}", payload=entry, created_at=now))
    session.flush()
    return link


def plain_json(value: Any) -> Any:
    """``value`` as it will be read back from the store: plain dicts, lists, texts and numbers."""
    return json.loads(canonical_json(value))


def changes_of(action: Action) -> list[FieldChange]:
    """The action's diff, typed."""
    return [FieldChange.model_validate(change) for change in action.diff]


def _compare_and_set(
    session: Session, action_id: str, version: int, state: str, values: Mapping[str, Any]
) -> Action | None:
    """The action with ``values`` set, or None when it no longer was at that version and state."""
    session.flush()
    statement = (
        update(Action)
        .where(Action.id == action_id, Action.version == version, Action.state == state)
        .values(**values)
        .returning(Action.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(statement) is None:
        return None
    return session.get(Action, action_id, populate_existing=True)


def _settle_request(session: Session, action: Action, to_state: str, version: int | None = None) -> None:
    status = _REQUEST_STATUS.get(to_state)
    if status is None:
        return
    session.execute(
        update(ApprovalRequest)
        .where(ApprovalRequest.action_id == action.id, ApprovalRequest.version == (version or action.version))
        .values(status=status)
    )
