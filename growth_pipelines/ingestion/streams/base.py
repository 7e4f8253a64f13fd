"""What a stream is: where its rows come from, which tables they fill, and how one run of it is fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.connection import WarehouseConnection

Source = Literal["shopify", "search_console", "crux", "psi"]
Group = Literal["shop", "orders", "search", "web_vitals"]


@dataclass(frozen=True)
class Asked:
    """What the caller wants: days (both inclusive) in place of the cursor, or everything again."""

    since: date | None = None
    until: date | None = None
    full: bool = False


@dataclass
class Job:
    """One run of one stream: everything that fetching may use. No warehouse: ``targets`` were read before."""

    stream: str
    settings: Settings
    shop: Shop
    now: datetime
    asked: Asked
    cursor: datetime | None
    landing: Landing
    pseudonyms: Pseudonyms
    targets: list[tuple[Any, ...]] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    proxy: bool = False
    api_version: str = ""
    on_piece: Callable[[int, int], None] = lambda done, total: None

    def shopify(self) -> ShopifyClient:
        return ShopifyClient(self.settings, meter=self.meter)

    def land(self, window: Window | None = None, **extra: str) -> Any:
        """A landing file of this run: ``with job.land(window) as file: file.writer.record(…)``."""
        return self.landing.write(self.stream, self.shop, self.now, window, extra)


@dataclass(frozen=True)
class Stream:
    """A declared stream. ``stage`` orders what needs other streams' rows (which pages to ask CrUX about)."""

    name: str
    source: Source
    group: Group
    description: str
    folder: str
    parts: tuple[Part, ...]
    fetch: Callable[[Job], Iterator[Landed]]
    stage: int = 0
    targets: Callable[[WarehouseConnection, Job], list[tuple[Any, ...]]] | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(part.table for part in self.parts)
