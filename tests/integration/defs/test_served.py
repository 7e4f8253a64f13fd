"""The served machine: `growth up` with its real servers and daemon, and what people and strangers do to them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from sqlalchemy import select
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.store.outbox import undelivered
from growth_pipelines.store.tables import AuditEvent
from tests.conftest import SandboxShop

from .conftest import NOW, Desk, desk_in

# One worker: one start serves all.
pytestmark = [pytest.mark.xdist_group("served"), pytest.mark.slow]
VERSION = {"query": "{ version }"}
# Harmless, and still a change: Dagster keeps that its greeting was seen.
CHANGE = {"query": "mutation { setNuxSeen }"}
TERMINATE = {"query": 'mutation { ...A } fragment A on Mutation { a: terminateRun(runId: "none") { __typename } }'}
REPORT = """
mutation Report($params: ReportRunlessAssetEventsParams!) {
  reportRunlessAssetEvents(eventParams: $params) { __typename }
}
"""
REPORT_CHECK = """
mutation Check($params: ReportAssetCheckEvaluationsParams!) {
  reportAssetCheckEvaluations(eventParams: $params) { __typename }
}
"""
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""


@dataclass
class Served:
    """The machine and its people: a viewer, an operator and an admin, each signed in with a link."""

    desk: Desk
    console: str
    dagster: str
    old_port: int

    @cached_property
    def stranger(self) -> httpx.Client:
        return httpx.Client(base_url=self.console, trust_env=False, timeout=60)

    @cached_property
    def people(self) -> Mapping[str, httpx.Client]:
        return {role: self._sign_in(role) for role in ("viewer", "operator", "admin")}

    def _sign_in(self, role: str) -> httpx.Client:
        link = add_operator(self.desk.store, self.desk.settings, f"the-{role}", role, NOW)
        browser = httpx.Client(base_url=self.console, trust_env=False, timeout=60)
        assert browser.post("/login", data={"token": link.link_token}).status_code == 303
        return browser

    def graphql(self, query: str, role: str = "operator", **variables: Any) -> dict[str, Any]:
        answer = self.people[role].post("/dagster/graphql", json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def launch(self, job: str, config: Mapping[str, Any] | None = None) -> str:
        selector = {"repositoryLocationName": "growth", "repositoryName": "__repository__", "jobName": job}
        run = self.graphql(LAUNCH, params={"selector": selector, "runConfigData": config or {}})["launchRun"]
        assert run["__typename"] == "LaunchRunSuccess", run
        return str(run["run"]["runId"])

    def paste(self, record: str) -> None:
        """The UI's form *Report materialization*, with something pasted into its description."""
        asset = {"path": ["seo_ctr_approval"]}
        params = {"eventType": "ASSET_MATERIALIZATION", "assetKey": asset, "description": record}
        told = self.graphql(REPORT, params=params)["reportRunlessAssetEvents"]
        assert told["__typename"] == "ReportRunlessAssetEventsSuccess"

    def await_run(self, run_id: str) -> str:
        return _eventually(
            lambda: (run := self.desk.instance.get_run_by_id(run_id)) and run.is_finished and run.status.value
        )

    def await_verdict(self, state: str) -> dg.AssetCheckEvaluation:
        return _eventually(lambda: (gate := self.desk.gate()).metadata["state"].value == state and gate)

    def await_told(self) -> None:
        """Until Dagster has been told of everything that the store has to tell."""

        def nothing_waits() -> bool:
            with self.desk.store.read() as session:
                return not undelivered(session, 1)

        _eventually(nothing_waits)

    def recorded(self, event: str) -> list[tuple[str, list[str]]]:
        """Who asked Dagster for what, as the audit chain has it."""
        wanted = select(AuditEvent).where(AuditEvent.event == event).order_by(AuditEvent.seq)
        with self.desk.store.read() as session:
            return [(found.actor, found.payload["asked"]) for found in session.scalars(wanted)]

    def hear(self, role: str | None, *, origin: str = "", message: Mapping[str, Any] | None = None) -> Any:
        """Open Dagster's websocket, say something, and return the answer to it."""
        cookies = self.people[role].cookies if role else {}
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

        async def talk() -> Any:
            address = f"{self.dagster.replace('http', 'ws', 1)}/graphql"
            headers["origin"] = origin or self.console
            async with connect(address, additional_headers=headers, subprotocols=["graphql-ws"]) as websocket:
                await websocket.send(json.dumps(message or {"type": "connection_init"}))
                return json.loads(await asyncio.wait_for(websocket.recv(), 30))

        return asyncio.run(talk())


