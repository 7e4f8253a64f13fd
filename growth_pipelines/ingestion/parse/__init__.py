"""Landing files to typed rows: DuckDB reads the JSON with declared types, one ``.sql`` file a raw table.

The same parse serves both warehouses, since it runs in a DuckDB of its own, in memory, and gives Arrow tables.
A value that does not fit its declared type is an error that names the file, never a silent null.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.warehouse.raw_tables import BY_NAME, SQL_TYPES, RawTable

if TYPE_CHECKING:
    import pyarrow

    from growth_pipelines.ingestion.landing import Landed


def statement(folder: str, name: str) -> str:
    """The text of ``parse/{folder}/{name}.sql``."""
    return resources.files(__name__).joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")


def parse(
    landed: Landed, folder: str, tables: Iterable[tuple[str, str]], loaded_at: datetime
) -> dict[str, pyarrow.Table]:
    """The rows of ``landed`` as raw tables with all their columns, one Arrow table each.

    ``tables`` are (raw table, name of its .sql file in ``folder``), in the order in which they may use each
    other. A record that appears twice in the file counts as it was last seen.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        _set_variables(connection, landed, loaded_at)
        try:
            connection.execute(f"create temp table landed as {statement(folder, 'landed')}")
            if resources.files(__name__).joinpath(folder, "metrics.sql").is_file():
                connection.execute(f"create temp table metrics as {statement(folder, 'metrics')}")
            parsed = {}
            for table, name in tables:
                connection.execute(f"create temp table {table} as {statement(folder, name)}")
                parsed[table] = connection.sql(_typed(BY_NAME[table])).to_arrow_table()
            return parsed
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise GrowthError(
                f"{landed.path} does not have the expected shape: {reason}",
                "The API may have changed; nothing was loaded from this file.",
            ) from error


def _set_variables(connection: Any, landed: Landed, loaded_at: datetime) -> None:
    variables = {
        "path": str(landed.path),
        "shop_id": landed.shop.shop_id,
        "timezone": landed.shop.timezone,
        "primary_url": landed.shop.primary_url,
        "file_id": landed.file_id,
        "loaded_at": loaded_at,
        "site_url": landed.extra.get("site_url", ""),
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = ?", [value])


def _typed(table: RawTable) -> str:
    """Select a parsed table with every column of its raw table, in order, in its declared type."""
    types = SQL_TYPES["duckdb"]
    columns = ", ".join(
        f"cast({column.name} as {types[column.type]}) as {column.name}" for column in table.columns
    )
    key = ", ".join(table.key[1:]) or "1"
    return (
        f"select getvariable('shop_id') as shop_id, {columns}, getvariable('file_id') as _file_id, "  # noqa: S608
        f"cast(_line as bigint) as _line, cast(getvariable('loaded_at') as timestamp) as _loaded_at "
        f"from {table.name} qualify row_number() over (partition by {key} order by _line desc) = 1"
    )
