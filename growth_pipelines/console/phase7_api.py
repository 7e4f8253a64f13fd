"""``/api/phase7``: the machine as other programs watch it: status, approvals, figures. Real, or null and why."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import AwareDatetime

from growth_pipelines import __version__
from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.model import Kind, Priority
from growth_pipelines.approvals import history
from growth_pipelines.approvals.history import Past, history_page, summarize
from growth_pipelines.canonical import digest
from growth_pipelines.console.approval_documents import (
    CandidatesDocument,
    HistoryPageDocument,
    MeasuresDocument,
    RequestPage,
    StatusDocument,
)
from growth_pipelines.console.approvals_api import Cursor, Limit, request_page
from growth_pipelines.console.callers import ReadsApprovals, ReadsMetrics
from growth_pipelines.console.components import Component, listeners, programs, programs_of, streams
from growth_pipelines.console.documents import problems
from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.growth_measures import growth_measures
from growth_pipelines.console.identity import Console, Here
from growth_pipelines.console.measures import PROMETHEUS, Measure, exposition, wants_text
from growth_pipelines.console.operation_measures import operation_measures
from growth_pipelines.console.paging import NEXT_LINK, next_link
from growth_pipelines.console.stamps import stamp
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import described
from growth_pipelines.store.schema import current_revision, newest_revision
from growth_pipelines.store.tables import AuditHead

router = APIRouter(prefix="/api/phase7", tags=["phase7"])
_FILES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_TEXT = {"text/plain": {"schema": {"type": "string"}, "example": "growth_paused 0\n"}}


@router.get("/status", operation_id="getStatus", response_model=StatusDocument, responses=problems(401, 403))
def status(request: Request, caller: ReadsMetrics, console: Here) -> dict[str, Any]:
    """Which version runs with which settings, and how each part does."""
    now, settings, store = console.now(), console.settings, console.store
    with store.read() as session:
        paused, head = brake(session), session.get(AuditHead, 1)
        audit = {"seq": head.seq, "hash": head.hash} if head else None
        told = listeners(session, now)
    read, reason = _streams(console, now)
    shown = [*programs(settings, programs_of(settings), now), *told, *read]
    return {
        **stamp(request, now),
        "version": __version__,
        # Secrets are masked in it: the digest tells of them no more than whether they are set.
        "config_digest": digest({row["key"]: row["value"] for row in described(settings)}),
        "mode": settings.actions.mode,
        "paused": paused.told(settings.zone) if paused else None,
        "database": {
            "engine": store.engine,
            "schema_version": current_revision(store),
            "known_version": newest_revision(),
        },
        "audit": audit,
        "components": [one.document() for one in shown],
        "reason": reason,
    }


def _streams(console: Console, now: datetime) -> tuple[list[Component], str | None]:
    try:
        return streams(console.settings, now), None
    except GrowthError as problem:
        return [], problem.message


@router.get(
    "/approvals/pending",
    operation_id="listPendingApprovals",
    response_model=RequestPage,
    responses={200: {"model": RequestPage, "headers": NEXT_LINK}, **problems(401, 403, 422)},
)
def pending(
    request: Request,
    caller: ReadsApprovals,
    console: Here,
    kind: Kind | None = None,
    priority: Priority | None = None,
    assignee: Annotated[Literal["me"] | None, Query(description="me: only what the caller may approve")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What waits for an answer, by priority, then age."""
    tab: Literal["mine", "all"] = "mine" if assignee == "me" else "all"
    return request_page(request, caller, console, tab, kind, priority, None, limit, cursor)


def past(
    since: Annotated[AwareDatetime | None, Query(alias="from", description="ended from then on")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="ended before then")] = None,
    actor: Annotated[str | None, Query(max_length=64)] = None,
    decision: Annotated[
        Literal["approve", "approve_with_edits", "request_changes", "reject", "none"] | None,
        Query(description="none: time was over"),
    ] = None,
    channel: Annotated[str | None, Query(max_length=32)] = None,
    trace_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Past:
    """Which requests; what is left out filters nothing."""
    for name, text in (("actor", actor), ("channel", channel), ("trace_id", trace_id)):
        if text is not None and not text.isprintable():
            raise BadRequest(f"{name}: it holds control characters.")
    try:
        start, end = (None if at is None else at.astimezone(UTC) for at in (since, until))
    except OverflowError as error:
        raise BadRequest("from, to: there is no such time.") from error
    return Past(start, end, actor, decision, channel, trace_id)


