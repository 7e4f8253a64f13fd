"""The results in the warehouse (``raw._quality_results``), with what happened when; kept for a season."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from growth_pipelines.canonical import canonical_json
from growth_pipelines.quality.outcomes import Outcome
from growth_pipelines.quality.queries import query

if TYPE_CHECKING:
    from growth_pipelines.warehouse.connection import WarehouseConnection

KEPT = timedelta(days=90)
COMPARED = timedelta(days=2)
_COLUMNS = 12


def prepare(connection: WarehouseConnection) -> None:
    """Create the tables that results are kept in."""
    for statement in query("state").split(";"):
        if statement.strip():
            connection.execute(statement)


def record(connection: WarehouseConnection, run_id: str, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Add the outcomes of one look. ``now`` is naive UTC."""
    connection.execute("delete from raw._quality_results where judged_at < ?", (now - KEPT,))
    rows = [
        (
            run_id,
            now,
            one.table,
            one.expectation,
            one.dimension,
            one.severity,
            one.passed,
            one.observed,
            one.why,
            one.checked,
            one.unexpected,
            canonical_json(list(one.examples)),
        )
        for one in outcomes
    ]
    # One statement: DuckDB takes a millisecond for each.
    for start in range(0, len(rows), 100):
        some = rows[start : start + 100]
        # What was judged at the same time or later was judged by a clock that stands still or was wrong.
        connection.execute(
            query("forget_later").format(names=", ".join("?" * len(some))),
            (now, *(f"{row[2]} {row[3]}" for row in some)),
        )
        holders = ", ".join([f"({', '.join('?' * _COLUMNS)})"] * len(some))
        values = [value for row in some for value in row]
        connection.execute(f"insert into raw._quality_results values {holders}", values)  # noqa: S608


def latest(connection: WarehouseConnection, now: datetime) -> list[Outcome]:
    """The newest outcome of each expectation that was ever judged, also of suites that have changed since; of days
    that were compared with the past, those of the last two days."""
    return [
        Outcome(
            table=row[0],
            expectation=row[1],
            dimension=row[2],
            severity=row[3],
            passed=bool(row[4]),
            observed=row[5],
            why=row[6],
            checked=row[7],
            unexpected=row[8],
            examples=tuple(json.loads(row[9])),
        )
        for row in connection.execute(query("latest_results"), (now - COMPARED,)).fetchall()
    ]
