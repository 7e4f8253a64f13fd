"""The transport against a real local server that misbehaves in every way the outside world does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from growth_pipelines.errors import CredentialRefused, GrowthError, TransientError
from growth_pipelines.telemetry import trace
from growth_pipelines.transport import RetryPolicy, StatusError, Transport, json_object

Answer = tuple[int, dict[str, str], bytes] | None


class _Script:
    """Answers in order; None drops the connection. Keeps the headers that it saw."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.seen: list[dict[str, str]] = []
        self.dated = True


@pytest.fixture
def script() -> Iterator[tuple[_Script, str]]:
    played = _Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            played.seen.append(dict(self.headers))
            answer = played.answers.pop(0)
            if answer is None:
                self.connection.close()
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response_only(status)
            if played.dated and "Date" not in headers:
                self.send_header("Date", self.date_time_string())
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if int(headers.get("Content-Length", len(body))) != len(body):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield played, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def transport(script: tuple[_Script, str]) -> Iterator[Transport]:
    with Transport(script[1], timeout=2) as made:
        yield made


OK: Answer = (200, {}, b'{"ok": true}')


@pytest.mark.parametrize(
    "bad",
    [(429, {}, b""), (500, {}, b""), (503, {}, b""), None, (200, {"Content-Length": "99"}, b'{"cut":')],
    ids=["429", "500", "503", "dropped", "cut body"],
)
def test_what_is_no_whole_answer_may_pass_and_nothing_is_sent_twice(
    script: tuple[_Script, str], transport: Transport, bad: Answer
) -> None:
    script[0].answers = [bad, OK]
    with pytest.raises(TransientError):
        transport.request("GET", "/x")
    assert len(script[0].seen) == 1
    assert json_object(transport.request("GET", "/x")) == {"ok": True}


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"Retry-After": "7.5"}, 7.5),
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        # By the server's own clock, which is years off ours.
        ({"Retry-After": "Sat, 01 Jan 2000 00:01:30 GMT", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, 90.0),
        ({"Retry-After": "Sat, 01 Jan 2000 00:01:30 GMT", "Date": "Sat, 01 Jan 2000 00:02:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    script: tuple[_Script, str], transport: Transport, headers: dict[str, str], asked: float | None
) -> None:
    script[0].answers = [(503, headers, b"")]
    with pytest.raises(StatusError) as caught:
        transport.request("GET", "/x")
    assert caught.value.retry_after == asked


def test_retry_after_as_a_date_without_the_servers_clock(
    script: tuple[_Script, str], transport: Transport
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    script[0].dated = False
    script[0].answers = [(503, {"Retry-After": date}, b"")]
    with pytest.raises(StatusError) as caught:
        transport.request("GET", "/x")
    assert caught.value.retry_after is not None
    assert 55 < caught.value.retry_after <= 60


def test_refused_credentials_are_not_retried(script: tuple[_Script, str], transport: Transport) -> None:
    script[0].answers = [(401, {}, b"no"), OK]
    with pytest.raises(CredentialRefused, match="doctor"):
        transport.request("GET", "/x?key=abc123")
    assert len(script[0].seen) == 1


def google(reason: str, message: str = "No.", **more: object) -> bytes:
    return json.dumps({"error": {"message": message, "errors": [{"reason": reason}], **more}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "quota"),
    [
        (403, google("quotaExceeded"), "rate"),
        (403, google("rateLimitExceeded"), "rate"),
        (403, google("quotaExceeded", "Search Analytics QPS quota exceeded."), "rate"),
        (403, google("quotaExceeded", "Search Analytics load quota exceeded."), "load"),
        (403, b'{"error": {"message": "Search Analytics load quota exceeded"}}', "load"),
        (403, google("dailyLimitExceeded"), "day"),
        (
            429,
            google("rateLimitExceeded", details=[{"metadata": {"quota_limit": "defaultPerDayPerProject"}}]),
            "day",
        ),
        (429, google("rateLimitExceeded"), "rate"),
        (429, b"busy", ""),
    ],
)
def test_a_used_up_quota_is_not_a_refused_credential(
    script: tuple[_Script, str], transport: Transport, status: int, body: bytes, quota: str
) -> None:
    script[0].answers = [(status, {}, body)]
    with pytest.raises(StatusError) as caught:
        transport.request("GET", "/x")
    assert (caught.value.status, caught.value.quota) == (status, quota)


@pytest.mark.parametrize(
    "body",
    [
        google("forbidden"),
        google("insufficientPermissions"),
        google("forbidden", "Set a quota project first; the quota exceeded page tells more."),
        b'{"errors": "no access"}',
        b"<html>quota exceeded</html>",
        b"[]",
    ],
)
def test_any_other_403_is_a_refused_credential(
    script: tuple[_Script, str], transport: Transport, body: bytes
) -> None:
    script[0].answers = [(403, {}, body)]
    with pytest.raises(CredentialRefused):
        transport.request("GET", "/x")
    assert len(script[0].seen) == 1


def test_client_errors_tell_the_body(script: tuple[_Script, str], transport: Transport) -> None:
    script[0].answers = [(422, {}, b"bad query")]
    with pytest.raises(GrowthError, match="422: bad query"):
        transport.request("GET", "/x")


@pytest.mark.parametrize("body", [b"<html>busy</html>", b'{"half":', b"[1]"])
def test_a_200_that_is_no_json_object_is_no_answer(
    script: tuple[_Script, str], transport: Transport, body: bytes
) -> None:
    script[0].answers = [(200, {}, body)]
    with pytest.raises(TransientError):
        json_object(transport.request("GET", "/x"))


def test_secrets_in_addresses_are_masked_in_errors(script: tuple[_Script, str], transport: Transport) -> None:
    script[0].answers = [(400, {}, b"")]
    with pytest.raises(GrowthError) as caught:
        transport.request("GET", "/v5/run?key=AIzaSECRET&url=x")
    assert "AIzaSECRET" not in str(caught.value)


def test_a_host_that_repeats_a_credential_does_not_bring_it_into_an_error(
    script: tuple[_Script, str], transport: Transport
) -> None:
    script[0].answers = [(400, {}, b"bad token abc123")]
    with pytest.raises(GrowthError, match=r"bad token \*\*\*"):
        transport.request("GET", "/x", headers={"authorization": "Bearer abc123"})


def test_nobody_home_is_a_clear_transient_error() -> None:
    with Transport("http://127.0.0.1:9") as transport:
        with pytest.raises(TransientError, match="no connection"):
            transport.request("GET", "/x")


def test_requests_carry_the_trace_id(script: tuple[_Script, str], transport: Transport) -> None:
    script[0].answers = [OK]
    with trace() as trace_id:
        transport.request("GET", "/x")
    assert script[0].seen[0]["X-Trace-Id"] == trace_id


@pytest.mark.parametrize("attempt", [1, 3, 50])
def test_backoff_is_jittered_and_bounded(attempt: int) -> None:
    def waited(jitter: Callable[[], float]) -> float:
        return RetryPolicy().wait_before(attempt, None, jitter)

    assert waited(lambda: 0.0) == 0.0
    assert waited(lambda: 1.0) <= RetryPolicy().ceiling
