"""A landed file into the warehouse, all in the caller's transaction, so that the order of files does not matter.

What a file covers is deleted and what it holds is inserted, except rows that are older than the stored ones and
rows that the shop has deleted since (``raw.deletions``). Loading a file twice, or two files in either order,
leaves the same rows. Parsing runs inside DuckDB; PostgreSQL gets the rows by COPY, never through VALUES.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.parse import Parsed
from growth_pipelines.ingestion.queries import query
from growth_pipelines.ingestion.state import newer_snapshot
from growth_pipelines.ingestion.windows import naive_utc
from growth_pipelines.warehouse.connection import copy_in, duckdb_config
from growth_pipelines.warehouse.raw_tables import BY_NAME, SQL_TYPES, RawTable

if TYPE_CHECKING:
    from growth_pipelines.warehouse.connection import WarehouseConnection

# What a file replaces: the rows whose ``replace_by`` values it holds, those of its parents (so that a child that
# is gone goes), every day of its window, or everything of the shop.
Scope = Literal["rows", "parent", "days", "all"]
ROWS_A_COPY = 50_000
# A stored row whose file was fetched before this one. Files from the future (a clock was wrong) count as before.
READ_BEFORE = (
    "not exists (select 1 from raw._ingest_file as later where later.file_id = stored._file_id "
    "and later.landed_at > ? and later.landed_at <= ?)"
)


@dataclass(frozen=True)
class Part:
    """One raw table that a stream fills: the .sql file that parses it, what a file of it replaces, and the .sql
    file of ``ingestion/sql`` that follows from its rows (its only parameter is the shop)."""

    table: str
    sql: str = ""
    scope: Scope = "rows"
    parent: str = ""
    after: str = ""

    @property
    def statement(self) -> str:
        return self.sql or self.table

    @property
    def is_parent(self) -> bool:
        """True where the keys of its rows say what is replaced."""
        return self.scope == "rows"


@dataclass
class Loaded:
    """What loading one file did, a table each: rows inserted, rows left out because newer ones are stored or the
    shop has deleted them, records that were in the file twice; and fields that no column is made of."""

    rows: dict[str, int] = field(default_factory=dict)
    outdated: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    unknown_fields: dict[str, int] = field(default_factory=dict)


def load(
    connection: WarehouseConnection,
    landed: Landed,
    folder: str,
    parts: Sequence[Part],
    now: datetime,
    kept: Mapping[str, Collection[str]] | None = None,
) -> Loaded:
    """Parse ``landed`` as ``parse/{folder}`` says and merge it into ``parts``.

    ``kept`` are keys by raw table, of parts that are parents, whose rows stay as the warehouse has them. ``now``
    is the time that the rows are marked with. Raises UnreadableFile when the file does not hold what it should,
    GrowthError when the warehouse fails; then the transaction must be rolled back.
    """
    with engine_errors(landed), _parser(connection, landed) as native:
        parsed = Parsed(native, landed, folder, parts, now, kept)
        merge = _Merge(connection, native, landed, now)
        for part in parts:
            if part.is_parent:
                merge.cover(BY_NAME[part.table])
        rows = {part.table: merge.replace(part) for part in parts}
        for part in parts:
            if part.after and rows[part.table]:
                merge.follow(part.after)
        repeated = {parts[0].parent or parts[0].table: parsed.repeated} if parsed.repeated else {}
        return Loaded(rows, merge.outdated, repeated, parsed.unknown)


class UnreadableFile(GrowthError):
    """A landing file does not hold what its stream declares. Loading it again would fail again."""


@contextmanager
def engine_errors(landed: Landed) -> Iterator[None]:
    """What an engine says of a file's content as UnreadableFile, everything else as GrowthError."""
    import duckdb
    import psycopg

    try:
        yield
    except (duckdb.DataError, duckdb.ProgrammingError, psycopg.DataError) as error:
        raise UnreadableFile(
            f"{landed.path} does not have the expected shape: {str(error).strip().splitlines()[0]}",
            "The API may have changed; nothing was loaded from this file.",
        ) from error
    except (duckdb.Error, psycopg.Error) as error:
        raise GrowthError(
            f"The warehouse failed while loading {landed.path}: {str(error).strip().splitlines()[0]}",
            "Nothing was loaded from this file; the next run tries it again.",
        ) from error


