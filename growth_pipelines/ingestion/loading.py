"""Parsed rows into the warehouse: delete what the batch covers, insert the batch, all in the caller's transaction.

Loading the same file twice therefore leaves the same rows. Both engines get Arrow: DuckDB reads it in place,
PostgreSQL through COPY, never through VALUES.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from growth_pipelines.ingestion.windows import Window
from growth_pipelines.warehouse.raw_tables import BY_NAME, SQL_TYPES, RawTable

if TYPE_CHECKING:
    import pyarrow

    from growth_pipelines.warehouse.connection import WarehouseConnection

# What a batch replaces: the rows whose ``replace_by`` values it holds, those of its parents (so that a child
# that is gone goes), every day of its window, or everything of the shop (a snapshot).
Scope = Literal["rows", "parent", "days", "all"]


@dataclass(frozen=True)
class Part:
    """One raw table that a stream fills: the .sql file that parses it, and what a batch of it replaces."""

    table: str
    sql: str = ""
    scope: Scope = "rows"
    parent: str = ""

    @property
    def statement(self) -> str:
        return self.sql or self.table


def replace_rows(
    connection: WarehouseConnection,
    part: Part,
    batch: dict[str, pyarrow.Table],
    shop_id: str,
    window: Window | None,
) -> int:
    """Load one part of a parsed batch; returns the number of rows inserted."""
    table = BY_NAME[part.table]
    rows = batch[part.table]
    if part.scope == "all":
        connection.execute(f"delete from raw.{table.name} where shop_id = ?", (shop_id,))  # noqa: S608
    elif part.scope == "days":
        assert window is not None
        connection.execute(
            f"delete from raw.{table.name} where shop_id = ? and date >= ? and date < ?",  # noqa: S608
            (shop_id, window.start.date(), window.end.date()),
        )
    else:
        covered = batch[part.parent] if part.scope == "parent" else rows
        _delete_covered(connection, table, covered.select(list(table.replace_by)))
    _insert(connection, table, rows)
    return int(rows.num_rows)


def _delete_covered(connection: WarehouseConnection, table: RawTable, keys: pyarrow.Table) -> None:
    """Delete the rows whose ``replace_by`` values occur in ``keys``."""
    keys = keys.group_by(keys.column_names).aggregate([])
    same = " and ".join(f"stored.{name} = covered.{name}" for name in table.replace_by)
    if connection.engine == "duckdb":
        connection.native.register("covered", keys)
        connection.execute(f"delete from raw.{table.name} as stored using covered where {same}")  # noqa: S608
        connection.native.unregister("covered")
        return
    types = {column.name: SQL_TYPES["postgres"][column.type] for column in table.all_columns}
    columns = ", ".join(f"{name} {types[name]}" for name in table.replace_by)
    connection.execute(f"create temp table covered ({columns}) on commit drop")
    _copy(connection, "covered", keys)
    connection.execute("analyze covered")
    connection.execute(f"delete from raw.{table.name} as stored using covered where {same}")  # noqa: S608
    connection.execute("drop table covered")


def _insert(connection: WarehouseConnection, table: RawTable, rows: pyarrow.Table) -> None:
    if connection.engine == "postgres":
        _copy(connection, f"raw.{table.name}", rows)
        return
    columns = ", ".join(rows.column_names)
    connection.native.register("batch", rows)
    connection.execute(f"insert into raw.{table.name} ({columns}) select {columns} from batch")  # noqa: S608
    connection.native.unregister("batch")


def _copy(connection: WarehouseConnection, target: str, rows: pyarrow.Table) -> None:
    """COPY an Arrow table into a PostgreSQL table. Nulls are empty, empty texts are quoted."""
    import pyarrow as pa
    from pyarrow import csv

    columns = ", ".join(rows.column_names)
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    with connection.native.cursor() as cursor:
        with cursor.copy(f"copy {target} ({columns}) from stdin (format csv)") as copy:
            for batch in rows.to_batches(max_chunksize=50_000):
                sink = pa.BufferOutputStream()
                csv.write_csv(pa.Table.from_batches([batch]), sink, options)
                copy.write(sink.getvalue().to_pybytes())
