"""The Shopify client against a real local server: pacing, throttling, halving, renewal, typed failures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from growth_pipelines.errors import CredentialRefused, GrowthError, TransientError
from growth_pipelines.ingestion.failures import AccessDenied, FilterIgnored
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.settings import load_settings
from growth_pipelines.telemetry import configure_logging

Answer = tuple[int, dict[str, str], Any]


def cost(requested: int = 10, available: int = 1990, restore: int = 100) -> dict[str, Any]:
    status = {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": restore}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": status}}


def graphql_error(code: str, **more: Any) -> Answer:
    return 200, {}, {"errors": [{"message": f"was {code}", "extensions": {"code": code}}], "extensions": more}


class Server:
    """Answers each POST with the next scripted answer (the last one for ever) and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[dict[str, Any]], Answer]] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, dict(self.headers), body))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                status, headers, document = answer(body) if callable(answer) else answer
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", headers.get("X-Claimed-Length", str(len(content))))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.http.shutdown()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(server: Server, slept: list[float], tmp_path: Path) -> Iterator[ShopifyClient]:
    with make_client(server, slept, tmp_path, GROWTH_SHOPIFY__ACCESS_TOKEN="t") as made:
        yield made


def make_client(server: Server, slept: list[float], home: Path, **environment: str) -> ShopifyClient:
    environment = {"GROWTH_HOME": str(home), "GROWTH_SHOPIFY__BASE_URL": server.base_url, **environment}
    return ShopifyClient(load_settings(environment), sleep=slept.append)


APP = {"GROWTH_SHOPIFY__CLIENT_ID": "i", "GROWTH_SHOPIFY__CLIENT_SECRET": "sesame"}
GRANT: Answer = (200, {}, {"access_token": "granted", "expires_in": 86399})
OK: Answer = (200, {"X-Request-Id": "r-1"}, {"data": {"shop": {"name": "A"}}, "extensions": cost()})


def test_reads_data_and_sends_the_token_and_the_pinned_version(server: Server, client: ShopifyClient) -> None:
    server.answers = [OK]
    assert client.execute("shop") == {"shop": {"name": "A"}}
    path, headers, body = server.asked[0]
    assert path == "/admin/api/2026-10/graphql.json"
    assert headers["X-Shopify-Access-Token"] == "t"
    assert "myshopifyDomain" in body["query"]
    assert client.last_request_id == "r-1"


def test_throttled_at_http_200_waits_for_the_bucket_to_refill(
    server: Server, client: ShopifyClient, slept: list[float]
) -> None:
    server.answers = [graphql_error("THROTTLED", **cost(requested=500, available=100, restore=100)), OK]
    client.execute("shop")
    # 400 points are missing at 100 a second; up to half a second of jitter comes on top.
    assert 3.9 <= sum(slept) < 4.6
    assert client.meter.waited == sum(slept)
    assert client.meter.throttled == 1
    assert client.meter.retries == 0


def test_paces_itself_so_that_a_known_cost_is_not_refused(
    server: Server, client: ShopifyClient, slept: list[float]
) -> None:
    server.answers = [(200, {}, {"data": {}, "extensions": cost(requested=300, available=50)})]
    client.execute("shop")
    assert slept == []
    client.execute("shop")
    assert slept == [pytest.approx(2.5, abs=0.1)]


def test_a_query_that_costs_too_much_is_asked_for_half_the_records_and_the_size_is_remembered(
    server: Server, client: ShopifyClient
) -> None:
    def answer(body: dict[str, Any]) -> Answer:
        return graphql_error("MAX_COST_EXCEEDED") if body["variables"]["first"] > 60 else OK

    server.answers = [answer]
    client.execute_text("query Q($first: Int!) { x }", {"first": 250})
    client.execute_text("query Q($first: Int!) { x }", {"first": 250})
    assert [body["variables"]["first"] for _, _, body in server.asked] == [250, 125, 62, 31, 31]


@pytest.mark.parametrize(
    "bad",
    [
        (503, {}, {}),
        (429, {"Retry-After": "2.0"}, {}),
        (200, {}, b"<html>busy</html>"),
        (200, {"X-Claimed-Length": "5000"}, b'{"data": {"shop"'),
        (200, {}, b'{"data": {"shop"'),
        (200, {}, b""),
        (200, {}, {"extensions": cost()}),
        (200, {}, ["data"]),
        graphql_error("INTERNAL_SERVER_ERROR"),
        (200, {}, {"data": None}),
    ],
)
def test_a_transient_failure_is_tried_again(server: Server, client: ShopifyClient, bad: Answer) -> None:
    server.answers = [bad, OK]
    assert client.execute("shop") == {"shop": {"name": "A"}}
    assert len(server.asked) == 2


def test_a_host_that_answers_with_failures_is_given_more_time_than_one_that_never_answers(
    server: Server, client: ShopifyClient
) -> None:
    server.answers = [(503, {}, {})] * 6 + [OK]
    assert client.execute("shop") == {"shop": {"name": "A"}}


