"""What each decision does, once it is known who decides, about what, and that it still waits.

A step changes action and request by compare-and-set, writes the audit event and the outbox entry, and returns what
to tell the person. All of it is in the caller's transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from growth_pipelines.actions.authority import rollback_word
from growth_pipelines.actions.model import RejectReason
from growth_pipelines.actions.queue import as_document
from growth_pipelines.actions.tasks import is_by_hand
from growth_pipelines.actions.transitions import record, request_of, revise, transition
from growth_pipelines.approvals.answers import AlreadyDecided, NotAllowed
from growth_pipelines.approvals.case import Case, already, asked_about
from growth_pipelines.approvals.deferral import deferral
from growth_pipelines.approvals.permission import Permission, permission, votes_of, votes_that_count
from growth_pipelines.clock import local_minute
from growth_pipelines.drafts.edits import edited
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import ApprovalVote, AuditHead

REJECT_REASONS: tuple[str, ...] = get_args(RejectReason)


@dataclass(frozen=True)
class Vote:
    """An approval that was counted and leaves the question open."""

    message: str
    votes: dict[str, int]


def _answer(case: Case) -> None:
    """Write the answer on the request."""
    asked = asked_about(case)
    asked.decision, asked.decided_by, asked.decided_at = case.request.decision, case.person.name, case.now
    asked.channel, asked.reason, asked.comment = case.person.channel, case.request.reason, case.request.note
    case.session.flush()


def _step(case: Case, to_state: Any, payload: Mapping[str, Any], **changes: Any) -> None:
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
        raise already(case)
    _answer(case)


def _approve(case: Case, **payload: Any) -> str | Vote:
    until = case.now + timedelta(days=case.settings.actions.execute_within_days)
    leave = _leave(case)
    if leave.for_whom:
        payload["for"] = leave.for_whom
    if leave.have + 1 < leave.need:
        return _vote(case, leave, payload)
    if leave.need > 1:
        counted = votes_that_count(case.session, case.action, asked_about(case))
        others = [vote.audit_seq for vote in counted if vote.operator != case.person.name]
        payload |= {"quorum": leave.need, "votes": others}
    _step(case, "approved", case.told(**payload), expires_at=until)
    if leave.need > 1:
        _count(case, case.session.get_one(AuditHead, 1).seq)
    return f"{case.action.ref} is approved{_what_follows(case, until)}"


def _what_follows(case: Case, until: datetime) -> str:
    mode = case.settings.actions.mode
    if mode != "live":
        return f"; in {mode} mode nothing is written to the shop."
    if is_by_hand(case.action):
        return "; its task card with the steps to do opens next."
    return f" and will be executed by {local_minute(until, case.settings.zone)} or not at all."


def _leave(case: Case) -> Permission:
    """The permission to approve. Raises NotAllowed."""
    person = case.person
    if person.by_policy is not None:
        return Permission(True, "", 0, 1)
    leave = permission(case.session, case.action, person.name, person.role, case.now)
    if not leave.allowed:
        hint = "Save the edit without approving it." if case.request.decision == "approve_with_edits" else ""
        raise NotAllowed(leave.why, hint or "See `growth policies show`.", as_document(case.action))
    return leave


def _vote(case: Case, leave: Permission, payload: Mapping[str, Any]) -> Vote:
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
    return Vote(f"Your approval of {case.action.ref} counts; {more} more must approve it.", votes)


def _count(case: Case, audit_seq: int) -> None:
    """Keep the vote; one that the same person gave before, by a right that they had lost, ends with it."""
    asked = asked_about(case)
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


def _approve_with_edits(case: Case) -> str | Vote:
    seen, changed = case.action.digest, _edit_draft(case)
    return _approve(case, edit=changed, seen=seen)


def _edit(case: Case) -> str:
    _edit_draft(case)
    return f"{case.action.ref} is at version {case.action.version} now, with your text; it waits for a decision."


def _edit_draft(case: Case) -> list[dict[str, Any]]:
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
        raise already(case)
    return edit.changed


def _request_changes(case: Case) -> str:
    if not case.request.note.strip():
        raise GrowthError("Requesting changes needs a note that says which.", "Add --note.")
    _step(case, "changes_requested", case.told())
    return f"{case.action.ref} waits for a new draft."


def _reject(case: Case) -> str:
    check_reason(case.request.reason, case.request.note)
    _step(case, "rejected", case.told())
    return f"{case.action.ref} is rejected."


def check_reason(reason: str, note: str) -> None:
    """Raise unless this is enough to reject with."""
    if reason not in REJECT_REASONS:
        raise GrowthError("Rejecting needs a reason.", f"One of: {', '.join(REJECT_REASONS)}.")
    if reason == "other" and not note.strip():
        raise GrowthError("The reason 'other' needs a note that says which.", "Add --note.")


def _defer(case: Case) -> str:
    until = case.request.until
    back, ends = deferral(case.settings, until, case.now)
    _step(case, "deferred", case.told(until=until), deferred_until=back, expires_at=ends)
    asked = request_of(case.session, case.action)
    if asked is not None:
        # The question is put again on that day, so nobody has answered it yet.
        asked.expires_at, asked.decision = ends, None
        asked.decided_by = asked.decided_at = asked.channel = None
    return f"{case.action.ref} comes back on {until}."


def _rollback(case: Case) -> str:
    if not case.request.reason.strip():
        raise GrowthError("Rolling back needs a reason.", "Add --reason.")
    word = rollback_word(case.session, case.action)
    if word is not None and word.event == "rollback_requested":
        when = local_minute(word.at, case.settings.zone)
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


STEPS: dict[str, Callable[[Case], str | Vote]] = {
    "approve": _approve,
    "approve_with_edits": _approve_with_edits,
    "edit": _edit,
    "request_changes": _request_changes,
    "reject": _reject,
    "defer": _defer,
    "rollback": _rollback,
}
