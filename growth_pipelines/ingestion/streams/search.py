"""Search Console: page × query, page, and the whole property, each by day. They never add up to each other.

Days are Pacific. Final figures and those that still grow are streams and tables of their own. Only web search is
read, not images, videos, news or Discover.

Days are asked for one by one where rows are many: that is what Search Console's load quota asks for, and it
lets several be fetched at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from growth_pipelines.clock import local_date
from growth_pipelines.ingestion.google.client import GoogleClient
from growth_pipelines.ingestion.google.search_console import (
    IncompleteDays,
    first_incomplete,
    query_days,
    site_url,
)
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.sources import SEARCH_CONSOLE
from growth_pipelines.ingestion.windows import Window, midnight, plan_days

THREADS = 4
# Rows that Search Console gives of one day at most, most clicked first.
MOST_ROWS = 50_000


def _window(job: Job) -> Window:
    settings = job.settings.search_console
    return plan_days(
        _newest_final(job),
        job.cursor,
        covered_from=job.covered_from,
        overlap_days=settings.overlap_days,
        history_days=settings.history_days,
        since=job.asked.since,
        until=job.asked.until,
        full=job.asked.full,
    )


def _newest_final(job: Job) -> date:
    today = local_date(job.now, job.stream.source.zone)
    return today - timedelta(days=job.settings.search_console.delay_days)


@dataclass(frozen=True)
class Question:
    """What is asked for: ``days_a_file``, a multiple of ``days_a_call``, is what a crash can cost."""

    dimensions: tuple[str, ...]
    aggregation: str
    days_a_call: int
    days_a_file: int
    data_state: str = "final"

    def as_json(self) -> list[object]:
        return [self.dimensions, self.aggregation, self.data_state]


def _final(question: Question, job: Job) -> Iterator[Landed]:
    """The days whose figures are final, as far as the cursor lacks them, and some before it again.

    What is landed ends before the first day that isn't final, so that the cursor does: the next run goes on there.
    """
    window = _window(job)
    if not window.days:
        return
    with job.connect() as client, ThreadPoolExecutor(THREADS) as pool:
        late = first_incomplete(client, site_url(job.settings), window.days[0], window.days[-1])
        if late is not None:
            window = _before(window, late)
        for chunk in window.chunks(question.days_a_file):
            done = (chunk.start - window.start).days
            try:
                yield _landed(job, client, pool, chunk, question, (done, len(window.days)))
            except IncompleteDays as error:
                for piece in _before(chunk, error.first).chunks(question.days_a_file):
                    yield _landed(job, client, pool, piece, question, (done, len(window.days)))
                return


def _before(window: Window, day: date) -> Window:
    """The days of ``window`` before ``day``."""
    return Window(window.start, max(window.start, min(window.end, midnight(day))))


def _landed(
    job: Job,
    client: GoogleClient,
    pool: ThreadPoolExecutor,
    window: Window,
    question: Question,
    progress: tuple[int, int],
) -> Landed:
    """One landing file. ``progress``: days done before it, of how many."""
    done, total = progress
    with _landing(job, window, question) as file:
        parts = window.chunks(question.days_a_call)
        for blocks in pool.map(lambda part: _asked(job, client, part, question), parts):
            for block in blocks:
                file.writer.lines(block)
            done += question.days_a_call
            job.on_piece(min(done, total), total)
    landed: Landed = file.result
    return landed


def _provisional(question: Question, job: Job) -> Iterator[Landed]:
    """The days after the newest final one, in place of what was provisional before."""
    start = midnight(_newest_final(job)) + timedelta(days=1)
    end = midnight(local_date(job.now, job.stream.source.zone))
    if end <= start:
        return
    window = Window(start, end)
    with job.connect() as client:
        with _landing(job, window, question, whole=True) as file:
            for block in _asked(job, client, window, question):
                file.writer.lines(block)
    yield file.result


def _landing(job: Job, window: Window, question: Question, *, whole: bool = False) -> Any:
    site = site_url(job.settings)
    return job.land(window, whole=whole, request=[site, question.as_json()], site_url=site)


def _asked(job: Job, client: GoogleClient, window: Window, question: Question) -> list[bytes]:
    """The rows of a window."""
    days = window.days
    site = site_url(job.settings)
    asked = (question.dimensions, question.aggregation, question.data_state)
    blocks = list(query_days(client, site, days[0], days[-1], *asked))
    if "query" in question.dimensions and sum(block.count(b"\n") + 1 for block in blocks if block) >= MOST_ROWS:
        job.meter.note(f"{days[0]}: Search Console gives at most {MOST_ROWS:,} rows a day; the rarest are missing")
    return blocks


def _search(
    name: str, table: str, description: str, question: Question, *, sql: str = "rows", provisional: bool = False
) -> Stream:
    return Stream(
        name=name,
        source=SEARCH_CONSOLE,
        group="search",
        description=description,
        folder="search",
        parts=(Part(table, sql, scope="all" if provisional else "days"),),
        fetch=partial(_provisional if provisional else _final, question),
        objective=timedelta(days=2) if provisional else timedelta(days=4, hours=6),
        cadence="daily",
    )


SEARCH_PAGE_QUERY = _search(
    "search_page_query",
    "search_page_query_daily",
    "Search clicks, impressions and position by page, query and day; rare queries are withheld by Google.",
    Question(("date", "page", "query"), "auto", 1, 90),
)
SEARCH_PAGE = _search(
    "search_page",
    "search_page_daily",
    "Search clicks, impressions and position by page and day, rare queries included.",
    Question(("date", "page"), "auto", 5, 240),
)
SEARCH_COUNTRY_DEVICE = _search(
    "search_country_device",
    "search_country_device_daily",
    "Search clicks, impressions and position of the whole property by day, country and device.",
    Question(("date", "country", "device"), "byProperty", 30, 480),
    sql="countries",
)
SEARCH_PROPERTY = _search(
    "search_property",
    "search_property_daily",
    "Search clicks, impressions and position of the whole property by day.",
    Question(("date",), "byProperty", 480, 480),
)
SEARCH_PAGE_PROVISIONAL = _search(
    "search_page_provisional",
    "search_page_provisional_daily",
    "Search clicks, impressions and position by page of the newest days, which still grow.",
    Question(("date", "page"), "auto", 5, 5, data_state="all"),
    provisional=True,
)
SEARCH_PROPERTY_PROVISIONAL = _search(
    "search_property_provisional",
    "search_property_provisional_daily",
    "Search clicks, impressions and position of the whole property of the newest days, which still grow.",
    Question(("date",), "byProperty", 5, 5, data_state="all"),
    provisional=True,
)
