"""Dagster's websocket, through which its pages hear of events: passed on message by message, never to change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.console.dagster_ui.mutations import Unreadable, mutations_in
from growth_pipelines.console.dagster_ui.records import record_change
from growth_pipelines.console.guard import host_name
from growth_pipelines.console.identity import console_of, person_of
from growth_pipelines.defs.web_socket import PREFIX
from growth_pipelines.errors import GrowthError
from growth_pipelines.telemetry import logger

PROTOCOL = "graphql-ws"
_PATH = f"{PREFIX}/graphql"
_PASSED = ("connection_init", "connection_terminate", "start", "stop")
_LONGEST, _LONGEST_ANSWER = 256 * 1024, 64 * 1024 * 1024
# How soon a browser that was signed out stops hearing.
_SESSION_SECONDS = 20.0
_REFUSED, _TOO_BIG, _DOWN = 1008, 1009, 1011
_log = logger("console")


class Relay:
    """ASGI app for the websocket; it is refused before it is accepted where it is not one of ours."""

    def __init__(self, socket: Path, hosts: Collection[str]) -> None:
        self.socket = socket
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        person = await run_in_threadpool(_person, scope)
        if why := self._refusal(websocket, person):
            _log.info("websocket refused", path=scope["path"], why=why)
            await websocket.close(_REFUSED)
            return
        assert person is not None
        try:
            dagster = await unix_connect(
                str(self.socket),
                f"ws://dagster{_PATH}",
                subprotocols=[Subprotocol(PROTOCOL)],
                compression=None,
                open_timeout=5,
                max_size=_LONGEST_ANSWER,
            )
        except (OSError, WebSocketException):
            await websocket.close(_DOWN)
            return
        async with dagster:
            await websocket.accept(PROTOCOL)
            parts = _to_dagster(websocket, dagster, person), _to_browser(dagster, websocket), _watch(scope)
            code = await _first_of(*parts)
        if websocket.client_state.name == "CONNECTED":
            await websocket.close(code)

    def _refusal(self, websocket: WebSocket, person: SignedIn | None) -> str:
        host = websocket.headers.get("host", "")
        origin = websocket.headers.get("origin")
        if host_name(host) not in self.hosts:
            return "foreign host"
        if origin is not None and urlsplit(origin).netloc != host:
            return "foreign origin"
        if person is None:
            return "nobody is signed in"
        if websocket.scope["path"] != _PATH or PROTOCOL not in websocket.scope["subprotocols"]:
            return "not Dagster's"
        return ""


def _as_request(scope: Scope) -> Request:
    scheme = "https" if scope["scheme"] == "wss" else "http"
    return Request({**scope, "type": "http", "method": "GET", "scheme": scheme})


def _person(scope: Scope) -> SignedIn | None:
    try:
        return person_of(_as_request(scope))
    except GrowthError:
        return None


async def _first_of(*parts: Coroutine[Any, Any, int]) -> int:
    """The close code of the part that ends first; the others are ended with it."""
    tasks = [asyncio.create_task(part) for part in parts]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    return next(iter(done)).result()


async def _to_dagster(websocket: WebSocket, dagster: ClientConnection, person: SignedIn) -> int:
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return 1000
            text = message.get("text")
            if text is None or len(text) > _LONGEST:
                return _TOO_BIG
            said = json.loads(text)
            if said["type"] not in _PASSED:
                return _REFUSED
            names = mutations_in(said["payload"]["query"]) if said["type"] == "start" else frozenset()
            if names:
                await run_in_threadpool(_record_refusal, websocket.scope, person, names)
                error = {"message": "Changes are not asked for by websocket."}
                await websocket.send_json({"type": "error", "id": said.get("id"), "payload": error})
            else:
                await dagster.send(json.dumps(said))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Unreadable):
        return _REFUSED
    except ConnectionClosed:
        return _DOWN


async def _to_browser(dagster: ClientConnection, websocket: WebSocket) -> int:
    try:
        async for message in dagster:
            await websocket.send({"type": "websocket.send", "text": str(message)})
    except (WebSocketDisconnect, RuntimeError):
        return 1000
    except ConnectionClosed:
        return _DOWN
    return 1000


async def _watch(scope: Scope) -> int:
    while True:
        await asyncio.sleep(_SESSION_SECONDS)
        if await run_in_threadpool(_person, scope) is None:
            return _REFUSED


def _record_refusal(scope: Scope, person: SignedIn, names: frozenset[str]) -> None:
    console = console_of(_as_request(scope))
    record_change(console.store, person, names, console.now(), refused=True)
