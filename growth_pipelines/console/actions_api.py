"""``/api/actions``: lists, one action, exports, suppressions. Nothing is decided here."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from growth_pipelines.actions import export
from growth_pipelines.actions.listing import Filters, documents, page
from growth_pipelines.actions.model import Kind, State
from growth_pipelines.actions.queue import as_document, find, top
from growth_pipelines.actions.suppression import lift_suppression, suppressions
from growth_pipelines.actions.tasks import mark_done, open_tasks, task_document
from growth_pipelines.console.callers import Caller, Decides, ReadsActions
from growth_pipelines.console.changes import Csrf, IdempotencyKey, IfNoneMatch, change, etag, is_among
from growth_pipelines.console.documents import (
    ActionDocument,
    ActionPage,
    Done,
    Lifted,
    Suppressions,
    Task,
    Tasks,
    problems,
)
from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.identity import Here
from growth_pipelines.console.paging import NEXT_LINK, next_link

router = APIRouter(prefix="/api/actions", tags=["actions"])
MOST = 200


def filters(
    state: State | None = None,
    kind: Kind | None = None,
    subtype: Annotated[str | None, Query(max_length=64)] = None,
    target: Annotated[
        str | None, Query(max_length=2000, description="gid, URL or handle of what is changed")
    ] = None,
    created_since: Annotated[
        AwareDatetime | None, Query(description="with its zone, e.g. 2026-11-22T00:00:00Z")
    ] = None,
) -> Filters:
    """Which actions; what is left out filters nothing."""
    for name, text in (("subtype", subtype), ("target", target)):
        if text is not None and not text.isprintable():
            raise BadRequest(f"{name}: it holds control characters.")
    try:
        since = created_since.astimezone(UTC) if created_since is not None else None
    except OverflowError as error:
        raise BadRequest("created_since: there is no such time.") from error
    return Filters(state, kind, subtype, target, since)


Filtered = Annotated[Filters, Depends(filters)]


@router.get(
    "",
    operation_id="listActions",
    response_model=ActionPage,
    responses={
        200: {
            "model": ActionPage,
            "headers": NEXT_LINK,
        },
        **problems(401, 422),
    },
)
def actions(
    request: Request,
    caller: ReadsActions,
    console: Here,
    filtered: Filtered,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
    top_n: Annotated[
        int | None,
        Query(
            alias="top",
            ge=1,
            le=100,
            description="instead of pages: the N to look at first, without conflicts, varied; with state, kind",
        ),
    ] = None,
) -> Response:
    """Actions, best first, in pages; with ``top`` the ranked queue that the Today page shows."""
    following = None
    with console.store.read() as session:
        if top_n is not None:
            if cursor is not None or filtered != Filters(state=filtered.state, kind=filtered.kind):
                raise BadRequest("top: it goes with state and kind only.")
            found = top(session, top_n, console.now(), state=filtered.state, kind=filtered.kind)
        else:
            listed = page(session, filtered, limit, cursor)
            found, following = listed.actions, listed.next
        shown = [as_document(action) for action in found]
    body = {"actions": shown, "next": following, "generated_at": console.now().isoformat()}
    return JSONResponse(body, headers=next_link(request, "cursor", following))


@router.get(
    "/export",
    operation_id="exportActions",
    responses={
        200: {
            "description": "The whole list as a file.",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/ActionDocument"}}
                },
            },
        },
        **problems(401, 422),
    },
    response_class=StreamingResponse,
)
def exported(
    caller: ReadsActions,
    console: Here,
    filtered: Filtered,
    format: Annotated[Literal["csv", "json"], Query()] = "csv",
) -> StreamingResponse:
    """The list as a file, of any length. In CSV, what a spreadsheet would run has an apostrophe before it."""
    found = documents(console.store, filtered)
    lines = export.as_csv(found) if format == "csv" else export.as_json(found)
    kind = "text/csv; charset=utf-8" if format == "csv" else "application/json"
    name = f'attachment; filename="actions.{format}"'
    return StreamingResponse(lines, media_type=kind, headers={"content-disposition": name})


@router.get(
    "/suppressions",
    operation_id="listSuppressions",
    response_model=Suppressions,
    responses=problems(401),
)
def suppressed(caller: ReadsActions, console: Here) -> dict[str, Any]:
    """Where nothing of a kind is proposed any more, because one was rolled back; the newest first."""
    with console.store.read() as session:
        return {
            "suppressions": [
                {
                    "action": action.id,
                    "ref": action.ref,
                    "kind": action.kind,
                    "resource": action.resource_gid,
                    "url": action.target["url"],
                    "title": action.title,
                    "since": action.state_at,
                }
                for action in suppressions(session)
            ]
        }


@router.get(
    "/tasks",
    operation_id="listTasks",
    response_model=Tasks,
    responses=problems(401, 403),
)
def tasks(caller: ReadsActions, console: Here) -> dict[str, Any]:
    """What is still to be done by hand, the oldest first."""
    with console.store.read() as session:
        return {"tasks": [task_document(action, card) for action, card in open_tasks(session)]}


@router.post(
    "/{id_or_ref}/done",
    operation_id="markTaskDone",
    response_model=Task,
    responses=problems(401, 403, 404, 409, 411, 413, 422),
)
def done(
    request: Request,
    caller: Decides,
    console: Here,
    id_or_ref: str,
    asked: Done,
    csrf: Csrf = "",
    key: IdempotencyKey = None,
) -> Response:
    """Say that the action's work by hand was done; its outcome is measured from that day on."""

    def finish(session: Session, by: Caller) -> dict[str, Any]:
        action = find(session, id_or_ref)
        who = {"actor": by.operator, "channel": by.channel}
        card = mark_done(session, action, asked.on, now=console.now(), zone=console.settings.zone, **who)
        return task_document(action, card)

    return change(console, request, csrf, key, asked.model_dump(mode="json"), finish)


@router.post(
    "/{id_or_ref}/lift",
    operation_id="liftSuppression",
    response_model=Lifted,
    responses=problems(401, 403, 404, 409, 411, 413, 422),
)
def lifted(
    request: Request,
    caller: Decides,
    console: Here,
    id_or_ref: str,
    csrf: Csrf = "",
    key: IdempotencyKey = None,
) -> Response:
    """Let the action's kind be proposed again on its resource, although it was rolled back there."""

    def lift(session: Session, by: Caller) -> dict[str, Any]:
        action = find(session, id_or_ref)
        lift_suppression(session, action, actor=by.operator, channel=by.channel, now=console.now())
        return {"kind": action.kind, "resource": action.resource_gid}

    return change(console, request, csrf, key, {}, lift)


@router.get(
    "/{id_or_ref}",
    operation_id="getAction",
    response_model=ActionDocument,
    responses={
        200: {"model": ActionDocument, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "It is still what If-None-Match names."},
        **problems(401, 404, 422),
    },
)
def action(caller: ReadsActions, console: Here, id_or_ref: str, known: IfNoneMatch = None) -> Response:
    """One action in full, with its ETag."""
    with console.store.read() as session:
        document = as_document(find(session, id_or_ref))
    tag = etag(document)
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if known is not None and is_among(tag, known, weakly=True):
        return Response(status_code=304, headers=headers)
    return JSONResponse(document, headers=headers)
