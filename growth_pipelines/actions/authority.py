"""The executor's own proof that an action may be carried out, whatever anyone else has shown or reported.

A green check in Dagster, a launched run or a row that merely says "approved" prove nothing. What counts is an
approval request of exactly this version and digest, whose decision stands in the audit chain, by an operator
who still may decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.model import Target, action_digest
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.clock import local_minute
from growth_pipelines.policies.book import proven_version
from growth_pipelines.store.audit import is_intact
from growth_pipelines.store.tables import Action, AuditEvent, Operator

MAY_DECIDE = ("operator", "admin")
# The channel, and the actor, of what a policy decided.
POLICY = "policy"


@dataclass(frozen=True)
class Authority:
    """Whether the action may be carried out now; ``why`` says what is missing (or by whom it was approved)."""

    valid: bool
    why: str
    operator: str = ""
    channel: str = ""
    decided_at: datetime | None = None
    event_id: str = ""


def authority(
    session: Session, action: Action, now: datetime, *, zone: str = "UTC", resuming: bool = False
) -> Authority:
    """Whether ``action`` may be executed now.

    ``resuming`` accepts an action that is already executing (a run that was killed goes on): its approval counts
    even if it has meanwhile expired, since the write may have happened. ``zone``: in which it tells times.
    """
    if (paused := brake(session)) and action.state in ("approved", "executing"):
        return _no(paused.told(zone))
    return approval(session, action, now, zone=zone, resuming=resuming)


def approval(
    session: Session, action: Action, now: datetime, *, zone: str = "UTC", resuming: bool = False
) -> Authority:
    """Whether ``action`` stands approved, whatever the brake says: enough to show, not to execute."""
    states = ("approved", "executing") if resuming else ("approved",)
    if action.state not in states:
        return _no(f"it is {action.state}, not approved")
    if action_digest(action.draft, Target.model_validate(action.target), action.version) != action.digest:
        return _no("its draft is not the one that its digest stands for")
    request = request_of(session, action)
    if request is None or request.status != "approved":
        return _no(
            f"the approval request of version {action.version} is {request.status if request else 'missing'}"
        )
    if request.digest != action.digest or request.decided_by is None:
        return _no("it was approved with another draft")
    if action.state == "approved" and action.expires_at <= now:
        return _no(f"its approval expired at {local_minute(action.expires_at, zone)}")
    return _decided(session, action, "approved", request.decided_by)


def rollback_authority(session: Session, action: Action) -> Authority:
    """Whether an operator asked for ``action`` to be rolled back, and that request stands in the audit chain."""
    if action.state not in ("executed", "measured"):
        return _no(f"it is {action.state}, so there is nothing to roll back")
    word = rollback_word(session, action)
    if word is not None and word.event == "rollback_refused":
        return _no("the rollback that was asked for has been answered")
    return _decided(session, action, "rollback_requested", None)


def rollback_word(session: Session, action: Action) -> AuditEvent | None:
    """The latest word about a rollback of the action's present version: asked for, or answered with a no."""
    return session.scalar(
        select(AuditEvent)
        .where(
            AuditEvent.action_id == action.id,
            AuditEvent.version == action.version,
            AuditEvent.event.in_(("rollback_requested", "rollback_refused")),
        )
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    )


def _decided(session: Session, action: Action, event: str, decided_by: str | None) -> Authority:
    """The decision's audit event, checked, and the operator behind it, checked."""
    found = session.scalar(
        select(AuditEvent)
        .where(AuditEvent.action_id == action.id, AuditEvent.version == action.version, AuditEvent.event == event)
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    )
    if found is None:
        return _no(f"no audit event tells that version {action.version} was {event.replace('_', ' ')}")
    if not is_intact(session, found):
        return _no(f"the audit chain is broken at event {found.seq}")
    if found.after_digest != action.digest:
        return _no("the audit event is about another draft")
    if decided_by is not None and found.actor != decided_by:
        return _no(f"the request names {decided_by}, the audit event {found.actor}")
    missing = _policy_gone(session, action, found) if found.channel == POLICY else _voter_gone(session, found)
    missing = missing or _votes_missing(session, action, found)
    if missing:
        return _no(missing)
    return Authority(
        True, f"{event.replace('_', ' ')} by {found.actor}", found.actor, found.channel, found.at, found.id
    )


def _voter_gone(session: Session, told: AuditEvent) -> str:
    """Why the person of this event, or the absent one whose right they used, has no say any more; or nothing."""
    for name in filter(None, (told.actor, told.payload.get("for"))):
        operator = session.get(Operator, name)
        if operator is None or not operator.active or operator.role not in MAY_DECIDE:
            return f"{name} may not decide (any more)"
        if removed_since(session, name, told.seq):
            return f"{name} was removed after that, and what they had decided ended with it"
    return ""


def _votes_missing(session: Session, action: Action, told: AuditEvent) -> str:
    """Why the people before the last one are not as many as the quorum asks, or nothing."""
    quorum = int(told.payload.get("quorum", 1))
    voters = {told.actor}
    for seq in told.payload.get("votes", ()):
        vote = session.get(AuditEvent, seq)
        if vote is None or (vote.event, vote.action_id, vote.version) != ("voted", action.id, action.version):
            return f"event {seq} is no vote for it"
        if vote.after_digest != action.digest or not is_intact(session, vote):
            return f"the vote of event {seq} is about another draft, or the audit chain is broken there"
        if gone := _voter_gone(session, vote):
            return gone
        voters.add(vote.actor)
    return "" if len(voters) >= quorum else f"{len(voters)} of {quorum} people have approved it"


def _policy_gone(session: Session, action: Action, told: AuditEvent) -> str:
    """Why the policy that approved it proves nothing, or nothing: it was saved by an admin who still is one."""
    proven = proven_version(session, int(told.payload.get("policy_version") or 0))
    if proven is None:
        return "no intact record tells of the policy that approved it"
    book, saved_by = proven
    rule = book.automatic_for(action.kind)
    if rule is None or not rule.enabled or (rule.until is not None and told.at >= rule.until):
        return f"the policies of that version let no {action.kind} pass at that time"
    admin = session.get(Operator, saved_by)
    if admin is None or not admin.active or admin.role != "admin":
        return f"{saved_by}, whose policy approved it, is no admin any more"
    return ""


def removed_since(session: Session, operator: str, seq: int) -> bool:
    """Whether the operator was removed after event ``seq``: being added again brings no old decision back."""
    removals = session.scalars(
        select(AuditEvent).where(AuditEvent.event == "operator_removed", AuditEvent.seq > seq)
    )
    return any(removal.payload.get("operator") == operator for removal in removals)


def _no(why: str) -> Authority:
    return Authority(False, why)
