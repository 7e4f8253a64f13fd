"""The operational store's rows as raw tables, brought up to date before each build.

The audit chain is the log of changes: each change of an action appends an event in the same transaction, and
events are numbered without gaps in the order of their commits. So a build reads the events after the last one it
has, and the actions that these are about. Only an open action can change without an event (fresher evidence, a
dry run): open ones, never many, are read again each time. Where the chain does not go on from what was copied
(another store, a backup), where an action is gone, or where the copy is made otherwise now (its columns, the
shop's zone), all is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from growth_pipelines.canonical import canonical_json
from growth_pipelines.warehouse.connection import copy_in
from growth_pipelines.warehouse.named_queries import statements
from growth_pipelines.warehouse.raw_tables import SQL_TYPES

if TYPE_CHECKING:
    import pyarrow
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from growth_pipelines.settings import Settings
    from growth_pipelines.warehouse.connection import WarehouseConnection
    from growth_pipelines.warehouse.operations_queries import Copy

# States in which an action can change without an event.
OPEN_STATES = ("pending", "deferred", "changes_requested", "approved", "executing")
ROWS_A_BATCH = 50_000


def copy_operations(settings: Settings, connection: WarehouseConnection, zone: str) -> dict[str, int]:
    """Bring the store's raw tables up to date in the caller's transaction; rows written by raw table.

    ``zone`` is the IANA zone of the shop's days. A home without a store has nothing to copy, and gets none.
    Raises StoreUnavailable when the store cannot be read.
    """
    from growth_pipelines.ingestion.visits.taking import take_visits
    from growth_pipelines.store.database import Store, store_url
    from growth_pipelines.store.schema import current_revision

    for statement in statements("operations_state"):
        connection.execute(statement)
    unopened = Store(store_url(settings))
    try:
        if current_revision(unopened) is None:
            return {}
    finally:
        unopened.close()
    store = Store.of(settings)
    take_visits(settings, store)
    with store.read() as session:
        return _Copying(session, connection, settings.clock.now().replace(tzinfo=None), zone).run()


class _Copying:
    """One copy, of one consistent view of the store."""

    def __init__(self, session: Session, connection: WarehouseConnection, now: Any, zone: str) -> None:
        from growth_pipelines.warehouse.experiment_copies import EXPERIMENT_COPIES
        from growth_pipelines.warehouse.operations_queries import COPIES

        self._session = session
        self._engine = "sqlite" if session.get_bind().dialect.name == "sqlite" else "postgresql"
        self._connection = connection
        self._now = now
        self._zone = zone
        self._copies = (*COPIES, *EXPERIMENT_COPIES)
        shapes = [[copy.table.name, *(c.name for c in copy.table.all_columns)] for copy in self._copies]
        self._shape = hashlib.sha256(canonical_json([zone, shapes]).encode()).hexdigest()

    def run(self) -> dict[str, int]:
        copied_to = self._copied_to()
        written = {copy.table.name: self._bring(copy, copied_to) for copy in self._copies}
        if copied_to is not None and not self._is_whole():
            written = {copy.table.name: self._bring(copy, None) for copy in self._copies}
        self._remember()
        return written

    def _copied_to(self) -> int | None:
        """The number of the last event that was copied, if the chain still has it; None to read everything."""
        from sqlalchemy import select

        from growth_pipelines.store.tables import AuditEvent

        found = self._connection.execute("select shape, seq, event_id from raw._store_copied").fetchall()
        if not found or found[0][0] != self._shape:
            return None
        _, seq, event_id = found[0]
        here = self._session.scalar(select(AuditEvent.id).where(AuditEvent.seq == seq))
        return int(seq) if here == event_id else None

    def _is_whole(self) -> bool:
        """Whether there are as many actions in the copy as in the store: old ones may be removed there."""
        from sqlalchemy import func, select

        from growth_pipelines.store.tables import Action

        copied = self._connection.execute("select count(*) from raw.growth_actions").fetchall()
        return bool(copied[0][0] == self._session.scalar(select(func.count()).select_from(Action)))

    def _remember(self) -> None:
        from sqlalchemy import select

        from growth_pipelines.store.tables import AuditEvent

        last = self._session.execute(
            select(AuditEvent.seq, AuditEvent.id).order_by(AuditEvent.seq.desc()).limit(1)
        ).first()
        self._connection.execute("delete from raw._store_copied")
        if last is not None:
            self._connection.execute(
                "insert into raw._store_copied values (?, ?, ?)", (self._shape, last[0], last[1])
            )

    def _bring(self, copy: Copy, copied_to: int | None) -> int:
        if copy.anew or (copied_to is None and (not copy.whole or self._has_experiments())):
            self._connection.execute(f"delete from raw.{copy.table.name}")  # noqa: S608 - a declared table
        wanted = copy.select(self._engine)
        if copied_to is not None and not copy.whole:
            wanted = self._changed(copy, wanted, copied_to)
        batches = self._batches(copy, wanted)
        replace = copied_to is not None and not copy.anew
        return sum(self._put(copy, batch, replace=replace) for batch in batches)

    def _has_experiments(self) -> bool:
        """A store without any leaves their tables to whoever else fills them."""
        from sqlalchemy import select

        from growth_pipelines.store.tables import Experiment

        return self._session.scalar(select(Experiment.id).limit(1)) is not None

    def _changed(self, copy: Copy, wanted: Select[Any], copied_to: int) -> Select[Any]:
        """Only the rows that may have changed since event ``copied_to``."""
        from sqlalchemy import select, union

        from growth_pipelines.store.tables import Action, AuditEvent

        new = AuditEvent.seq > copied_to
        if copy.events:
            return wanted.where(new)
        told_of = select(AuditEvent.action_id).where(new, AuditEvent.action_id.is_not(None))
        still_open = select(Action.id).where(Action.state.in_(OPEN_STATES))
        return wanted.where(copy.about.in_(union(told_of, still_open)))

    def _batches(self, copy: Copy, wanted: Select[Any]) -> Iterator[pyarrow.Table]:
        import pyarrow as pa

        result = self._session.connection().execute(wanted, execution_options={"yield_per": ROWS_A_BATCH})
        names = list(result.keys())
        for rows in result.partitions():
            columns: dict[str, Sequence[Any]] = dict(zip(names, zip(*rows, strict=True), strict=True))
            yield pa.table(copy.finish(columns) if copy.finish else columns)

    def _put(self, copy: Copy, batch: pyarrow.Table, *, replace: bool) -> int:
        """Insert one batch by Arrow or COPY, in place of the rows with the same key."""
        self._stage(batch)
        name = copy.table.name
        if replace:
            same = " and ".join(f"fresh.{column} = stored.{column}" for column in copy.table.key)
            self._connection.execute(
                f"delete from raw.{name} as stored where exists (select 1 from operations_batch as fresh where {same})"  # noqa: S608, E501
            )
        types = SQL_TYPES[self._connection.engine]
        declared = {column.name: types[column.type] for column in copy.table.all_columns}
        values = {column: f"cast({column} as {declared[column]})" for column in batch.column_names}
        for day, instant in copy.local_dates.items():
            values[day] = f"cast(timezone(cast(? as varchar), timezone('UTC', {values[instant]})) as date)"
        values["_loaded_at"] = f"timestamp '{self._now:%Y-%m-%d %H:%M:%S}'"
        self._connection.execute(
            f"insert into raw.{name} ({', '.join(values)}) select {', '.join(values.values())} from operations_batch",  # noqa: S608, E501
            [self._zone] * len(copy.local_dates),
        )
        self._unstage()
        return batch.num_rows

    def _stage(self, batch: pyarrow.Table) -> None:
        if self._connection.engine == "duckdb":
            self._connection.native.register("operations_batch", batch)
            return
        _stage_in_postgres(self._connection.native, batch)

    def _unstage(self) -> None:
        if self._connection.engine == "duckdb":
            self._connection.native.unregister("operations_batch")
        else:
            self._connection.execute("drop table operations_batch")


def _stage_in_postgres(native: Any, batch: pyarrow.Table) -> None:
    """A temporary table of texts and numbers with the batch's rows."""
    import pyarrow as pa

    kinds = {pa.int64(): "bigint", pa.float64(): "double precision"}
    columns = ", ".join(f"{field.name} {kinds.get(field.type, 'text')}" for field in batch.schema)
    native.execute(f"create temporary table operations_batch ({columns}) on commit drop")
    copy_in(native, "operations_batch", batch.to_batches())
