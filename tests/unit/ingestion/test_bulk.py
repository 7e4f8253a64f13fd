"""A bulk operation against a real shop and a real host: each byte once, nothing partial, one operation a query."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.failures import AccessDenied
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.shopify import client as client_module
from growth_pipelines.ingestion.shopify.bulk import BulkFailed, BulkResult, BulkTooLarge, run_bulk
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from tests.unit.ingestion.test_shopify_client import Answer, Server, make_client

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINES = b'{"id":1}\n{"id":2,"title":"\xc3\xbc"}\n{"id":3}\n'


class Host:
    """Serves one file, and breaks each connection as ``cuts`` says: after so many bytes of its answer."""

    def __init__(self) -> None:
        self.reset(b"")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                status = outer.statuses.pop(0) if outer.statuses else 0
                place = self.headers.get("Range", "bytes=0-")[len("bytes=") : -1]
                start = int(place) if outer.ranges else 0
                if start >= len(outer.content) > 0:
                    status = 416
                if "expired" in self.path:
                    status = 403
                if status:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = outer.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body) + outer.overstated))
                self.end_headers()
                self.wfile.write(body[: outer.cuts.pop(0)] if outer.cuts else body)
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/result"

    def reset(
        self, content: bytes, *, cuts: tuple[int, ...] = (), ranges: bool = True, overstated: int = 0
    ) -> None:
        self.overstated = overstated
        self.content, self.cuts, self.ranges = content, list(cuts), ranges
        self.statuses: list[int] = []
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def ranges_asked(self) -> list[str]:
        return [headers.get("Range", "") for _, headers in self.asked]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    started = Host()
    yield started
    started.http.shutdown()


class Operations:
    """The shop's side: ``states`` are what polls answer, one after the other (the last one for ever)."""

    def __init__(self, server: Server) -> None:
        self.states: list[dict[str, Any] | None] = []
        self.refusals: list[str] = []
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.polled: list[str] = []
        server.answers = [self.answer]

    def completed(self, content: bytes, url: str | None, /, **over: Any) -> None:
        size, objects = str(len(content)), str(len([line for line in content.split(b"\n") if line.strip()]))
        told = {"status": "COMPLETED", "fileSize": size, "objectCount": objects, "url": url, **over}
        self.states = [told]

    def answer(self, body: dict[str, Any]) -> Answer:
        asked, variables = body["query"], body["variables"]
        if "bulkOperationRunQuery" in asked:
            if self.refusals:
                errors = [{"code": self.refusals.pop(0), "field": None, "message": "not now"}]
                return data(bulkOperationRunQuery={"bulkOperation": None, "userErrors": errors})
            self.started.append(variables["query"])
            operation = {"id": f"op-{len(self.started)}", "status": "CREATED"}
            return data(bulkOperationRunQuery={"bulkOperation": operation, "userErrors": []})
        if "bulkOperationCancel" in asked:
            self.cancelled.append(variables["id"])
            return data(bulkOperationCancel={"bulkOperation": None, "userErrors": []})
        self.polled.append(variables["id"])
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        told = {"id": variables["id"], "errorCode": None, "objectCount": "0", "fileSize": None, "url": None}
        return data(bulkOperation=None if state is None else told | state)


def data(**document: Any) -> Answer:
    return 200, {}, {"data": document}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.http.shutdown()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(server: Server, slept: list[float], tmp_path: Path) -> Iterator[ShopifyClient]:
    server.asked.clear()
    with make_client(server, slept, tmp_path, GROWTH_SHOPIFY__ACCESS_TOKEN="shpat_sesame") as made:
        yield made


@pytest.fixture
def operations(server: Server) -> Operations:
    return Operations(server)


@pytest.fixture
def run(client: ShopifyClient, tmp_path: Path) -> Callable[..., BulkResult]:
    def started(query: str = "q", now: datetime = NOW, stuck_seconds: float = 600.0) -> BulkResult:
        return run_bulk(client, "orders_bulk", query, tmp_path / "orders", now, stuck_seconds=stuck_seconds)

    return started


