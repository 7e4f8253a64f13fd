"""Landing files to typed rows: DuckDB reads the JSON with declared types, one ``.sql`` file a raw table.

A stream without a folder of .sql files is parsed by what its table declares (:mod:`.declared`).

The same parse serves both warehouses: it runs on the connection that it is given, the warehouse's own where that
is DuckDB, and leaves temporary relations there, named as the raw tables are. A value that does not fit its
declared type is an error that names the file, never a silent null.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.drift import unknown_fields
from growth_pipelines.ingestion.parse.declared import landed_statement, table_statement
from growth_pipelines.warehouse.raw_tables import BY_NAME, SQL_TYPES, RawTable

if TYPE_CHECKING:
    from growth_pipelines.ingestion.landing import Landed
    from growth_pipelines.ingestion.loading import Part


def statement(folder: str, name: str) -> str:
    """The text of ``parse/{folder}/{name}.sql``."""
    return resources.files(__name__).joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")


def _landed_text(folder: str, parts: Sequence[Part]) -> str:
    return statement(folder, "landed") if folder else landed_statement(BY_NAME[parts[0].table])


def _table_text(folder: str, part: Part) -> str:
    return statement(folder, part.statement) if folder else table_statement(BY_NAME[part.table])


class Parsed:
    """The rows of one landing file as temporary relations of ``native`` (a DuckDB connection).

    A relation has all columns of its raw table. A record that appears twice in the file counts as it was last
    seen; :attr:`repeated` counts those that were left out. :attr:`unknown` are fields that no column is made of,
    with the number of records in the sample that have them.
    """

    def __init__(self, native: Any, landed: Landed, folder: str, parts: Sequence[Part], now: datetime) -> None:
        import duckdb

        self.native = native
        self.repeated: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        texts = {part.table: _table_text(folder, part) for part in parts}
        try:
            _set_variables(native, landed, now)
            native.execute(f"create temp table landed as {_landed_text(folder, parts)}")
            if folder and resources.files(__name__).joinpath(folder, "metrics.sql").is_file():
                native.execute(f"create temp table metrics as {statement(folder, 'metrics')}")
            for part in parts:
                self._relation(part, texts)
            self.unknown = unknown_fields(native, str(landed.path))
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise GrowthError(
                f"{landed.path} does not have the expected shape: {reason}",
                "The API may have changed; nothing was loaded from this file.",
            ) from error

    def _relation(self, part: Part, texts: dict[str, str]) -> None:
        """A table where the rows are needed more than once, a view where they are only passed on."""
        table = BY_NAME[part.table]
        given = {row[0] for row in self.native.execute(f"describe {texts[part.table]}").fetchall()}
        typed = _typed(table, texts[part.table], given)
        others = [text for name, text in texts.items() if name != part.table]
        if not part.is_parent and not any(re.search(rf"\b{table.name}\b", text) for text in others):
            self.native.execute(f"create temp view {table.name} as {typed} {_last_seen(table)}")
            return
        self.native.execute(f"create temp table {table.name} as {typed}")
        keys = ", ".join(table.key[1:]) or "shop_id"
        rows, distinct = self.native.execute(
            f"select count(*), count(distinct ({keys})) from {table.name}"  # noqa: S608 - declared names
        ).fetchone()
        if rows != distinct:
            self.repeated[table.name] = rows - distinct
            self.native.execute(f"create or replace temp table {table.name} as {typed} {_last_seen(table)}")

    def leave_out(self, name: str, keys: Collection[str]) -> None:
        """Drop the rows of a parent's relation whose key is in ``keys``."""
        column = BY_NAME[name].key[1]
        self.native.execute(f"delete from {name} where list_contains(?, {column})", [sorted(keys)])  # noqa: S608


def _set_variables(connection: Any, landed: Landed, loaded_at: datetime) -> None:
    connection.execute("set timezone = 'UTC'")
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


def _typed(table: RawTable, text: str, given: set[str]) -> str:
    """Select what ``text`` parses with every column of its raw table, in order, in its declared type.

    What the text does not give is null: exports tell less than APIs.
    """
    types = SQL_TYPES["duckdb"]
    columns = ", ".join(
        f"cast({column.name if column.name in given else 'null'} as {types[column.type]}) as {column.name}"
        for column in table.columns
    )
    return (
        f"select getvariable('shop_id') as shop_id, {columns}, getvariable('file_id') as _file_id, "  # noqa: S608
        f"cast(_line as bigint) as _line, cast(getvariable('loaded_at') as timestamp) as _loaded_at "
        f"from ({text}) as parsed"
    )


def _last_seen(table: RawTable) -> str:
    key = ", ".join(table.key[1:]) or "1"
    return f"qualify row_number() over (partition by {key} order by _line desc) = 1"
