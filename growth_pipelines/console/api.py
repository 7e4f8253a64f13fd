"""The one address where anything is decided (``POST /api/approvals/{id}/decision``), and who is signed in.

The decision takes JSON (with the session's CSRF token in ``X-CSRF-Token``) or the console's own form. A form
gets a page back: the action decided, or the action as it is now with what was typed still in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import NoSuchAction, as_document, find
from growth_pipelines.approvals.decide import (
    AlreadyDecided,
    DecisionRefused,
    DecisionRequest,
    DecisionResult,
    StaleDigest,
    decide,
    decide_in,
)
from growth_pipelines.approvals.sessions import NotFresh
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.console import views
from growth_pipelines.console.action_page import action_page
from growth_pipelines.console.approvals_api import approval_document
from growth_pipelines.console.callers import AnyCaller, Caller, Decides, proof_of
from growth_pipelines.console.changes import Csrf, IdempotencyKey, IfMatch, change, check_match, etag
from growth_pipelines.console.chosen import chosen_lists
from growth_pipelines.console.documents import Decided, SessionDocument, problems
from growth_pipelines.console.failures import BadRequest, status_of
from growth_pipelines.console.identity import Console, Here, require_person
from growth_pipelines.console.labels import label
from growth_pipelines.console.pages import Notice
from growth_pipelines.console.sent import Sent, sent
from growth_pipelines.drafts.backing import Unbacked, confirmed_note
from growth_pipelines.errors import GrowthError

router = APIRouter(prefix="/api")


class Decision(BaseModel):
    """A decision on exactly the draft that ``digest`` stands for.

    ``reason`` is needed to reject and to roll back, ``note`` to request changes and with the reason ``other``,
    ``until`` to defer, ``draft`` (only the parts that change) to edit. An edit that says what nothing here backs
    is refused with the problems and a ``confirm`` to send with it by who knows that it is so.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"decision": "approve", "digest": "9f86d081884c7d65"},
                {"decision": "reject", "digest": "9f86d081884c7d65", "reason": "tone", "note": "Too loud."},
                {"decision": "defer", "digest": "9f86d081884c7d65", "until": "2026-12-01"},
            ]
        },
    )

    decision: Literal["approve", "approve_with_edits", "edit", "request_changes", "reject", "defer", "rollback"]
    digest: str = Field(min_length=1, max_length=64, pattern="^[0-9A-Za-z]+$")
    note: str = Field("", max_length=2000)
    reason: str = Field("", max_length=2000)
    until: date | None = None
    draft: dict[str, Any] | None = None
    confirm: str = Field("", max_length=64)


@router.get(
    "/session",
    tags=["session"],
    operation_id="getSession",
    response_model=SessionDocument,
    responses=problems(401),
)
def session_now(caller: AnyCaller) -> dict[str, Any]:
    """Who calls, and the CSRF token that changes of a session need."""
    return {
        "operator": caller.operator,
        "role": caller.role,
        "channel": caller.channel,
        "scopes": sorted(caller.scopes) if caller.scopes is not None else None,
        "csrf": caller.csrf,
        "expires_at": caller.expires_at,
    }


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Decision"}}},
    },
}


