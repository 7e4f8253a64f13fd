"""Online store sessions by day, landing page and device, and how far they came, through ShopifyQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any

from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import AccessDenied, ShopifyClient
from growth_pipelines.ingestion.shopify.scopes import CONSEQUENCES, REPORTS
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import land_records
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.ingestion.windows import Window, plan_days

# A session can still change until its day is over everywhere; older days are settled.
OVERLAP_DAYS = 3
DAYS_A_QUERY = 14
# ShopifyQL cuts long tables; a table of this many rows is read again in halves, a day by device.
ROW_LIMIT = 10_000
UNKNOWN_DEVICE = "session_device_type IS NULL"
THREADS = 4


@lru_cache(maxsize=4)
def _question(name: str = "sessions") -> str:
    documents = resources.files("growth_pipelines.ingestion.shopify").joinpath("documents")
    return documents.joinpath(f"{name}.shopifyql").read_text(encoding="utf-8")


def _sessions(job: Job) -> Iterator[Landed]:
    """Where the plan has no reports nothing is landed and ``proxy`` is set."""
    yesterday = local_date(job.now, job.shop.timezone) - timedelta(days=1)
    window = plan_days(
        yesterday,
        job.cursor,
        covered_from=job.covered_from,
        overlap_days=OVERLAP_DAYS,
        # Sessions are read to be set beside search clicks of the same days, so they reach back as far.
        history_days=job.settings.search_console.history_days,
        since=job.asked.since,
        until=job.asked.until,
        full=job.asked.full,
    )
    chunks = list(window.chunks(DAYS_A_QUERY))
    with job.connect() as client, ThreadPoolExecutor(THREADS) as pool:
        try:
            with job.land(window, request=_question()) as file:
                for done, tables in enumerate(pool.map(lambda chunk: _tables(client, chunk), chunks), 1):
                    for table in tables:
                        land_records(job, file.writer, table)
                    job.on_piece(done, len(chunks))
                file.api_version = client.api_version
        except AccessDenied:  # The scope alone is not enough: some plans have no reports.
            job.proxy = True
            job.meter.note(f"no access to reports: {CONSEQUENCES[REPORTS]}")
            return
    yield file.result


def _tables(client: ShopifyClient, window: Window) -> list[list[dict[str, Any]]]:
    """The window's rows in one table, or in several where one would be cut."""
    first, last = window.days[0], window.days[-1]
    rows = _table(client, "sessions", first=first, last=last)
    if len(rows) < ROW_LIMIT:
        return [rows]
    if len(window.days) > 1:
        return [part for half in window.chunks((len(window.days) + 1) // 2) for part in _tables(client, half)]
    return [_of_device(client, first, row) for row in _table(client, "session_devices", first=first, last=last)]


def _of_device(client: ShopifyClient, day: date, row: dict[str, Any]) -> list[dict[str, Any]]:
    """A day's rows of one device. One that is cut even so is not loaded: the day would have too few sessions."""
    device = row["session_device_type"]
    condition = UNKNOWN_DEVICE if device is None else f"session_device_type = '{device}'"
    rows = _table(client, "sessions_of_device", first=day, last=day, condition=condition)
    if len(rows) >= ROW_LIMIT:
        raise GrowthError(
            f"Shopify gave {ROW_LIMIT:,} landing pages of {device} sessions on {day}, and there are more.",
            "No session of this reading was loaded. Leave the day out with --since and --until.",
        )
    return rows


def _table(client: ShopifyClient, document: str, **asked: Any) -> list[dict[str, Any]]:
    question = _question(document).format(limit=ROW_LIMIT, **asked)
    return client.retried(lambda: _answer(client, question))


def _answer(client: ShopifyClient, question: str) -> list[dict[str, Any]]:
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
    return [row if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in table["rows"] or ()]


SESSIONS = Stream(
    name="sessions",
    source=SHOPIFY,
    group="orders",
    description="Online store sessions by day, landing page and device (needs the read_reports scope).",
    folder="sessions",
    parts=(Part("sessions_daily", scope="days"),),
    fetch=_sessions,
    scopes=(REPORTS,),
    replaceable=True,
    objective=timedelta(hours=50),
)
