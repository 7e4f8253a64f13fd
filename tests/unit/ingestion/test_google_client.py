"""Google's quirks: quotas as 403 or 429, "not found" as an answer, keys kept out of messages, silent caps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from growth_pipelines.errors import CredentialRefused, TransientError
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.google.client import ApiKey, GoogleClient, Pace
from growth_pipelines.ingestion.google.credentials import StaticToken
from growth_pipelines.ingestion.google.search_console import query_days


class Google:
    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, body))
                status, document = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if callable(document):
                    document = document(body)
                content = json.dumps(document, indent=1).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def google() -> Iterator[Google]:
    server = Google()
    yield server
    server.http.shutdown()


def client_of(google: Google, slept: list[float], credential: Any = None) -> GoogleClient:
    return GoogleClient(
        google.base_url,
        credential or StaticToken("t"),
        Meter(),
        per_minute=120,
        deadline=60,
        attempts=4,
        sleep=slept.append,
    )


QUOTA = {"error": {"code": 403, "message": "Search Analytics load quota exceeded"}}


@pytest.mark.parametrize("refusal", [(403, QUOTA), (429, {})])
def test_a_used_up_quota_is_waited_out_and_the_published_rate_kept_from_then_on(
    google: Google, refusal: tuple[int, Any]
) -> None:
    slept: list[float] = []
    google.answers = [(200, {}), refusal, (200, {})]
    with client_of(google, slept) as client:
        client.call("POST", "/x", json={})
        assert slept == []
        client.call("POST", "/x", json={})
        assert slept[0] >= 5
        client.call("POST", "/x", json={})
        client.call("POST", "/x", json={})
    # 120 a minute; the waits are not really slept here, so they add up.
    assert 0.5 < sum(slept[1:]) <= 1.5


def test_a_refused_credential_is_not_tried_again(google: Google) -> None:
    google.answers = [(403, {"error": {"message": "User does not have sufficient permission"}})]
    with client_of(google, []) as client, pytest.raises(CredentialRefused):
        client.call("POST", "/x", json={})
    assert len(google.asked) == 1


def test_not_found_is_an_answer_where_it_is_one(google: Google) -> None:
    google.answers = [(404, {"error": {"message": "chrome ux report data not found"}})]
    with client_of(google, []) as client:
        assert client.call("POST", "/x", json={}, not_found=True) is None


def test_the_api_key_is_sent_and_stands_in_no_message(google: Google) -> None:
    google.answers = [(500, {})]
    with client_of(google, [], ApiKey("sesame")) as client, pytest.raises(TransientError) as caught:
        client.call("POST", "/x", json={})
    assert parse_qs(urlsplit(google.asked[0][0]).query)["key"] == ["sesame"]
    assert "sesame" not in str(caught.value)


def test_a_pace_spaces_calls_only_once_it_is_enforced() -> None:
    now = [0.0]
    pace = Pace(60, monotonic=lambda: now[0])
    assert [pace.wait(), pace.wait()] == [0, 0]
    pace.enforce()
    assert [pace.wait(), pace.wait(), pace.wait()] == [0, 1, 2]


def rows_from(body: dict[str, Any], cap: int, total: int) -> dict[str, Any]:
    numbers = range(total)[body["startRow"] :][: min(cap, body["rowLimit"])]
    return {"rows": [{"keys": ["2026-01-01", f"p{n}", "q"], "clicks": n} for n in numbers]}


@pytest.mark.parametrize(("cap", "total"), [(25_000, 7), (1_000, 2_345), (500, 1_000), (25_000, 0)])
def test_all_rows_are_read_also_from_a_server_with_a_smaller_cap(google: Google, cap: int, total: int) -> None:
    google.answers = [(200, lambda body: rows_from(body, cap, total))]
    day = date(2026, 1, 1)
    with client_of(google, []) as client:
        blocks = query_days(client, "sc-domain:a.example", day, day, ["date", "page", "query"], "auto")
        lines = [line for block in blocks for line in block.split(b"\n") if line]
    assert [json.loads(line)["clicks"] for line in lines] == list(range(total))
    assert google.asked[0][0] == "/webmasters/v3/sites/sc-domain%3Aa.example/searchAnalytics/query"


@pytest.mark.parametrize("spelling", ["firstIncompleteDate", "first_incomplete_date"])
def test_days_that_are_not_complete_are_left_out(google: Google, spelling: str) -> None:
    answer = {
        "rows": [{"keys": ["2026-01-01", "p", "q"]}, {"keys": ["2026-01-02", "p", "q"]}],
        "metadata": {spelling: "2026-01-02"},
    }
    google.answers = [(200, answer)]
    with client_of(google, []) as client:
        found = b"".join(query_days(client, "s", date(2026, 1, 1), date(2026, 1, 2), ["date"], "auto"))
    assert json.loads(found)["keys"][0] == "2026-01-01"
