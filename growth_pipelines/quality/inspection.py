"""One look at the data: what landed is held against its suites, the newest days against the past.

The warehouse is held meanwhile; Great Expectations is imported before it is opened, and only if something landed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta
from typing import TYPE_CHECKING, Any

from growth_pipelines.clock import local_date
from growth_pipelines.ingestion.state import prepared, status_rows
from growth_pipelines.ingestion.status import stream_status
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.windows import naive_utc
from growth_pipelines.quality.batches import Batch, accept, frames, waiting
from growth_pipelines.quality.compared import compare_day, compare_total
from growth_pipelines.quality.outcomes import Outcome
from growth_pipelines.quality.report import Report, StreamState, still_asked, write_report
from growth_pipelines.quality.results import latest, prepare, record
from growth_pipelines.quality.suites import Suite, suites
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

if TYPE_CHECKING:
    from growth_pipelines.warehouse.connection import WarehouseConnection


@dataclass(frozen=True)
class TableInspection:
    """What was found of one table: ``contract`` are the outcomes of its suite, ``past`` its comparisons."""

    batch: Batch
    contract: tuple[Outcome, ...]
    past: tuple[Outcome, ...]


def inspect(
    settings: Settings, tables: Collection[str], compared: Collection[str], run_id: str
) -> dict[str, TableInspection]:
    """Judge what landed in ``tables``, and ``compared`` with their past; record it and write the report.

    A table's batch is accepted when no expectation of severity error is broken.
    """
    warehouse = Warehouse.of(settings)
    now = settings.clock.now()
    chosen = {name: suite for name, suite in suites().items() if name in tables or name in compared}
    with prepared(warehouse) as connection:
        prepare(connection)
        batches = {name: waiting(connection, name) for name in chosen if name in tables}
    validator: Any = None
    if any(batch.rows for batch in batches.values()):
        from growth_pipelines.quality.expectations import Validator

        validator = Validator(now)
    found: dict[str, TableInspection] = {}
    with warehouse.write() as connection:
        streams = _streams(connection, settings)
        for name, suite in chosen.items():
            batch = batches.get(name, Batch(name, ()))
            contract = tuple(validator.validate(suite, frames(connection, batch, suite))) if batch.rows else ()
            past = tuple(_compared(connection, suite, streams.get(name), settings)) if name in compared else ()
            found[name] = TableInspection(batch, contract, past)
        _remember(connection, settings, found, run_id)
        report = _report(connection, settings)
    write_report(settings, report)
    return found


def record_outcomes(settings: Settings, run_id: str, outcomes: Collection[Outcome]) -> None:
    """Add what others found, and renew the report."""
    with Warehouse.of(settings).write() as connection:
        prepare(connection)
        record(connection, run_id, outcomes, naive_utc(settings.clock.now()))
        report = _report(connection, settings)
    write_report(settings, report)


def _streams(connection: WarehouseConnection, settings: Settings) -> dict[str, Mapping[str, Any]]:
    """The newest run of the stream that fills each table; of several shops, of the one that was read last."""
    rows = sorted(status_rows(connection), key=lambda row: row["loaded_at"])
    by_stream = {row["stream"]: row for row in rows if row["stream"] in STREAMS}
    return {table: row for name, row in by_stream.items() for table in STREAMS[name].tables}


def _compared(
    connection: WarehouseConnection, suite: Suite, stream: Mapping[str, Any] | None, settings: Settings
) -> list[Outcome]:
    if suite.history is None:
        return list(compare_total(connection, suite, _total(connection, suite.table)))
    day = _newest_complete_day(stream, settings)
    return list(compare_day(connection, suite, stream["shop_id"], day)) if stream and day else []


def _newest_complete_day(stream: Mapping[str, Any] | None, settings: Settings) -> date | None:
    """The newest day of which a stream has all; None where it was never read to a day."""
    if stream is None or stream["covered_to"] is None:
        return None
    end = stream["covered_to"]
    if end.time() == time.min:  # windows of whole days end at the midnight after the last
        return (end - timedelta(days=1)).date()
    zone = STREAMS[stream["stream"]].source.zone or settings.zone
    return local_date(end.replace(tzinfo=UTC), zone) - timedelta(days=1)


def _total(connection: WarehouseConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from raw.{table}").fetchone()[0])  # noqa: S608


def _remember(
    connection: WarehouseConnection, settings: Settings, found: Mapping[str, TableInspection], run_id: str
) -> None:
    now = naive_utc(settings.clock.now())
    good = [one.batch for one in found.values() if not any(outcome.blocks for outcome in one.contract)]
    accept(connection, good, run_id, now)
    record(connection, run_id, [o for one in found.values() for o in (*one.contract, *one.past)], now)
    for name, one in found.items():
        if one.batch.rows:
            connection.execute(
                "insert into raw._quality_batch (run_id, judged_at, table_name, batch_rows, total_rows)"
                " values (?, ?, ?, ?, ?)",
                (run_id, now, name, one.batch.rows, _total(connection, name)),
            )


def _report(connection: WarehouseConnection, settings: Settings) -> Report:
    now = settings.clock.now()
    states = [stream_status(row, now) for row in status_rows(connection)]
    streams = [StreamState(s["stream"], s["lag_seconds"], s["objective_seconds"]) for s in states]
    sizes = connection.execute(
        "select table_name, batch_rows from raw._quality_batch order by judged_at"
    ).fetchall()
    return Report(now, tuple(still_asked(latest(connection, naive_utc(now)))), tuple(streams), dict(sizes))
