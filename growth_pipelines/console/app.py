"""Puts the console together: guard, pages, API, and one way to answer every failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route
from starlette.types import Scope

from growth_pipelines import __version__
from growth_pipelines.actions.experiments.declaration import BadExperiment
from growth_pipelines.approvals.decide import AlreadyDecided, DecisionRefused
from growth_pipelines.approvals.sessions import NotFresh
from growth_pipelines.approvals.tokens import MissingScope
from growth_pipelines.console import (
    account_pages,
    action_page,
    actions_api,
    api,
    approval_forms,
    approval_pages,
    approvals_api,
    audit_api,
    audit_pages,
    bulk_api,
    cross_sell,
    experiment_forms,
    experiment_pages,
    experiment_plan_api,
    experiments_api,
    learning_pages,
    login_pages,
    monitoring_pages,
    operator_pages,
    outcome_pages,
    outcomes_api,
    pages,
    phase7_api,
    policy_pages,
    settings_pages,
    task_forms,
    text_pages,
)
from growth_pipelines.console.beacons import PUBLIC, beacon_router
from growth_pipelines.console.callers import AnyCaller
from growth_pipelines.console.chain_looks import ChainLooks
from growth_pipelines.console.changes import etag
from growth_pipelines.console.dagster_ui.door import DagsterDoor
from growth_pipelines.console.documents import Problem
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.guard import SAFE_METHODS, Guard, allowed_hosts, headers_for
from growth_pipelines.console.identity import FORM, Console, NotSignedIn, person_of, require_csrf
from growth_pipelines.console.kept import Kept
from growth_pipelines.console.last_seen import LastSeen
from growth_pipelines.console.plots import shown
from growth_pipelines.console.problems import problem_response, sort_of
from growth_pipelines.console.proxies import TrustedProxies
from growth_pipelines.console.rate_limits import RateLimits, TooManyRequests, counted
from growth_pipelines.console.rendering import STATIC, environment
from growth_pipelines.console.stamps import TRACE, Stamps
from growth_pipelines.console.token_use import TokenUse
from growth_pipelines.console.turns import Turns, in_turn
from growth_pipelines.console.visits import VISITS, visit_router
from growth_pipelines.defs.web_socket import PREFIX
from growth_pipelines.drafts.backing import Unbacked
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.telemetry import logger

HEALTH = "/healthz"
# Also of those that are added later. A turn ends with the route's function, not with the last byte of a stream.
_OF_EVERY_ROUTE = [Depends(counted), Depends(require_csrf), Depends(in_turn, scope="function")]


class _Assets(StaticFiles):
    """Static files; their addresses carry a hash of the content, so they may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Plots are drawn ahead, beside the first requests."""
    console: Console = app.state.console
    shown.warm(console.settings, console.store, console.now())
    yield


def create_app(settings: Settings) -> FastAPI:
    """The console of one machine. The store is migrated here if need be."""
    public = (PUBLIC if settings.web_vitals.beacons else frozenset()) | (
        VISITS if settings.experiments.visitors else frozenset()
    )
    app = FastAPI(
        title="Growth machine",
        version=__version__,
        description="Actions, decisions and figures, for console sessions and for programs with tokens.",
        # The document is served below, to those who may see the rest. Its interactive pages load scripts from
        # elsewhere, which the content policy forbids.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        dependencies=_OF_EVERY_ROUTE,
    )
    store = Store.of(settings)
    app.state.console = Console(settings, store, LastSeen(store))
    app.state.chain_looks = ChainLooks(store)
    app.state.token_use = TokenUse(store)
    app.state.returns, app.state.learnt = Kept(), Kept()
    app.state.templates = environment()
    app.state.rate_limits = RateLimits(settings.console, public)
    app.state.turns = Turns(public | {("GET", HEALTH)})
    app.router.routes += _routes().routes
    if settings.web_vitals.beacons:
        app.include_router(beacon_router(settings))
    if settings.experiments.visitors:
        app.include_router(visit_router(settings, store))
    app.mount("/static", _Assets(directory=STATIC), name="static")
    door = DagsterDoor(settings)
    app.router.routes += [Route(PREFIX, door, include_in_schema=False), Mount(PREFIX, door, name="dagster")]

    @app.get(HEALTH, include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi(caller: AnyCaller) -> JSONResponse:
        return JSONResponse(app.openapi())

    _describe(app)
    _answer_failures(app)
    app.add_middleware(Guard, hosts=allowed_hosts(settings), public=public)
    app.add_middleware(Stamps, now=app.state.console.now)
    console = settings.console
    app.add_middleware(TrustedProxies, networks=console.trusted_proxies, user_header=console.proxy_user_header)
    return app


@cache
def _routes() -> APIRouter:
    """What every console answers, whatever its settings.

    FastAPI works out a route's parameters when it is first looked at, which takes a fifth of a second for all: the
    consoles of a process share it.
    """
    shared = APIRouter(dependencies=_OF_EVERY_ROUTE)
    for router in (
        pages.router,
        action_page.router,
        approval_pages.router,
        approval_forms.router,
        policy_pages.router,
        settings_pages.router,
        audit_pages.router,
        login_pages.router,
        account_pages.router,
        operator_pages.router,
        task_forms.router,
        text_pages.router,
        monitoring_pages.router,
        outcome_pages.router,
        experiment_forms.router,
        experiment_pages.router,
        learning_pages.router,
        actions_api.router,
        bulk_api.router,
        api.router,
        approvals_api.router,
        phase7_api.router,
        outcomes_api.router,
        experiment_plan_api.router,
        experiments_api.router,
        audit_api.router,
        cross_sell.router,
    ):
        shared.include_router(router)
    return shared


def _describe(app: FastAPI) -> None:
    """What the routes don't say by themselves: the decision's body, which is read by hand (JSON or form), and how
    failures are answered."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        parts = document.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        for model in (api.Decision, Problem):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[model.__name__] = schema
        return document

    app.openapi = described  # type: ignore[method-assign]


