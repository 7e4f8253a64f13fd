"""A connection to either engine behind the same five calls, and results as Arrow at the speed of each engine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    import pandas
    import pyarrow

_ROWS_A_BATCH = 122_880
_NUMERIC = 1700
# Quoted texts and names, and comments, in which a question mark is no placeholder.
_QUOTED = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*)")


def open_duckdb(path: Path, threads: int = 0, memory_limit: str = "", *, read_only: bool = False) -> Any:
    """Open a DuckDB file. Raises GrowthError when something else has it open or it is not a DuckDB file."""
    import duckdb

    if read_only and not path.exists():
        raise FileNotFoundError(path)
    try:
        return duckdb.connect(str(path), read_only=read_only, config=duckdb_config(path, threads, memory_limit))
    except duckdb.IOException as error:
        reason = str(error).splitlines()[0]
        raise GrowthError(
            f"{path} cannot be opened: {reason}", "Close other programs that have this file open."
        ) from error


def duckdb_config(path: Path, threads: int = 0, memory_limit: str = "") -> dict[str, Any]:
    """The settings of every DuckDB connection; those of one file in one process must agree, hence one place."""
    return {
        "threads": threads or os.cpu_count() or 1,
        "memory_limit": memory_limit or f"{_machine_memory() // 2 // 2**20}MiB",
        "preserve_insertion_order": False,
        "temp_directory": str(path.parent / "duckdb-temp"),
    }


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def open_postgres(url: str, name: str, *, autocommit: bool = False, read_only: bool = False) -> Any:
    """Open PostgreSQL by psycopg 3, in UTC. Raises GrowthError without the password when it cannot be reached."""
    import psycopg

    try:
        connection = psycopg.connect(url, autocommit=autocommit, application_name=name, options="-c TimeZone=UTC")
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise GrowthError(f"PostgreSQL cannot be reached: {reason}", "Check GROWTH_DATABASE_URL.") from error
    connection.read_only = read_only
    return connection


class WarehouseConnection:
    """One connection of :class:`~growth_pipelines.warehouse.database.Warehouse`.

    ``native`` is the engine's own (duckdb or psycopg) for what is not shared, such as COPY. Parameters are
    written ``?`` on both engines.
    """

    def __init__(self, engine: Literal["duckdb", "postgres"], native: Any) -> None:
        self.engine = engine
        self.native = native

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Run one statement; the result has ``fetchall()`` and ``fetchone()``."""
        if self.engine == "postgres":
            return self.native.execute(_psycopg_style(sql), params) if params else self.native.execute(sql)
        return self.native.execute(sql, list(params)) if params else self.native.execute(sql)

    def arrow(self, sql: str, params: Sequence[Any] = ()) -> pyarrow.Table:
        """The rows of one query as an Arrow table. Decimals keep their type on DuckDB, see :meth:`frame`."""
        if self.engine == "postgres":
            return _copy_out(self.native, sql, params)
        relation = self.native.sql(sql, params=list(params) or None)
        return relation.to_arrow_table()

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pandas.DataFrame:
        """The rows of one query as a frame with the same dtypes on both engines.

        Text is pandas' ``str``, dates and times are ``datetime64``, decimals ``float64``, whole numbers ``int64``
        (``float64`` where some are missing).
        """
        return _plain_numbers(self.arrow(sql, params)).to_pandas(date_as_object=False)

    def batches(self, sql: str) -> pyarrow.RecordBatchReader:
        """The rows of one query a batch at a time, however many they are, with exact decimals on both engines.

        PostgreSQL's go over a temporary file, so that its connection is free again.
        """
        if self.engine == "postgres":
            return _copy_through(self.native, sql)
        return self.native.sql(sql).to_arrow_reader(_ROWS_A_BATCH)

    def insert(self, target: str, columns: Sequence[str], batches: pyarrow.RecordBatchReader) -> int:
        """Add rows to a table, each column of it by its name; returns how many."""
        names = ", ".join(columns)
        if self.engine == "postgres":
            return copy_in(self.native, f"{target} ({names})", (batch.select(columns) for batch in batches))
        self.native.register("inserted_batches", batches)
        sql = f"insert into {target} ({names}) select {names} from inserted_batches"  # noqa: S608 - our tables
        count = int(self.native.execute(sql).fetchone()[0])
        # Not where the insert failed: an aborted transaction refuses this too, and would hide the reason.
        self.native.unregister("inserted_batches")
        return count

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction: committed at the end, rolled back by any exception."""
        # psycopg opens one by itself at the first statement.
        if self.engine == "duckdb":
            self.native.execute("begin")
        try:
            yield
        except BaseException:
            self.native.rollback()
            raise
        self.native.commit()

    def close(self) -> None:
        self.native.close()


def _psycopg_style(sql: str) -> str:
    """``?`` placeholders as psycopg's ``%s``, outside of quotes and comments; literal ``%`` is doubled."""
    parts = _QUOTED.split(sql)
    for index, part in enumerate(parts):
        part = part.replace("%", "%%")
        parts[index] = part if index % 2 else part.replace("?", "%s")
    return "".join(parts)


