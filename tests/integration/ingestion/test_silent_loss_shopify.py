"""What Shopify leaves out of an answer is missed and said, never read as if it were not there.

The shop stands behind a server that passes everything on and lets a test change what was asked or answered.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import httpx
import pytest

from growth_pipelines.ingestion.results import IngestError, StreamResult
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.shopify.bulk import BulkFailed, BulkResult
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.status import ingest_status
from growth_pipelines.ingestion.streams import sessions
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import QUICK, raw_rows

pytestmark = pytest.mark.xdist_group("silent_loss_shopify")
Data = dict[str, Any]
IMPATIENT = {"GROWTH_INGESTION__DEADLINE_SECONDS": "1.5"}


class Between:
    """``ask`` may change a request {query, variables}; ``answer`` gets the request and the whole answer."""

    def __init__(self, shop: Any) -> None:
        self.asked: list[Data] = []
        self.ask: Callable[[Data], None] = lambda request: None
        self.answer: Callable[[Data, Data], None] = lambda request, answer: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(request)
                outer.ask(request)
                headers = {"X-Shopify-Access-Token": self.headers["X-Shopify-Access-Token"] or ""}
                told = httpx.post(f"{shop.base_url}{self.path}", json=request, headers=headers, trust_env=False)
                answer = told.json()
                try:
                    outer.answer(request, answer)
                except Lost:
                    self.send_error(502)
                    return
                content = json.dumps(answer).encode()
                self.send_response(told.status_code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self.http.server_port}"

    def times(self, operation: str) -> int:
        return sum(operation in request["query"] for request in self.asked)


class Lost(Exception):
    """Raised by ``answer``: the request was carried out and its answer does not arrive."""


@pytest.fixture
def between(small_shop: Any) -> Iterator[Between]:
    server = Between(small_shop)
    yield server
    server.http.shutdown()


@pytest.fixture
def settings(small_shop: Any, between: Between, tmp_path: Path) -> Callable[..., Settings]:
    def make(home: str = "home", **more: str) -> Settings:
        return small_shop.settings(
            tmp_path / home, **{**QUICK, "GROWTH_SHOPIFY__BASE_URL": between.base_url, **more}
        )

    return make


Make = Callable[..., Settings]


def fields(**changes: Callable[[Any], Any]) -> Callable[[Data, Data], None]:
    """An ``answer`` that changes root fields of the data."""

    def change(request: Data, answer: Data) -> None:
        data = answer.get("data") or {}
        for name in changes.keys() & data.keys():
            data[name] = changes[name](data[name])

    return change


def nothing(value: Any) -> None:
    return None


def half(connection: Data) -> Data:
    """A connection that ends in the middle of its page, as if there were no more."""
    kept = connection["nodes"][: len(connection["nodes"]) // 2]
    return {**connection, "nodes": kept, "pageInfo": {**connection["pageInfo"], "hasNextPage": False}}


def only(results: list[StreamResult]) -> StreamResult:
    (result,) = [result for result in results if result.stream != "shop"]
    return result


ROOTS = {
    "pages": ("pages", "pages"),
    "redirects": ("redirects", "urlRedirects"),
    "discounts": ("discounts", "discountNodes"),
    "metaobjects": ("metaobjects", "metaobjects"),
    "collections": ("collections", "collections"),
}


@pytest.mark.parametrize("stream", ROOTS)
@pytest.mark.parametrize("loss", [nothing, half])
def test_a_snapshot_that_lacks_records_removes_none(
    stream: str, loss: Callable[[Any], Any], between: Between, settings: Make
) -> None:
    ingest(settings(), [stream])
    table, root = ROOTS[stream]
    before = raw_rows(settings(), table)
    assert before[table]
    between.answer = fields(**{root: loss})
    with pytest.raises(IngestError, match=root):
        ingest(settings(**IMPATIENT), [stream])
    assert raw_rows(settings(), table) == before


def test_definitions_that_are_null_are_not_a_shop_without_metaobjects(between: Between, settings: Make) -> None:
    ingest(settings(), ["metaobjects"])
    before = raw_rows(settings(), "metaobjects")
    between.answer = fields(metaobjectDefinitions=nothing)
    with pytest.raises(IngestError, match="metaobjectDefinitions"):
        ingest(settings(**IMPATIENT), ["metaobjects"])
    once = [lambda found: {**found, "nodes": []}]
    between.answer = fields(metaobjectDefinitions=lambda found: once.pop()(found) if once else found)
    ingest(settings(), ["metaobjects"])
    assert raw_rows(settings(), "metaobjects") == before
    between.answer = fields(metaobjectDefinitions=lambda found: {**found, "nodes": []})
    ingest(settings(), ["metaobjects"])
    assert raw_rows(settings(), "metaobjects")["metaobjects"] == []


def test_the_first_run_reads_a_year_of_deletions_and_all_that_are_counted(
    between: Between, settings: Make
) -> None:
    for loss in (nothing, half):
        between.answer = fields(events=loss)
        with pytest.raises(IngestError, match="events"):
            ingest(settings(**IMPATIENT), ["deletions"])
    (row,) = [row for row in ingest_status(settings()) if row["stream"] == "deletions"]
    assert row["covered_to"] is None
    between.answer = lambda request, answer: None
    ingest(settings(), ["deletions"])
    asked = [request["variables"]["query"] for request in between.asked if "query Deletions(" in request["query"]]
    assert "created_at:>='2025-11-22T00:00:00Z'" in asked[-1]
    assert raw_rows(settings(), "deletions")["deletions"]


def test_a_count_without_a_number_is_a_failure_of_its_stream(between: Between, settings: Make) -> None:
    between.answer = fields(productsCount=nothing)
    with pytest.raises(IngestError, match="products_count without a number"):
        ingest(settings(**IMPATIENT), ["products"])


def test_a_refund_that_an_order_names_and_shopify_does_not_give_fails_by_name(
    small_shop: Any, between: Between, settings: Make
) -> None:
    missing = [2]

    def without_one(request: Data, answer: Data) -> None:
        if "query RefundLines" in request["query"] and missing[0]:
            missing[0] -= 1
            answer["data"]["nodes"][0] = None

    between.answer = without_one
    ingest(settings(), ["orders"])
    assert len(raw_rows(settings(), "refund_lines")["refund_lines"]) == small_shop.truth["counts"]["refund_lines"]

    missing[0] = 1_000_000
    for how in ({}, {"GROWTH_SHOPIFY__BULK_FROM_ORDERS": "0"}):
        new = settings("another", **IMPATIENT, **how)
        with pytest.raises(IngestError, match=r"gid://shopify/Refund/\d+"):
            ingest(new, ["orders"], since=date(2026, 10, 1), until=date(2026, 10, 31))
        assert raw_rows(new, "orders")["orders"] == []


def test_refunds_that_cost_too_much_are_asked_for_by_half_as_many(
    start_sandbox: Callable[..., Any], small_shop: Any, between: Between, settings: Make
) -> None:
    """The sandbox prices ``nodes`` by its ids, at Shopify's limits; and the number that fits is remembered."""
    lines = "... on Refund { id refundLineItems(first: 100) { nodes { id } } }"
    text = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {lines} }} }}"
    for count, requested in ((1, 12), (10, 120)):
        body = {"query": text, "variables": {"ids": ["gid://shopify/Refund/1"] * count}}
        path = "/admin/api/2026-10/graphql.json"
        headers = {"X-Shopify-Access-Token": "shpat_sandbox"}
        told = httpx.post(small_shop.base_url + path, json=body, headers=headers, trust_env=False).json()
        assert told["extensions"]["cost"]["requestedQueryCost"] == pytest.approx(requested, abs=10)

    asked: list[int] = []

    def too_much(request: Data, answer: Data) -> None:
        if "query RefundLines" in request["query"]:
            asked.append(len(request["variables"]["ids"]))
            if asked[-1] > 7:
                code = {"code": "MAX_COST_EXCEEDED"}
                answer["errors"] = [{"message": "Query cost is too high", "extensions": code}]

    between.answer = too_much
    result = only(ingest(settings(), ["orders"]))
    assert any("smaller" in note for note in result.notes)
    assert len(raw_rows(settings(), "refund_lines")["refund_lines"]) == small_shop.truth["counts"]["refund_lines"]
    refused = [count for count in asked if count > 7]
    assert len(refused) <= 3, "what fits is remembered for the run"