@router.post(
    "/approvals/{id_or_ref}/decision",
    tags=["approvals"],
    operation_id="decide",
    response_model=Decided,
    openapi_extra=_BODY,
    responses={
        200: {"model": Decided, "headers": {"ETag": {"schema": {"type": "string"}}}},
        202: {"model": Decided, "description": "The vote is counted; more people must agree."},
        **problems(401, 403, 404, 409, 410, 411, 412, 413, 415, 422),
    },
)
def decision(
    request: Request,
    caller: Decides,
    console: Here,
    id_or_ref: str,
    body: Annotated[Sent, Depends(sent)],
    csrf: Csrf = "",
    key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """Decide. The first valid decision wins, over all channels."""
    if body.form:
        return _answer_form(request, caller, console, id_or_ref, body.fields)
    asked = _checked(body.fields)
    # Looked at before the transaction; a request that is sent again is known by what was sent, and answered first.
    vouched: Decision | Unbacked
    try:
        vouched = _vouched(console, id_or_ref, asked)
    except Unbacked as unbacked:
        vouched = unbacked

    def act(session: Session, by: Caller) -> dict[str, Any] | GrowthError:
        if isinstance(vouched, Unbacked):
            return vouched
        if if_match is not None:
            action = find(session, id_or_ref)
            request_tag = etag(approval_document(session, action, by, console.now()))
            check_match(as_document(action), if_match, request_tag)
        wanted, proof = _wanted(id_or_ref, vouched), proof_of(request, csrf)
        outcome = decide_in(session, console.settings, wanted, proof, console.now())
        return outcome if isinstance(outcome, GrowthError) else asdict(outcome)

    return change(console, request, csrf, key, asked.model_dump(mode="python"), act)


def _vouched(console: Console, id_or_ref: str, asked: Decision) -> Decision:
    """The decision with the claims of its edit that nobody backs in its note. Raises Unbacked."""
    note = confirmed_note(console.settings, console.store, id_or_ref, asked.draft, asked.confirm, asked.note)
    return asked.model_copy(update={"note": note})


def _wanted(id_or_ref: str, asked: Decision) -> DecisionRequest:
    return DecisionRequest(
        id_or_ref, asked.decision, asked.digest, asked.note, asked.reason, asked.until, asked.draft
    )


def _decide(console: Console, request: Request, id_or_ref: str, asked: Decision, csrf: str) -> DecisionResult:
    wanted, proof = _wanted(id_or_ref, asked), proof_of(request, csrf)
    return decide(console.store, console.settings, wanted, proof, console.now())


def _checked(fields: Mapping[str, Any]) -> Decision:
    try:
        return Decision.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{name}: {first['msg']}.") from error


def _answer_form(
    request: Request, caller: Caller, console: Console, id_or_ref: str, typed: Mapping[str, str]
) -> Response:
    """Decide from a form. What was typed survives a refusal; a success leads to the action's own page."""
    if caller.csrf is None:
        raise BadRequest("Forms are the console's own.", "Send JSON.", 415)
    chosen = typed.get("decision", "")
    csrf = typed.get("csrf", "")
    try:
        asked = _vouched(console, id_or_ref, _checked(_from_form(console, id_or_ref, typed)))
        result = _decide(console, request, id_or_ref, asked, csrf)
    except (NoSuchAction, NotFresh):
        raise
    except Unbacked as problem:
        return action_page(
            request,
            require_person(request),
            id_or_ref,
            notice=Notice(label("notices", "unbacked"), " ".join(problem.problems), "warn"),
            opened=chosen,
            typed=typed,
            confirm=problem.confirm,
            status=status_of(problem),
        )
    except GrowthError as problem:
        late = isinstance(problem, StaleDigest | AlreadyDecided)
        # Other hints name options of the command line; the form beside the message says the same.
        hint = problem.hint if isinstance(problem, DecisionRefused | ProofRefused) else ""
        return action_page(
            request,
            require_person(request),
            id_or_ref,
            notice=Notice(problem.message, hint, "warn" if late else "bad"),
            opened="" if late else chosen,
            typed=typed,
            status=status_of(problem),
        )
    return RedirectResponse(f"/actions/{result.action['ref']}?done={chosen}", 303)


def _from_form(console: Console, id_or_ref: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """A form's fields as a decision: empty ones left out, lines of a text as a list where the draft has one."""
    fields: dict[str, Any] = {
        name: typed[name]
        for name in ("decision", "digest", "note", "reason", "until", "confirm")
        if typed.get(name)
    }
    if fields.get("decision") in ("approve_with_edits", "edit"):
        with console.store.read() as session:
            found = find(session, id_or_ref)
        parts = {name.removeprefix("draft."): text for name, text in typed.items() if name.startswith("draft.")}
        fields["draft"] = {**views.edited_parts(found.draft, parts), **chosen_lists(found, parts)}
    return fields
