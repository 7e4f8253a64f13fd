"""Search Console: page × query, page, and the whole property, each by day. They never add up to each other.

Days are asked for one by one where rows are many: that is what Search Console's load quota asks for, and it
lets several be fetched at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from growth_pipelines.clock import local_date
from growth_pipelines.ingestion.google.search_console import query_days, search_console_client, site_url
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.windows import Window, plan_days

# Search Console's days are Pacific.
SEARCH_ZONE = "America/Los_Angeles"
THREADS = 4


def _window(job: Job) -> Window:
    settings = job.settings.search_console
    newest = local_date(job.now, SEARCH_ZONE) - timedelta(days=settings.delay_days)
    return plan_days(
        newest,
        job.cursor,
        overlap_days=settings.overlap_days,
        history_days=settings.history_days,
        since=job.asked.since,
        until=job.asked.until,
        full=job.asked.full,
    )


def _fetch(
    job: Job, *, dimensions: tuple[str, ...], aggregation: str, days_a_call: int, days_a_file: int
) -> Iterator[Landed]:
    """``days_a_file``, a multiple of ``days_a_call``, is what a crash can cost and what is parsed at a time."""
    window = _window(job)
    site = site_url(job.settings)
    calls = list(window.chunks(days_a_call))
    done = 0
    client = search_console_client(job.settings, job.meter)

    def call(part: Window) -> list[bytes]:
        days = part.days
        return list(query_days(client, site, days[0], days[-1], dimensions, aggregation))

    with client, ThreadPoolExecutor(THREADS) as pool:
        for chunk in window.chunks(days_a_file):
            inside = [part for part in calls if chunk.start <= part.start < chunk.end]
            with job.land(chunk, site_url=site) as file:
                for lines in pool.map(call, inside):
                    for block in lines:
                        file.writer.lines(block)
                    done += 1
                    job.on_piece(done, len(calls))
            yield file.result


def _search(
    name: str, table: str, description: str, dimensions: tuple[str, ...], aggregation: str, days: tuple[int, int]
) -> Stream:
    fetch: Callable[[Job], Iterator[Landed]] = partial(
        _fetch, dimensions=dimensions, aggregation=aggregation, days_a_call=days[0], days_a_file=days[1]
    )
    return Stream(
        name=name,
        source="search_console",
        group="search",
        description=description,
        folder="search",
        parts=(Part(table, "rows", scope="days"),),
        fetch=fetch,
    )


SEARCH_PAGE_QUERY = _search(
    "search_page_query",
    "search_page_query_daily",
    "Search clicks, impressions and position by page, query and day; rare queries are withheld by Google.",
    ("date", "page", "query"),
    "auto",
    (1, 90),
)
SEARCH_PAGE = _search(
    "search_page",
    "search_page_daily",
    "Search clicks, impressions and position by page and day, rare queries included.",
    ("date", "page"),
    "auto",
    (5, 240),
)
SEARCH_PROPERTY = _search(
    "search_property",
    "search_property_daily",
    "Search clicks, impressions and position of the whole property by day.",
    ("date",),
    "byProperty",
    (480, 480),
)
