"""Resources of dlt as streams: what a resource yields is landed and loaded like the records of any other stream.

Only dlt's extraction runs. Its normaliser, its destinations and its state do not: where an incremental resource
begins comes from this machine's cursor, which moves in the transaction of the load. dlt comes with the extra
``dlt`` and is imported when such a stream is read, never before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.landing import Landed, LandingWriter
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.pseudonyms import personal_key
from growth_pipelines.ingestion.streams.base import Group, Job, Source, Stream
from growth_pipelines.ingestion.streams.dlt_lines import Lines
from growth_pipelines.ingestion.windows import Window, plan_time
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.raw_tables import RawTable

DLT = Source("dlt", "dlt")
OVERLAP = timedelta(hours=1)
CURSOR_TYPES = ("timestamp", "date", "bigint")


def dlt_stream(
    name: str,
    *,
    table: RawTable,
    resource: Callable[[Job], Any],
    description: str,
    source: Source = DLT,
    group: Group = "other",
    cursor: str = "",
    cursor_value: Callable[[datetime], Any] | None = None,
    overlap: timedelta | int = OVERLAP,
    objective: timedelta = timedelta(hours=26),
) -> Stream:
    """A stream of what ``resource`` returns: a DltResource, or a DltSource with one selected resource.

    ``resource`` imports what it needs inside, so that an installation without dlt can list the stream.
    Without ``cursor`` each run reads everything, and what is no longer yielded is removed. ``cursor`` names the
    column of ``table`` by which the resource is incremental: of type timestamp or date, read from ``overlap``
    before the stream's cursor on; or bigint, read from ``overlap`` below the largest number that is loaded.
    ``cursor_value`` turns the start (aware, UTC) into what the records carry, where that is neither a datetime
    nor a date. Raises ValueError when the columns don't allow it: also for one whose value stands at a personal
    key (PERSONAL_KEYS), whatever the settings keep, because a stream's columns don't depend on settings.
    """
    number = _checked(table, cursor, overlap)
    reading = _Reading(table, resource, cursor, cursor_value, overlap, number)
    return Stream(
        name=name,
        source=source,
        group=group,
        description=description,
        parts=(Part(table.name),),
        fetch=reading.fetch,
        objective=objective,
        targets=reading.largest if number else None,
    )


def _checked(table: RawTable, cursor: str, overlap: timedelta | int) -> bool:
    """True when the cursor is a number."""
    columns = {column.name: column for column in table.columns}
    unread = [name for name, column in columns.items() if not column.at]
    if unread:
        raise ValueError(f"raw.{table.name}: column {unread[0]} does not say where its value stands (at=…)")
    personal = [
        (name, column.at) for name, column in columns.items() if any(map(personal_key, column.at.split(".")))
    ]
    if personal:
        name, place = personal[0]
        raise ValueError(
            f"raw.{table.name}: column {name} would always be empty, because what stands at {place!r} is removed "
            "as personal. If it is nobody's, rename it by resource.add_map(…); else leave the column out"
        )
    if not cursor:
        return False
    kind = columns[cursor].type if cursor in columns else "no column"
    if kind not in CURSOR_TYPES:
        raise ValueError(f"raw.{table.name}: cursor {cursor!r} is {kind}, not {', '.join(CURSOR_TYPES)}")
    number = kind == "bigint"
    if number is not isinstance(overlap, int):
        raise ValueError(
            f"raw.{table.name}: overlap of cursor {cursor!r} must be {'an int' if number else 'a timedelta'}"
        )
    return number


class _Reading:
    """How one resource is read."""

    def __init__(
        self,
        table: RawTable,
        resource: Callable[[Job], Any],
        cursor: str,
        cursor_value: Callable[[datetime], Any] | None,
        overlap: timedelta | int,
        number: bool,
    ) -> None:
        self._table = table
        self._resource = resource
        self._cursor = next((column for column in table.columns if column.name == cursor), None)
        self._value = cursor_value or self._own_value
        self._overlap = overlap
        self._number = number

    def fetch(self, job: Job) -> Iterator[Landed]:
        dlt = _imported(job.stream.name)
        window, start, end = self._range(job)
        with _explained(job.stream.name):
            resource = _single(self._resource(job))
            if start is not None:
                assert self._cursor is not None
                resource.apply_hints(
                    incremental=dlt.sources.incremental(self._cursor.at, initial_value=start, end_value=end)
                )
            request = [resource.name, self._cursor and self._cursor.at, str(start), str(end)]
            with job.land(window, whole=self._cursor is None, request=request) as file:
                self._write(job, resource, file.writer)
                file.api_version = f"dlt {dlt.__version__}"
        yield file.result

    def largest(self, connection: WarehouseConnection, job: Job) -> list[tuple[Any, ...]]:
        """The largest number that is loaded: it moves with the rows because it is in them."""
        assert self._cursor is not None
        statement = f"select max({self._cursor.name}) from raw.{self._table.name} where shop_id = ?"  # noqa: S608
        return list(connection.execute(statement, (job.shop.shop_id,)).fetchall())

    def _range(self, job: Job) -> tuple[Window | None, Any, Any]:
        """The window to land, and the resource's initial and end value; None where there is none."""
        if self._cursor is None:
            return None, None, None
        if self._number:
            ((largest,),) = job.targets
            return None, None if largest is None or job.asked.full else largest - self._overlap, None
        assert isinstance(self._overlap, timedelta)
        window = plan_time(
            job.now,
            job.cursor,
            covered_from=job.covered_from,
            overlap=self._overlap,
            history=timedelta(days=job.settings.ingestion.history_days),
            since=job.asked.since,
            until=job.asked.until,
            full=job.asked.full,
        )
        end = None if window.open_end else self._value(window.end.replace(tzinfo=UTC))
        return window, self._value(window.start.replace(tzinfo=UTC)), end

    def _own_value(self, moment: datetime) -> Any:
        assert self._cursor is not None
        return moment.date() if self._cursor.type == "date" else moment

    def _write(self, job: Job, resource: Any, writer: LandingWriter) -> None:
        key = next(column.at for column in self._table.columns if column.name == self._table.key[-1])
        with Lines(job, key) as lines:
            for block in lines.of(resource):
                writer.lines(block)
                job.on_piece(writer.rows, 0)


def _imported(stream: str) -> Any:
    """dlt, silent: it may not report to anybody that it is used."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    try:
        import dlt
    except ImportError as error:
        raise GrowthError(
            f"The stream {stream} is read by dlt, which is not installed.",
            "Install the extra: pip install 'growth-pipelines[dlt]'.",
        ) from error
    return dlt


@contextmanager
def _explained(stream: str) -> Iterator[None]:
    """dlt's failures, and those of what it calls, as one error of the stream."""
    from dlt.common.exceptions import DltException

    try:
        yield
    except DltException as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise GrowthError(
            f"dlt could not read the stream {stream}: {type(cause).__name__}: {cause}.",
            "Nothing of it was loaded; the next run starts where this one did.",
        ) from error


def _single(given: Any) -> Any:
    """The resource of a DltResource, or of a DltSource with exactly one that is selected."""
    selected = getattr(given, "selected_resources", None)
    if selected is None:
        return given
    if len(selected) != 1:
        raise GrowthError(
            f"dlt's source {given.name} has {len(selected)} selected resources: {', '.join(selected)}.",
            "A stream reads one: choose it by source.with_resources(…), and make a stream of each.",
        )
    return next(iter(selected.values()))
