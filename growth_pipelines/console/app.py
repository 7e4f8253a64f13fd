"""Puts the console together: guard, pages, API, and one way to answer every failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Scope

from growth_pipelines import __version__
from growth_pipelines.approvals.decide import DecisionRefused
from growth_pipelines.console import (
    account_pages,
    actions_api,
    api,
    bulk_api,
    cross_sell,
    login_pages,
    operator_pages,
    pages,
    text_pages,
)
from growth_pipelines.console.beacons import PUBLIC, beacon_router
from growth_pipelines.console.changes import etag
from growth_pipelines.console.documents import Problem
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.guard import SAFE_METHODS, Guard, allowed_hosts, headers_for
from growth_pipelines.console.identity import Console, NotFresh, NotSignedIn, Person, person_of, require_csrf
from growth_pipelines.console.last_seen import LastSeen
from growth_pipelines.console.proxies import TrustedProxies
from growth_pipelines.console.rate_limits import RateLimits, TooManyRequests
from growth_pipelines.console.rendering import STATIC, environment
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.telemetry import logger

_DATA_ONLY = ("/api/actions", "/api/approvals/bulk", "/api/session")


class _Assets(StaticFiles):
    """Static files; their addresses carry a hash of the content, so they may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


def create_app(settings: Settings) -> FastAPI:
    """The console of one machine. The store is migrated here if need be."""
    public = PUBLIC if settings.web_vitals.beacons else frozenset()
    app = FastAPI(
        title="Growth machine",
        version=__version__,
        description="Actions and decisions. Sign in to the console; the session's cookie is the API's as well.",
        # The document is served below, to those who may see the rest. Its interactive pages load scripts from
        # elsewhere, which the content policy forbids.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Of every route, also of those that are added later.
        dependencies=[Depends(RateLimits(settings.console, public)), Depends(require_csrf)],
    )
    store = Store.of(settings)
    app.state.console = Console(settings, store, LastSeen(store))
    app.state.templates = environment()
    for router in (
        pages.router,
        login_pages.router,
        account_pages.router,
        operator_pages.router,
        text_pages.router,
        actions_api.router,
        bulk_api.router,
        api.router,
        cross_sell.router,
    ):
        app.include_router(router)
    if settings.web_vitals.beacons:
        app.include_router(beacon_router(settings))
    app.mount("/static", _Assets(directory=STATIC), name="static")

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi(person: Person) -> JSONResponse:
        return JSONResponse(app.openapi())

    _describe(app)
    _answer_failures(app)
    app.add_middleware(Guard, hosts=allowed_hosts(settings), public=public)
    console = settings.console
    app.add_middleware(TrustedProxies, networks=console.trusted_proxies, user_header=console.proxy_user_header)
    return app


def _describe(app: FastAPI) -> None:
    """What the routes don't say by themselves: the decision's body, which is read by hand (JSON or form), how
    failures are answered, and that the session's cookie is needed."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        parts = document.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        for model in (api.Decision, Problem):
            schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        parts["securitySchemes"] = {"session": {"type": "apiKey", "in": "cookie", "name": "growth_session"}}
        document["security"] = [{"session": []}]
        return document

    app.openapi = described  # type: ignore[method-assign]


def _answer_failures(app: FastAPI) -> None:
    @app.exception_handler(NotSignedIn)
    def not_signed_in(request: Request, problem: NotSignedIn) -> Response:
        if not _wants_page(request):
            return _problem(request, 401, problem.message, problem.hint)
        path = request.url.path if request.method in SAFE_METHODS else "/"
        query = f"?{request.url.query}" if request.url.query and path == request.url.path else ""
        target = request.url_for("login").include_query_params(next=path + query)
        return RedirectResponse(f"{target.path}?{target.query}", 303)

    @app.exception_handler(NotFresh)
    async def not_fresh(request: Request, problem: NotFresh) -> Response:
        person = person_of(request)
        if person is None or not _wants_page(request):
            return _problem(request, 403, problem.message, problem.hint)
        return await login_pages.ask_again(request, person, problem.back)

    @app.exception_handler(TooManyRequests)
    def too_many(request: Request, problem: TooManyRequests) -> Response:
        headers = {"retry-after": str(problem.seconds)}
        return _failure(request, 429, problem.message, problem.hint, headers)

    @app.exception_handler(DecisionRefused)
    def refused(request: Request, problem: DecisionRefused) -> Response:
        status = status_of(problem)
        headers = {"etag": etag(problem.action)}
        return _problem(request, status, problem.message, problem.hint, headers, {"action": problem.action})

    @app.exception_handler(GrowthError)
    def expected(request: Request, problem: GrowthError) -> Response:
        return _failure(request, status_of(problem), problem.message, problem.hint)

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
        # This answer is made outside of the guard.
        response.headers.update(headers_for(request.url.scheme))
        return response


def _failure(request: Request, status: int, message: str, hint: str, headers: Any = None) -> Response:
    if not _wants_page(request):
        return _problem(request, status, message, hint, headers)
    try:
        person = person_of(request)
    except GrowthError:
        person = None
    trace_id = _trace_of(request) if status >= 500 else ""
    response = pages.page(
        request, "error.html", person, status, code=status, message=message, hint=hint, trace_id=trace_id
    )
    response.headers.update(headers or {})
    return response


def _problem(
    request: Request,
    status: int,
    message: str,
    hint: str,
    headers: Any = None,
    more: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """RFC 9457 problem details."""
    body = {"title": message, "detail": hint, "status": status, "trace_id": _trace_of(request), **(more or {})}
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)


def _trace_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("trace_id", ""))


def _wants_page(request: Request) -> bool:
    """Browsers that navigate ask for HTML; clients of the API don't, and those addresses have no pages."""
    if request.url.path.startswith(_DATA_ONLY):
        return False
    return "text/html" in request.headers.get("accept", "")