def notes(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "orders").glob("*.operation.json"))


@pytest.fixture(scope="module")
def patient_client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopifyClient]:
    home = tmp_path_factory.mktemp("patient")
    with make_client(server, [], home, GROWTH_SHOPIFY__ACCESS_TOKEN="t") as made:
        yield made


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    content=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), min_size=1, max_size=12),
    ends=st.sampled_from([b"", b"\n"]),
    cuts=st.lists(st.integers(0, 120), max_size=5),
    block=st.integers(1, 40),
    ranges=st.booleans(),
    size_told=st.booleans(),
)
@example([b"ab", b"cd", b"ef"], b"\n", [9, 6, 3], 1, False, True)
def test_a_download_that_breaks_anywhere_brings_each_byte_once_in_whole_lines(
    host: Host,
    patient_client: ShopifyClient,
    content: list[bytes],
    ends: bytes,
    cuts: list[int],
    block: int,
    ranges: bool,
    size_told: bool,
) -> None:
    """Also from a host that ignores Range and sends everything again."""
    lines = [b"{" + line + b"}" for line in content]
    whole = b"\n".join(lines) + ends
    host.reset(whole, cuts=tuple(cuts), ranges=ranges)
    told = {"url": host.url, "objectCount": str(len(lines)), "fileSize": str(len(whole)) if size_told else None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client_module, "DOWNLOAD_BLOCK", block)
        blocks = list(BulkResult(patient_client, Path("none"), NOW, told).blocks())
    assert b"".join(blocks) == whole
    assert all(part.endswith(b"\n") for part in blocks[:-1])


