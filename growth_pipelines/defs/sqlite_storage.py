"""Dagster's SQLite storage with connections that are kept.

Dagster opens each database anew for every event: an engine, a connection, a statement compiled from nothing, a
checkpoint at the end. A build of the warehouse writes 1,400 events, and that is a third of its time. Here each
database has one connection while it is in use; files, tables and rows are Dagster's own, so that its storage and
this one can take turns on the same folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import event
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData
    from sqlalchemy.engine import Connection, Engine

# Of the index and of the newest runs; a daemon sees thousands of runs.
_KEPT = 8


class KeptSqliteEventLog(SqliteEventLogStorage):
    """Dagster's event log; ``_connect`` is called under its lock, so that no two threads share a connection."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, tuple[int, Engine]] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        file = _file_number(self.path_for_shard(shard))
        kept = self._engines.pop(shard, None)
        if kept is not None and kept[0] != file:  # deleted meanwhile, or made anew
            kept[1].dispose()
            self._initialized_dbs.discard(shard)
            kept = None
        engine = kept[1] if kept else self._new_engine(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        self._engines[shard] = (_file_number(self.path_for_shard(shard)), engine)
        while len(self._engines) > _KEPT:
            self._engines.popitem(last=False)[1][1].dispose()
        return engine

    def _new_engine(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _write_without_waiting_for_the_disk)
        return engine

    def _forget(self) -> None:
        while self._engines:
            self._engines.popitem()[1][1].dispose()

    def has_table(self, table_name: str) -> bool:
        """Asked for each event; no table of the index ever goes away."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        with self._db_lock:
            self._forget()
        super().wipe()

    def dispose(self) -> None:
        with self._db_lock:
            self._forget()
        super().dispose()


class KeptSqliteStorage(DagsterSqliteStorage):
    """What the home's ``dagster.yaml`` names; ``base_dir`` is DAGSTER_HOME, as in Dagster's own default."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptSqliteEventLog(os.path.join(base_dir, "history", "runs", ""))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> KeptSqliteStorage:
        return cls.from_local(inst_data=inst_data, **config_value)


def _file_number(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def _write_without_waiting_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    """In WAL mode no crash of a program loses an event; a power cut may lose the last ones, and the run anyway."""
    connection.execute("PRAGMA synchronous=NORMAL")
