"""What each failure looks like to a client, over a real connection."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.faults import KINDS
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.routes import Routes
from growth_pipelines.sandbox.server import SandboxServer
from growth_pipelines.sandbox.world import Shop
from tests import loopback

from .conftest import TODAY

GRAPHQL = "/admin/api/2026-10/graphql.json"
SITES = "/webmasters/v3/sites"
CRUX = "/v1/records:queryRecord?key=k"
PSI = "/pagespeedonline/v5/runPagespeed?key=k&strategy=mobile&url=" + options.PRIMARY_URL + "/"
ORDERS = """query ($after: String, $query: String) { orders(first: 5, after: $after, query: $query) {
  nodes { id lineItems(first: 1) { pageInfo { hasNextPage endCursor } } } pageInfo { hasNextPage endCursor } } }"""
RUN = """mutation ($query: String!) { bulkOperationRunQuery(query: $query) {
  bulkOperation { id } userErrors { message } } }"""
POLL = """query ($id: ID!) { bulkOperation(id: $id) {
  id status errorCode objectCount fileSize url partialDataUrl } }"""
CANCEL = """mutation ($id: ID!) { bulkOperationCancel(id: $id) {
  bulkOperation { status } userErrors { field message } } }"""
GRANT = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}


class Client:
    """A client of a sandbox in this process."""

    def __init__(self, base_url: str, routes: Routes) -> None:
        self.http = loopback.client(base_url, timeout=10)
        self.routes = routes

    def plan(self, kind: str, **more: Any) -> None:
        answer = self.http.post("/_sandbox/faults", json={"faults": [{"kind": kind, **more}]})
        answer.raise_for_status()

    def ask(self, document: str, token: str = options.ACCESS_TOKEN, **variables: Any) -> httpx.Response:
        body = {"query": document, "variables": variables}
        return self.http.post(GRAPHQL, json=body, headers={"X-Shopify-Access-Token": token})

    def sites(self, token: str = options.GOOGLE_TOKEN) -> httpx.Response:
        return self.http.get(SITES, headers={"Authorization": f"Bearer {token}"})

    def started(self) -> str:
        """A bulk operation over all products."""
        answer = self.ask(RUN, query="{ products { edges { node { id } } } }").json()["data"]
        return str(answer["bulkOperationRunQuery"]["bulkOperation"]["id"])

    def poll(self, gid: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(POLL, id=gid).json()["data"]["bulkOperation"]
        return answer

    def ended(self, gid: str) -> dict[str, Any]:
        for _ in range(500):
            operation = self.poll(gid)
            if operation["status"] not in ("CREATED", "RUNNING"):
                return operation
            time.sleep(0.01)
        raise AssertionError("the bulk operation never ended")

    def faults(self) -> Any:
        return self.http.get("/_sandbox/state").json()["faults"]


@pytest.fixture
def client() -> Iterator[Client]:
    routes = Routes(Shop(Options(TODAY, orders=60, products=60, months=3)))
    server = SandboxServer(0, routes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    one = Client(server.base_url, routes)
    yield one
    one.http.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_too_many_requests_ask_for_a_pause_in_all_the_ways_there_are(client: Client) -> None:
    asked = {}
    for kind in ("seconds", "fraction", "date", "bare"):
        client.plan(f"status_429_{kind}")
        answer = client.http.post(CRUX, json={"origin": options.PRIMARY_URL})
        assert answer.status_code == 429
        asked[kind] = answer.headers.get("Retry-After")
    until = parsedate_to_datetime(asked.pop("date")).timestamp() - time.time()
    assert 0.5 < until <= 2
    assert asked == {"seconds": "1", "fraction": "0.3", "bare": None}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_does_nothing(status: int, client: Client) -> None:
    client.plan(f"status_{status}")
    assert client.sites().status_code == status
    assert client.routes.requests["search_console"] == 0
    assert client.sites().status_code == 200


def test_cut_json_and_nothing_at_all_come_whole_and_with_200(client: Client) -> None:
    whole = client.ask(ORDERS)
    client.plan("cut_json")
    cut = client.ask(ORDERS)
    assert cut.status_code == 200
    assert 0 < len(cut.content) == int(cut.headers["Content-Length"]) < len(whole.content)
    with pytest.raises(json.JSONDecodeError):
        cut.json()
    client.plan("empty")
    nothing = client.ask(ORDERS)
    assert (nothing.status_code, nothing.content) == (200, b"")


def test_a_repeated_cursor_leads_back_to_the_same_page(client: Client) -> None:
    first = client.ask(ORDERS).json()["data"]["orders"]["pageInfo"]["endCursor"]
    right = client.ask(ORDERS, after=first).json()["data"]["orders"]
    client.plan("repeated_cursor")
    wrong = client.ask(ORDERS, after=first).json()["data"]["orders"]
    assert right["pageInfo"]["endCursor"] != first
    assert wrong == right | {"pageInfo": {"hasNextPage": True, "endCursor": first}}


def test_an_ignored_filter_answers_with_everything_and_a_warning(client: Client) -> None:
    filter_ = "created_at:>='2099-01-01'"
    assert client.ask(ORDERS, query=filter_).json()["data"]["orders"]["nodes"] == []
    client.plan("ignored_filter")
    answer = client.ask(ORDERS, query=filter_).json()
    assert len(answer["data"]["orders"]["nodes"]) == 5
    (warning,) = answer["extensions"]["search"]
    assert (warning["path"], warning["query"], warning["parsed"]["field"]) == (["orders"], filter_, "created_at")
    assert {"field", "message"} <= warning["warnings"][0].keys()


def test_a_granted_token_expires_for_good_and_the_static_one_never(client: Client) -> None:
    token = client.http.post("/admin/oauth/access_token", json=GRANT).json()["access_token"]
    client.plan("expired_token")
    assert client.ask("{ shop { id } }").status_code == 200
    assert [client.ask("{ shop { id } }", token).status_code for _ in range(2)] == [401, 401]
    assert client.faults()["struck"] == {"expired_token": 1}


def _assertion(scope: str) -> dict[str, str]:
    claims = base64.urlsafe_b64encode(json.dumps({"iss": "a", "scope": scope}).encode()).decode().rstrip("=")
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": f"e30.{claims}.c2ln"}


def test_a_service_accounts_token_is_granted_and_expires(client: Client) -> None:
    refused = client.http.post("/token", data=_assertion("https://www.googleapis.com/auth/drive"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    scope = "https://www.googleapis.com/auth/webmasters.readonly"
    token = client.http.post("/token", data=_assertion(scope)).json()["access_token"]
    assert client.sites(token).status_code == 200
    client.plan("expired_token")
    assert [client.sites(token).status_code for _ in range(2)] == [401, 401]


@pytest.mark.parametrize(
    ("kind", "code", "reason", "words"),
    [
        ("quota_exceeded", 403, "quotaExceeded", "Quota exceeded"),
        ("user_rate_limit", 403, "rateLimitExceeded", "User rate limit exceeded"),
        ("load_quota", 403, "quotaExceeded", "Search Analytics load quota exceeded"),
        ("resource_exhausted", 429, "rateLimitExceeded", "exhausted"),
        ("backend_error", 500, "backendError", "Backend Error"),
    ],
)
def test_google_refuses_in_googles_shape(kind: str, code: int, reason: str, words: str, client: Client) -> None:
    client.plan(kind)
    error = client.sites().json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (code, reason)
    assert words in error["message"]


def test_a_lab_run_fails_as_lighthouse_does(client: Client) -> None:
    client.plan("lighthouse_error")
    assert client.http.post(CRUX, json={"origin": options.PRIMARY_URL}).status_code == 200
    answer = client.http.get(PSI)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (500, "lighthouseError")
    assert client.http.get(PSI).status_code == 200


def test_a_stuck_operation_goes_on_after_so_many_polls(client: Client) -> None:
    client.plan("bulk_stuck", polls=3)
    gid = client.started()
    while client.poll(gid)["objectCount"] == "0":  # it is not stuck yet
        time.sleep(0.01)
    stuck = [client.poll(gid) for _ in range(2)]
    assert {(one["status"], one["objectCount"]) for one in stuck} == {("RUNNING", "30")}
    done = client.poll(gid)
    assert (done["status"], done["objectCount"]) == ("COMPLETED", "60")
    assert len(client.http.get(done["url"]).text.splitlines()) == 60


@pytest.mark.parametrize("polls", [None, 40])
def test_a_stuck_operation_ends_when_it_is_cancelled(polls: int | None, client: Client) -> None:
    client.plan("bulk_stuck", polls=polls)
    gid = client.started()
    while client.poll(gid)["objectCount"] == "0":
        time.sleep(0.01)
    assert {client.poll(gid)["status"] for _ in range(30)} == {"RUNNING"}
    answer = client.ask(CANCEL, id=gid).json()["data"]["bulkOperationCancel"]
    assert answer == {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}
    assert [client.poll(gid)["status"] for _ in range(40)] == ["CANCELING", *["CANCELED"] * 39]


def test_a_finished_operation_cannot_be_cancelled(client: Client) -> None:
    gid = client.started()
    client.ended(gid)
    answer = client.ask(CANCEL, id=gid).json()["data"]["bulkOperationCancel"]
    assert "completed" in answer["userErrors"][0]["message"]
    assert client.poll(gid)["status"] == "COMPLETED"


def test_a_failed_operation_offers_half_and_only_as_partial_data(client: Client) -> None:
    client.plan("bulk_failure")
    failed = client.ended(client.started())
    assert (failed["status"], failed["errorCode"], failed["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert len(client.http.get(failed["partialDataUrl"]).text.splitlines()) == 30


def test_an_expired_address_is_refused_and_the_next_operations_is_not(client: Client) -> None:
    client.plan("bulk_expired")
    expired, right = client.ended(client.started()), client.ended(client.started())
    assert expired["status"] == "COMPLETED"
    refusal = client.http.get(expired["url"])
    assert (refusal.status_code, "expired" in refusal.text) == (403, True)
    assert client.http.get(right["url"]).status_code == 200


def test_a_short_result_shows_in_its_size_and_count(client: Client) -> None:
    client.plan("bulk_short")
    short, right = client.ended(client.started()), client.ended(client.started())
    assert short["objectCount"] == right["objectCount"] == "60"
    assert short["fileSize"] == right["fileSize"]
    body, whole = client.http.get(short["url"]).content, client.http.get(right["url"]).content
    assert len(whole) == int(right["fileSize"])
    assert whole.startswith(body)
    assert len(body.splitlines()) == 53


def test_downloads_fail_at_random_too_and_controls_never(client: Client) -> None:
    url = client.ended(client.started())["url"]
    refused = client.http.post("/_sandbox/fault_rate", json={"rate": 2})
    assert refused.status_code == 400
    client.http.post("/_sandbox/fault_rate", json={"rate": 1.0, "seed": 7}).raise_for_status()
    failures = 0
    for _ in range(12):
        try:
            answer = client.http.get(url)
            failures += answer.status_code != 200 or len(answer.text.splitlines()) != 60
        except httpx.TransportError:
            failures += 1
    struck = client.faults()["struck"]
    assert failures == 12 - struck.get("delay", 0)
    assert sum(struck.values()) == 12
    assert struck.keys() <= KINDS.keys()
    client.http.post("/_sandbox/fault_rate", json={"rate": 0}).raise_for_status()
    assert client.http.get(url).status_code == 200


def test_the_score_is_kept_over_real_connections(client: Client) -> None:
    client.plan("status_429_fraction")
    assert client.sites().status_code == 429
    time.sleep(0.1)
    client.sites()
    time.sleep(0.3)
    client.sites()
    client.http.get(f"{SITES}?access_token=abc")
    faults = client.faults()
    assert faults["struck"] == {"status_429_fraction": 1}
    assert (faults["retry_after_violations"], faults["secrets_in_urls"]) == (1, 1)
    assert faults["early_requests"][0]["api"] == "search_console"
    assert 0 < faults["early_requests"][0]["early_seconds"] < 0.3


def test_search_consoles_spelling_can_be_switched(client: Client) -> None:
    key = "first_incomplete_date"
    client.http.post("/_sandbox/search_console", json={"incomplete_key": key}).raise_for_status()
    assert client.http.post("/_sandbox/search_console", json={"incomplete_key": "?"}).status_code == 400
    body = {"startDate": "2026-11-10", "endDate": "2026-11-21", "dataState": "all"}
    path = f"{SITES}/sc-domain%3Ahotrodparts.example/searchAnalytics/query"
    headers = {"Authorization": f"Bearer {options.GOOGLE_TOKEN}"}
    assert client.http.post(path, json=body, headers=headers).json()["metadata"] == {key: "2026-11-20"}
