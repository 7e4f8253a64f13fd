"""Google's quirks: quotas as 403 or 429, "not found" as an answer, keys kept out of messages, silent caps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from growth_pipelines.errors import CredentialRefused, GrowthError, TransientError
from growth_pipelines.ingestion.budgets import BudgetFile, BudgetUsedUp, CountBudget
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.failures import Throttled
from growth_pipelines.ingestion.google.client import ApiKey, GoogleClient
from growth_pipelines.ingestion.google.credentials import StaticToken
from growth_pipelines.ingestion.google.search_console import IncompleteDays, first_incomplete, query_days
from growth_pipelines.telemetry import configure_logging


class Google:
    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, body))
                outer.headers.append(dict(self.headers))
                status, document = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if callable(document):
                    document = document(body)
                content = document if isinstance(document, bytes) else json.dumps(document, indent=1).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def google() -> Iterator[Google]:
    server = Google()
    yield server
    server.http.shutdown()


@pytest.fixture
def budgets(tmp_path: Path) -> BudgetFile:
    return BudgetFile(tmp_path / "budgets.sqlite")


def client_of(
    google: Google,
    budgets: BudgetFile,
    slept: list[float],
    credential: Any = None,
    *,
    per_minute: int = 120,
    per_day: int = 0,
    deadline: float = 100,
    load_pause: float = 60,
) -> GoogleClient:
    return GoogleClient(
        google.base_url,
        credential or StaticToken("t"),
        CountBudget(budgets, "scope", "Search Console", per_minute, per_day),
        Meter(),
        deadline=deadline,
        attempts=4,
        load_pause=load_pause,
        sleep=slept.append,
    )


def refusal(reason: str, message: str) -> dict[str, Any]:
    return {"error": {"code": 403, "message": message, "errors": [{"reason": reason, "domain": "usageLimits"}]}}


LOAD = (403, refusal("quotaExceeded", "Search Analytics load quota exceeded"))
RATE = (403, refusal("rateLimitExceeded", "Search Analytics QPS quota exceeded"))
DAY = (403, refusal("dailyLimitExceeded", "Daily Limit Exceeded"))


@pytest.mark.parametrize(("answer", "pause"), [(RATE, 5), ((429, {}), 5), (LOAD, 60)])
def test_a_used_up_quota_is_waited_out(
    google: Google, budgets: BudgetFile, answer: tuple[int, Any], pause: float
) -> None:
    slept: list[float] = []
    google.answers = [answer, (200, {"rows": []})]
    with client_of(google, budgets, slept) as client:
        assert client.call("POST", "/x", json={}) is not None
    # What was asked for, and up to half a second of jitter.
    assert pause <= sum(slept) <= pause + 0.5


def test_the_published_rate_is_kept_from_the_first_call_on(google: Google, budgets: BudgetFile) -> None:
    slept: list[float] = []
    google.answers = [(200, {})]
    with client_of(google, budgets, slept, per_minute=5) as client:
        for _ in range(5):
            client.call("POST", "/x", json={})
        assert slept == []
        client.call("POST", "/x", json={})
    assert 60 < sum(slept) <= 62.5


def test_a_pause_that_begins_while_a_call_waits_for_its_turn_holds_for_it_too(
    google: Google, budgets: BudgetFile
) -> None:
    other = CountBudget(budgets, "scope", "Search Console", 1)

    class Slept(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            other.pause(100, "requested pause lasts")

    slept = Slept()
    google.answers = [(200, {})]
    with client_of(google, budgets, slept, per_minute=1, deadline=300) as client:
        client.call("POST", "/x", json={})
        client.call("POST", "/x", json={})
    assert 60 < slept[0] < 63
    assert 100 <= sum(slept) < 300


@pytest.mark.parametrize(("answer", "what"), [(LOAD, "load quota"), (DAY, "quota of the day")])
def test_a_quota_that_is_used_up_beyond_the_deadline_says_until_when_to_everybody(
    google: Google, budgets: BudgetFile, answer: tuple[int, Any], what: str
) -> None:
    said = rf"Search Console's {what} is used up until 20[-\d]+ \d\d:\d\d UTC\. The next run goes on there\."
    google.answers = [answer]
    with client_of(google, budgets, [], load_pause=90_000) as client:
        with pytest.raises(Throttled, match=said):
            client.call("POST", "/x", json={})
    with client_of(google, budgets, []) as another, pytest.raises(BudgetUsedUp, match=said):
        another.call("POST", "/x", json={})
    assert len(google.asked) == 1, "nobody asks in vain"


def test_the_days_quota_is_kept_to(google: Google, budgets: BudgetFile) -> None:
    google.answers = [(200, {})]
    with client_of(google, budgets, [], per_day=2) as client:
        client.call("POST", "/x", json={})
        client.call("POST", "/x", json={})
        with pytest.raises(BudgetUsedUp, match="quota of the day is used up until"):
            client.call("POST", "/x", json={})
    assert len(google.asked) == 2


class Renewable:
    renewable = True

    def __init__(self) -> None:
        self.tokens = 0

    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens}"}

    def forget(self, refused: Mapping[str, str]) -> None:
        assert refused == self.header()
        self.tokens += 1


def test_an_expired_token_is_renewed_once(google: Google, budgets: BudgetFile) -> None:
    credential = Renewable()
    google.answers = [(401, {}), (200, {"rows": []}), (401, {})]
    with client_of(google, budgets, [], credential) as client:
        assert client.call("POST", "/x", json={}) is not None
        assert [sent["Authorization"] for sent in google.headers] == ["Bearer 0", "Bearer 1"]
        with pytest.raises(CredentialRefused, match="401"):
            client.call("POST", "/x", json={})
    assert credential.tokens == 2
    assert len(google.asked) == 4


@pytest.mark.parametrize("bad", ["", "<html>busy</html>", '{"rows": [', "[]", "{}", '{"error": {"code": 500}}'])
def test_a_200_without_rows_or_their_absence_is_never_an_empty_page(
    google: Google, budgets: BudgetFile, bad: str
) -> None:
    google.answers = [(200, bad.encode()), (200, {"rows": [{"keys": ["2026-01-01", "p"]}]}), (200, {"rows": []})]
    day = date(2026, 1, 1)
    with client_of(google, budgets, []) as client:
        found = b"".join(query_days(client, "s", day, day, ["date", "page"], "auto"))
    assert json.loads(found)["keys"] == ["2026-01-01", "p"]
    google.answers = [(200, bad.encode())]
    with client_of(google, budgets, []) as client, pytest.raises(TransientError):
        list(query_days(client, "s", day, day, ["date", "page"], "auto"))


def test_a_refused_credential_is_not_tried_again(google: Google, budgets: BudgetFile) -> None:
    google.answers = [(403, {"error": {"message": "User does not have sufficient permission"}})]
    with client_of(google, budgets, []) as client, pytest.raises(CredentialRefused):
        client.call("POST", "/x", json={})
    assert len(google.asked) == 1


NOT_FOUND = {"error": {"code": 404, "message": "chrome ux report data not found", "status": "NOT_FOUND"}}


@pytest.mark.parametrize(
    "other",
    [b"<html>no such host</html>", b"", {"error": "Not Found"}, {"error": {"code": 404, "message": "gone"}}, []],
)
def test_any_other_404_is_a_failure(google: Google, budgets: BudgetFile, other: Any) -> None:
    google.answers = [(404, other)]
    with client_of(google, budgets, []) as client, pytest.raises(GrowthError, match=r"HTTP 404.*address"):
        client.call("POST", "/x", json={}, not_found=True)
    assert len(google.asked) == 1


def test_not_found_is_an_answer_where_it_is_one(google: Google, budgets: BudgetFile) -> None:
    google.answers = [(404, NOT_FOUND)]
    with client_of(google, budgets, []) as client:
        assert client.call("POST", "/x", json={}, not_found=True) is None


def test_the_api_key_stands_in_no_address_log_or_message(
    google: Google, budgets: BudgetFile, tmp_path: Path
) -> None:
    configure_logging(tmp_path / "logs", "error")
    google.answers = [(500, {}), (429, {}), (400, {"error": "your key sesame is bad"})]
    with client_of(google, budgets, [], ApiKey("sesame")) as client, pytest.raises(GrowthError) as caught:
        client.call("POST", "/x", json={})
    assert {sent["X-Goog-Api-Key"] for sent in google.headers} == {"sesame"}
    assert not any("sesame" in path for path, _ in google.asked)
    assert "your key *** is bad" in str(caught.value)
    logged = (tmp_path / "logs" / "growth.jsonl").read_text()
    assert logged.count("retrying") == 2
    assert "sesame" not in logged


def rows_from(body: dict[str, Any], cap: int, total: int) -> dict[str, Any]:
    numbers = range(total)[body["startRow"] :][: min(cap, body["rowLimit"])]
    return {"rows": [{"keys": ["2026-01-01", f"p{n}", "q"], "clicks": n} for n in numbers]}


@pytest.mark.parametrize(("cap", "total"), [(25_000, 7), (1_000, 2_345), (500, 1_000), (25_000, 0)])
def test_all_rows_are_read_also_from_a_server_with_a_smaller_cap(
    google: Google, budgets: BudgetFile, cap: int, total: int
) -> None:
    google.answers = [(200, lambda body: rows_from(body, cap, total))]
    day = date(2026, 1, 1)
    with client_of(google, budgets, []) as client:
        blocks = query_days(client, "sc-domain:a.example", day, day, ["date", "page", "query"], "auto")
        lines = [line for block in blocks for line in block.split(b"\n") if line]
    assert [json.loads(line)["clicks"] for line in lines] == list(range(total))
    assert google.asked[0][0] == "/webmasters/v3/sites/sc-domain%3Aa.example/searchAnalytics/query"


@pytest.mark.parametrize("spelling", ["firstIncompleteDate", "first_incomplete_date"])
def test_the_first_day_that_is_not_complete_is_told(google: Google, budgets: BudgetFile, spelling: str) -> None:
    first, last = date(2026, 1, 1), date(2026, 1, 2)
    rows = [{"keys": [day.isoformat()]} for day in (first, last)]
    google.answers = [(200, {"rows": rows, "metadata": {spelling: "2026-01-02"}})]
    with client_of(google, budgets, []) as client:
        assert first_incomplete(client, "s", first, last) == last
        with pytest.raises(IncompleteDays) as caught:
            list(query_days(client, "s", first, last, ["date"], "auto"))
        assert caught.value.first == last
        provisional = b"".join(query_days(client, "s", first, last, ["date"], "auto", "all"))
        assert provisional.count(b"\n") == 1
