"""The one way to decide, for every channel: console, command line, Dagster, and those that follow.

A decision is one transaction: who decides is proved, the action and its request change by compare-and-set, the
audit event and the outbox entry are written; or nothing happens and the refusal itself is on record.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE, rollback_word
from growth_pipelines.actions.lifecycle import expire, is_expired, release
from growth_pipelines.actions.model import RejectReason
from growth_pipelines.actions.queue import as_document, find
from growth_pipelines.actions.transitions import record, request_of, revise, transition
from growth_pipelines.approvals.deferral import deferral
from growth_pipelines.approvals.permission import Permission, permission, votes_of, votes_that_count
from growth_pipelines.approvals.proofs import DecisionRequest, Person, Proof, SessionProof, SignatureProof
from growth_pipelines.canonical import canonical_json
from growth_pipelines.drafts.edits import edited
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, ApprovalVote, AuditHead, UsedProof
from growth_pipelines.telemetry import logger

__all__ = [
    "REJECT_REASONS",
    "AlreadyDecided",
    "DecisionRefused",
    "DecisionRequest",
    "DecisionResult",
    "NotAllowed",
    "Proof",
    "SessionProof",
    "SignatureProof",
    "StaleDigest",
    "TimeIsOver",
    "decide",
    "decide_in",
]

REJECT_REASONS: tuple[str, ...] = get_args(RejectReason)
_LONGEST_ID, _LONGEST_WHY = 64, 500


@dataclass(frozen=True)
class DecisionResult:
    """What the action is now; ``message`` is for the person, ``action`` the document that everyone shows.

    ``outcome`` is ``voted`` when the approval was counted but more people must agree; ``votes`` says how many of
    how many have, where policies ask for several.
    """

    state: str
    request_status: str
    message: str
    action: dict[str, Any]
    outcome: Literal["decided", "voted"] = "decided"
    votes: dict[str, int] | None = None


class DecisionRefused(GrowthError):
    """The decision was understood and refused; nothing changed. ``action`` is the action as it is now."""

    def __init__(self, message: str, hint: str, action: dict[str, Any]) -> None:
        super().__init__(message, hint)
        self.action = action


class StaleDigest(DecisionRefused):
    """The action has changed since it was looked at."""


class AlreadyDecided(DecisionRefused):
    """Someone was first, or time was over; the message tells who, when and through which channel."""


class TimeIsOver(AlreadyDecided):
    """The action expired before anyone decided; nothing can be decided about it any more."""


class NotAllowed(DecisionRefused):
    """The person is known, but may not decide this: their role, the policies or four eyes say so."""


@dataclass(frozen=True)
class _Vote:
    """An approval that was counted and leaves the question open."""

    message: str
    votes: dict[str, int]


@dataclass(frozen=True)
class _Case:
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


def decide(
    store: Store,
    settings: Settings,
    request: DecisionRequest,
    proof: Proof,
    now: datetime,
) -> DecisionResult:
    """Decide. The first valid decision wins; the others raise AlreadyDecided.

    Raises ProofRefused (nobody proved to decide), NotAllowed, StaleDigest, AlreadyDecided, NoSuchAction, or a
    GrowthError that says what is missing. Refusals are on record too.
    """
    with store.session() as session:
        outcome = decide_in(session, settings, request, proof, now)
    if isinstance(outcome, GrowthError):
        raise outcome
    return outcome


def decide_in(
    session: Session,
    settings: Settings,
    request: DecisionRequest,
    proof: Proof,
    now: datetime,
) -> DecisionResult | GrowthError:
    """The same within the caller's write transaction: what must be stored with the decision, or several at once.

    A refusal is returned, not raised: its record is in the transaction, which the caller commits.
    """
    person: Person | None = None
    try:
        person = proof.prove(session, request, now)
        action = find(session, request.action)
        _catch_up(session, action, now)
        case = _Case(session, settings, action, request, person, now)
        with session.begin_nested():
            return _decide(case)
    except GrowthError as error:
        if isinstance(error, DecisionRefused):
            # An edit that may not be approved is undone: what is told is the action without it.
            error.action = as_document(session.get_one(Action, error.action["id"], populate_existing=True))
        _note_refusal(session, request, proof, person, error, now)
        return error


def _catch_up(session: Session, action: Action, now: datetime) -> None:
    """Store what time has already done, so that a late sweep changes no decision."""
    if action.state == "deferred" and action.deferred_until is not None and action.deferred_until <= now:
        release(session, action, now)
    if is_expired(action, now):
        expire(session, action, now)


def _note_refusal(
    session: Session,
    request: DecisionRequest,
    proof: Proof,
    person: Person | None,
    error: GrowthError,
    now: datetime,
) -> None:
    """Refusals of known people go on record; strangers are only logged where the channel lets anybody knock."""
    channel = person.channel if person else proof.channel
    logger("approvals").info("decision refused", decision=request.decision, channel=channel, why=error.message)
    if person is None and not proof.records_strangers:
        return
    action = error.action if isinstance(error, DecisionRefused) else None
    append_event(
        session,
        event="decision_refused",
        actor=person.name if person else "unknown",
        channel=channel,
        now=now,
        action_id=action["id"] if action else None,
        version=action["version"] if action else None,
        after_digest=action["digest"] if action else None,
        payload={
            "asked": request.decision,
            # As they were sent, which may be anything; the chain keeps it for ever.
            "action": request.action[:_LONGEST_ID],
            "digest": request.digest[:_LONGEST_ID],
            "why": error.message[:_LONGEST_WHY],
        },
    )


def _decide(case: _Case) -> DecisionResult:
    action, request = case.action, case.request
    if case.person.by_policy is None and case.person.role not in MAY_DECIDE:
        raise NotAllowed(
            f"{case.person.name} is a {case.person.role}, who may look but not decide.",
            "Ask an operator or admin.",
            as_document(action),
        )
    check_texts([request.note, request.reason, request.draft])
    open_for = ("executed", "measured") if request.decision == "rollback" else ("pending",)
    if action.state not in open_for:
        raise _already(case)
    if case.person.proof_hash and case.session.get(UsedProof, case.person.proof_hash):
        raise _already(case, replayed=True)
    if request.digest != action.digest:
        raise StaleDigest(
            f"{action.ref} has changed since you looked at it: it is at version {action.version} now.",
            "Look at the current draft and decide again.",
            as_document(action),
        )
    done = _STEPS[request.decision](case)
    if case.person.proof_hash:
        case.session.add(UsedProof(proof_hash=case.person.proof_hash, action_id=action.id, used_at=case.now))
        case.session.flush()
    asked = request_of(case.session, action)
    status = asked.status if asked else ""
    document = as_document(action)
    if isinstance(done, _Vote):
        return DecisionResult(action.state, status, done.message, document, "voted", done.votes)
    return DecisionResult(action.state, status, done, document)


def check_texts(said: Any) -> None:
    """Refuse what the store and the shop can't hold: NUL characters, half characters, numbers without end."""
    try:
        text = canonical_json(said)
        text.encode()
    except (TypeError, ValueError):
        text = "\\u0000"
    if "\\u0000" in text:
        raise GrowthError("The decision holds something that is no text.", "Type it again, in plain characters.")