def test_a_call_within_another_is_not_given_the_patience_of_both(server: Server, client: ShopifyClient) -> None:
    server.answers = [(503, {}, {})] * 200
    with pytest.raises(TransientError, match="Given up"):
        client.execute("shop")
    alone = len(server.asked)
    with pytest.raises(TransientError, match="Given up"):
        client.retried(lambda: client.execute("shop"))
    assert len(server.asked) == 2 * alone


def test_retry_after_is_honoured(server: Server, client: ShopifyClient, slept: list[float]) -> None:
    server.answers = [(429, {"Retry-After": "2.5"}, {}), OK]
    client.execute("shop")
    assert slept[0] >= 2.5


def test_a_write_is_tried_once(server: Server, client: ShopifyClient) -> None:
    server.answers = [(503, {}, {}), OK]
    with pytest.raises(TransientError):
        client.mutate_text("mutation M { x }", {})
    assert len(server.asked) == 1


def test_an_answer_with_errors_is_a_failure_even_when_it_has_data(server: Server, client: ShopifyClient) -> None:
    server.answers = [(200, {}, {"data": {"orders": {"nodes": []}}, "errors": [{"message": "no such field"}]})]
    with pytest.raises(GrowthError, match="no such field"):
        client.execute("shop")


def test_a_missing_scope_is_told_apart_from_a_refused_token(server: Server, client: ShopifyClient) -> None:
    server.answers = [graphql_error("ACCESS_DENIED")]
    with pytest.raises(AccessDenied, match="lacks a scope"):
        client.execute("shop")
    server.answers = [(401, {}, {"errors": "[API] Invalid API key or access token"})]
    with pytest.raises(CredentialRefused, match="GROWTH_SHOPIFY__ACCESS_TOKEN"):
        client.execute("shop")


def test_a_filter_that_shopify_ignored_is_an_error(server: Server, client: ShopifyClient) -> None:
    warning = {
        "query": "created_at:>'x'",
        "warnings": [{"field": "created_at", "message": "Invalid search field"}],
    }
    bad: Answer = (200, {}, {"data": {"orders": {"nodes": []}}, "extensions": {"search": [warning]}})
    server.answers = [bad, bad, OK]
    assert client.execute("shop") == {"shop": {"name": "A"}}, "a bad moment of the search index is waited out"
    server.asked.clear()
    server.answers = [bad]
    with pytest.raises(FilterIgnored, match=r"ignored a part of the filter .*created_at"):
        client.execute("shop")
    assert len(server.asked) == 3


def test_another_api_version_than_the_pinned_one_is_noted(server: Server, client: ShopifyClient) -> None:
    server.answers = [(200, {"X-Shopify-API-Version": "2027-01"}, {"data": {}})]
    client.execute("shop")
    assert client.meter.notes == ["Shopify served API version 2027-01, not 2026-10"]


def test_client_credentials_are_granted_used_and_renewed_on_401(
    server: Server, slept: list[float], tmp_path: Path
) -> None:
    granted = iter(["first", "second"])

    def grant(_: dict[str, Any]) -> Answer:
        return 200, {}, {"access_token": next(granted), "expires_in": 86399}

    server.answers = [grant, OK, (401, {}, {}), grant, OK]
    secrets = {"GROWTH_SHOPIFY__CLIENT_ID": "i", "GROWTH_SHOPIFY__CLIENT_SECRET": "s"}
    with make_client(server, slept, tmp_path, **secrets) as client:
        client.execute("shop")
        client.execute("shop")
    used = [headers.get("X-Shopify-Access-Token") for _, headers, _ in server.asked]
    assert used == [None, "first", "first", None, "second"]
    assert server.asked[0][2]["grant_type"] == "client_credentials"


def test_a_token_that_is_refused_twice_in_a_row_is_refused(
    server: Server, slept: list[float], tmp_path: Path
) -> None:
    server.answers = [GRANT, (401, {}, {}), GRANT, (401, {}, {})]
    with make_client(server, slept, tmp_path, **APP) as client, pytest.raises(CredentialRefused, match="401"):
        client.execute("shop")
    assert len(server.asked) == 4


def test_one_thread_renews_the_token_for_all(server: Server, slept: list[float], tmp_path: Path) -> None:
    granted = count()
    seen: Counter[str] = Counter()

    def answer(body: dict[str, Any]) -> Answer:
        if "grant_type" in body:
            sleep(0.2)
            return 200, {}, {"access_token": f"token {next(granted)}", "expires_in": 86399}
        token = server.asked[-1][1]["X-Shopify-Access-Token"]
        seen[token] += 1
        return (401, {}, {}) if token == "token 0" and seen[token] > 1 else OK

    server.answers = [answer]
    with make_client(server, slept, tmp_path, **APP) as client:
        client.execute("shop")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: client.execute("shop"), range(6)))
    assert next(granted) == 2


