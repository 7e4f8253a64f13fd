"""Orders with their lines and refunds, customers, and sessions: what is read by windows of time from Shopify."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.landing import Landed, LandingWriter
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.bulk import BulkFailed, fetch_bulk
from growth_pipelines.ingestion.shopify.client import AccessDenied, ShopifyClient
from growth_pipelines.ingestion.shopify.connections import nested, nodes, updated_filter
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.windows import Window, naive_utc, plan_days, plan_time

ORDERS_A_PAGE = 50
REFUNDS_A_CALL = 50
# A session can still change until its day is over everywhere; older days are settled.
SESSION_OVERLAP_DAYS = 3
SESSION_DAYS_A_QUERY = 14
# ShopifyQL cuts long tables; a table of this many rows is read again in halves.
SESSION_ROW_LIMIT = 10_000
SESSION_THREADS = 4


def _window(job: Job) -> Window:
    return plan_time(
        job.now,
        job.cursor,
        overlap=timedelta(minutes=job.settings.shopify.overlap_minutes),
        history=timedelta(days=job.settings.ingestion.history_days),
        since=job.asked.since,
        until=job.asked.until,
        full=job.asked.full,
    )


def _orders(job: Job) -> Iterator[Landed]:
    """Long windows by a bulk operation, short ones page by page; then the lines of refunds, by their ids."""
    window = _window(job)
    with job.shopify() as client:
        bulk = _orders_in_bulk(client, job, window) if _is_long(job, window) else None
        if bulk is not None:
            lines: Iterable[bytes] = _file_lines(bulk[0])
            window = Window(window.start, max(window.start, bulk[1]), window.open_end)
        else:
            lines = _order_lines_by_page(client, job, window)
        with job.land(window) as file:
            refunds = _write_orders(file.writer, lines, job)
            _write_refund_lines(client, file.writer, refunds)
            file.api_version = client.api_version
        if bulk is not None:
            bulk[0].unlink()
    yield file.result


def _is_long(job: Job, window: Window) -> bool:
    return window.length > timedelta(days=job.settings.shopify.bulk_from_days)


def _orders_in_bulk(client: ShopifyClient, job: Job, window: Window) -> tuple[Path, Any] | None:
    """The window's orders by a bulk operation as (file, up to when); None when Shopify fails to deliver one."""
    folder = job.landing.root / "orders"
    for attempt in (1, 2):
        try:
            found = fetch_bulk(
                client,
                "orders_bulk",
                updated_filter(window),
                folder,
                job.now,
                lambda objects: job.on_piece(objects, 0),
            )
        except AccessDenied:
            raise
        except (BulkFailed, TransientError) as error:
            job.meter.add(retries=1)
            if attempt == 2:
                job.meter.note(f"read page by page, because: {error.message}")
                return None
        else:
            return found.path, naive_utc(found.asked_at) if window.open_end else window.end
    return None


def _file_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield line.rstrip(b"\n")


def _order_lines_by_page(client: ShopifyClient, job: Job, window: Window) -> Iterator[bytes]:
    """The same lines as a bulk result has: an order, then its line items with ``__parentId``."""
    done = 0
    for page in nodes(client, "orders", "orders", first=ORDERS_A_PAGE, query=updated_filter(window)):
        for order in page:
            items = nested(client, order, "lineItems", "order_lines")
            del order["lineItems"]
            yield json.dumps(order, separators=(",", ":")).encode()
            for item in items:
                yield json.dumps({**item, "__parentId": order["id"]}, separators=(",", ":")).encode()
        done += len(page)
        job.on_piece(done, 0)


def _write_orders(writer: LandingWriter, lines: Iterable[bytes], job: Job) -> dict[str, str]:
    """Land the lines without personal data; returns the order of each refund that they name."""
    refunds: dict[str, str] = {}
    for line in lines:
        writer.raw(job.pseudonyms.redact(line))
        if b"gid://shopify/Refund/" in line:
            order = json.loads(line)
            refunds.update({refund["id"]: order["id"] for refund in order.get("refunds") or ()})
    return refunds


def _write_refund_lines(client: ShopifyClient, writer: LandingWriter, refunds: dict[str, str]) -> None:
    """Refund lines can't be part of a bulk query (a connection in a list), so they are read by refund."""
    ids = list(refunds)
    for start in range(0, len(ids), REFUNDS_A_CALL):
        for refund in client.execute("refund_lines", {"ids": ids[start : start + REFUNDS_A_CALL]})["nodes"]:
            if refund:
                for line in nested(client, refund, "refundLineItems", "more_refund_lines"):
                    # Shopify gives some refund lines no id of their own.
                    line["id"] = line["id"] or f"{refund['id']}/{line['lineItem']['id']}"
                    writer.record({**line, "refundId": refund["id"], "__parentId": refunds[refund["id"]]})