def _plain_numbers(table: pyarrow.Table) -> pyarrow.Table:
    """Decimals as double, and DuckDB's 128-bit sums as 64-bit whole numbers."""
    import pyarrow as pa

    fields = []
    for field in table.schema:
        if pa.types.is_decimal(field.type):
            whole = field.type.scale == 0
            field = field.with_type(pa.int64() if whole else pa.float64())
        elif pa.types.is_integer(field.type):
            field = field.with_type(pa.int64())
        fields.append(field)
    return table.cast(pa.schema(fields))


def _copy_out(connection: Any, sql: str, params: Sequence[Any]) -> pyarrow.Table:
    """Read a query through COPY, which is about ten times faster than rows as Python objects."""
    import psycopg
    import pyarrow as pa
    from pyarrow import csv

    statement = sql.strip().rstrip(";")
    if params:
        statement = psycopg.ClientCursor(connection).mogrify(_psycopg_style(statement), params)
    types = {column.name: _arrow_type(column.type_code) for column in _described(connection, statement)}
    sink = pa.BufferOutputStream()
    with connection.cursor() as cursor, cursor.copy(f"copy ({statement}) to stdout (format csv)") as copy:
        for block in copy:
            sink.write(block)
    buffer = sink.getvalue()
    if buffer.size == 0:
        return pa.schema(types.items()).empty_table()
    options = _csv_options(types)
    return csv.read_csv(
        pa.BufferReader(buffer), read_options=options[0], parse_options=options[1], convert_options=options[2]
    )


def _copy_through(connection: Any, sql: str) -> pyarrow.RecordBatchReader:
    """As :func:`_copy_out`, but by way of a file instead of memory, and decimals stay decimals."""
    import tempfile

    import pyarrow as pa
    from pyarrow import csv

    types = {}
    for column in _described(connection, sql):
        exact = column.type_code == _NUMERIC and column.precision
        types[column.name] = (
            pa.decimal128(column.precision, column.scale) if exact else _arrow_type(column.type_code)
        )
    # Without a name: gone when the reader is.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is read after this function has ended
    with connection.cursor() as cursor, cursor.copy(f"copy ({sql}) to stdout (format csv)") as copy:
        for block in copy:
            file.write(block)
    if not file.tell():
        file.close()
        return pa.RecordBatchReader.from_batches(pa.schema(types.items()), [])
    file.seek(0)
    options = _csv_options(types)
    return csv.open_csv(file, read_options=options[0], parse_options=options[1], convert_options=options[2])


def _described(connection: Any, statement: str) -> Any:
    query = f"select * from ({statement}) as described limit 0"  # noqa: S608 - the caller's own statement
    return connection.execute(query).description


def _csv_options(types: dict[str, Any]) -> tuple[Any, Any, Any]:
    """How to read what COPY writes: nulls are empty, empty texts are quoted."""
    from pyarrow import csv

    return (
        csv.ReadOptions(column_names=list(types), block_size=1 << 24),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def copy_in(connection: Any, target: str, batches: Iterable[pyarrow.RecordBatch]) -> int:
    """COPY batches into a PostgreSQL table; returns how many rows. Nulls are empty, empty texts are quoted."""
    import pyarrow as pa
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"copy {target} from stdin (format csv)") as copy:
        for batch in batches:
            sink = pa.BufferOutputStream()
            csv.write_csv(pa.Table.from_batches([batch]), sink, options)
            # PostgreSQL's text holds any character but this one.
            copy.write(sink.getvalue().to_pybytes().replace(b"\0", b""))
            count += batch.num_rows
    return count


def _arrow_type(oid: int) -> Any:
    """The Arrow type of a PostgreSQL type; text for what is not listed."""
    import pyarrow as pa

    return {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int64(),
        23: pa.int64(),
        700: pa.float64(),
        701: pa.float64(),
        _NUMERIC: pa.float64(),
        1082: pa.date32(),
        1114: pa.timestamp("us"),
        1184: pa.timestamp("us", tz="UTC"),
    }.get(oid, pa.string())
