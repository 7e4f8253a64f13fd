"""The JSON API, and the one address where anything is decided (``POST /api/approvals/{id}/decision``).

The decision takes JSON (with the session's CSRF token in ``X-CSRF-Token``) or the console's own form. A form
gets a page back: the action decided, or the action as it is now with what was typed still in place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from growth_pipelines.actions.queue import NoSuchAction, as_document, find, list_actions, top
from growth_pipelines.approvals.decide import (
    AlreadyDecided,
    DecisionRefused,
    DecisionRequest,
    DecisionResult,
    NotAllowed,
    SessionProof,
    StaleDigest,
    decide,
)
from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.console import views
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.pages import Notice, action_page
from growth_pipelines.errors import GrowthError

router = APIRouter(prefix="/api")


class Decision(BaseModel):
    """A decision on exactly the draft that ``digest`` stands for.

    ``reason`` is needed to reject and to roll back, ``note`` to request changes and with the reason ``other``,
    ``until`` to defer, ``draft`` (only the parts that change) to edit.
    """

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "approve_with_edits", "edit", "request_changes", "reject", "defer", "rollback"]
    digest: str = Field(min_length=1, max_length=64)
    note: str = Field("", max_length=2000)
    reason: str = Field("", max_length=2000)
    until: date | None = None
    draft: dict[str, Any] | None = None


class Decided(BaseModel):
    """What came of it: the action's state and its request's, and the action as it is now."""

    state: str
    request_status: str
    message: str
    action: dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A request body: fields by name, and whether they came from a form of ours."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    form: bool = False


async def sent(request: Request) -> Sent:
    """The body as JSON or as a form, whichever it says it is."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind == "application/x-www-form-urlencoded":
        entered = await request.form(max_files=0, max_fields=40)
        return Sent({name: value for name, value in entered.items() if isinstance(value, str)}, True)
    if kind != "application/json":
        raise BadRequest("The body must be JSON or a form.", "Send Content-Type: application/json.", 415)
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return Sent(body)


class BadRequest(GrowthError):
    """The request can't be understood."""

    def __init__(self, message: str, hint: str = "", status: int = 422) -> None:
        super().__init__(message, hint)
        self.status = status


@router.get("/actions", tags=["actions"])
def actions(
    person: Person,
    console: Here,
    state: str | None = None,
    kind: str | None = None,
    top_n: Annotated[int | None, Query(alias="top", ge=1, le=100)] = None,
) -> dict[str, Any]:
    """Actions, best first; with ``top`` the ranked queue that the Today page shows."""
    with console.store.read() as session:
        found = (
            top(session, top_n, console.now())
            if top_n is not None
            else list_actions(session, state=state, kind=kind)
        )
        documents = [as_document(action) for action in found]
    return {"actions": documents, "generated_at": console.now().isoformat()}


@router.get("/actions/{id_or_ref}", tags=["actions"])
def action(person: Person, console: Here, id_or_ref: str) -> dict[str, Any]:
    """One action in full."""
    with console.store.read() as session:
        return as_document(find(session, id_or_ref))


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Decision"}}},
    },
    "parameters": [
        {
            "name": "X-CSRF-Token",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "the session's token, from the `csrf` field of any form of the console",
        }
    ],
}


@router.post(
    "/approvals/{id_or_ref}/decision",
    tags=["approvals"],
    response_model=Decided,
    openapi_extra=_BODY,
    responses={
        401: {"description": "Nobody is signed in."},
        403: {"description": "The role decides nothing, or the CSRF token is of another session."},
        404: {"description": "No such action."},
        409: {"description": "Decided already, or the draft has changed: the body holds the action as it is now."},
        422: {"description": "The decision is incomplete."},
    },
)
def decision(
    request: Request, person: Person, console: Here, id_or_ref: str, body: Annotated[Sent, Depends(sent)]
) -> Response:
    """Decide. The first valid decision wins, over all channels."""
    if not body.form:
        csrf = request.headers.get("x-csrf-token", "")
        result = _decide(console, request, id_or_ref, _checked(body.fields), csrf)
        return JSONResponse(Decided.model_validate(result, from_attributes=True).model_dump(mode="json"))
    return _answer_form(request, person, console, id_or_ref, body.fields)


def _decide(console: Console, request: Request, id_or_ref: str, asked: Decision, csrf: str) -> DecisionResult:
    wanted = DecisionRequest(
        id_or_ref, asked.decision, asked.digest, asked.note, asked.reason, asked.until, asked.draft
    )
    proof = SessionProof(session_token(request), csrf)
    return decide(console.store, console.settings, wanted, proof, console.now())


def _checked(fields: Mapping[str, Any]) -> Decision:
    try:
        return Decision.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{name}: {first['msg']}.") from error


def _answer_form(
    request: Request, person: SignedIn, console: Console, id_or_ref: str, typed: Mapping[str, str]
) -> Response:
    """Decide from a form. What was typed survives a refusal; a success leads to the action's own page."""
    chosen = typed.get("decision", "")
    csrf = typed.get("csrf", "")
    try:
        asked = _checked(_from_form(console, id_or_ref, typed))
        result = _decide(console, request, id_or_ref, asked, csrf)
    except NoSuchAction:
        raise
    except GrowthError as problem:
        late = isinstance(problem, StaleDigest | AlreadyDecided)
        # Other hints name options of the command line; the form beside the message says the same.
        hint = problem.hint if isinstance(problem, DecisionRefused | ProofRefused) else ""
        return action_page(
            request,
            person,
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
        name: typed[name] for name in ("decision", "digest", "note", "reason", "until") if typed.get(name)
    }
    if fields.get("decision") == "approve_with_edits":
        with console.store.read() as session:
            draft = find(session, id_or_ref).draft
        parts = {name.removeprefix("draft."): text for name, text in typed.items() if name.startswith("draft.")}
        fields["draft"] = views.edited_parts(draft, parts)
    return fields


def status_of(problem: GrowthError) -> int:
    """The HTTP status of a refusal."""
    if isinstance(problem, BadRequest):
        return problem.status
    if isinstance(problem, NotAllowed):
        return 403
    if isinstance(problem, ProofRefused):
        return 401 if problem.flaw == "no_session" else 403
    if isinstance(problem, DecisionRefused):
        return 409
    return 404 if isinstance(problem, NoSuchAction) else 422