def _customers(job: Job) -> Iterator[Landed]:
    window = _window(job)
    with job.shopify() as client:
        try:
            yield _land_customers(client, job, window, with_country=True)
        except AccessDenied:
            # Addresses are protected data that not every app may read.
            job.meter.note("the app may not read addresses: customers have no country")
            yield _land_customers(client, job, window, with_country=False)


def _land_customers(client: ShopifyClient, job: Job, window: Window, *, with_country: bool) -> Landed:
    with job.land(window) as file:
        done = 0
        asked = updated_filter(window)
        for page in nodes(client, "customers", "customers", query=asked, withCountry=with_country):
            for customer in page:
                file.writer.raw(job.pseudonyms.redact(json.dumps(customer, separators=(",", ":")).encode()))
            done += len(page)
            job.on_piece(done, 0)
        file.api_version = client.api_version
    landed: Landed = file.result
    return landed


def _sessions(job: Job) -> Iterator[Landed]:
    """Daily sessions by landing page. Without the read_reports scope nothing is landed and ``proxy`` is set."""
    yesterday = local_date(job.now, job.shop.timezone) - timedelta(days=1)
    window = plan_days(
        yesterday,
        job.cursor,
        overlap_days=SESSION_OVERLAP_DAYS,
        history_days=job.settings.search_console.history_days,
        since=job.asked.since,
        until=job.asked.until,
        full=job.asked.full,
    )
    chunks = list(window.chunks(SESSION_DAYS_A_QUERY))
    with job.shopify() as client, ThreadPoolExecutor(SESSION_THREADS) as pool:
        try:
            with job.land(window) as file:
                for done, tables in enumerate(pool.map(lambda chunk: _session_tables(client, chunk), chunks), 1):
                    for row in (row for table in tables for row in table):
                        file.writer.record(row)
                    job.on_piece(done, len(chunks))
                file.api_version = client.api_version
        except AccessDenied:
            job.proxy = True
            job.meter.note("no read_reports scope: conversion is orders ÷ search clicks, a proxy")
            return
    yield file.result


def _session_tables(client: ShopifyClient, window: Window) -> list[list[dict[str, Any]]]:
    """The window's rows in one table, or in several where one would be cut."""
    first, last = window.days[0], window.days[-1]
    question = (
        f"FROM sessions SHOW sessions GROUP BY day, landing_page_path "
        f"SINCE {first} UNTIL {last} ORDER BY day LIMIT {SESSION_ROW_LIMIT}"
    )
    answer = client.execute("sessions", {"query": question})["shopifyqlQuery"] or {}
    if answer.get("parseErrors"):
        raise GrowthError(
            f"Shopify could not read the sessions query: {answer['parseErrors'][0]}",
            "The API version may have changed ShopifyQL; check GROWTH_SHOPIFY__API_VERSION.",
        )
    table = answer.get("tableData")
    if not isinstance(table, dict):
        raise TransientError("Shopify answered the sessions query without a table.", "Try again later.")
    names = [column["name"] for column in table["columns"]]
    rows = [row if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in table["rows"] or ()]
    if len(rows) >= SESSION_ROW_LIMIT and len(window.days) > 1:
        return [
            part for half in window.chunks((len(window.days) + 1) // 2) for part in _session_tables(client, half)
        ]
    if len(rows) >= SESSION_ROW_LIMIT:
        client.meter.note(f"sessions of {first}: only {len(rows):,} landing pages were given, there may be more")
    return [rows]


ORDERS = Stream(
    name="orders",
    source="shopify",
    group="orders",
    description="Orders by their last change, with line items, refunds and refunded lines.",
    folder="orders",
    parts=(
        Part("order_lines", scope="parent", parent="orders"),
        Part("orders"),
        Part("refunds", scope="parent", parent="orders"),
        Part("refund_lines", scope="parent", parent="orders"),
    ),
    fetch=_orders,
)
CUSTOMERS = Stream(
    name="customers",
    source="shopify",
    group="orders",
    description="Customers as keyed hashes with their number of orders and country.",
    folder="customers",
    parts=(Part("customers"),),
    fetch=_customers,
)
SESSIONS = Stream(
    name="sessions",
    source="shopify",
    group="orders",
    description="Online store sessions by landing page and day (needs the read_reports scope).",
    folder="sessions",
    parts=(Part("sessions_daily", scope="days"),),
    fetch=_sessions,
)
