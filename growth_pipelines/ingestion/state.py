"""What ingestion remembers, in the warehouse itself, so that it moves in the same transaction as the rows:
cursors, runs and the landing files that are loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from growth_pipelines.ingestion.landing import Landed, Shop
from growth_pipelines.ingestion.windows import covered, naive_utc
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse

if TYPE_CHECKING:
    from growth_pipelines.ingestion.results import StreamResult


def query(name: str) -> str:
    """The text of ``sql/{name}.sql``."""
    return resources.files("growth_pipelines.ingestion").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Cursor:
    """A stream has everything from ``start`` up to ``position`` (naive UTC)."""

    start: datetime | None
    position: datetime


@dataclass
class State:
    """A snapshot of what was remembered when the run began."""

    cursors: dict[tuple[str, str], Cursor] = field(default_factory=dict)
    loaded_files: set[str] = field(default_factory=set)
    shops: dict[str, Shop] = field(default_factory=dict)

    def cursor(self, shop_id: str, stream: str) -> datetime | None:
        known = self.cursors.get((shop_id, stream))
        return known.position if known else None


@contextmanager
def prepared(warehouse: Warehouse) -> Iterator[WarehouseConnection]:
    """A writing transaction in which the raw tables and the state tables exist."""
    with warehouse.lock():
        warehouse.ensure_raw()
        with warehouse.write() as connection:
            for statement in query("state").split(";"):
                if statement.strip():
                    connection.execute(statement)
            yield connection


def read_state(connection: WarehouseConnection) -> State:
    state = State()
    for shop_id, stream, start, position in connection.execute(query("cursors")).fetchall():
        state.cursors[shop_id, stream] = Cursor(start, position)
    state.loaded_files = {row[0] for row in connection.execute("select file_id from raw._ingest_file").fetchall()}
    for shop_id, timezone, currency, primary_url in connection.execute(query("shops")).fetchall():
        state.shops[shop_id] = Shop(shop_id, timezone or "UTC", currency or "", primary_url or "")
    return state


def record_file(connection: WarehouseConnection, landed: Landed, now: datetime) -> None:
    window = landed.window
    connection.execute("delete from raw._ingest_file where file_id = ?", (landed.file_id,))
    connection.execute(
        query("record_file"),
        (
            landed.file_id,
            landed.shop.shop_id,
            landed.stream,
            landed.sha256,
            landed.rows,
            landed.bytes,
            window.start if window else None,
            window.end if window else None,
            naive_utc(landed.landed_at),
            naive_utc(now),
        ),
    )


def move_cursor(connection: WarehouseConnection, landed: Landed, run_id: str, now: datetime) -> None:
    """Move a stream's cursor over a loaded window. A snapshot's cursor is the time it was taken."""
    key = (landed.shop.shop_id, landed.stream)
    start, position = connection.execute(query("cursor"), key).fetchone() or (None, None)
    if landed.window is not None:
        start, position = covered(start, position, landed.window)
    else:
        taken = naive_utc(landed.landed_at)
        start, position = start or taken, max(position or taken, taken)
    connection.execute("delete from raw._ingest_cursor where shop_id = ? and stream = ?", key)
    connection.execute(query("record_cursor"), (*key, start, position, run_id, naive_utc(now)))


def record_run(
    connection: WarehouseConnection,
    run_id: str,
    shop_id: str,
    result: StreamResult,
    times: tuple[datetime, datetime],
    *,
    api_version: str = "",
    failure: str = "",
) -> None:
    connection.execute(
        query("record_run"),
        (
            run_id,
            shop_id,
            result.stream,
            "failed" if failure else "loaded",
            result.window_start,
            result.window_end,
            naive_utc(times[0]),
            naive_utc(times[1]),
            result.requests,
            sum(result.rows.values()),
            result.bytes,
            result.throttled,
            result.retries,
            result.seconds,
            api_version,
            "; ".join(result.notes),
            failure,
        ),
    )


def status_rows(connection: WarehouseConnection) -> Sequence[tuple[Any, ...]]:
    """(stream, covered from, covered to, last loaded, last run's status, rows, failure), newest run each."""
    rows: Sequence[tuple[Any, ...]] = connection.execute(query("status")).fetchall()
    return rows
