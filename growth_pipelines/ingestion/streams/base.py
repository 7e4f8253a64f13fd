"""What a source and a stream are, and how one run of a stream is fetched.

A source is an outside system: how a client of it is opened. A stream is one kind of record of a source: how it is
fetched and landed, which tables its files fill, how fresh it should be and what may be missing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from growth_pipelines.canonical import digest
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.connection import WarehouseConnection

Group = Literal["shop", "orders", "search", "web_vitals", "other"]
# How often a stream is read between two daily cycles, which read all.
Cadence = Literal["hourly", "daily", "weekly"]


@dataclass(frozen=True)
class Source:
    """An outside system. ``connect`` opens a client of it for one run of a stream: authenticated, kept to its
    limits, patient; None where nobody is asked. ``zone`` is that of its days, empty for the shop's own."""

    name: str
    title: str
    connect: Callable[[Job], Any] | None = None
    zone: str = ""


@dataclass(frozen=True)
class Asked:
    """What the caller wants: days (both inclusive) in place of the cursor, or everything again."""

    since: date | None = None
    until: date | None = None
    full: bool = False


@dataclass
class Job:
    """One run of one stream: everything that fetching may use. No warehouse: ``targets`` were read before.

    All from ``covered_from`` to ``cursor`` was read; ``whole_at`` is when everything there is was last read, for
    streams that otherwise read only what changed.
    """

    stream: Stream
    settings: Settings
    shop: Shop
    now: datetime
    asked: Asked
    cursor: datetime | None
    landing: Landing
    pseudonyms: Pseudonyms
    covered_from: datetime | None = None
    whole_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    targets: list[tuple[Any, ...]] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    proxy: bool = False
    api_version: str = ""
    history_from: date | None = None
    on_piece: Callable[[int, int], None] = lambda done, total: None

    def __post_init__(self) -> None:
        self.proxy = self.stream.replaceable and not self.scopes.issuperset(self.stream.scopes)

    def connect(self) -> Any:
        """A client of the stream's source, as a context manager."""
        assert self.stream.source.connect is not None, f"{self.stream.source.name} has no client"
        return self.stream.source.connect(self)

    def land(self, window: Window | None = None, *, whole: bool = False, request: Any = None, **extra: str) -> Any:
        """A landing file of this run: ``with job.land(window) as file: file.writer.record(…)``.

        ``request`` is what was asked for, as JSON values; its digest is kept in the manifest.
        """
        asked = digest([self.stream.name, self.settings.shopify.api_version, request, _span(window)])
        return self.landing.write(self.stream.name, self.shop, self.now, window, extra, request=asked, whole=whole)


def _span(window: Window | None) -> list[str] | None:
    return [window.start.isoformat(), window.end.isoformat()] if window else None


@dataclass(frozen=True)
class Stream:
    """A declared stream.

    ``folder`` holds the .sql files of its parse; without one its only table declares where its values stand.
    ``objective`` is how far behind its data may be at most. ``cadence`` is how often it is read beside the daily
    cycle, None where that is enough. ``scopes`` are needed to read it at all. ``stage``
    orders what needs other streams' rows (which pages to ask CrUX about). ``replaceable`` says that a proxy stands
    in for its figures where it can't be read. ``counted`` is the field of counts.graphql that tells how many
    records the API has of the first part that is a parent.
    """

    name: str
    source: Source
    group: Group
    description: str
    parts: tuple[Part, ...]
    fetch: Callable[[Job], Iterator[Landed]]
    folder: str = ""
    objective: timedelta = timedelta(hours=26)
    cadence: Cadence | None = None
    scopes: tuple[str, ...] = ()
    counted: str = ""
    replaceable: bool = False
    stage: int = 0
    targets: Callable[[WarehouseConnection, Job], list[tuple[Any, ...]]] | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(part.table for part in self.parts)