def _already(case: _Case, *, replayed: bool = False) -> AlreadyDecided:
    """Tells the late one what happened to the action, by whom, when and where."""
    action = case.action
    what = action.state.replace("_", " ")
    if replayed:
        message = f"This signature has decided about {action.ref} before; it counts once."
    elif action.decided_by and action.decided_at:
        when = f"{action.decided_at:%Y-%m-%d %H:%M} UTC"
        message = (
            f"{action.ref} was decided by {action.decided_by} at {when} ({action.decided_channel}): it is {what}."
        )
    else:
        message = f"{action.ref} is {what} since {action.state_at:%Y-%m-%d %H:%M} UTC."
    if case.request.decision == "rollback":
        hint = "Only an executed action can be rolled back."
    else:
        hint = "Only a pending action can be edited or decided."
    silent = action.state in ("expired", "rejected") and action.decided_by is None
    refusal = TimeIsOver if silent else AlreadyDecided
    return refusal(message, hint, as_document(action))


def _asked(case: _Case) -> ApprovalRequest:
    """The approval request of the action's present version."""
    asked = request_of(case.session, case.action)
    if asked is None:
        raise GrowthError(f"{case.action.ref} has no approval request.", "Run `growth audit verify`.")
    return asked


def _answer(case: _Case) -> None:
    """Write the answer on the request."""
    asked = _asked(case)
    asked.decision, asked.decided_by, asked.decided_at = case.request.decision, case.person.name, case.now
    asked.channel, asked.reason, asked.comment = case.person.channel, case.request.reason, case.request.note
    case.session.flush()