@router.get(
    "/approvals/history",
    operation_id="listPastApprovals",
    response_model=HistoryPageDocument,
    responses={
        200: {
            "model": HistoryPageDocument,
            "headers": NEXT_LINK,
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        **problems(401, 403, 422),
    },
)
def ended(
    request: Request,
    caller: ReadsApprovals,
    console: Here,
    filtered: Annotated[Past, Depends(past)],
    limit: Limit = 50,
    cursor: Cursor = None,
    format: Annotated[
        Literal["json", "csv", "ndjson"] | None, Query(description="csv, ndjson: the whole list as a file")
    ] = None,
) -> Response:
    """What became of requests, the newest first; those that a newer version replaced unanswered are left out."""
    chosen = format or _accepted(request.headers.get("accept", ""))
    if chosen != "json":
        return _file(console, filtered, chosen)
    with console.store.read() as session:
        found = history_page(session, filtered, limit, cursor)
        summary = asdict(summarize(session, filtered)) if cursor is None else None
    body = {
        **stamp(request, console.now()),
        "summary": summary,
        "approvals": found.rows,
        "next": found.next,
    }
    return JSONResponse(body, headers=next_link(request, "cursor", found.next))


def _accepted(accept: str) -> str:
    kinds = [one.split(";")[0].strip() for one in accept.lower().split(",")]
    return {"text/csv": "csv", "application/x-ndjson": "ndjson"}.get(kinds[0], "json")


def _file(console: Console, filtered: Past, chosen: str) -> StreamingResponse:
    rows = history.documents(console.store, filtered)
    lines = history.as_csv(rows) if chosen == "csv" else history.as_ndjson(rows)
    name = f'attachment; filename="approvals.{chosen}"'
    return StreamingResponse(lines, media_type=_FILES[chosen], headers={"content-disposition": name})


@router.get(
    "/beta/candidates",
    operation_id="listBetaCandidates",
    response_model=CandidatesDocument,
    responses=problems(401, 403, 422),
)
def candidates(
    request: Request,
    caller: ReadsMetrics,
    console: Here,
    min_score: Annotated[float, Query(ge=0, le=1, description="only those that score higher")] = 0.8,
) -> dict[str, Any]:
    """Shops that could be invited to the beta programme."""
    return {
        **stamp(request, console.now()),
        "min_score": min_score,
        "candidates": [],
        "reason": "This machine runs no beta programme: no shop has been scored.",
    }


_MEASURES: dict[int | str, dict[str, Any]] = {
    200: {"model": MeasuresDocument, "content": _TEXT},
    **problems(401, 403),
}


@router.get(
    "/growth/metrics",
    operation_id="getGrowthMetrics",
    response_model=MeasuresDocument,
    responses=_MEASURES,
)
def growth_metrics(request: Request, caller: ReadsMetrics, console: Here) -> Response:
    """How the shop grows, with windows and ages; as JSON, or for Prometheus by `Accept: text/plain`."""
    return _measured(request, console, growth_measures(console.settings, console.store, console.now()))


@router.get("/ops/metrics", operation_id="getOpsMetrics", response_model=MeasuresDocument, responses=_MEASURES)
def ops_metrics(request: Request, caller: ReadsMetrics, console: Here) -> Response:
    """How the machine runs; as JSON, or for Prometheus by `Accept: text/plain`."""
    rows = programs_of(console.settings)
    return _measured(request, console, operation_measures(console.settings, console.store, rows, console.now()))


def _measured(request: Request, console: Console, measures: list[Measure]) -> Response:
    headers = {"vary": "Accept"}
    if wants_text(request.headers.get("accept", "")):
        return PlainTextResponse("".join(exposition(measures)), media_type=PROMETHEUS, headers=headers)
    now = console.now()
    shown = [one.document(now) for one in measures]
    return JSONResponse({**stamp(request, now), "metrics": shown}, headers=headers)
