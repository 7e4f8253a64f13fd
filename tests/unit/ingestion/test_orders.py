"""Orders month by month: every instant asked for once, side by side, oldest first, the open month at last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.shopify.connections import updated_filter
from growth_pipelines.ingestion.shopify.scopes import ALL_ORDERS
from growth_pipelines.ingestion.streams.base import Asked, Job
from growth_pipelines.ingestion.streams.orders import ORDERS, _months
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.settings import load_settings
from tests.unit.ingestion.test_shopify_client import Answer, Server, make_client

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
START = datetime(2026, 6, 10, 7, 30)
END = {"hasNextPage": False, "endCursor": None}
WINDOW = Window(START, datetime(2026, 11, 22, 12))
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda moment: moment.replace(fold=0))
windows = st.builds(
    lambda start, seconds, open_end: Window(start, start + timedelta(seconds=seconds), open_end),
    instants,
    st.floats(0.001, 3e7),
    st.booleans(),
)


def assert_covers_once(pieces: list[Window], window: Window) -> None:
    """Half-open pieces that follow each other without a gap; only the last may be open, where the whole is."""
    assert [piece.start for piece in pieces] == [window.start, *(piece.end for piece in pieces[:-1])]
    assert pieces[-1].end == window.end
    assert all(piece.start < piece.end for piece in pieces)
    assert [piece.open_end for piece in pieces] == [False] * (len(pieces) - 1) + [window.open_end]


@given(windows)
def test_months_cover_every_instant_of_a_window_once(window: Window) -> None:
    months = list(window.months())
    assert_covers_once(months, window)
    assert {(month.start.year, month.start.month) for month in months} == {
        ((month.end - timedelta(microseconds=1)).year, (month.end - timedelta(microseconds=1)).month)
        for month in months
    }, "no piece reaches into another month"
    assert all(
        piece.start == piece.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for piece in months[1:]
    )


@given(windows.filter(lambda window: window.length > timedelta(seconds=3)))
def test_halves_cover_every_instant_of_a_window_once_as_shopify_is_asked(window: Window) -> None:
    """Shopify is asked in whole seconds, so the cut must be one: a part of it would be asked for twice."""
    first, second = window.halves()
    assert_covers_once([first, second], window)
    assert first.end.microsecond == 0
    asked_until = re.search(r"<'(.*?)Z'", updated_filter(first))
    asked_from = re.search(r">='(.*?)Z'", updated_filter(second))
    assert asked_until
    assert asked_from
    assert asked_until[1] == asked_from[1] == first.end.isoformat()


def months_when_oldest_is(server: Server, home: Path, oldest: str | None) -> list[Window]:
    nodes = [{"updatedAt": oldest}] if oldest else []
    server.answers = [(200, {}, {"data": {"orders": {"nodes": nodes, "pageInfo": END}}})]
    with make_client(server, [], home, GROWTH_SHOPIFY__ACCESS_TOKEN="t") as client:
        return _months(client, WINDOW)


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.http.shutdown()


@pytest.mark.parametrize(
    ("oldest", "first_end", "count"),
    [
        ("2026-06-10T07:30:00Z", datetime(2026, 7, 1), 6),
        ("2026-09-30T23:59:59Z", datetime(2026, 10, 1), 3),
        ("2026-10-01T00:00:00Z", datetime(2026, 11, 1), 2),
        ("2026-09-30T22:00:00-04:00", datetime(2026, 11, 1), 2),
        ("2026-11-22T11:59:59Z", WINDOW.end, 1),
        (None, WINDOW.end, 1),
    ],
)
def test_months_before_the_first_order_are_one_window_with_its_month(
    server: Server, tmp_path: Path, oldest: str | None, first_end: datetime, count: int
) -> None:
    months = months_when_oldest_is(server, tmp_path, oldest)
    assert_covers_once(months, WINDOW)
    assert months[0].end == first_end
    assert len(months) == count


class BulkShop:
    """Runs bulk operations that need as many polls as their month's place from the end, and remembers the order
    in which everything was asked."""

    def __init__(self, server: Server) -> None:
        self.events: list[tuple[str, str]] = []
        self.operations: list[str] = []
        self.polls: dict[str, int] = {}
        self._lock = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                month = self.path.removeprefix("/")
                body = b'{"id":"gid://shopify/Order/%s"}\n' % month.replace("-", "").encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                with outer._lock:
                    outer.events.append(("read", month))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        server.answers = [self.answer]

    def answer(self, body: dict[str, Any]) -> Answer:
        asked, variables = body["query"], body["variables"]
        if "ordersCount" in asked:
            return 200, {}, {"data": {"ordersCount": {"count": 5000}}}
        if "bulkOperationRunQuery" in asked:
            found = re.search(r">='(\d{4}-\d\d)", variables["query"])
            assert found
            with self._lock:
                self.operations.append(found[1])
                self.events.append(("asked", found[1]))
            operation = {"id": f"op {found[1]}", "status": "CREATED"}
            return 200, {}, {"data": {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}}
        if "BulkStatus" in asked:
            return 200, {}, {"data": {"bulkOperation": self.status(variables["id"])}}
        oldest = {"nodes": [{"updatedAt": "2026-06-11T00:00:00Z"}], "pageInfo": END}
        return 200, {}, {"data": {"orders": oldest}}

    def status(self, operation: str) -> dict[str, Any]:
        month = operation.removeprefix("op ")
        needed = {"2026-06": 3, "2026-07": 2}.get(month, 1)
        self.polls[month] = self.polls.get(month, 0) + 1
        done = self.polls[month] >= needed
        told = {"id": operation, "errorCode": None, "objectCount": "1", "fileSize": None}
        url = f"http://127.0.0.1:{self.http.server_port}/{month}"
        return told | ({"status": "COMPLETED", "url": url} if done else {"status": "RUNNING", "url": None})


def fetched(server: Server, home: Path, at_once: int) -> list[Landed]:
    environment = {
        "GROWTH_HOME": str(home),
        "GROWTH_SHOPIFY__BASE_URL": server.base_url,
        "GROWTH_SHOPIFY__ACCESS_TOKEN": "t",
        "GROWTH_SHOPIFY__BULK_AT_ONCE": str(at_once),
    }
    job = Job(
        stream=ORDERS,
        settings=load_settings(environment),
        shop=Shop("a.myshopify.com"),
        now=NOW,
        asked=Asked(),
        cursor=START + timedelta(minutes=60),
        landing=Landing(home),
        pseudonyms=Pseudonyms(b"k" * 32),
        scopes=frozenset({ALL_ORDERS}),
    )
    return list(ORDERS.fetch(job))


def test_months_are_read_side_by_side_given_oldest_first_and_the_open_one_begins_when_all_are_done(
    server: Server, tmp_path: Path
) -> None:
    shop = BulkShop(server)
    landed = fetched(server, tmp_path, at_once=3)
    shop.http.shutdown()
    assert_covers_once([file.window for file in landed if file.window], WINDOW)
    months = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"]
    place = {event: number for number, event in enumerate(shop.events)}
    assert place["asked", "2026-07"] < place["read", "2026-06"], "side by side"
    assert place["read", "2026-08"] < place["read", "2026-06"], "the oldest took longest, and still came first"
    assert place["asked", "2026-11"] > max(place["read", month] for month in months[:-1])
    assert sorted(shop.operations) == months, "each once"
    assert [file.rows for file in landed] == [1] * 6


def test_no_more_operations_than_set_run_at_once(server: Server, tmp_path: Path) -> None:
    shop = BulkShop(server)
    fetched(server, tmp_path, at_once=1)
    shop.http.shutdown()
    running = 0
    for kind, _ in shop.events:
        running += 1 if kind == "asked" else -1
        assert 0 <= running <= 1
