"""The door to Dagster: every request under ``/dagster`` is asked who makes it and what it would change.

Dagster's server lets everyone do everything and takes changes in many shapes: GraphQL by GET, by forms with the
query in the address, reports without a body. Here is one list of what passes; all else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.console.dagster_ui.mutations import Unreadable, may_change, mutations_in
from growth_pipelines.console.dagster_ui.records import record_change
from growth_pipelines.console.dagster_ui.relay import Relay
from growth_pipelines.console.dagster_ui.upstream import Upstream
from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.guard import allowed_hosts, came_from_here
from growth_pipelines.console.identity import console_of, require_person
from growth_pipelines.defs.web_socket import PREFIX, web_socket
from growth_pipelines.settings import Settings

GRAPHQL = "/graphql"
_REPORTS = ("/report_asset_materialization/", "/report_asset_check/", "/report_asset_observation/")
# What of a question is passed on.
_QUERY = ("query", "variables", "operationName")
# They read whatever file of the machine they are asked for.
_CLOSED = ("/notebook", "/dagit")


class DagsterDoor:
    """ASGI app of everything under ``/dagster``, websocket included. Mount it inside the console."""

    def __init__(self, settings: Settings) -> None:
        self.upstream = Upstream(web_socket(settings))
        self.relay = Relay(web_socket(settings), allowed_hosts(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.relay(scope, receive, send)
            return
        request = Request(scope, receive)
        person = await run_in_threadpool(require_person, request)
        path = path_of(scope)
        _check_shape(request, path)
        if request.method == "POST":
            await self._post(request, path, person, send)
        else:
            await self.upstream.forward(request, send, body=None, may_write=False)
        # An open page asks every two seconds; what it changes is in the audit chain.
        scope["state"]["quiet"] = True

    async def _post(self, request: Request, path: str, person: SignedIn, send: Send) -> None:
        asked = await _read_json(request)
        # Several questions in one request are refused as a whole: one of them must not carry the others through.
        single = path != GRAPHQL or not isinstance(asked, list)
        if path == GRAPHQL:
            names = _mutations(asked if isinstance(asked, list) else [asked])
            allowed = may_change(person.role, names)
        else:
            asked, names = _report(asked), frozenset({path[1:]})
            allowed = person.may_decide
        if names:
            await run_in_threadpool(_record, request, person, names, refused=not (allowed and single))
        if not allowed:
            await _refusal(person, names)(request.scope, request.receive, send)
            return
        if not single:
            raise BadRequest("Dagster takes one query at a time.", status=400)
        body = {name: asked.get(name) for name in _QUERY} if path == GRAPHQL else asked
        await self.upstream.forward(request, send, body=json.dumps(body).encode(), may_write=person.may_decide)


def path_of(scope: Scope) -> str:
    """The path below the prefix, as Dagster will read it; HTTPException for one that it could read otherwise."""
    path: str = scope["path"]
    below = path.removeprefix(PREFIX) or "/"
    parts = below.split("/")[1:]
    if not path.isprintable() or "\\" in path or {".", ".."} & set(parts) or "" in parts[:-1]:
        raise HTTPException(404)
    return below


def _check_shape(request: Request, path: str) -> None:
    """Refuse what has the wrong method, comes from elsewhere, or hides what it asks."""
    if request.method not in ("GET", "HEAD", "POST"):
        raise HTTPException(405)
    headers = request.headers
    navigates = request.method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if not navigates and not (came_from_here(headers, headers["host"]) and _is_own(request)):
        raise HTTPException(403, "The request comes from another site.")
    if path.startswith(_CLOSED):
        raise HTTPException(404)
    writes = path == GRAPHQL or path.startswith(_REPORTS)
    if writes != (request.method == "POST") or path.rstrip("/") == GRAPHQL != path:
        raise HTTPException(405)
    if writes and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Changes are asked for in JSON.")


def _is_own(request: Request) -> bool:
    """Whether the page that asks, if a page does, is one of ours; browsers name it beside ``sec-fetch-site``."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers["host"]


async def _read_json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("This is no JSON.", status=400) from error


def _mutations(batch: list[Any]) -> frozenset[str]:
    """The mutations in all that is asked, in whichever document and operation; raises BadRequest."""
    try:
        return frozenset().union(*(mutations_in(one["query"]) for one in batch))
    except (KeyError, TypeError) as error:
        raise BadRequest("There is no GraphQL query in it.", status=400) from error
    except Unreadable as error:
        raise BadRequest(error.message, status=400) from error


def _report(asked: Any) -> dict[str, Any]:
    """What is reported; Dagster would read it from the address too, which is not passed on."""
    if not isinstance(asked, dict):
        raise BadRequest("A report is a JSON object.", status=400)
    return asked


def _record(request: Request, person: SignedIn, names: Iterable[str], *, refused: bool) -> None:
    console = console_of(request)
    record_change(console.store, person, names, console.now(), refused=refused)


def _refusal(person: SignedIn, names: Iterable[str]) -> JSONResponse:
    """Problem details that Dagster's pages can show too: they look for GraphQL's list of errors."""
    title = f"{person.operator} is {person.role} and may not ask for {', '.join(sorted(names))}."
    body = {"title": title, "status": 403, "data": None, "errors": [{"message": title}]}
    return JSONResponse(body, 403, media_type="application/problem+json")