def _answer_failures(app: FastAPI) -> None:
    @app.exception_handler(NotSignedIn)
    def not_signed_in(request: Request, problem: NotSignedIn) -> Response:
        if not _wants_page(request):
            return _problem(request, problem)
        path = request.url.path if request.method in SAFE_METHODS else "/"
        query = f"?{request.url.query}" if request.url.query and path == request.url.path else ""
        if "hx-request" in request.headers:
            # A part of a page was asked for: the whole page goes to the log-in, and comes back to where it was.
            shown = urlsplit(request.headers.get("hx-current-url", ""))
            path, query = shown.path or "/", f"?{shown.query}" if shown.query else ""
        target = request.url_for("login").include_query_params(next=path + query)
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"hx-redirect": f"{target.path}?{target.query}"})
        return RedirectResponse(f"{target.path}?{target.query}", 303)

    @app.exception_handler(NotFresh)
    async def not_fresh(request: Request, problem: NotFresh) -> Response:
        person = person_of(request)
        if person is None or not _wants_page(request):
            return _problem(request, problem)
        return await login_pages.ask_again(request, person, problem.back)

    @app.exception_handler(TooManyRequests)
    def too_many(request: Request, problem: TooManyRequests) -> Response:
        headers = {"retry-after": str(problem.seconds)}
        return _failure(request, 429, problem.message, problem.hint, headers)

    @app.exception_handler(GrowthError)
    def expected(request: Request, problem: GrowthError) -> Response:
        # The forms' own pages show what was refused; whoever asked for data gets data.
        if isinstance(problem, DecisionRefused) or not _wants_page(request):
            return _problem(request, problem)
        return _page(request, status_of(problem), problem.message, problem.hint)

    @app.exception_handler(HTTPException)
    def http(request: Request, problem: HTTPException) -> Response:
        message = {404: "There is no such page", 405: "This address takes no such request"}.get(
            problem.status_code, str(problem.detail)
        )
        return _failure(request, problem.status_code, message, "", problem.headers)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, problem: RequestValidationError) -> Response:
        first = problem.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:])
        return _failure(request, 422, f"{name}: {first['msg']}", "")

    @app.exception_handler(Exception)
    def unexpected(request: Request, problem: Exception) -> Response:
        logger("console").error("failed", path=request.url.path, exc_info=problem, trace=_trace_of(request))
        response = _failure(request, 500, "Something went wrong here", "The log says what, under the trace below.")
        # This answer is made outside of the guard and the stamps.
        response.headers.update({**headers_for(request.url.scheme), TRACE: _trace_of(request)})
        return response


def _failure(request: Request, status: int, message: str, hint: str, headers: Any = None) -> Response:
    if not _wants_page(request):
        return problem_response(status, message, hint, _trace_of(request), headers=headers)
    return _page(request, status, message, hint, headers)


def _page(request: Request, status: int, message: str, hint: str, headers: Any = None) -> Response:
    try:
        person = person_of(request)
    except GrowthError:
        person = None
    trace_id = _trace_of(request) if status >= 500 else ""
    name = "error_part.html" if "hx-request" in request.headers else "error.html"
    response = pages.page(
        request, name, person, status, code=status, message=message, hint=hint, trace_id=trace_id
    )
    response.headers.update(headers or {})
    return response


def _problem(request: Request, problem: GrowthError) -> Response:
    """A refusal, with what is known of what it is about."""
    more: dict[str, Any] = {}
    headers = {}
    if isinstance(problem, DecisionRefused):
        more["action"] = problem.action
        headers["etag"] = etag(problem.action)
    if isinstance(problem, AlreadyDecided):
        told = {"by": "decided_by", "at": "decided_at", "channel": "decided_channel", "state": "state"}
        more["decided"] = {name: problem.action[member] for name, member in told.items()}
    if isinstance(problem, MissingScope):
        more["scope"] = problem.scope
    if isinstance(problem, BadExperiment) and problem.fields:
        more["fields"] = problem.fields
    if isinstance(problem, Unbacked):
        more |= {"problems": problem.problems, "confirm": problem.confirm}
    return problem_response(
        status_of(problem),
        problem.message,
        problem.hint,
        _trace_of(request),
        sort=sort_of(problem),
        more=more,
        headers=headers,
    )


def _trace_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("trace_id", ""))


def _wants_page(request: Request) -> bool:
    """Browsers that navigate ask for HTML. The API has no pages, but for its one form: the decision's."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if request.url.path.startswith("/api/") and kind != FORM:
        return False
    return "text/html" in request.headers.get("accept", "")