def test_a_broken_download_goes_on_where_it_broke(
    host: Host, operations: Operations, run: Callable[..., BulkResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "DOWNLOAD_BLOCK", 4)
    host.reset(LINES, cuts=(8, 12))
    operations.completed(LINES, host.url)
    assert b"".join(run().blocks()) == LINES
    assert host.ranges_asked == ["", "bytes=8-", "bytes=20-"]


def test_a_host_that_breaks_off_and_stays_away_is_given_up(
    host: Host,
    operations: Operations,
    run: Callable[..., BulkResult],
    slept: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "DOWNLOAD_BLOCK", 4)
    host.reset(LINES, cuts=(8,))
    operations.completed(LINES, host.url)
    blocks = run().blocks()
    # Two opened connections, then refusals without end.
    host.statuses = [0, *[503] * 500]
    with pytest.raises(BulkFailed, match="HTTP 503"):
        list(blocks)
    assert len(host.asked) < 20


def test_the_end_of_a_file_that_broke_after_its_last_byte_is_the_end(
    host: Host, operations: Operations, run: Callable[..., BulkResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a size that was told, only the host's 416 says that there is nothing more."""
    monkeypatch.setattr(client_module, "DOWNLOAD_BLOCK", 1)
    host.reset(LINES, overstated=9)
    operations.completed(LINES, host.url, fileSize=None)
    assert b"".join(run().blocks()) == LINES
    assert host.ranges_asked == ["", f"bytes={len(LINES)}-"]


def test_a_file_that_is_shorter_than_told_is_refused_at_once(
    host: Host, operations: Operations, run: Callable[..., BulkResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "DOWNLOAD_BLOCK", 1)
    host.reset(LINES)
    operations.completed(LINES, host.url, fileSize=str(len(LINES) + 5))
    with pytest.raises(BulkFailed, match=f"{len(LINES)} bytes of {len(LINES) + 5}"):
        list(run().blocks())
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    ("content", "objects", "lands"),
    [
        (b"", 0, b""),
        (b'{"a":1}', 1, b'{"a":1}\n'),
        (b'{"a":1}\r\n{"a":2}\r\n', 2, b'{"a":1}\r\n{"a":2}\r\n'),
        (b'{"a":1}\r\n{"a":2}', 2, b'{"a":1}\r\n{"a":2}\n'),
        (b'{"a":1}\n  ', 1, b'{"a":1}\n'),
    ],
)
def test_every_line_ending_and_an_empty_result_are_right(
    host: Host,
    operations: Operations,
    run: Callable[..., BulkResult],
    tmp_path: Path,
    content: bytes,
    objects: int,
    lands: bytes,
) -> None:
    import zstandard

    host.reset(content)
    operations.completed(content, host.url if content else None, objectCount=str(objects))
    with Landing(tmp_path).write("orders", Shop("a"), NOW) as file:
        for block in run().blocks():
            file.writer.lines(block)
    landed = zstandard.ZstdDecompressor().stream_reader(file.result.path.read_bytes()).read()
    assert (landed, file.result.rows) == (lands, objects)


@pytest.mark.parametrize(
    "over",
    [
        {"fileSize": str(len(LINES) - 1)},
        {"fileSize": str(len(LINES) + 1)},
        {"objectCount": "2"},
        {"objectCount": "4"},
        {"url": None},
    ],
)
def test_a_result_that_is_not_what_was_told_leaves_no_landing_file(
    host: Host, operations: Operations, run: Callable[..., BulkResult], tmp_path: Path, over: dict[str, Any]
) -> None:
    host.reset(LINES)
    operations.completed(LINES, host.url, **over)

    def land() -> None:
        with Landing(tmp_path).write("orders", Shop("a"), NOW) as file:
            for block in run().blocks():
                file.writer.lines(block)

    with pytest.raises(BulkFailed):
        land()
    assert [path.suffixes for path in (tmp_path / "orders").iterdir()] == [[".operation", ".json"]]


def test_an_expired_address_is_asked_for_anew(
    host: Host, operations: Operations, run: Callable[..., BulkResult]
) -> None:
    host.reset(LINES)
    operations.completed(LINES, f"{host.url}?expired")
    result = run()
    operations.completed(LINES, f"{host.url}?fresh")
    assert b"".join(result.blocks()) == LINES
    assert operations.started == [operations.started[0]], "the operation itself is not run again"


@pytest.mark.parametrize("second", ["expired", None])
def test_an_address_that_is_refused_again_is_given_up(
    host: Host, operations: Operations, run: Callable[..., BulkResult], second: str | None
) -> None:
    host.reset(LINES)
    operations.completed(LINES, f"{host.url}?expired")
    result = run()
    operations.completed(LINES, second and f"{host.url}?{second}")
    with pytest.raises(BulkFailed, match="address"):
        list(result.blocks())
    assert len(host.asked) == (2 if second else 1)


def test_an_operation_that_stands_still_is_cancelled_and_a_smaller_window_asked_for(
    operations: Operations, run: Callable[..., BulkResult], tmp_path: Path
) -> None:
    operations.states = [{"status": "RUNNING", "objectCount": "7"}]
    with pytest.raises(BulkTooLarge, match="stood still at 7 objects"):
        run(stuck_seconds=0.0)
    assert operations.cancelled == ["op-1"]
    assert notes(tmp_path) == []


def test_an_operation_that_moves_is_waited_for(operations: Operations, run: Callable[..., BulkResult]) -> None:
    moving = [{"status": "RUNNING", "objectCount": str(n)} for n in range(1, 30)]
    operations.states = [{"status": "CREATED"}, *moving, {"status": "COMPLETED", "objectCount": "30"}]
    assert run(stuck_seconds=0.0).objects == 30
    assert operations.cancelled == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [("TIMEOUT", BulkTooLarge), ("INTERNAL_SERVER_ERROR", BulkFailed), ("ACCESS_DENIED", AccessDenied)],
)
def test_a_failed_operation_has_no_partial_result(
    host: Host,
    operations: Operations,
    run: Callable[..., BulkResult],
    server: Server,
    code: str,
    kind: type[GrowthError],
) -> None:
    host.reset(LINES)
    failed = {"status": "FAILED", "errorCode": code, "objectCount": "3", "url": None, "partialDataUrl": host.url}
    operations.states = [failed]
    with pytest.raises(kind) as caught:
        run()
    assert type(caught.value) is kind
    assert host.asked == []
    assert not any("partialDataUrl" in body["query"] for _, _, body in server.asked)


def test_the_token_goes_to_the_shop_and_never_to_the_results_host(
    host: Host, operations: Operations, run: Callable[..., BulkResult], server: Server
) -> None:
    host.reset(LINES)
    operations.completed(LINES, host.url)
    list(run().blocks())
    assert all(headers["X-Shopify-Access-Token"] == "shpat_sesame" for _, headers, _ in server.asked)
    assert len(host.asked) == 1
    assert "sesame" not in json.dumps(host.asked)
    assert not {"authorization", "cookie"} & {name.lower() for _, headers in host.asked for name in headers}


def test_an_operation_of_an_interrupted_run_is_gone_on_with_by_the_same_query_only(
    operations: Operations, run: Callable[..., BulkResult], tmp_path: Path
) -> None:
    operations.states = [{"status": "COMPLETED"}]
    run("updated_at:>='2026-08-01'")
    run("updated_at:>='2026-09-01'")
    resumed = run("updated_at:>='2026-08-01'", now=NOW + timedelta(hours=30))
    assert len(operations.started) == 2
    assert operations.polled[-1] == "op-1"
    assert resumed.asked_at == NOW, "it holds what there was when it was started"
    assert "went on with" in resumed.client.meter.notes[0]
    resumed.forget()
    run("updated_at:>='2026-08-01'")
    assert len(operations.started) == 3


@pytest.mark.parametrize(
    ("state", "hours"),
    [
        ({"status": "COMPLETED"}, 49),
        ({"status": "COMPLETED"}, -1),
        (None, 1),
        ({"status": "FAILED"}, 1),
        ({"status": "CANCELED"}, 1),
        ({"status": "CANCELING"}, 1),
        ({"status": "EXPIRED"}, 1),
    ],
)
def test_an_operation_that_is_too_old_unknown_or_failed_is_run_anew(
    operations: Operations, run: Callable[..., BulkResult], state: dict[str, Any] | None, hours: int
) -> None:
    operations.states = [{"status": "COMPLETED"}]
    run()
    operations.states = [state, {"status": "COMPLETED"}] if 0 <= hours < 48 else [{"status": "COMPLETED"}]
    run(now=NOW + timedelta(hours=hours))
    assert len(operations.started) == 2
    assert operations.polled[-1] == "op-2"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": "op-9", "asked_at": "yesterday"}'])
def test_a_damaged_note_is_no_operation(
    operations: Operations, run: Callable[..., BulkResult], tmp_path: Path, text: str
) -> None:
    operations.states = [{"status": "COMPLETED"}]
    run()
    (note,) = notes(tmp_path)
    note.write_text(text)
    run()
    assert len(operations.started) == 2
    assert "op-9" not in operations.polled


@pytest.mark.parametrize("code", ["OPERATION_IN_PROGRESS", "LIMIT_REACHED"])
def test_an_operation_waits_its_turn(
    operations: Operations, run: Callable[..., BulkResult], slept: list[float], code: str
) -> None:
    operations.states = [{"status": "COMPLETED"}]
    operations.refusals = [code] * 3
    run()
    assert len(slept) == 3
    assert min(slept) > 0
    assert len(operations.started) == 1


def test_turns_that_never_come_and_other_refusals_end_it(
    operations: Operations, run: Callable[..., BulkResult], slept: list[float]
) -> None:
    operations.refusals = ["LIMIT_REACHED"] * 100
    with pytest.raises(BulkFailed, match="kept running"):
        run()
    slept.clear()
    operations.refusals = ["INVALID"]
    with pytest.raises(BulkFailed, match="not now"):
        run()
    assert slept == []
