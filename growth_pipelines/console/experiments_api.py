"""``/api/phase7/experiments``: the register, what was read, and what the console's pages offer to do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.declaration import Declaration, Guardrail, usual_kind
from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.proposals import propose_promotion
from growth_pipelines.actions.experiments.registry import (
    create,
    experiment_page,
    find_experiment,
    must_decide,
    operator_move,
)
from growth_pipelines.console.callers import Caller, ReadsMetrics, RunsExperiments, proven_caller
from growth_pipelines.console.changes import Csrf, IdempotencyKey, IfNoneMatch, change, etag, is_among
from growth_pipelines.console.documents import problems
from growth_pipelines.console.experiment_answers import in_full, in_short
from growth_pipelines.console.experiment_documents import (
    DecisionAsked,
    DeclarationAsked,
    ExperimentChanged,
    ExperimentInFull,
    ExperimentPage,
    MoveAsked,
    PromotionAsked,
    QuestionAsked,
    Status,
    Unit,
)
from growth_pipelines.console.identity import Console, Here
from growth_pipelines.console.paging import NEXT_LINK, next_link
from growth_pipelines.console.stamps import stamp
from growth_pipelines.readouts.drawing import ask_for_start
from growth_pipelines.readouts.keeping import decide_on_kept
from growth_pipelines.store.readings import newest_readings
from growth_pipelines.store.tables import Experiment

router = APIRouter(prefix="/api/phase7/experiments", tags=["phase7"])
SCOPE = "run:experiments"
MOST = 100
_KEPT = {"cache-control": "private, no-cache", "vary": "Cookie, Authorization"}
_TAGGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is still what If-None-Match names."},
    **problems(401, 403, 404, 422),
}
_TAG = {"ETag": {"schema": {"type": "string"}}}
_CHANGES = problems(401, 403, 404, 409, 411, 413, 422)


@router.get(
    "",
    operation_id="listExperiments",
    response_model=ExperimentPage,
    responses={200: {"model": ExperimentPage, "headers": NEXT_LINK | _TAG}, **_TAGGED},
)
def experiments(
    request: Request,
    caller: ReadsMetrics,
    console: Here,
    status: Status | None = None,
    unit: Unit | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
    known: IfNoneMatch = None,
) -> Response:
    """Experiments in pages, the newest first, each with what it reads."""
    now = console.now()
    with console.store.read() as session:
        rows, following = experiment_page(session, status, unit, limit, cursor)
        kept = newest_readings(session, [row.id for row in rows])
    body = {"experiments": [in_short(row, kept.get(row.id), now) for row in rows], "next": following}
    return _tagged(request, now, body, known, next_link(request, "cursor", following))


@router.get(
    "/{key}",
    operation_id="getExperiment",
    response_model=ExperimentInFull,
    responses={200: {"model": ExperimentInFull, "headers": _TAG}, **_TAGGED},
)
def experiment(
    request: Request, caller: ReadsMetrics, console: Here, key: str, known: IfNoneMatch = None
) -> Response:
    """One experiment (by key or id): its ramp, its readings, its decision, and what happened to it."""
    now = console.now()
    with console.store.read() as session:
        body = in_full(session, find_experiment(session, key), now)
    return _tagged(request, now, body, known, {})


def _tagged(
    request: Request, now: datetime, body: dict[str, Any], known: str | None, more: dict[str, str]
) -> Response:
    tag = etag(body)
    headers = {**_KEPT, **more, "etag": tag}
    if known is not None and is_among(tag, known, weakly=True):
        return Response(status_code=304, headers=headers)
    return JSONResponse({**stamp(request, now), **body}, headers=headers)


@router.post(
    "",
    operation_id="declareExperiment",
    status_code=201,
    response_model=ExperimentChanged,
    responses=_CHANGES,
)
def declared(
    request: Request,
    caller: RunsExperiments,
    console: Here,
    asked: DeclarationAsked,
    csrf: Csrf = "",
    key: IdempotencyKey = None,
) -> Response:
    """Register a draft. What is wrong with it is in `fields` of the problem, all at once."""
    now = console.now()

    def act(session: Session, by: Caller) -> dict[str, Any]:
        row = create(
            session,
            _declaration(asked),
            shop_id=console.settings.shop.domain,
            actor=by.operator,
            channel=by.channel,
            now=now,
        )
        return {"experiment": in_short(row, None, now)}

    return change(console, request, csrf, key, asked.model_dump(mode="json"), act, scope=SCOPE, status=201)


def _declaration(asked: DeclarationAsked) -> Declaration:
    told = asked.model_dump(exclude={"arms", "guardrails", "design", "metric_kind"})
    rails = [
        Guardrail(one.metric, one.margin, one.kind or usual_kind(asked.unit, one.metric), one.increase_is_good)
        for one in asked.guardrails
    ]
    return Declaration(
        **told,
        metric_kind=asked.metric_kind or usual_kind(asked.unit, asked.primary_metric),
        arms=tuple((arm.name, arm.weight) for arm in asked.arms),
        guardrails=tuple(rails),
        design=Design(**asked.design.model_dump()),
    )


@router.post(
    "/{experiment}/move",
    operation_id="moveExperiment",
    response_model=ExperimentChanged,
    responses=_CHANGES,
)
def moved(
    request: Request,
    caller: RunsExperiments,
    console: Here,
    experiment: str,
    asked: MoveAsked,
    csrf: Csrf = "",
    key: IdempotencyKey = None,
) -> Response:
    """Pause it, let it go on or stop it, at once."""

    def act(session: Session, by: Caller, now: datetime) -> Experiment:
        return operator_move(
            session, experiment, asked.step, actor=by.operator, channel=by.channel, now=now, reason=asked.reason
        )

    return _changed(request, console, csrf, key, asked.model_dump(), act)


@router.post(
    "/{experiment}/decision",
    operation_id="decideExperiment",
    response_model=ExperimentChanged,
    responses=_CHANGES,
)
def decided(
    request: Request,
    caller: RunsExperiments,
    console: Here,
    experiment: str,
    asked: DecisionAsked,
    csrf: Csrf = "",
    key: IdempotencyKey = None,
) -> Response:
    """Freeze the reading that was looked at, once it is stopped."""

    def act(session: Session, by: Caller, now: datetime) -> Experiment:
        return decide_on_kept(
            session, experiment, asked.data_digest, actor=by.operator, channel=by.channel, now=now
        )

    return _changed(request, console, csrf, key, asked.model_dump(), act)


def _changed(
    request: Request,
    console: Console,
    csrf: str,
    key: str | None,
    asked: dict[str, Any],
    act: Callable[[Session, Caller, datetime], Experiment],
) -> Response:
    def done(session: Session, by: Caller) -> dict[str, Any]:
        now = console.now()
        row = act(session, by, now)
        return {"experiment": in_short(row, newest_readings(session, [row.id]).get(row.id), now)}

    return change(console, request, csrf, key, asked, done, scope=SCOPE)


@router.post(
    "/{experiment}/start",
    operation_id="askForStart",
    response_model=QuestionAsked,
    responses=_CHANGES,
)
def start_asked(
    request: Request, caller: RunsExperiments, console: Here, experiment: str, csrf: Csrf = ""
) -> dict[str, Any]:
    """Draw its units and ask whether it may start. Asked again, the open question is the answer."""
    return _asked(
        request,
        console,
        experiment,
        csrf,
        lambda row, now: ask_for_start(console.store, console.settings, row, now),
    )


@router.post(
    "/{experiment}/promotion",
    operation_id="askForPromotion",
    response_model=QuestionAsked,
    responses=_CHANGES,
)
def promotion_asked(
    request: Request,
    caller: RunsExperiments,
    console: Here,
    experiment: str,
    asked: PromotionAsked,
    csrf: Csrf = "",
) -> dict[str, Any]:
    """Ask whether everybody may get an arm of what is decided. Asked again, the open question is the answer."""

    def propose(row: Experiment, now: datetime) -> str:
        return propose_promotion(console.store, console.settings, row, asked.arm, now)

    return _asked(request, console, experiment, csrf, propose)


def _asked(
    request: Request, console: Console, key: str, csrf: str, propose: Callable[[Experiment, datetime], str]
) -> dict[str, Any]:
    """Put a question; an open one is met, not doubled, so it needs no Idempotency-Key."""
    now = console.now()
    with console.store.read() as session:
        by = proven_caller(session, request, csrf, SCOPE, now)
        must_decide(session, by.operator)
        row = find_experiment(session, key)
        session.expunge_all()
    return {"experiment": row.key, "action": propose(row, now)}
