"""The DDL of the raw tables, generated from their declaration in :mod:`raw_tables` for either engine."""

from __future__ import annotations

from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.raw_tables import SQL_TYPES, RawTable, all_tables


def create_table(table: RawTable, engine: str) -> str:
    """``create table if not exists raw.…`` with typed columns. Keys are tested by dbt, not enforced: an enforced
    key costs a DuckDB load more than the load itself."""
    types = SQL_TYPES[engine]
    columns = ",\n    ".join(f"{column.name} {types[column.type]}" for column in table.all_columns)
    return f"create table if not exists raw.{table.name} (\n    {columns}\n)"


def create_raw(connection: WarehouseConnection) -> set[str]:
    """Create what is missing, in the connection's transaction. Columns declared since are added, empty.

    Returns the names of the tables that are new or have new columns.
    """
    grown = set()
    present: dict[str, set[str]] = {}
    query = "select table_name, column_name from information_schema.columns where table_schema = 'raw'"
    for table_name, column_name in connection.execute(query).fetchall():
        present.setdefault(table_name, set()).add(column_name)
    types = SQL_TYPES[connection.engine]
    for table in all_tables():
        if table.name not in present:
            grown.add(table.name)
            connection.execute(create_table(table, connection.engine))
            if connection.engine == "postgres":
                # Loads delete by this column; DuckDB's zone maps do the same without an index. The shop is left
                # out: it makes the index twice as large and tells nothing where there is one shop.
                connection.execute(f"create index on raw.{table.name} ({table.replace_by[-1]})")
            continue
        for column in table.all_columns:
            if column.name not in present[table.name]:
                grown.add(table.name)
                connection.execute(f"alter table raw.{table.name} add column {column.name} {types[column.type]}")
    return grown
