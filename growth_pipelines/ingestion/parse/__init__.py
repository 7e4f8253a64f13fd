"""Landing files to typed rows: DuckDB reads the JSON with declared types, one ``.sql`` file a raw table.

A stream without a folder of .sql files is parsed by what its table declares (:mod:`.declared`).

The same parse serves both warehouses: it runs on the connection that it is given, the warehouse's own where that
is DuckDB, and leaves temporary relations there, named as the raw tables are. A value that does not fit its
declared type is an error (the loader names the file), never a silent null. A field that is not there is null: the
documents name every field that is read, and a GraphQL API that can't give one says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

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
    seen; :attr:`repeated` counts such records where they have an id. :attr:`unknown` are fields that no column is
    made of, with the number of records in a sample that have them. ``kept`` are keys by raw table whose rows are
    left out.
    """

    def __init__(
        self,
        native: Any,
        landed: Landed,
        folder: str,
        parts: Sequence[Part],
        now: datetime,
        kept: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.native = native
        texts = {part.table: _table_text(folder, part) for part in parts}
        _set_variables(native, landed, now)
        native.execute(f"create temp table landed as {_landed_text(folder, parts)}")
        if folder and resources.files(__name__).joinpath(folder, "metrics.sql").is_file():
            native.execute(f"create temp table metrics as {statement(folder, 'metrics')}")
        self.repeated = self._repeated()
        if self.repeated:
            self._drop_repeated()
        for name, text in texts.items():
            others = [other for table, other in texts.items() if table != name]
            self._relation(BY_NAME[name], text, others, (kept or {}).get(name))
        self.unknown = unknown_fields(native, str(landed.path))

    def _repeated(self) -> int | None:
        """How many records of the file repeat another; None where records have no id to tell by.

        A product is in many collections: what is nested in records is told by its parent too.
        """
        columns = self._landed_columns()
        if "id" not in columns:
            return None
        rows, distinct = self.native.execute("select count(id), count(distinct id) from landed").fetchone()
        if rows > distinct and "__parentId" in columns:
            pairs = 'select count(distinct (id, "__parentId")) from landed where id is not null'
            (distinct,) = self.native.execute(pairs).fetchone()
        return int(rows - distinct)

    def _drop_repeated(self) -> None:
        """Keep each record as it was last seen, so that what is nested in an older state of it goes too."""
        parent = ', "__parentId"' if "__parentId" in self._landed_columns() else ""
        self.native.execute(
            "create or replace temp table landed as select * from landed "  # noqa: S608 - declared names
            f"qualify id is null or row_number() over (partition by id{parent} order by _line desc) = 1"
        )

    def _landed_columns(self) -> set[str]:
        return {row[0] for row in self.native.execute("describe landed").fetchall()}

    def _relation(self, table: RawTable, text: str, others: list[str], kept: Collection[str] | None) -> None:
        """A view, evaluated where its rows are loaded; a table where another relation reads it too.

        Sorting out what was seen twice costs as much as the rest of a parse, so it is done only where there is any
        or where that can't be told: what is nested in records that occur once occurs once.
        """
        given = {row[0] for row in self.native.execute(f"describe {text}").fetchall()}
        typed = _typed(table, text, given)
        if self.repeated != 0:
            typed += f" {_last_seen(table)}"
        if kept:
            self.native.execute(f"create temp table kept_{table.name} as select unnest(?) as key", [sorted(kept)])
            typed = (
                f"select * from ({typed}) as found "  # noqa: S608 - declared names
                f"where not exists (select 1 from kept_{table.name} where key = found.{table.key[1]})"
            )
        read_again = any(re.search(rf"\b{table.name}\b", other) for other in others)
        self.native.execute(f"create temp {'table' if read_again else 'view'} {table.name} as {typed}")


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
