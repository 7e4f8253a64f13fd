"""What ingestion remembers, in the warehouse itself, so that it moves in the same transaction as the rows:
cursors, runs and the landing files that are loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from growth_pipelines.canonical import canonical_json
from growth_pipelines.ingestion.landing import Landed, Shop
from growth_pipelines.ingestion.queries import query
from growth_pipelines.ingestion.windows import covered, naive_utc
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse

if TYPE_CHECKING:
    from growth_pipelines.ingestion.results import StreamResult


@dataclass(frozen=True)
class Cursor:
    """A stream has all from ``start`` up to ``position``, and was last read whole at ``whole_at`` (naive UTC)."""

    start: datetime | None
    position: datetime
    whole_at: datetime | None = None


@dataclass
class State:
    """A snapshot of what was remembered when the run began."""

    cursors: dict[tuple[str, str], Cursor] = field(default_factory=dict)
    loaded_files: set[str] = field(default_factory=set)
    shops: dict[str, Shop] = field(default_factory=dict)

    def cursor(self, shop_id: str, stream: str) -> Cursor | None:
        return self.cursors.get((shop_id, stream))


@contextmanager
def prepared(warehouse: Warehouse) -> Iterator[WarehouseConnection]:
    """A writing transaction in which the raw tables and the state tables exist."""
    with warehouse.lock():
        grown = warehouse.ensure_raw()
        with warehouse.write() as connection:
            for statement in query("state").split(";"):
                if statement.strip():
                    connection.execute(statement)
            if grown:
                _read_again(connection, grown)
            yield connection


def _read_again(connection: WarehouseConnection, grown: Collection[str]) -> None:
    """A newer version of the machine reads more of some streams: what they have read lacks it."""
    from growth_pipelines.ingestion.streams import STREAMS

    for stream in STREAMS.values():
        if not set(stream.tables).isdisjoint(grown):
            connection.execute("delete from raw._ingest_cursor where stream = ?", (stream.name,))


def read_state(connection: WarehouseConnection) -> State:
    state = State()
    for shop_id, stream, start, position, whole_at in connection.execute(query("cursors")).fetchall():
        state.cursors[shop_id, stream] = Cursor(start, position, whole_at)
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
            landed.request,
            landed.api_version,
            landed.whole,
            landed.rows,
            landed.bytes,
            window.start if window else None,
            window.end if window else None,
            naive_utc(landed.landed_at),
            naive_utc(now),
        ),
    )


def move_cursor(
    connection: WarehouseConnection,
    landed: Landed,
    run_id: str,
    now: datetime,
    history: tuple[date | None, str] = (None, ""),
) -> None:
    """Move a stream's cursor over a loaded file. A snapshot's cursor is the time it was taken.

    ``history`` is the first day that the source shows and why there is no earlier one.
    """
    key = (landed.shop.shop_id, landed.stream)
    stored = connection.execute(query("cursor"), key).fetchone() or (None, None, None, None, None)
    start, position, whole_at, history_from, reason = stored
    if history[0] is not None:
        # What was loaded while more could be seen stays.
        history_from, reason = min(filter(None, (history_from, history[0]))), history[1]
    if landed.window is not None:
        start, position = covered(start, position, landed.window)
    else:
        taken = naive_utc(landed.landed_at)
        start, position = start or taken, max(position or taken, taken)
    if landed.whole:
        whole_at = max(filter(None, (whole_at, naive_utc(landed.landed_at))))
    connection.execute("delete from raw._ingest_cursor where shop_id = ? and stream = ?", key)
    connection.execute(
        query("record_cursor"),
        (*key, start, position, whole_at, history_from, reason or None, run_id, naive_utc(now)),
    )


def finish_window(
    connection: WarehouseConnection, key: tuple[str, str], window: tuple[datetime, datetime], *, limited: bool
) -> None:
    """A run has read all of ``window`` of the shop's stream ``key``; ``limited``: the source hid what is older."""
    start, end = window
    connection.execute(query("reach_back"), (start, *key, start, end))
    if not limited:
        connection.execute(query("lift_limit"), (*key, start.date()))


def forget(connection: WarehouseConnection, shop_id: str, stream: str) -> None:
    """Let the next run of a stream read everything again."""
    connection.execute("delete from raw._ingest_cursor where shop_id = ? and stream = ?", (shop_id, stream))


def newer_snapshot(connection: WarehouseConnection, landed: Landed, now: datetime) -> bool:
    """True when a snapshot of the same stream that was taken later is loaded already."""
    taken = naive_utc(landed.landed_at)
    found = connection.execute(
        query("newer_snapshot"), (landed.shop.shop_id, landed.stream, taken, naive_utc(now))
    )
    return found.fetchone() is not None


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
            "failed" if failure else "no access" if result.no_access else "loaded",
            result.window_start,
            result.window_end,
            naive_utc(times[0]),
            naive_utc(times[1]),
            result.requests,
            sum(result.rows.values()),
            result.bytes,
            result.throttled,
            result.retries,
            result.waited,
            result.seconds,
            sum(result.outdated.values()),
            sum(result.repeated.values()),
            canonical_json(dict(result.unknown_fields)),
            canonical_json(dict(result.rows)),
            api_version,
            "; ".join(result.notes),
            failure,
        ),
    )


def status_rows(connection: WarehouseConnection) -> list[dict[str, Any]]:
    """Each stream's newest run and how far it has come, as sql/status.sql names the columns."""
    return list(connection.arrow(query("status")).to_pylist())