def _step(case: _Case, to_state: Any, payload: Mapping[str, Any], **changes: Any) -> None:
    moved = transition(
        case.session,
        case.action.id,
        case.action.version,
        "pending",
        to_state,
        actor=case.person.name,
        channel=case.person.channel,
        now=case.now,
        payload=payload,
        changes={
            "decided_by": case.person.name,
            "decided_at": case.now,
            "decided_channel": case.person.channel,
            **changes,
        },
    )
    if not moved:
        raise _already(case)
    _answer(case)


def _approve(case: _Case, **payload: Any) -> str | _Vote:
    until = case.now + timedelta(days=case.settings.actions.execute_within_days)
    leave = _leave(case)
    if leave.for_whom:
        payload["for"] = leave.for_whom
    if leave.have + 1 < leave.need:
        return _vote(case, leave, payload)
    if leave.need > 1:
        counted = votes_that_count(case.session, case.action, _asked(case))
        others = [vote.audit_seq for vote in counted if vote.operator != case.person.name]
        payload |= {"quorum": leave.need, "votes": others}
    _step(case, "approved", case.told(**payload), expires_at=until)
    if leave.need > 1:
        _count(case, case.session.get_one(AuditHead, 1).seq)
    mode = case.settings.actions.mode
    if mode != "live":
        return f"{case.action.ref} is approved; in {mode} mode nothing is written to the shop."
    return f"{case.action.ref} is approved and will be executed by {until:%Y-%m-%d %H:%M} UTC or not at all."


def _leave(case: _Case) -> Permission:
    """The permission to approve. Raises NotAllowed."""
    person = case.person
    if person.by_policy is not None:
        return Permission(True, "", 0, 1)
    leave = permission(case.session, case.action, person.name, person.role, case.now)
    if not leave.allowed:
        hint = "Save the edit without approving it." if case.request.decision == "approve_with_edits" else ""
        raise NotAllowed(leave.why, hint or "See `growth policies show`.", as_document(case.action))
    return leave


def _vote(case: _Case, leave: Permission, payload: Mapping[str, Any]) -> _Vote:
    """Count an approval that is not the last one needed."""
    votes = {"have": leave.have + 1, "need": leave.need}
    link = record(
        case.session,
        case.action,
        "voted",
        case.person.name,
        case.person.channel,
        case.now,
        before=case.action.state,
        payload=case.told(**payload, **votes),
    )
    _count(case, link.seq)
    more = leave.need - votes["have"]
    return _Vote(f"Your approval of {case.action.ref} counts; {more} more must approve it.", votes)


