"""How Shopify's records are landed page by page, for every stream that reads a connection.

What was read is compared with what the API counts, so that a page that was cut short or left out is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.landing import Landed, LandingWriter
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.connections import MAX_PAGE, Node, count, nested, nodes, updated_filter
from growth_pipelines.ingestion.streams.base import Job
from growth_pipelines.ingestion.windows import Window, plan_time


@dataclass(frozen=True)
class Connection:
    """A connection of the API: the document that reads it and its field at the root.

    ``children`` are nested connections, each with the document that reads the rest of a long one; their nodes
    become records of their own with ``__parentId``. ``lists`` are the same, but stay in the record as a list.
    ``counted`` is the document that counts the same records; ``only`` are variables of both.
    """

    document: str
    root: str
    page: int = MAX_PAGE
    children: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)
    counted: str = ""
    shape: Callable[[Node], Node] = lambda node: node
    variables: Callable[[Job], dict[str, Any]] = lambda job: {}


def whole(*connections: Connection) -> Callable[[Job], Iterator[Landed]]:
    """Read everything there is, each time: what was removed in the shop goes here too."""

    def fetch(job: Job) -> Iterator[Landed]:
        with job.connect() as client:
            yield read_whole(job, client, *connections)

    return fetch


def changed(connection: Connection) -> Callable[[Job], Iterator[Landed]]:
    """Read what changed since the cursor; everything at first and every ``shopify.sweep_days`` days."""

    def fetch(job: Job) -> Iterator[Landed]:
        with job.connect() as client:
            if sweep_due(job):
                yield read_whole(job, client, connection)
            else:
                yield read_window(job, client, connection, window_of(job))

    return fetch


def since_cursor(connection: Connection) -> Callable[[Job], Iterator[Landed]]:
    """Read what changed since the cursor; at first the history that the settings ask for."""

    def fetch(job: Job) -> Iterator[Landed]:
        with job.connect() as client:
            yield read_window(job, client, connection, window_of(job))

    return fetch


def period_begins(job: Job) -> bool:
    """True when a sweep is due of a stream whose sweeps are no snapshots: at first, and by the calendar."""
    if job.asked.since or job.asked.until:
        return False
    if job.asked.full or job.cursor is None:
        return True
    days = job.settings.shopify.sweep_days
    return job.now.toordinal() // days > job.cursor.toordinal() // days


def sweep_due(job: Job) -> bool:
    """True when all of a catalogue is to be read: asked for, never done, or done too long ago."""
    if job.asked.since or job.asked.until:
        return False
    if job.asked.full or job.cursor is None or job.whole_at is None:
        return True
    age = job.now.replace(tzinfo=None) - job.whole_at
    return age >= timedelta(days=job.settings.shopify.sweep_days)


def window_of(job: Job, history: timedelta | None = None) -> Window:
    """The window of a stream that is read by its records' last change."""
    return plan_time(
        job.now,
        job.cursor,
        # What was once read whole lacks nothing of the past.
        covered_from=None if job.whole_at else job.covered_from,
        overlap=timedelta(minutes=job.settings.shopify.overlap_minutes),
        history=history or timedelta(days=job.settings.ingestion.history_days),
        since=job.asked.since,
        until=job.asked.until,
        full=job.asked.full,
    )


def read_whole(job: Job, client: ShopifyClient, *connections: Connection) -> Landed:
    """One landing file with everything of ``connections``."""
    return _landed(job, client, None, connections)


def read_window(job: Job, client: ShopifyClient, connection: Connection, window: Window) -> Landed:
    """One landing file with the records that changed in ``window``."""
    return _landed(job, client, window, (connection,))


def _landed(job: Job, client: ShopifyClient, window: Window | None, connections: tuple[Connection, ...]) -> Landed:
    asked = updated_filter(window) if window else None

    def once() -> Landed:
        documents = [connection.document for connection in connections]
        with job.land(window, whole=window is None, request=[documents, asked]) as file:
            for connection in connections:
                with count_checked(client, connection, asked) as seen:
                    _write(job, client, file.writer, connection, asked, seen)
            file.api_version = client.api_version
        landed: Landed = file.result
        return landed

    return client.retried(once)


class Incomplete(TransientError):
    """Fewer records were read than the API says there are."""


def counted(client: ShopifyClient, connection: Connection, asked: str | None) -> int:
    """How many records the API says there are; 0 where it can't count them."""
    return count(client, connection.counted, asked, **connection.only) if connection.counted else 0


@contextmanager
def count_checked(client: ShopifyClient, connection: Connection, asked: str | None) -> Iterator[set[str]]:
    """Ends in Incomplete when fewer ids were put into the set than the API counts.

    Records may come and go meanwhile, so they are counted before, and after if too few came.
    """
    expected = counted(client, connection, asked)
    seen: set[str] = set()
    yield seen
    if len(seen) < expected:
        expected = min(expected, counted(client, connection, asked))
    if len(seen) < expected:
        raise Incomplete(
            f"Shopify counts {expected:,} {connection.root} and gave {len(seen):,}.",
            "Nothing was loaded; try again.",
        )


def _write(
    job: Job,
    client: ShopifyClient,
    writer: LandingWriter,
    connection: Connection,
    asked: str | None,
    seen: set[str],
) -> None:
    variables = {**connection.variables(job), **connection.only} | ({"query": asked} if asked else {})
    for page in nodes(client, connection.document, connection.root, first=connection.page, **variables):
        write_page(job, client, writer, page, connection)
        seen.update(node["id"] for node in page)
        job.on_piece(len(seen), 0)


def write_page(
    job: Job, client: ShopifyClient, writer: LandingWriter, page: list[Node], connection: Connection
) -> None:
    """A page as lines: each record, then the records nested in it."""
    lines = []
    for node in page:
        children = [
            {**child, "__parentId": node["id"], "__position": position}
            for name, document in connection.children.items()
            for position, child in enumerate(nested(client, node, name, document), start=1)
        ]
        record = {name: value for name, value in node.items() if name not in connection.children}
        record |= {name: nested(client, node, name, document) for name, document in connection.lists.items()}
        lines += [connection.shape(record), *children]
    land_records(job, writer, lines)


def land_records(job: Job, writer: LandingWriter, records: list[Node]) -> None:
    """Records as lines, without personal data."""
    texts = (
        json.dumps(job.pseudonyms.scrub(record), separators=(",", ":"), ensure_ascii=False) for record in records
    )
    writer.lines(job.pseudonyms.redact("\n".join(texts).encode()))
