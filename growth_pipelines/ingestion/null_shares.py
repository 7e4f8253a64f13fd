"""Columns that were filled and that the newest run left empty: what a field that quietly vanished looks like.

Past runs are judged by the rows that they left, and by what was noted of them: a table that is read whole each
time holds no row of an earlier run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from growth_pipelines.canonical import canonical_json
from growth_pipelines.ingestion.queries import query
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.raw_tables import RawTable

# A column counts as filled if under 5 % of at least 100 rows were null within a month, and as turned null if more
# than half of the new rows are, and so many that it is no chance.
WAS_NULL = 0.05
ENOUGH_ROWS = 100
NOW_NULL = 0.5
ENOUGH_NULLS = 5
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True)
class Filled:
    """Of ``rows`` rows, in how many each column is filled."""

    rows: int
    columns: Mapping[str, int]

    def null_share(self, column: str) -> float:
        return 1 - self.columns.get(column, self.rows) / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class TurnedNull:
    """A column with its share of nulls before (the least that was seen) and now, of ``rows`` new rows."""

    column: str
    before: float
    now: float
    rows: int


def look_over(
    connection: WarehouseConnection, table: RawTable, shop_id: str, since: datetime
) -> tuple[tuple[TurnedNull, ...], int]:
    """The columns that turned null in the rows loaded since ``since`` (naive UTC), and the table's number of rows.

    What is seen is noted for the runs to come.
    """
    new, older = _measured(connection, table, shop_id, since)
    remembered = connection.execute(query("profiles"), (shop_id, table.name, since - REMEMBERED, since)).fetchall()
    past = [older, *(Filled(rows, json.loads(filled)) for rows, filled in remembered)]
    if new.rows >= ENOUGH_ROWS:
        connection.execute(query("forget_profiles"), (shop_id, since - REMEMBERED, table.name, since))
        noted = (shop_id, table.name, since, new.rows, canonical_json(dict(new.columns)))
        connection.execute(query("record_profile"), noted)
    return tuple(turned_null(new, past)), new.rows + older.rows


def _measured(
    connection: WarehouseConnection, table: RawTable, shop_id: str, since: datetime
) -> tuple[Filled, Filled]:
    """The rows loaded since ``since``, and the older ones."""
    names = [column.name for column in table.columns]
    filled = ", ".join(f"count({name})" for name in names)
    statement = query("filled_columns").format(table=f"raw.{table.name}", filled=filled)
    parts = {True: Filled(0, {}), False: Filled(0, {})}
    for is_new, rows, *counts in connection.execute(statement, (since, shop_id)).fetchall():
        parts[bool(is_new)] = Filled(rows, dict(zip(names, counts, strict=True)))
    return parts[True], parts[False]


def turned_null(new: Filled, past: Iterable[Filled]) -> list[TurnedNull]:
    """The columns of ``new`` that are mostly null and were filled in one of ``past``."""
    judged = [filled for filled in past if filled.rows >= ENOUGH_ROWS]
    found = []
    for column, filled in new.columns.items():
        share = new.null_share(column)
        if share <= NOW_NULL or new.rows - filled < ENOUGH_NULLS:
            continue
        before = min((one.null_share(column) for one in judged if column in one.columns), default=1.0)
        if before < WAS_NULL:
            found.append(TurnedNull(column, before, share, new.rows))
    return found
