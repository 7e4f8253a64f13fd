"""Orders with their lines, payments, discount codes and refunds: many by bulk operations, a month each, few page
by page.

A backfill's closed months may be read side by side. The month that is still open is read when they are done: an
order that changes meanwhile leaves its month and must be found there.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.failures import WindowTooLarge
from growth_pipelines.ingestion.landing import Landed, LandingWriter
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.bulk import BulkBusy, BulkFailed, BulkResult, run_bulk
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.connections import Node, nested, nodes, updated_filter
from growth_pipelines.ingestion.shopify.scopes import ALL_ORDERS, CONSEQUENCES, ORDERS_WITHOUT_ALL
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import (
    Connection,
    count_checked,
    counted,
    land_records,
    window_of,
    write_page,
)
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.ingestion.windows import Window, naive_utc

REFUNDS_A_CALL = 50
# A window as short as this is read page by page rather than split again.
SHORTEST_BULK = timedelta(days=1)
BULK_TRIES = 2
_REFUND = b"shopify/Refund/"
ORDERS_BY_PAGE = Connection(
    "orders", "orders", page=50, children={"lineItems": "order_lines"}, counted="orders_count"
)


class RefundMissing(GrowthError):
    """The lines of a refund can't be had, and without them sales would be too high."""


def _orders(job: Job) -> Iterator[Landed]:
    window = _window(job)
    with job.connect() as client:
        if counted(client, ORDERS_BY_PAGE, updated_filter(window)) > job.settings.shopify.bulk_from_orders:
            yield from _backfill(job, client, window)
        else:
            yield _by_page(job, client, window)


def _window(job: Job) -> Window:
    """What to read. Without the scope for all orders Shopify shows 60 days and hides that there are more."""
    if ALL_ORDERS in job.scopes:
        return window_of(job)
    window = window_of(job, history=ORDERS_WITHOUT_ALL)
    job.history_from = local_date(job.now - ORDERS_WITHOUT_ALL, job.shop.timezone)
    job.meter.note(f"no {ALL_ORDERS} scope: {CONSEQUENCES[ALL_ORDERS]}; history starts on {job.history_from}")
    return window


def _backfill(job: Job, client: ShopifyClient, window: Window) -> Iterator[Landed]:
    months = _months(client, window)
    closed, last = (months[:-1], months[-1]) if months[-1].open_end else (months, None)
    done = 0
    with ThreadPoolExecutor(job.settings.shopify.bulk_at_once) as pool:
        reads = [pool.submit(_in_bulk, job, client, month) for month in closed]
        try:
            for read in reads:
                yield from read.result()
                done += 1
                job.on_piece(done, len(months))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if last is not None:
        yield from _in_bulk(job, client, last)


def _months(client: ShopifyClient, window: Window) -> list[Window]:
    """The months to ask for one by one; those before the oldest order are one with the month of that order."""
    oldest = next(nodes(client, "oldest_order", "orders", first=1, query=updated_filter(window)))
    months = list(window.months())
    first = naive_utc(datetime.fromisoformat(oldest[0]["updatedAt"])) if oldest else window.end
    filled = [month for month in months if month.end > first] or months[-1:]
    return [replace(filled[0], start=window.start), *filled[1:]]


def _in_bulk(job: Job, client: ShopifyClient, window: Window) -> list[Landed]:
    """A window by a bulk operation; where Shopify fails to deliver it, in halves, at last page by page."""
    for attempt in range(1, BULK_TRIES + 1):
        try:
            return [_bulk_file(job, client, window)]
        except BulkBusy as error:  # A smaller window would wait as long.
            job.meter.note(f"read page by page, because: {error.message}")
            return [_by_page(job, client, window)]
        except (BulkFailed, TransientError) as error:
            job.meter.add(retries=1)
            failure = error
            if attempt == BULK_TRIES or isinstance(error, WindowTooLarge):
                break
    if window.length > SHORTEST_BULK:
        job.meter.note(f"read in smaller windows, because: {failure.message}")
        return [landed for half in window.halves() for landed in _in_bulk(job, client, half)]
    job.meter.note(f"read page by page, because: {failure.message}")
    return [_by_page(job, client, window)]