def _count(case: _Case, audit_seq: int) -> None:
    """Keep the vote; one that the same person gave before, by a right that they had lost, ends with it."""
    asked = _asked(case)
    for vote in votes_of(case.session, asked):
        if vote.operator == case.person.name:
            case.session.delete(vote)
    case.session.flush()
    case.session.add(
        ApprovalVote(
            id=str(uuid.uuid4()),
            request_id=asked.id,
            operator=case.person.name,
            digest=case.action.digest,
            channel=case.person.channel,
            note=case.request.note,
            at=case.now,
            audit_seq=audit_seq,
        )
    )
    case.session.flush()


def _approve_with_edits(case: _Case) -> str | _Vote:
    seen, changed = case.action.digest, _edit_draft(case)
    return _approve(case, edit=changed, seen=seen)


def _edit(case: _Case) -> str:
    _edit_draft(case)
    return f"{case.action.ref} is at version {case.action.version} now, with your text; it waits for a decision."


def _edit_draft(case: _Case) -> list[dict[str, Any]]:
    """Make the operator's text the action's next version; the edit itself is kept. No change, no version."""
    if case.request.draft is None:
        raise GrowthError("An edit needs the edited draft.", "Give it with --file.")
    edit, said = edited(case.action, case.request.draft), case.request.note
    if not edit.changed:
        return []
    revised = revise(
        case.session,
        case.action.id,
        case.action.version,
        "pending",
        draft=edit.draft,
        diff=edit.diff,
        actor=case.person.name,
        channel=case.person.channel,
        now=case.now,
        # A decision tells its note itself; an edit that waits for one has no other record.
        payload={"edit": edit.changed, **({"note": said} if said and case.request.decision == "edit" else {})},
    )
    if not revised:
        raise _already(case)
    return edit.changed


def _request_changes(case: _Case) -> str:
    if not case.request.note.strip():
        raise GrowthError("Requesting changes needs a note that says which.", "Add --note.")
    _step(case, "changes_requested", case.told())
    return f"{case.action.ref} waits for a new draft."


def _reject(case: _Case) -> str:
    check_reason(case.request.reason, case.request.note)
    _step(case, "rejected", case.told())
    return f"{case.action.ref} is rejected."


def check_reason(reason: str, note: str) -> None:
    """Raise unless this is enough to reject with."""
    if reason not in REJECT_REASONS:
        raise GrowthError("Rejecting needs a reason.", f"One of: {', '.join(REJECT_REASONS)}.")
    if reason == "other" and not note.strip():
        raise GrowthError("The reason 'other' needs a note that says which.", "Add --note.")


def _defer(case: _Case) -> str:
    until = case.request.until
    back, ends = deferral(case.settings, until, case.now)
    _step(case, "deferred", case.told(until=until), deferred_until=back, expires_at=ends)
    asked = request_of(case.session, case.action)
    if asked is not None:
        # The question is put again on that day, so nobody has answered it yet.
        asked.expires_at, asked.decision = ends, None
        asked.decided_by = asked.decided_at = asked.channel = None
    return f"{case.action.ref} comes back on {until}."


def _rollback(case: _Case) -> str:
    if not case.request.reason.strip():
        raise GrowthError("Rolling back needs a reason.", "Add --reason.")
    word = rollback_word(case.session, case.action)
    if word is not None and word.event == "rollback_requested":
        when = f"{word.at:%Y-%m-%d %H:%M} UTC"
        told = f"{word.actor} asked for that at {when} ({word.channel}); {case.action.ref} is being rolled back."
        raise AlreadyDecided(told, "One request is enough.", as_document(case.action))
    record(
        case.session,
        case.action,
        "rollback_requested",
        case.person.name,
        case.person.channel,
        case.now,
        before=case.action.state,
        payload=case.told(),
    )
    return f"{case.action.ref} will be rolled back."


_STEPS: dict[str, Callable[[_Case], str | _Vote]] = {
    "approve": _approve,
    "approve_with_edits": _approve_with_edits,
    "edit": _edit,
    "request_changes": _request_changes,
    "reject": _reject,
    "defer": _defer,
    "rollback": _rollback,
}