def _eventually(condition: Callable[[], Any], seconds: float = 150) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.3)
    raise AssertionError("it never came true")


def _growth(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "growth_pipelines", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(
    writable_shop: SandboxShop, products: Iterator[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home, old_port = tmp_path_factory.mktemp("served") / "home", _free_port()
    ports = {"GROWTH_DAGSTER__PORT": str(old_port), "GROWTH_CONSOLE__PORT": "0"}
    with desk_in(home, writable_shop, products, **ports) as desk:
        started = _growth("up", "--detach")
        assert started.returncode == 0, started.stderr
        _, dagster, _, console = started.stdout.split()
        try:
            yield Served(desk, console, dagster, old_port)
        finally:
            assert _growth("down").returncode == 0


# -- who gets in: the ways by which a bare web server of Dagster was made to act --------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dagster"),
        ("GET", "/dagster/runs"),
        ("GET", "/dagster/favicon.png"),
        ("GET", "/dagster/server_info"),
        ("POST", "/dagster/graphql"),
        ("POST", "/dagster/report_asset_materialization/seo_ctr_approval"),
    ],
)
def test_without_a_session_nothing_of_dagster_is_served(served: Served, method: str, path: str) -> None:
    assert served.stranger.request(method, path, json=CHANGE).status_code == 401


def test_a_change_by_get_is_refused(served: Served) -> None:
    admin = served.people["admin"]
    assert admin.get("/dagster/graphql", params=CHANGE).status_code == 405
    assert admin.get("/dagster/graphql/", params=CHANGE).status_code == 405
    # The same address in other spellings.
    for path in (b"/dagster/%67raphql", b"/dagster/runs/%2e%2e/graphql", b"/dagster//graphql"):
        url = httpx.URL(served.console).copy_with(raw_path=path + b"?query=mutation%7BsetNuxSeen%7D")
        cookies = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
        with httpx.Client(trust_env=False) as plain:
            assert plain.get(url, headers={"cookie": cookies}).status_code in (404, 405), path


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_page_of_another_origin_is_refused(served: Served, headers: dict[str, str]) -> None:
    admin = served.people["admin"]
    assert admin.post("/dagster/graphql", json=VERSION, headers=headers).status_code == 403
    assert admin.get("/dagster/server_info", headers=headers).status_code == 403


def test_a_foreign_host_is_refused(served: Served) -> None:
    answer = served.people["admin"].post("/dagster/graphql", json=VERSION, headers={"host": "evil.example"})
    assert answer.status_code == 400


def test_a_report_without_a_body_is_refused(served: Served) -> None:
    address = "/dagster/report_asset_materialization/seo_ctr_approval?description=approved"
    admin = served.people["admin"]
    assert admin.post(address, headers={"origin": "https://evil.example"}).status_code == 403
    assert admin.post(address).status_code == 415


def test_a_text_with_the_change_in_its_address_is_refused(served: Served) -> None:
    answer = served.people["admin"].post(
        "/dagster/graphql", params=CHANGE, content="x", headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(("role", "origin"), [(None, ""), ("admin", "https://evil.example")])
def test_a_websocket_without_a_session_or_from_another_origin_is_refused(
    served: Served, role: str | None, origin: str
) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        served.hear(role, origin=origin)


# -- who may do what there --------------------------------------------------------------------------------------


def test_everyone_who_is_signed_in_reads_and_hears(served: Served) -> None:
    for role, browser in served.people.items():
        page = browser.get("/dagster/runs", headers={"accept": "text/html"})
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http:" not in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert served.graphql("{ version }", role)
        assert served.hear(role) == {"type": "connection_ack"}
    script = "/dagster" + page.text.partition('src="/dagster')[2].partition('"')[0]
    assert "immutable" in browser.get(script).headers["cache-control"]
    assert "set-cookie" not in browser.get(script).headers


def test_viewers_change_nothing_operators_start_and_report_and_the_rest_is_for_admins(served: Served) -> None:
    def asks(role: str, document: Any, path: str = "graphql") -> int:
        return served.people[role].post(f"/dagster/{path}", json=document).status_code

    assert [asks(role, TERMINATE) for role in served.people] == [403, 200, 200]
    assert [asks(role, CHANGE) for role in served.people] == [403, 403, 200]
    assert [asks(role, {"metadata": {}}, "report_asset_observation/x") for role in served.people] == [
        403,
        200,
        200,
    ]
    # Whatever else is asked along with it, and whichever operation is said to be meant.
    hidden = {"query": "query A { version } mutation B { setNuxSeen }", "operationName": "A"}
    assert asks("operator", hidden) == 403
    assert asks("viewer", [VERSION, CHANGE]) == 403
    # Dagster's own pages show the viewer that they may not: its server thinks so too.
    shown = served.graphql("{ permissions { value } }", "viewer")["permissions"]
    assert not any(permission["value"] for permission in shown)

    start = {"type": "start", "id": "1", "payload": CHANGE}
    assert served.hear("admin", message=start)["type"] == "error"
    with pytest.raises(ConnectionClosed):
        served.hear("admin", message={"type": "anything else"})

    assert ("the-operator", ["terminateRun"]) in served.recorded("dagster_changed")
    assert ("the-admin", ["setNuxSeen"]) in served.recorded("dagster_changed")
    assert ("the-operator", ["report_asset_observation/x"]) in served.recorded("dagster_changed")
    refused = served.recorded("dagster_refused")
    assert ("the-viewer", ["terminateRun"]) in refused
    assert ("the-admin", ["setNuxSeen"]) in refused, "by websocket"


@pytest.mark.parametrize(
    "document", [b"{", b"[]", b'{"query": 7}', b'{"query": "mutation {"}', b'{"no": "query"}']
)
def test_what_is_no_graphql_is_refused_before_dagster_sees_it(served: Served, document: bytes) -> None:
    answer = served.people["admin"].post(
        "/dagster/graphql", content=document, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400


@pytest.mark.browser
def test_dagsters_pages_work_in_a_browser_and_load_nothing_from_elsewhere(served: Served) -> None:
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("no browser: /usr/bin/chromium is missing (apt-get install chromium fonts-noto-core)")
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    asked: list[str] = []
    sockets: list[str] = []
    cookies = served.people["viewer"].cookies
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context()
        context.add_cookies([{"name": n, "value": v, "url": served.console} for n, v in cookies.items()])
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda sent: asked.append(sent.url))
        page.on("websocket", lambda opened: sockets.append(opened.url))
        page.goto(f"{served.dagster}/asset-groups", timeout=60_000)
        page.get_by_text("seo_ctr", exact=True).first.wait_for(timeout=60_000)
        button = page.get_by_role("button", name="Materialize all")
        assert button.is_disabled(), "a viewer is not offered what is refused"
        browser.close()
    assert errors == []
    # More than one where the page connects anew.
    assert set(sockets) == {f"{served.dagster.replace('http', 'ws', 1)}/graphql"}
    assert [url for url in asked if not url.startswith((f"{served.dagster}/", "data:", "blob:"))] == []


# -- deciding there ---------------------------------------------------------------------------------------------


def test_a_signed_record_is_carried_out_once_by_the_launchpad_and_by_the_form(served: Served) -> None:
    desk = served.desk
    first, second = desk.propose(), desk.propose()
    record = json.loads(desk.record(first).model_dump_json())
    form = {"ops": {"hand_in_seo_ctr_decision": {"config": record}}}
    run = served.launch("approve_seo_ctr", form)
    assert served.await_run(run) == "SUCCESS"
    logs = f'subscription {{ pipelineRunLogs(runId: "{run}") {{ __typename }} }}'
    heard = served.hear("viewer", message={"type": "start", "id": "1", "payload": {"query": logs}})
    assert heard["payload"]["data"]["pipelineRunLogs"]["__typename"] == "PipelineRunLogsSubscriptionSuccess"
    for _ in range(2):
        served.paste(desk.record(second).model_dump_json())
    for action in (first, second):
        _eventually(lambda action=action: desk.action(action.id).state == "executed")
        assert desk.action(action.id).decided_channel == "dagster"
        assert len(desk.writes(action)) == 1


def test_forged_reports_decide_nothing_and_are_shown(served: Served) -> None:
    desk = served.desk
    action = desk.propose()
    # A green check, an approval without a signature, and the acting job launched by hand.
    green = {
        "assetKey": {"path": ["seo_ctr_recommendations"]},
        "checkName": "approved_by_operator",
        "passed": True,
        "serializedMetadata": json.dumps({"state": "approved"}),
    }
    served.graphql(REPORT_CHECK, params=green)
    assert desk.gate().passed
    # The newest record counts: what was decided before is told first.
    served.await_told()
    served.paste(desk.record(action).model_copy(update={"signature": ""}).model_dump_json())
    refused = served.await_verdict("bad_signature")
    assert not refused.passed
    assert refused.severity is dg.AssetCheckSeverity.ERROR
    assert served.await_run(served.launch("act_on_seo_ctr")) == "FAILURE"
    assert desk.action(action.id).state == "pending"
    assert desk.writes(action) == []


# -- running it -------------------------------------------------------------------------------------------------


def test_the_old_port_only_sends_people_to_the_console(served: Served) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{served.old_port}", trust_env=False) as old:
        for answer in (old.get("/runs?a=1"), old.post("/runs?a=1", json=CHANGE)):
            assert (answer.status_code, answer.content) == (303, b"")
            assert answer.headers["location"] == f"{served.dagster}/runs?a=1"


def test_nobody_else_may_open_dagsters_socket(served: Served) -> None:
    shown = json.loads((served.desk.settings.home / "run" / "growth.json").read_text())
    file = Path(shown["programs"]["dagster-webserver"]["socket"])
    assert [path.stat().st_mode & 0o777 for path in (file, file.parent)] == [0o600, 0o700]


def test_status_is_not_0_while_a_program_is_dead_and_it_is_started_again(served: Served) -> None:
    # Heartbeats of the daemons come within their first half minute.
    _eventually(lambda: _growth("status").returncode == 0)
    shown = {p["program"]: p for p in json.loads(_growth("status", "--json").stdout)["programs"]}
    assert {p["state"] for p in shown.values()} == {"running"}

    supervisor = int((served.desk.settings.home / "run" / "growth.pid").read_text())
    os.kill(supervisor, signal.SIGSTOP)  # so that it can't start them again before we look
    for program in ("dagster-daemon", "dagster-webserver"):
        os.kill(shown[program]["pid"], signal.SIGKILL)
    dead = _growth("status")
    admin = served.people["admin"]
    without = [admin.get("/dagster/runs").status_code, admin.get("/").status_code]
    os.kill(supervisor, signal.SIGCONT)
    assert dead.returncode != 0
    assert dead.stdout.count("dead") == 2
    assert without == [503, 200], "the console lives without Dagster"
    _eventually(lambda: _growth("status").returncode == 0)
    assert admin.get("/dagster/server_info").status_code == 200


def test_status_is_not_0_when_nothing_runs(desk: Desk) -> None:
    result = _growth("status", "--json")
    assert result.returncode == 1
    assert {p["state"] for p in json.loads(result.stdout)["programs"]} == {"stopped"}


def test_a_port_that_is_taken_is_named_before_anything_starts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("GROWTH_CONSOLE__PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("GROWTH_DAGSTER__PORT", "0")
        result = _growth("up")
    assert result.returncode == 1
    assert "GROWTH_CONSOLE__PORT" in result.stderr
    assert not (desk.settings.home / "run" / "growth.json").exists()
