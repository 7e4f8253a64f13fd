"""What a resource of dlt yields as lines to land: Arrow column by column in DuckDB, other records one by one.

Records that are dicts are written as they are. As Arrow they would lose the fields that the first of them lacks,
and fail where two of them hold different types; the table that reads the lines says which types it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.streams.base import Job

# Records that are turned into lines at once.
BLOCK = 5_000


class Lines:
    """A context manager. ``key`` is where a record's key stands; one without can't be merged and is an error."""

    def __init__(self, job: Job, key: str) -> None:
        import duckdb

        self._job = job
        self._key = key.split(".")
        self._seen = 0
        self._native = duckdb.connect(config={"threads": 1})

    def __enter__(self) -> Lines:
        self._native.execute("set timezone = 'UTC'")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._native.close()

    def of(self, items: Iterable[Any]) -> Iterator[bytes]:
        """Blocks of lines without personal data, in the order of ``items``: dicts, and frames of Arrow, pandas or
        polars."""
        waiting: list[dict[str, Any]] = []
        for item in items:
            if isinstance(item, dict):
                waiting.append(item)
                if len(waiting) < BLOCK:
                    continue
            if waiting:
                yield self._of_records(waiting)
                waiting = []
            if not isinstance(item, dict):
                yield from self._of_frame(self._as_arrow(item))
        if waiting:
            yield self._of_records(waiting)

    def _as_arrow(self, item: Any) -> Any:
        import pyarrow as pa

        if isinstance(item, pa.Table):
            return item
        if isinstance(item, pa.RecordBatch):
            return pa.Table.from_batches([item])
        if hasattr(item, "to_arrow"):  # polars
            return item.to_arrow()
        if hasattr(item, "to_dict") and hasattr(item, "columns"):
            return pa.Table.from_pandas(item, preserve_index=False)
        raise GrowthError(
            f"The resource of the stream {self._job.stream.name} yields {type(item).__name__}.",
            "A stream takes dicts, Arrow tables, record batches and data frames.",
        )

    def _of_frame(self, table: Any) -> Iterator[bytes]:
        table = table.select([name for name in table.column_names if not self._personal(name)])
        plain = all(self._plain(field.type) for field in table.schema)
        for start in range(0, table.num_rows, BLOCK):
            batch = table.slice(start, BLOCK)
            if plain:
                yield self._of_columns(batch)
            else:
                yield self._of_records(batch.to_pylist(maps_as_pydicts="lossy"))

    def _of_columns(self, batch: Any) -> bytes:
        """Lines without a Python object a record."""
        import pyarrow.compute as pc

        for place, field in enumerate(batch.schema):
            batch = batch.set_column(place, field.name, _exact(batch.column(place)))
        column = batch.column(self._key[0]) if self._key[0] in batch.column_names else None
        keys = column if column is None or len(self._key) == 1 else pc.struct_field(column, self._key[1:])
        if keys is None or keys.null_count:
            raise self._keyless(0 if keys is None else pc.index(pc.is_null(keys), True).as_py())
        self._seen += batch.num_rows
        self._native.register("growth_batch", batch)
        found = self._native.execute("select to_json(growth_batch) from growth_batch").fetchall()
        return self._job.pseudonyms.redact("\n".join(row[0] for row in found).encode())

    def _of_records(self, records: list[dict[str, Any]]) -> bytes:
        # dlt's own: it knows the types that resources yield, and writes decimals without losing a digit.
        from dlt.common.json import json

        lines = []
        for place, record in enumerate(records):
            key: Any = record
            for name in self._key:
                key = key.get(name) if isinstance(key, dict) else None
            if key is None:
                raise self._keyless(place)
            try:
                lines.append(json.dumpb(self._job.pseudonyms.scrub(record)))
            except TypeError as error:
                raise GrowthError(
                    f"Record {self._seen + place + 1:,} of the stream {self._job.stream.name}: {error}.",
                    "Change the value by resource.add_map(…).",
                ) from error
        self._seen += len(records)
        return self._job.pseudonyms.redact(b"\n".join(lines))

    def _keyless(self, place: int) -> GrowthError:
        return GrowthError(
            f"Record {self._seen + place + 1:,} of the stream {self._job.stream.name} has no"
            f" {'.'.join(self._key)!r}, which is its key.",
            "Without a key it would be loaded again by each run: make one by resource.add_map(…).",
        )

    def _personal(self, name: str) -> bool:
        return not self._job.pseudonyms.scrub({name: None})

    def _plain(self, kind: Any, *, nested: bool = False) -> bool:
        """True for a type that DuckDB writes as JSON rightly, without personal keys or {key, value} inside."""
        import pyarrow.types as types

        if types.is_struct(kind):
            names = {field.name for field in kind}
            return not {"key", "value"} <= names and all(
                not self._personal(field.name) and self._plain(field.type, nested=True) for field in kind
            )
        if types.is_list(kind) or types.is_large_list(kind):
            return self._plain(kind.value_type, nested=True)
        if types.is_floating(kind) or types.is_decimal(kind):
            return not nested
        readable = (types.is_boolean, types.is_integer, types.is_string, types.is_large_string)
        return any(is_kind(kind) for is_kind in (*readable, types.is_date, types.is_timestamp, types.is_null))


def _exact(column: Any) -> Any:
    """A column as JSON can hold it: decimals as text, and null for what is no number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    return column
