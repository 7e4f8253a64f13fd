"""``GET /api/approvals``: what waits for an answer, for whom, and one request in full. Nothing is decided here."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from growth_pipelines.actions.lifecycle import is_expired
from growth_pipelines.actions.model import Kind, Priority
from growth_pipelines.actions.queue import NoSuchAction, as_document, find
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.inbox import Entry, Tab, inbox
from growth_pipelines.approvals.permission import Permission, permission, votes_of
from growth_pipelines.console.approval_documents import ApprovalDocument, RequestPage
from growth_pipelines.console.callers import Caller, ReadsApprovals
from growth_pipelines.console.changes import IfNoneMatch, etag, is_among
from growth_pipelines.console.documents import problems
from growth_pipelines.console.identity import Console, Here
from growth_pipelines.console.paging import NEXT_LINK, next_link
from growth_pipelines.console.stamps import stamp
from growth_pipelines.store.tables import Action, ApprovalRequest

router = APIRouter(prefix="/api/approvals", tags=["approvals"])
MOST = 100
Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]


@router.get(
    "",
    operation_id="listApprovals",
    response_model=RequestPage,
    responses={200: {"model": RequestPage, "headers": NEXT_LINK}, **problems(401, 403, 422)},
)
def approvals(
    request: Request,
    caller: ReadsApprovals,
    console: Here,
    tab: Annotated[Tab, Query(description="mine: what the caller may approve; expiring: within 24 hours")] = "all",
    kind: Kind | None = None,
    priority: Priority | None = None,
    risk: Literal["low", "medium", "high"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Requests in pages: those that wait by priority, then age; decided ones the newest first."""
    return request_page(request, caller, console, tab, kind, priority, risk, limit, cursor)


def request_page(
    request: Request,
    caller: Caller,
    console: Console,
    tab: Tab,
    kind: str | None,
    priority: str | None,
    risk: str | None,
    limit: int,
    cursor: str | None,
) -> Response:
    """A page of one of the lists, as the caller sees it."""
    now = console.now()
    with console.store.read() as session:
        found = inbox(
            session,
            tab,
            caller.operator,
            caller.role,
            now,
            kind=kind or "",
            risk=risk or "",
            priority=priority or "",
            after=cursor,
            limit=limit,
        )
        shown = [_shown(session, entry, caller, now) for entry in found.entries]
    body = {**stamp(request, now), "approvals": shown, "next": found.next}
    return JSONResponse(body, headers=next_link(request, "cursor", found.next))


def _shown(session: Session, entry: Entry, caller: Caller, now: datetime) -> dict[str, Any]:
    allowed = _permission(session, entry.action, entry.request, caller, now)
    return _request_document(entry.action, entry.request, allowed, entry.voted, now)


def _permission(
    session: Session, action: Action, asked: ApprovalRequest, caller: Caller, now: datetime
) -> Permission:
    """Whether the caller may approve now; what is answered or over, nobody may."""
    found = permission(session, action, caller.operator, caller.role, now)
    state = "expired" if is_expired(action, now) else action.state.replace("_", " ")
    if asked.status != "pending" or state != "pending" or asked.version != action.version:
        return Permission(False, f"{action.ref} is {state}.", found.have, found.need)
    return found


def _request_document(
    action: Action, asked: ApprovalRequest, allowed: Permission, voted: bool, now: datetime
) -> dict[str, Any]:
    waits = asked.status == "pending" and asked.expires_at > now
    return {
        "request": asked.id,
        "action": action.id,
        "ref": action.ref,
        "version": asked.version,
        "trace_id": asked.trace_id,
        "kind": action.kind,
        "title": action.title,
        "priority": asked.priority,
        "risk": action.risk_tier,
        "digest": asked.digest,
        "requester": asked.requester,
        "status": asked.status,
        "created_at": asked.created_at.isoformat(),
        "remind_at": asked.remind_at.isoformat() if asked.remind_at else None,
        "due_at": asked.due_at.isoformat(),
        "expires_at": asked.expires_at.isoformat(),
        "seconds_left": int((asked.expires_at - now).total_seconds()) if waits else None,
        "votes": {"have": allowed.have, "need": allowed.need},
        "voted": voted,
        "can_decide": allowed.allowed,
        "why_not": allowed.why or None,
        "decision": asked.decision,
        "decided_by": asked.decided_by,
        "decided_at": asked.decided_at.isoformat() if asked.decided_at else None,
        "channel": asked.channel,
    }


@router.get(
    "/{id_or_ref}",
    operation_id="getApproval",
    response_model=ApprovalDocument,
    responses={
        200: {"model": ApprovalDocument, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "It is still what If-None-Match names."},
        **problems(401, 403, 404, 422),
    },
)
def approval(
    request: Request, caller: ReadsApprovals, console: Here, id_or_ref: str, known: IfNoneMatch = None
) -> Response:
    """The request about an action's present version (named by the action's id or ref): the terms, the votes, and
    whether the caller may approve. With its ETag, which a decision takes in If-Match."""
    now = console.now()
    with console.store.read() as session:
        document = approval_document(session, find(session, id_or_ref), caller, now)
    tag = etag(document)
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "Cookie, Authorization"}
    if known is not None and is_among(tag, known, weakly=True):
        return Response(status_code=304, headers=headers)
    expires = datetime.fromisoformat(document["request"]["expires_at"])
    if document["request"]["status"] == "pending" and expires > now:
        document["request"]["seconds_left"] = int((expires - now).total_seconds())
    return JSONResponse({**stamp(request, now), **document}, headers=headers)


def approval_document(session: Session, action: Action, caller: Caller, now: datetime) -> dict[str, Any]:
    """The request in full, but for what time alone changes: its entity tag is of this."""
    asked = request_of(session, action)
    if asked is None:
        raise NoSuchAction(f"{action.ref} has no approval request.", "Run `growth audit verify`.")
    votes = votes_of(session, asked)
    allowed = _permission(session, action, asked, caller, now)
    voted = any(vote.operator == caller.operator for vote in votes)
    terms = terms_of(asked)
    request = _request_document(action, asked, allowed, voted, now)
    return {
        "request": {**request, "seconds_left": None},
        "terms": {
            "roles": list(terms.roles),
            "approvers": list(terms.approvers),
            "quorum": terms.quorum,
            "four_eyes": terms.four_eyes,
            "escalate_to": terms.escalate_to,
            "at_the_end": terms.at_the_end,
        },
        "policy_version": asked.policy_version,
        "votes": [
            {"operator": vote.operator, "channel": vote.channel, "note": vote.note, "at": vote.at.isoformat()}
            for vote in votes
        ],
        "permission": asdict(allowed),
        "action": as_document(action),
    }