def test_a_refused_grant_names_the_settings_and_no_secret(
    server: Server, slept: list[float], tmp_path: Path
) -> None:
    server.answers = [(400, {}, {"error": "invalid_client sesame"})]
    with make_client(server, slept, tmp_path, **APP) as client:
        with pytest.raises(CredentialRefused, match="GROWTH_SHOPIFY__CLIENT_ID") as caught:
            client.execute("shop")
    assert "sesame" not in str(caught.value)


def test_a_later_program_knows_the_costs_and_page_sizes(
    server: Server, slept: list[float], tmp_path: Path
) -> None:
    def answer(body: dict[str, Any]) -> Answer:
        if body["variables"]["first"] > 60:
            return graphql_error("MAX_COST_EXCEEDED")
        return 200, {}, {"data": {}, "extensions": cost(requested=300, available=50)}

    server.answers = [answer]
    text = "query Q($first: Int!) { x }"
    for _ in range(2):
        with make_client(server, slept, tmp_path, GROWTH_SHOPIFY__ACCESS_TOKEN="t") as client:
            client.execute_text(text, {"first": 100})
    assert [body["variables"]["first"] for _, _, body in server.asked] == [100, 50, 50]
    assert slept == [pytest.approx(2.5, abs=0.1)]


def test_a_pause_that_shopify_asks_of_one_is_kept_by_all(server: Server, tmp_path: Path) -> None:
    answered: list[float] = []
    paused: list[float] = []

    def answer(_: dict[str, Any]) -> Answer:
        if len(answered) == 3 and not paused:
            paused.append(monotonic())
            return 429, {"Retry-After": "0.8"}, {}
        answered.append(monotonic())
        return OK

    server.answers = [answer]
    environment = {"GROWTH_HOME": str(tmp_path), "GROWTH_SHOPIFY__BASE_URL": server.base_url}
    environment["GROWTH_SHOPIFY__ACCESS_TOKEN"] = "t"

    def work(_: int) -> None:
        with ShopifyClient(load_settings(environment)) as client:
            for _ in range(4):
                client.execute("shop")
                sleep(0.05)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    after = sorted(moment - paused[0] for moment in answered if moment > paused[0])
    # Those already on the wire are no violation; nothing else is sent before its time.
    assert [moment for moment in after if 0.1 < moment < 0.8] == []
    assert len(answered) == 12


def test_the_deadline_is_kept_and_the_error_says_what_was_waited_for(
    server: Server, slept: list[float], tmp_path: Path
) -> None:
    server.answers = [(429, {"Retry-After": "200"}, {})]
    with make_client(server, slept, tmp_path, GROWTH_SHOPIFY__ACCESS_TOKEN="t") as client:
        with pytest.raises(TransientError, match=r"HTTP 429\. Given up after \d tries in \d+ s") as caught:
            client.execute("shop")
        assert 600 < sum(slept) < 900
        assert caught.value.retry_after == 200
        with pytest.raises(TransientError, match=r"Shopify's requested pause lasts until 20[-\d]+ \d\d:\d\d UTC"):
            with make_client(
                server, slept, tmp_path, GROWTH_SHOPIFY__ACCESS_TOKEN="t", GROWTH_INGESTION__DEADLINE_SECONDS="9"
            ) as impatient:
                impatient.execute("shop")


def test_no_secret_stands_in_a_log_an_error_or_the_budget(
    server: Server, slept: list[float], tmp_path: Path
) -> None:
    configure_logging(tmp_path / "logs", "error")
    echo: Answer = (422, {}, b"you sent shpat_sesame")
    server.answers = [(500, {}, {}), (429, {"Retry-After": "1"}, {}), graphql_error("THROTTLED"), echo]
    with make_client(server, slept, tmp_path, GROWTH_SHOPIFY__ACCESS_TOKEN="shpat_sesame") as client:
        with pytest.raises(GrowthError, match=r"you sent \*\*\*") as caught:
            client.execute("shop")
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r} {client.meter}"
    logged = (tmp_path / "logs" / "growth.jsonl").read_text()
    assert logged.count("retrying") == 3
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"shopify 127.0.0.1" in kept
    assert b"sesame" not in kept
    assert not any("sesame" in path for path, _, _ in server.asked)


def test_a_host_that_never_answers_is_given_up_soon_with_its_address(slept: list[float], tmp_path: Path) -> None:
    environment = {
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_SHOPIFY__BASE_URL": "http://127.0.0.1:1",
        "GROWTH_SHOPIFY__ACCESS_TOKEN": "t",
    }
    with ShopifyClient(load_settings(environment), sleep=slept.append) as client:
        with pytest.raises(TransientError, match=r"127\.0\.0\.1:1.*no connection"):
            client.execute("shop")
    assert len(slept) == 2
    assert sum(slept) < 3


def test_no_credential_at_all_names_the_setting(server: Server, slept: list[float], tmp_path: Path) -> None:
    with make_client(server, slept, tmp_path) as client:
        with pytest.raises(GrowthError, match="GROWTH_SHOPIFY__ACCESS_TOKEN"):
            client.execute("shop")
