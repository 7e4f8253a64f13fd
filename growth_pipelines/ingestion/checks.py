"""Whether what was loaded can be trusted: recounted, compared with the API, and looked over for what turned null.

Nothing here knows who asks; the results are plain values. The warehouse is opened once, and not while the API is
asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.null_shares import TurnedNull, look_over
from growth_pipelines.ingestion.queries import query
from growth_pipelines.ingestion.results import StreamResult
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.counts import Bounds, api_counts
from growth_pipelines.ingestion.state import status_rows
from growth_pipelines.ingestion.status import stream_status
from growth_pipelines.ingestion.streams import STREAMS, Stream
from growth_pipelines.ingestion.windows import midnight
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_tables import BY_NAME

# A count is no reason to keep a run waiting for long.
COUNT_SECONDS = 60.0


@dataclass(frozen=True)
class Duplicates:
    """``keys`` that a table has more than once, the rows that are too many, and one of the keys."""

    keys: int
    extra_rows: int
    example: str = ""


@dataclass(frozen=True)
class TableFindings:
    """One table: its rows now, keys that it has twice, and columns that the newest run left empty."""

    rows: int
    duplicates: Duplicates
    turned_null: tuple[TurnedNull, ...]


@dataclass(frozen=True)
class Compared:
    """The API's count of some records beside the rows loaded of them. ``moved`` is how many of the API's changed
    since shortly before they were read: the next run reads those again, so that many may differ."""

    api: int
    loaded: int
    moved: int
    bounds: Bounds

    @property
    def difference(self) -> int:
        return self.api - self.loaded

    @property
    def agrees(self) -> bool:
        return abs(self.difference) <= self.moved


@dataclass(frozen=True)
class StreamFindings:
    """``status`` is the stream's row of ingest status, ``manifests`` those of the run's landing files, relative
    to the home. ``compared`` is None where the API counts no such records, or did not: ``not_compared`` says why.
    """

    status: Mapping[str, Any]
    tables: Mapping[str, TableFindings]
    manifests: tuple[str, ...]
    compared: Compared | None = None
    not_compared: str = ""


@dataclass(frozen=True)
class _Loaded:
    """What the warehouse says of the records that the API will be asked to count."""

    rows: int
    bounds: Bounds
    read_from: datetime


def examine(settings: Settings, results: Sequence[StreamResult]) -> dict[str, StreamFindings]:
    """Look over what the runs of these streams left in the warehouse; findings by stream.

    Streams without access are left out: nothing was read.
    """
    read = [result for result in results if not result.no_access]
    loaded: dict[str, _Loaded] = {}
    with Warehouse.of(settings).write() as connection:
        connection.execute(query("profile_table"))
        rows = _newest_rows(connection, settings)
        found = {r.stream: _examined(connection, rows[r.stream], settings) for r in read if r.stream in rows}
        for result in read:
            if result.stream in found and STREAMS[result.stream].counted:
                bounds = _bounds(rows[result.stream], result.history_from)
                loaded[result.stream] = _loaded(connection, settings, rows[result.stream], bounds)
    compared, problem = _compared(settings, loaded)
    return {
        name: StreamFindings(
            **vars(findings) | {"compared": compared.get(name), "not_compared": problem if name in loaded else ""}
        )
        for name, findings in found.items()
    }


def compare_month(settings: Settings, result: StreamResult, first: datetime, end: datetime) -> StreamFindings:
    """The findings on a stream of which [``first``, ``end``) was read again, its count compared in that time."""
    with Warehouse.of(settings).write() as connection:
        row = _newest_rows(connection, settings)[result.stream]
        manifests = _manifests(connection, row)
        loaded = _loaded(connection, settings, row, Bounds(first, end, _made_from(result.history_from)))
    compared, problem = _compared(settings, {result.stream: loaded})
    return StreamFindings(row, {}, manifests, compared.get(result.stream), problem)


def _newest_rows(connection: WarehouseConnection, settings: Settings) -> dict[str, dict[str, Any]]:
    """The newest run of each stream: of the shop that is set, or of whichever was read last."""
    domain = settings.shop.domain
    rows = [row for row in status_rows(connection) if not domain or row["shop_id"] == domain]
    rows.sort(key=lambda row: row["loaded_at"])
    return {row["stream"]: stream_status(row, settings.clock.now()) for row in rows}


def _examined(connection: WarehouseConnection, row: dict[str, Any], settings: Settings) -> StreamFindings:
    stream, shop_id = STREAMS[row["stream"]], row["shop_id"]
    tables = {}
    for table in stream.tables:
        turned, count = look_over(connection, BY_NAME[table], shop_id, row["started_at"])
        tables[table] = TableFindings(count, _duplicates(connection, table, shop_id), turned)
    return StreamFindings(row, tables, _manifests(connection, row))


def _duplicates(connection: WarehouseConnection, table: str, shop_id: str) -> Duplicates:
    key = ", ".join(BY_NAME[table].key)
    keys, extra, example = connection.execute(
        query("duplicates").format(table=f"raw.{table}", key=key), (shop_id,)
    ).fetchone()
    return Duplicates(int(keys), int(extra), example or "")


def _manifests(connection: WarehouseConnection, row: dict[str, Any]) -> tuple[str, ...]:
    asked = (row["shop_id"], row["stream"], row["started_at"])
    files = connection.execute(query("files_of_run"), asked).fetchall()
    return tuple(f"landing/{file_id}.manifest.json" for (file_id,) in files)


def _bounds(row: dict[str, Any], history_from: date | None) -> Bounds:
    """All that the stream has. One that was never read whole lacks what did not change since its first window."""
    start = row["covered_from"] if row["whole_at"] is None else None
    return Bounds(start=start, made_from=_made_from(history_from))


def _made_from(history_from: date | None) -> datetime | None:
    """A day later than what Shopify shows at the edge, which moves while it is counted."""
    return midnight(history_from) + timedelta(days=1) if history_from else None


def _loaded(connection: WarehouseConnection, settings: Settings, row: dict[str, Any], bounds: Bounds) -> _Loaded:
    table = counted_table(STREAMS[row["stream"]])
    where = " and ".join(f"{field} {sign} ?" for field, sign, _ in bounds.terms) or "true"
    moments = [moment for _, _, moment in bounds.terms]
    rows = connection.execute(
        query("rows_told").format(table=f"raw.{table}", bounds=where),
        (row["shop_id"], f"{row['stream']}/%", *moments),
    ).fetchone()
    # What changes this shortly before a run may not be shown to it, and is read again by the next.
    return _Loaded(int(rows[0]), bounds, row["started_at"] - timedelta(minutes=settings.shopify.overlap_minutes))


def counted_table(stream: Stream) -> str:
    """The table whose rows are what the API counts."""
    return next(part.table for part in stream.parts if part.is_parent)


def _compared(settings: Settings, loaded: Mapping[str, _Loaded]) -> tuple[dict[str, Compared], str]:
    """What the API counts, and why it did not where it did not."""
    if not loaded:
        return {}, ""
    fields = {name: STREAMS[name].counted for name in loaded}
    hurried = settings.ingestion.model_copy(update={"deadline_seconds": COUNT_SECONDS})
    try:
        with ShopifyClient(settings.model_copy(update={"ingestion": hurried})) as client:
            counts = api_counts(client, {fields[name]: mine.bounds for name, mine in loaded.items()})
            differing = [name for name, mine in loaded.items() if counts[fields[name]] != mine.rows]
            since = {fields[name]: loaded[name].bounds.since(loaded[name].read_from) for name in differing}
            moved = api_counts(client, since) if since else {}
    except GrowthError as error:
        return {}, f"The API could not be asked for its counts: {error.message}"
    return {
        name: Compared(counts[fields[name]], mine.rows, moved.get(fields[name], 0), mine.bounds)
        for name, mine in loaded.items()
    }, ""
