"""How the API changes things: entity tags, preconditions, and keys that make a repeated request harmless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from growth_pipelines.approvals.decide import DecisionRefused
from growth_pipelines.approvals.repeats import answer_before, keep_answer, request_hash
from growth_pipelines.canonical import digest
from growth_pipelines.console.callers import Caller, proven_caller
from growth_pipelines.console.identity import Console
from growth_pipelines.errors import GrowthError

Csrf = Annotated[
    str,
    Header(alias="X-CSRF-Token", description="`csrf` of GET /api/session; programs with a token need none"),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]+$",
        description="a text of your own, new for each change: sent again within 24 hours it has the first answer",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="ETag of the action or of its approval as it was read; 412 if it has changed",
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="ETag that is known; 304 if it still holds")
]


class Changed(DecisionRefused):
    """The action is no longer what If-Match names."""


def etag(document: dict[str, Any]) -> str:
    """The strong entity tag of an action's document: its digest, version, state and all else that is shown."""
    return f'"{digest(document)[:32]}"'


def is_among(tag: str, header: str, *, weakly: bool = False) -> bool:
    """Whether a list of entity tags, or ``*``, names this one."""
    named = [one.strip() for one in header.split(",")]
    if weakly:
        named = [one.removeprefix("W/") for one in named]
    return "*" in named or tag in named


def check_match(document: dict[str, Any], if_match: str, request_tag: str = "") -> None:
    """Raise Changed unless the action, or its approval request, still is what the header names."""
    if not any(is_among(tag, if_match) for tag in (etag(document), request_tag) if tag):
        raise Changed(
            f"{document['ref']} has changed since you looked at it: it is {document['state']} "
            f"at version {document['version']} now.",
            "Look at `action` and decide again.",
            document,
        )


def change(
    console: Console,
    request: Request,
    csrf: str,
    key: str | None,
    asked: Any,
    act: Callable[[Session, Caller], dict[str, Any] | GrowthError],
    *,
    scope: str = "decide:approvals",
    status: int = 200,
) -> JSONResponse:
    """Do ``act`` in one write transaction, as who calls (a token needs ``scope``), and answer with its document
    and ``status``.

    With a key the answer is stored in that transaction, and a repetition has it again without acting. A refusal
    that ``act`` returns is raised after the commit, so that its record stays.
    """
    now = console.now()
    repeated = False
    with console.store.session() as session:
        caller = proven_caller(session, request, csrf, scope, now)
        # Bound to what is asked for, not to who asks: keys are each person's own.
        wanted = request_hash([request.method, request.url.path, request.headers.get("if-match"), asked])
        outcome: dict[str, Any] | GrowthError | None = None
        if key is not None:
            outcome = answer_before(session, caller.operator, key, wanted, now)
            repeated = outcome is not None
        if outcome is None:
            outcome = act(session, caller)
            if key is not None and isinstance(outcome, dict):
                keep_answer(session, caller.operator, key, wanted, outcome, now)
    if isinstance(outcome, GrowthError):
        raise outcome
    headers = {"idempotency-replayed": "true"} if repeated else {}
    if "action" in outcome:
        headers["etag"] = etag(outcome["action"])
    # A vote that others must add to is taken, but decides nothing yet.
    return JSONResponse(outcome, 202 if outcome.get("outcome") == "voted" else status, headers=headers)
