"""What the published data say: the shop's name, zone and currency, how fresh each source is, a page's texts.

Read from the snapshot that the last run published, so a page never waits for a run. What has not been published
yet is not an error of the page: it is said on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.connection import WarehouseConnection, open_duckdb
from growth_pipelines.warehouse.coverage import history_notes
from growth_pipelines.warehouse.database import Warehouse

_QUERIES = Path(__file__).parent / "queries"
# Web vitals come weekly, for 28-day periods that end on a Saturday.
_VITALS_LATE = timedelta(days=10)
_ORDERS_LATE = timedelta(days=2)


@dataclass(frozen=True)
class Shop:
    """The shop as the models know it; settings fill what is not known yet."""

    name: str
    currency: str
    timezone: str


@dataclass(frozen=True)
class Source:
    """One source of data: the last day it covers, how many days ago that is, and whether that is late."""

    label: str
    newest: date | None
    days: int
    stale: bool


@dataclass(frozen=True)
class Observed:
    """The state of the data, with what to tell the operator when there are none.

    ``orders_note`` is what to say beside figures that rest on orders (and so on conversion) while it is known that
    older ones cannot be read; empty otherwise.
    """

    shop: Shop
    sources: tuple[Source, ...]
    problem: GrowthError | None = None
    orders_note: str = ""


def observe(settings: Settings, now: datetime) -> Observed:
    """The shop and the freshness of its data at ``now``."""
    try:
        shop, published = _read(Warehouse.of(settings))
    except GrowthError as problem:
        return Observed(_shop(settings, {}), (), problem)
    newest = dict(published)
    known = _shop(settings, shop)
    today = local_date(now, known.timezone or "UTC")
    late_after = {
        "orders": ("Orders", _ORDERS_LATE),
        "search": ("Search data", timedelta(days=settings.search_console.delay_days + 3)),
        "vitals": ("Web vitals", _VITALS_LATE),
    }
    if newest["orders"] is not None and newest["orders_read"] is not None:
        newest["orders"] = max(newest["orders"], local_date(newest["orders_read"], known.timezone))
    sources = tuple(_source(label, newest.get(name), today, late) for name, (label, late) in late_after.items())
    return Observed(known, sources, orders_note=newest["orders_note"])


def page_texts(settings: Settings, resource_gid: str) -> tuple[str, str]:
    """The title and description that a search engine would show for a resource now; empty when unknown."""
    warehouse = Warehouse.of(settings)
    try:
        rows = rows_of_query(warehouse, "page_texts.sql", (resource_gid,))
    except GrowthError:
        return "", ""
    return (rows[0][0] or "", rows[0][1] or "") if rows else ("", "")


def _shop(settings: Settings, row: dict[str, Any]) -> Shop:
    return Shop(
        name=row.get("name") or settings.shop.domain,
        currency=row.get("currency") or settings.shop.currency,
        timezone=settings.shop.timezone or row.get("timezone") or "UTC",
    )


def _source(label: str, newest: date | datetime | None, today: date, late: timedelta) -> Source:
    last = newest.date() if isinstance(newest, datetime) else newest
    days = (today - last).days if last else 0
    return Source(label, last, days, last is not None and today - last > late)


def _read(warehouse: Warehouse) -> tuple[dict[str, Any], dict[str, Any]]:
    """The shop's row, and what is known of its days; of one snapshot they never change, so they are read once."""
    if warehouse.engine == "postgres" or not warehouse.current.exists():
        return _read_now(warehouse)
    return _read_snapshot(warehouse, warehouse.current.resolve())


@lru_cache(maxsize=4)
def _read_snapshot(warehouse: Warehouse, _: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return _read_now(warehouse)


def _read_now(warehouse: Warehouse) -> tuple[dict[str, Any], dict[str, Any]]:
    shops = rows_of_query(warehouse, "shop.sql")
    newest = rows_of_query(warehouse, "newest.sql")
    names = ("name", "domain", "primary_url", "currency", "timezone")
    shop = dict(zip(names, shops[0], strict=True)) if shops else {}
    days = dict(zip(("orders", "search", "vitals"), newest[0], strict=True))
    return shop, {**days, "orders_read": _orders_read(warehouse), "orders_note": _orders_note(warehouse)}


def _orders_read(warehouse: Warehouse) -> datetime | None:
    """Up to when orders have been read from the shop; None where they came from files only."""
    try:
        read: datetime | None = rows_of_query(warehouse, "orders_read.sql")[0][0]
    except GrowthError:
        return None
    return read.replace(tzinfo=UTC) if read is not None else None


def _orders_note(warehouse: Warehouse) -> str:
    """Why orders start where they do; empty where no limit is known, or an older version made the models."""
    try:
        with reading(warehouse) as connection:
            return history_notes(connection).get("orders", "")
    except GrowthError:
        return ""


def rows_of_query(warehouse: Warehouse, query: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of ``queries/{query}``. Raises GrowthError where models are missing that it names."""
    with reading(warehouse) as connection:
        rows: list[tuple[Any, ...]] = connection.execute((_QUERIES / query).read_text(), params).fetchall()
        return rows


@contextmanager
def reading(warehouse: Warehouse) -> Iterator[WarehouseConnection]:
    """The published data. Raises GrowthError where models are missing that the query names, or their columns."""
    import duckdb
    import psycopg

    try:
        _keep_open(warehouse)
        with warehouse.read() as connection:
            yield connection
    except (
        # A column that is not there is one that an older version's models do not have.
        duckdb.CatalogException,
        duckdb.BinderException,
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
    ) as error:
        raise GrowthError("The models are not built yet.", "Run `growth run` first.") from error


def _keep_open(warehouse: Warehouse) -> None:
    """Hold the published file open in this process: opening it again then costs a tenth of a first time."""
    if warehouse.engine == "duckdb" and warehouse.current.exists():
        with suppress(FileNotFoundError):
            _opened(warehouse, warehouse.current.resolve(strict=True))


@lru_cache(maxsize=1)
def _opened(warehouse: Warehouse, snapshot: Path) -> Any:
    """A connection that nobody uses; it is closed when a newer snapshot takes its place here."""
    return open_duckdb(snapshot, warehouse.threads, warehouse.memory_limit, read_only=True)
