"""The batch of a raw table: every row of a landing file that its suite has not accepted yet.

So a batch that was refused is looked at again until its rows are replaced: what is wrong with it does not pass
because an hour later something else landed. Rows that an import landed belong to the next batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from growth_pipelines.quality.queries import query
from growth_pipelines.quality.suites import Suite

if TYPE_CHECKING:
    import pandas

    from growth_pipelines.warehouse.connection import WarehouseConnection

# Rows that are a frame at once: about 40 MB of the widest table.
ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Batch:
    """Landing files with their rows in ``table``."""

    table: str
    files: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.files)

    def parts(self) -> Iterator[tuple[list[str], int, int]]:
        """Files that are read together, with ``(every, from)`` of their lines: 1, 0 for all of them."""
        together: list[str] = []
        rows = 0
        for file, size in self.files:
            if together and rows + size > ROWS_AT_ONCE:
                yield together, 1, 0
                together, rows = [], 0
            if size > ROWS_AT_ONCE:
                pieces = -(-size // ROWS_AT_ONCE)
                yield from (([file], pieces, piece) for piece in range(pieces))
                continue
            together.append(file)
            rows += size
        if together:
            yield together, 1, 0


def waiting(connection: WarehouseConnection, table: str) -> Batch:
    """What landed in ``table`` and was not accepted."""
    statement = query("waiting_files").format(table=f"raw.{table}")
    found = connection.execute(statement, (table,)).fetchall()
    return Batch(table, tuple((file, int(rows)) for file, rows in found))


def frames(connection: WarehouseConnection, batch: Batch, suite: Suite) -> Iterator[pandas.DataFrame]:
    """The batch's rows with the suite's columns, at most about ``ROWS_AT_ONCE`` at a time, read through Arrow."""
    for files, every, first in batch.parts():
        statement = query("batch_rows").format(
            columns=", ".join(suite.columns), table=f"raw.{batch.table}", files=", ".join("?" * len(files))
        )
        yield connection.frame(statement, (*files, every, first))


def accept(connection: WarehouseConnection, batches: Sequence[Batch], run_id: str, now: datetime) -> None:
    """Remember that these batches hold what their suites expect. ``now`` is naive UTC."""
    statement = "insert into raw._quality_file (table_name, file_id, run_id, accepted_at) values (?, ?, ?, ?)"
    for batch in batches:
        for file, _ in batch.files:
            connection.execute(statement, (batch.table, file, run_id, now))