@contextmanager
def _parser(connection: WarehouseConnection, landed: Landed) -> Iterator[Any]:
    """The DuckDB that parses: the warehouse's own, or one beside PostgreSQL that spills next to the file."""
    if connection.engine == "duckdb":
        try:
            yield connection.native
        finally:
            _drop_temporaries(connection.native)
        return
    import duckdb

    with duckdb.connect(config=duckdb_config(landed.path)) as native:
        yield native


def _drop_temporaries(native: Any) -> None:
    """So that the next file of the same transaction finds the names free."""
    import duckdb

    try:
        for name, kind in native.execute(query("temporary_relations")).fetchall():
            native.execute(f"drop {'view' if kind == 'VIEW' else 'table'} temp.{name}")
    except duckdb.Error:
        pass  # The transaction has failed already; rolling it back drops them.


class _Merge:
    """Merges the parsed relations of one file."""

    def __init__(self, connection: WarehouseConnection, native: Any, landed: Landed, now: datetime) -> None:
        self.now = now
        self.connection = connection
        self.native = native
        self.landed = landed
        self.outdated: dict[str, int] = {}
        self._covered: set[str] = set()
        self._skipped = ""

    def cover(self, table: RawTable) -> None:
        """Note which keys the file holds, which of them must not be loaded (temporary table ``skipped_…``), and
        remove what a whole snapshot no longer holds."""
        engine = self.connection
        superseded = newer_snapshot(engine, self.landed, self.now)
        if not superseded and not self._has_rows(table.name) and not self._has_rows("deletions"):
            return  # The first load has nothing to compare with.
        self._covered.add(table.name)
        self._stage_keys(table)
        if self.landed.whole:
            engine.execute(
                f"delete from raw.{table.name} as stored where shop_id = ? and {READ_BEFORE} "  # noqa: S608
                f"and not exists (select 1 from covered_{table.name} as covered where {_same(table)})",
                (self._shop, self._fetched_at, naive_utc(self.now)),
            )
        self._skipped = _skipped(table, superseded)
        skipped = engine.arrow(self._skipped)
        if skipped.num_rows:
            self.outdated[table.name] = skipped.num_rows
            self.native.register("skipped_rows", skipped)
            self.native.execute(f"create temp table skipped_{table.name} as select * from skipped_rows")  # noqa: S608
            self.native.unregister("skipped_rows")
            self._unstage(table)

    def _has_rows(self, name: str) -> bool:
        found = self.connection.execute(f"select 1 from raw.{name} where shop_id = ? limit 1", (self._shop,))  # noqa: S608
        return found.fetchone() is not None

    def _stage_keys(self, table: RawTable) -> None:
        version = [table.version] if table.version else []
        columns = ", ".join([*table.replace_by, *version])
        distinct = f"select distinct {columns} from {table.name}"  # noqa: S608
        if self.connection.engine == "duckdb":
            self.native.execute(f"create temp table covered_{table.name} as {distinct}")
            return
        types = {column.name: SQL_TYPES["postgres"][column.type] for column in table.all_columns}
        declared = ", ".join(f"{name} {types[name]}" for name in [*table.replace_by, *version])
        self._temporary(f"covered_{table.name}", f"({declared}) on commit drop")
        self._copy(distinct, f"covered_{table.name}")
        self.connection.execute(f"analyze covered_{table.name}")

    def _unstage(self, table: RawTable) -> None:
        same = " and ".join(f"covered.{name} = skipped.{name}" for name in table.replace_by)
        if self.connection.engine == "duckdb":
            source = f"skipped_{table.name}"
        else:
            source = f"skipping_{table.name}"
            self._temporary(source, f"on commit drop as {self._skipped}")
        self.connection.execute(
            f"delete from covered_{table.name} as covered using {source} as skipped where {same}"  # noqa: S608
        )

    def _temporary(self, name: str, definition: str) -> None:
        """A temporary table of PostgreSQL; one that an earlier file of the transaction left goes."""
        self.connection.execute(f"drop table if exists pg_temp.{name}")
        self.connection.execute(f"create temp table {name} {definition}")

    def replace(self, part: Part) -> int:
        """Delete what the file covers of a table and insert what it holds; returns the number of rows inserted."""
        table = BY_NAME[part.table]
        parent = BY_NAME[part.parent or part.table]
        columns = ", ".join(column.name for column in table.all_columns)
        rows = f"select {columns} from {table.name} as parsed"  # noqa: S608
        if part.scope == "all":
            self.connection.execute(f"delete from raw.{table.name} where shop_id = ?", (self._shop,))  # noqa: S608
        elif part.scope == "days":
            rows += self._without_days_read_later(table)
        elif parent.name in self._covered:
            if part.scope == "parent" and self.landed.whole:
                self.connection.execute(
                    f"delete from raw.{table.name} as stored where shop_id = ? and not exists "  # noqa: S608
                    f"(select 1 from raw.{parent.name} as covered where {_same(parent)})",
                    (self._shop,),
                )
            self.connection.execute(
                f"delete from raw.{table.name} as stored "  # noqa: S608
                f"using covered_{parent.name} as covered where {_same(parent)}"
            )
            if parent.name in self.outdated:
                same = " and ".join(f"skipped.{name} = parsed.{name}" for name in parent.replace_by)
                rows += f" where not exists (select 1 from skipped_{parent.name} as skipped where {same})"  # noqa: S608
        return self._insert(table, columns, rows)

    def follow(self, name: str) -> None:
        """Carry out what the loaded rows say of other tables."""
        for statement in query(name).split(";"):
            if statement.strip():
                self.connection.execute(statement, (self._shop, self._shop))

    def _without_days_read_later(self, table: RawTable) -> str:
        """Delete the window's days; a filter for those that a later file has been loaded for already."""
        window = self.landed.window
        assert window is not None
        later = self.connection.execute(
            "select window_start, window_end from raw._ingest_file where shop_id = ? and stream = ? "
            "and landed_at > ? and landed_at <= ? and window_start < ? and window_end > ?",
            (self._shop, self.landed.stream, self._fetched_at, naive_utc(self.now), window.end, window.start),
        ).fetchall()
        kept = "".join(
            f" and not (date >= date '{start:%Y-%m-%d}' and date < date '{end:%Y-%m-%d}')" for start, end in later
        )
        self.connection.execute(
            f"delete from raw.{table.name} where shop_id = ? and date >= ? and date < ?{kept}",  # noqa: S608
            (self._shop, window.start.date(), window.end.date()),
        )
        return f" where true{kept}" if kept else ""

    def _insert(self, table: RawTable, columns: str, rows: str) -> int:
        if self.connection.engine == "postgres":
            return self._copy(rows, f"raw.{table.name}", columns)
        inserted = self.native.execute(f"insert into raw.{table.name} ({columns}) {rows}").fetchone()
        return int(inserted[0])

    def _copy(self, rows: str, target: str, columns: str = "") -> int:
        """COPY the rows of a DuckDB query into a PostgreSQL table."""
        named = f" ({columns})" if columns else ""
        return copy_in(self.connection.native, target + named, self.native.sql(rows).to_arrow_reader(ROWS_A_COPY))

    @property
    def _shop(self) -> str:
        return self.landed.shop.shop_id

    @property
    def _fetched_at(self) -> datetime:
        return naive_utc(self.landed.landed_at)


def _same(table: RawTable) -> str:
    return " and ".join(f"stored.{name} = covered.{name}" for name in table.replace_by)


def _skipped(table: RawTable, superseded: bool) -> str:
    """The covered keys that must not be loaded: the shop deleted the record, or a newer row is stored.

    ``superseded``: what is stored was read whole since the file was fetched, so what is not stored is gone.
    """
    keys = ", ".join(f"covered.{name}" for name in table.replace_by)
    reasons = ["false"]
    if table.deleted_by:
        reasons.append(
            "exists (select 1 from raw.deletions as gone where gone.shop_id = covered.shop_id "  # noqa: S608
            f"and gone.subject_id = covered.{table.deleted_by})"
        )
    if superseded:
        reasons.append(f"not exists (select 1 from raw.{table.name} as stored where {_same(table)})")  # noqa: S608
    if table.version:
        reasons.append(
            f"exists (select 1 from raw.{table.name} as stored where {_same(table)} "  # noqa: S608
            f"and stored.{table.version} > covered.{table.version})"
        )
    return f"select {keys} from covered_{table.name} as covered where {' or '.join(reasons)}"  # noqa: S608