def _bulk_file(job: Job, client: ShopifyClient, window: Window) -> Landed:
    asked = updated_filter(window)
    result = run_bulk(
        client,
        "orders_bulk",
        asked,
        job.landing.root / "orders",
        job.now,
        stuck_seconds=job.settings.shopify.bulk_stuck_seconds,
        on_poll=lambda objects: job.on_piece(0, 0),
    )
    if window.open_end:  # It holds what there was when Shopify was asked, which an earlier run may have done.
        window = Window(window.start, max(window.start, naive_utc(result.asked_at)))
    try:
        with job.land(window, request=["orders_bulk", asked]) as file:
            _land_refund_lines(job, client, file.writer, _land_blocks(job, file.writer, result))
            file.api_version = client.api_version
    finally:
        result.forget()
    landed: Landed = file.result
    return landed


def _land_blocks(job: Job, writer: LandingWriter, result: BulkResult) -> list[str]:
    """Land a bulk result as it comes, without personal data; returns the refunds that it names."""
    refunds: dict[str, None] = {}
    for block in result.blocks():
        writer.lines(job.pseudonyms.redact(block))
        # A slash in JSON may be written with a backslash before it.
        for part in block.replace(b"\\/", b"/").split(_REFUND)[1:]:
            number = part[: part.index(b'"')].decode()
            refunds[f"gid://shopify/Refund/{number}"] = None
    return list(refunds)


def _by_page(job: Job, client: ShopifyClient, window: Window) -> Landed:
    """The same lines as a bulk result has: an order, then its line items with ``__parentId``."""
    asked = updated_filter(window)

    def once() -> Landed:
        with job.land(window, request=["orders", asked]) as file:
            with count_checked(client, ORDERS_BY_PAGE, asked) as seen:
                refunds = []
                for page in nodes(client, "orders", "orders", first=ORDERS_BY_PAGE.page, query=asked):
                    write_page(job, client, file.writer, page, ORDERS_BY_PAGE)
                    refunds += [refund["id"] for order in page for refund in order.get("refunds") or ()]
                    seen.update(order["id"] for order in page)
                    job.on_piece(len(seen), 0)
            _land_refund_lines(job, client, file.writer, list(dict.fromkeys(refunds)))
            file.api_version = client.api_version
        landed: Landed = file.result
        return landed

    return client.retried(once)


def _land_refund_lines(job: Job, client: ShopifyClient, writer: LandingWriter, refunds: list[str]) -> None:
    """Refund lines can't be part of a bulk query (a connection in a list), so they are read by refund."""
    for start in range(0, len(refunds), REFUNDS_A_CALL):
        records = []
        for refund in _refunds(client, refunds[start : start + REFUNDS_A_CALL]):
            for line in nested(client, refund, "refundLineItems", "more_refund_lines"):
                # Shopify gives some refund lines no id of their own.
                line["id"] = line["id"] or f"{refund['id']}/{line['lineItem']['id']}"
                records.append({**line, "refundId": refund["id"], "__parentId": refund["order"]["id"]})
        land_records(job, writer, records)


def _refunds(client: ShopifyClient, ids: list[str]) -> list[Node]:
    """Refunds with their lines. Raises RefundMissing for one that an order names and Shopify does not give."""

    def once() -> list[Node]:
        found = client.execute_ids("refund_lines", ids)
        absent = [asked for asked, refund in zip(ids, found, strict=True) if not refund]
        if absent:
            raise TransientError(f"Shopify names {absent[0]} in an order and does not give it.")
        return found

    try:
        return client.retried(once)
    except TransientError as error:
        # Neither another try nor a smaller window would help.
        raise RefundMissing(error.message, "Nothing of its window was loaded; try again later.") from error


ORDERS = Stream(
    name="orders",
    cadence="hourly",
    source=SHOPIFY,
    group="orders",
    description="Orders by their last change, with lines, payments, discount codes and refunds.",
    folder="orders",
    parts=(
        Part("order_lines", scope="parent", parent="orders"),
        Part("orders"),
        Part("order_transactions", scope="parent", parent="orders"),
        Part("order_discount_codes", scope="parent", parent="orders"),
        Part("refunds", scope="parent", parent="orders"),
        Part("refund_lines", scope="parent", parent="orders"),
    ),
    fetch=_orders,
    scopes=("read_orders",),
    counted="ordersCount",
)
