"""What the console passes on to Dagster's server, as a small server in its place tells what it got."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.console.dagster_ui import relay
from growth_pipelines.defs.web_socket import listen, web_socket
from growth_pipelines.store.tables import AuditEvent
from tests.console_shop import NOW, ConsoleShop

from .conftest import Visitor


async def _tell(request: Request) -> JSONResponse:
    """What arrived, with headers that must not reach the browser."""
    told = {
        "path": request.scope["path"],
        "query": request.url.query,
        "headers": dict(request.headers),
        "body": (await request.body()).decode(),
    }
    return JSONResponse(told, headers={"set-cookie": "theirs=1", "x-theirs": "1", "etag": '"1"'})


def _page(_: Request) -> HTMLResponse:
    policy = "script-src 'nonce-abc123' 'unsafe-inline' https: http:; style-src 'unsafe-inline'"
    return HTMLResponse("<p>Dagster</p>", headers={"content-security-policy": policy})


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept("graphql-ws")
    async for text in websocket.iter_text():
        await websocket.send_text(json.dumps([dict(websocket.headers), json.loads(text)]))


@pytest.fixture
def dagster(console: ConsoleShop) -> Iterator[ConsoleShop]:
    """A server on the socket where the console looks for Dagster's."""
    methods = ["GET", "HEAD", "POST"]
    routes = [
        Route("/dagster/runs", _page),
        WebSocketRoute("/dagster/graphql", _echo),
        Route("/{path:path}", _tell, methods=methods),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = listen(web_socket(console.settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    add_operator(console.store, console.settings, "ada", "admin", NOW)
    yield console
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def person(dagster: ConsoleShop) -> Visitor:
    return Visitor(dagster).sign_in("maria")


def test_neither_the_session_nor_a_claim_to_more_rights_reaches_dagster(person: Visitor) -> None:
    forged = {"x-growth-may-write": "1", "authorization": "Bearer x", "accept": "*/*"}
    read = person.http.get("/dagster/assets/a%2Fb%252F?x=1", headers=forged).json()
    assert (read["path"], read["query"]) == ("/dagster/assets/a/b%2F", "x=1")
    assert not {"cookie", "authorization", "x-growth-may-write", "referer"} & set(read["headers"])
    written = person.http.post(
        "/dagster/graphql?query=x", json={"query": "{ a }", "more": 1}, headers=forged
    ).json()
    assert written["headers"]["x-growth-may-write"] == "1", "maria is an operator"
    assert written["query"] == ""
    assert json.loads(written["body"]) == {"query": "{ a }", "variables": None, "operationName": None}


READ, LAUNCH, WIPE = "{ version }", "mutation { launchRun { x } }", "mutation B { wipeAssets { x } }"


@pytest.mark.parametrize(
    ("who", "batch", "status"),
    [
        ("maria", [READ], 400),
        ("maria", [READ, READ], 400),
        ("maria", [READ, LAUNCH], 400),
        ("maria", [LAUNCH, READ], 400),
        ("maria", [LAUNCH, WIPE], 403),
        ("maria", [WIPE, LAUNCH], 403),
        ("ada", [LAUNCH, WIPE], 400),
        ("vik", [READ, LAUNCH], 403),
        ("maria", [READ, {"variables": {}}], 400),
        ("maria", [READ, None], 400),
        ("maria", [], 400),
    ],
)
def test_several_questions_in_one_request_are_refused_as_a_whole(
    dagster: ConsoleShop, who: str, batch: list[Any], status: int
) -> None:
    person = Visitor(dagster).sign_in(who)
    before = _recorded(dagster)
    sent = [{"query": one} if isinstance(one, str) else one for one in batch]
    answer = person.http.post("/dagster/graphql", json=sent)
    assert answer.status_code == status
    assert "x-growth-may-write" not in answer.text, "nothing was passed on"
    recorded = _recorded(dagster)[len(before) :]
    assert [event for event, _ in recorded] == ["dagster_refused"] * any(one in (LAUNCH, WIPE) for one in batch)


def test_a_document_with_an_operation_that_is_refused_is_refused_whichever_is_to_run(dagster: ConsoleShop) -> None:
    document = "mutation A { launchRun { x } } query Q { version } mutation B { wipeAssets { x } }"
    maria, ada = (Visitor(dagster).sign_in(name) for name in ("maria", "ada"))
    for operation in ("A", "Q", "B", None):
        asked = {"query": document, "operationName": operation}
        assert maria.http.post("/dagster/graphql", json=asked).status_code == 403
        passed_on = json.loads(ada.http.post("/dagster/graphql", json=asked).json()["body"])
        assert passed_on == {**asked, "variables": None}
    assert {asked for _, asked in _recorded(dagster)} == {("launchRun", "wipeAssets")}


def _recorded(shop: ConsoleShop) -> list[tuple[str, tuple[str, ...]]]:
    """What the audit chain says of changes that were asked of Dagster."""
    with shop.store.read() as session:
        events = session.query(AuditEvent).where(AuditEvent.channel == "dagster").order_by(AuditEvent.seq)
        return [(event.event, tuple(event.payload["asked"])) for event in events]


def test_only_what_concerns_the_content_comes_back(person: Visitor) -> None:
    answer = person.http.get("/dagster/_next/static/a.js", headers={"accept": "*/*"})
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["etag"] == '"1"'
    assert not {"set-cookie", "x-theirs"} & set(answer.headers)
    page = person.http.get("/dagster/runs")
    assert "script-src 'nonce-abc123' 'strict-dynamic';" in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"


def test_the_console_says_so_where_dagster_is_silent(console: ConsoleShop) -> None:
    maria = Visitor(console).sign_in("maria")
    answer = maria.get("/dagster/runs")
    assert answer.status_code == 503
    assert "Dagster does not answer" in answer.text
    assert maria.get("/").status_code == 200


def test_whoever_signs_out_stops_hearing(person: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_SESSION_SECONDS", 0.2)
    address = f"{person.shop.base_url.replace('http', 'ws', 1)}/dagster/graphql"
    cookie = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())
    csrf = person.csrf()

    async def listen_and_sign_out() -> dict[str, Any]:
        headers = {"cookie": cookie, "x-growth-may-write": "1"}
        protocols = [Subprotocol("graphql-ws")]
        async with connect(address, additional_headers=headers, subprotocols=protocols) as websocket:
            await websocket.send(json.dumps({"type": "stop", "id": "1"}))
            heard, said = json.loads(await websocket.recv())
            assert said == {"type": "stop", "id": "1"}
            await asyncio.to_thread(person.http.post, "/logout", data={"csrf": csrf})
            with pytest.raises(ConnectionClosedError, match="1008"):
                await asyncio.wait_for(websocket.recv(), 10)
            return dict(heard)

    heard = asyncio.run(listen_and_sign_out())
    assert not {"cookie", "x-growth-may-write"} & set(heard)


def test_a_websocket_by_a_foreign_name_is_refused(person: Visitor) -> None:
    """A name that was made to point here (DNS rebinding): the browser then sends its own cookies and origin."""
    here = httpx.URL(person.shop.base_url)
    cookie = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())

    async def open_it(name: str) -> None:
        headers = {"cookie": cookie, "origin": f"http://{name}"}
        address, protocols = f"ws://{name}/dagster/graphql", [Subprotocol("graphql-ws")]
        where: dict[str, Any] = {"host": here.host, "port": here.port}
        async with connect(address, additional_headers=headers, subprotocols=protocols, **where):
            pass

    asyncio.run(open_it("localhost"))
    with pytest.raises(InvalidStatus, match="403"):
        asyncio.run(open_it("evil.example"))


def test_passing_on_costs_little(person: Visitor) -> None:
    """A page of Dagster asks some hundred times; the console's own share stays far below what a person notices."""

    def quickest(ask: Callable[[], httpx.Response]) -> float:
        """Of forty times, since others may be busy on this machine."""
        seconds = []
        for _ in range(40):
            started = time.perf_counter()
            ask().raise_for_status()
            seconds.append(time.perf_counter() - started)
        return min(seconds)

    through = quickest(lambda: person.http.get("/dagster/a.js", headers={"accept": "*/*"}))
    straight = httpx.Client(transport=httpx.HTTPTransport(uds=str(web_socket(person.shop.settings))))
    with straight:
        assert through - quickest(lambda: straight.get("http://dagster/dagster/a.js")) < 0.05