def test_images_beyond_the_first_page_are_read_in_order(small_shop: Any, between: Between, settings: Make) -> None:
    expected = raw_images(settings("plain"))

    def one_place(request: Data) -> None:
        request["query"] = re.sub(r"media\(first: \d+", "media(first: 1", request["query"])

    def a_video_first(request: Data, answer: Data) -> None:
        for product in ((answer.get("data") or {}).get("products") or {}).get("nodes", ()):
            product["media"]["nodes"].insert(0, {})

    between.ask, between.answer = one_place, a_video_first
    assert any(len(images) > 1 for images in expected.values())
    assert raw_images(settings("paged")) == expected


def raw_images(settings: Settings) -> dict[str, list[str]]:
    ingest(settings, ["products"])
    with Warehouse.of(settings).write() as connection:
        rows = connection.execute("select product_id, images from raw.products").fetchall()
    return {product: [image["id"] for image in json.loads(images)] for product, images in rows}


def test_a_day_with_too_many_landing_pages_is_read_by_device(
    between: Between, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = {"since": date(2026, 11, 10), "until": date(2026, 11, 11)}
    ingest(settings(), ["sessions"], **days)
    whole = raw_rows(settings(), "sessions_daily")["sessions_daily"]
    most = max(sum(row[1] == day for row in whole) for day in {row[1] for row in whole})
    by_device = max(
        sum((row[1], row[3]) == place for row in whole) for place in {(row[1], row[3]) for row in whole}
    )
    assert by_device + 1 < most
    monkeypatch.setattr(sessions, "ROW_LIMIT", by_device + 1)
    ingest(settings("split"), ["sessions"], **days)
    assert raw_rows(settings("split"), "sessions_daily")["sessions_daily"] == whole
    monkeypatch.setattr(sessions, "ROW_LIMIT", by_device)
    with pytest.raises(IngestError, match=r"landing pages of \w+ sessions on 2026-11-1"):
        ingest(settings("cut"), ["sessions"], **days)
    assert raw_rows(settings("cut"), "sessions_daily")["sessions_daily"] == []


def test_without_the_scope_for_reports_no_access_is_recorded(
    start_sandbox: Callable[..., Any], tmp_path: Path
) -> None:
    shop = start_sandbox("--orders", "50", "--products", "20", "--without-scope", "read_reports")
    result = only(ingest(shop.settings(tmp_path, **QUICK), ["sessions"]))
    assert (result.no_access, result.proxy) == (True, True)
    states = {row["stream"]: row["status"] for row in ingest_status(shop.settings(tmp_path, **QUICK))}
    assert states["sessions"] == "no access"


def test_an_installation_that_is_null_is_not_an_app_without_scopes(between: Between, settings: Make) -> None:
    between.answer = fields(currentAppInstallation=nothing)
    with pytest.raises(Exception, match="did not tell the scopes"):
        ingest(settings(**IMPATIENT), ["collections", "sessions"])


def test_customers_of_long_ago_are_read_at_first_and_in_sweeps(between: Between, settings: Make) -> None:
    everyone = settings("everyone")
    ingest(everyone, ["customers"])
    short = {"GROWTH_INGESTION__HISTORY_DAYS": "30"}
    ingest(settings(**short), ["customers"])
    assert raw_rows(settings(), "customers") == raw_rows(everyone, "customers")
    with Warehouse.of(settings()).write() as connection:
        connection.execute("delete from raw.customers where updated_at < '2026-09-01'")
    ingest(settings(**short, GROWTH_NOW="2026-11-24T12:00:00+00:00"), ["customers"])
    assert raw_rows(settings(), "customers") != raw_rows(everyone, "customers")
    ingest(settings(**short, GROWTH_NOW="2026-11-30T12:00:00+00:00"), ["customers"])
    assert raw_rows(settings(), "customers") == raw_rows(everyone, "customers")


def dying_host() -> tuple[str, list[int]]:
    """A host that serves a part of a file once and then only 503; its address and the number of its requests."""
    listening, requests = socket.create_server(("127.0.0.1", 0)), [0]

    def serve() -> None:
        while True:
            connection, _ = listening.accept()
            requests[0] += 1
            connection.recv(65_536)
            if requests[0] == 1:
                part = b'{"id":"a"}\n' * 50_000
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + part)
            else:
                connection.sendall(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.close()

    Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/result", requests


def test_a_result_host_that_dies_in_the_middle_ends_the_download(settings: Make, tmp_path: Path) -> None:
    url, requests = dying_host()
    finished = {"url": url, "fileSize": "2000000", "objectCount": "1", "id": "x"}
    ended: list[Exception] = []

    def download(client: ShopifyClient) -> None:
        try:
            list(BulkResult(client, tmp_path / "note", datetime.now(UTC), finished).blocks())
        except BulkFailed as error:
            ended.append(error)

    with ShopifyClient(settings(**IMPATIENT)) as client:
        worker = Thread(target=download, args=(client,), daemon=True)
        worker.start()
        worker.join(10)
    assert [type(error) for error in ended] == [BulkFailed]
    assert 2 < requests[0] < 30


def busy(request: Data, answer: Data) -> None:
    if "mutation BulkRun(" in request["query"]:
        refusal = {"code": "OPERATION_IN_PROGRESS", "field": None, "message": "busy"}
        answer["data"] = {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [refusal]}}


MONTH = {"since": date(2026, 10, 1), "until": date(2026, 10, 31)}


def test_a_busy_bulk_slot_is_waited_for_and_splits_no_window(between: Between, settings: Make) -> None:
    ingest(settings("pages"), ["orders"], **MONTH)
    bulk = {"GROWTH_SHOPIFY__BULK_FROM_ORDERS": "0"}
    refused = [3]

    def busy_at_first(request: Data, answer: Data) -> None:
        if "BulkRun(" in request["query"] and refused[0]:
            refused[0] -= 1
            busy(request, answer)

    between.answer = busy_at_first
    result = only(ingest(settings("waited", **bulk), ["orders"], **MONTH))
    assert not any("page by page" in note for note in result.notes)
    between.answer = busy
    began = monotonic()
    result = only(ingest(settings("busy", **bulk, **IMPATIENT), ["orders"], **MONTH))
    assert monotonic() - began < 10
    assert [note.split(":")[0] for note in result.notes] == ["read page by page, because"]
    for home in ("waited", "busy"):
        assert raw_rows(settings(home), "orders", "refund_lines") == raw_rows(
            settings("pages"), "orders", "refund_lines"
        )


def test_an_operation_whose_start_had_no_answer_is_found_again(between: Between, settings: Make) -> None:
    lost = [1]

    def lose_one(request: Data, answer: Data) -> None:
        if "BulkRun(" in request["query"] and lost[0]:
            lost[0] -= 1
            raise Lost
        for operation in ((answer.get("data") or {}).get("bulkOperations") or {}).get("nodes", ()):
            operation["status"] = "RUNNING"  # The sandbox is quick; Shopify is not.

    between.answer = lose_one
    result = only(ingest(settings(GROWTH_SHOPIFY__BULK_FROM_ORDERS="0"), ["orders"], **MONTH))
    assert between.times("BulkRun(") == 1
    assert any("had no answer" in note for note in result.notes)
    assert raw_rows(settings(), "orders")["orders"]
