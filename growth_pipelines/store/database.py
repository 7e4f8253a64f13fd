"""Opens the store and hands out transactions, with the same rules on both engines.

One writer at a time: a write transaction takes SQLite's write lock (or one PostgreSQL advisory lock) when it
begins. Decisions are few and short, and with one order of writers nothing can deadlock, every compare-and-set
is exact and the audit chain never forks. Readers are never blocked and never block.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.turns import NoTurn, WriterTurns

SCHEMA = "growth"
BUSY_SECONDS = 30
# So many bytes of the file may be read in place; they take addresses, no memory of the process.
_MAPPED = 1 << 28
# Stores whose connections stay open in one process; more than one is rare outside of tests.
MOST_OPEN = 16
# Any fixed number that nothing else in the database uses; it spells "growth" on a telephone.
WRITER_LOCK = 476984


class StoreUnavailable(GrowthError):
    """The database is locked, full, gone or wrongly addressed: whatever was asked of it is still to be done."""


class Store:
    """The operational store of one machine. Get it with :meth:`of`; it is brought up to date when opened."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = create_engine(
            url,
            pool_pre_ping=not url.startswith("sqlite"),
            # The values of a failed statement would reach logs and run events: drafts, notes, CSRF tokens.
            hide_parameters=True,
            json_deserializer=_value_of,
        )
        if self.engine == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            event.listen(self._engine, "connect", _prepare_postgres, insert=True)
            event.listen(self._engine, "begin", _begin_postgres)
        self._reading = self._engine.execution_options(reads_only=True)
        self._turns = WriterTurns(None if self.sqlite_file is None else self.sqlite_file.with_suffix(".turn"))

    @classmethod
    def of(cls, settings: Settings) -> Store:
        """The store that ``settings`` name, migrated; one per process and address."""
        return _opened(store_url(settings), os.getpid())

    @property
    def engine(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def sqlite_file(self) -> Path | None:
        """Where the SQLite file lies; None on PostgreSQL."""
        return Path(self._engine.url.database or "") if self.engine == "sqlite" else None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One write transaction: committed at the end of the block, rolled back on any error.

        Keep the block short and free of network calls: other writers wait for it.
        """
        with (
            _clear_errors(),
            self._turns.turn(BUSY_SECONDS),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One read transaction with a consistent view; nothing done in it is kept."""
        with _clear_errors(), Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A bare connection in one write transaction, for migrations."""
        with _clear_errors(), self._turns.turn(BUSY_SECONDS), self._engine.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the schema up to date. Idempotent; safe when several processes do it at once."""
        from growth_pipelines.store.schema import bring_up_to_date

        bring_up_to_date(self)

    def close(self) -> None:
        self._engine.dispose()


def _value_of(text: str | bytes) -> Any:
    """What a JSON text says. A page reads drafts and evidence by the hundred: pydantic's reader takes a third of
    the time, and gives the same but for half a surrogate pair, which it refuses and Python keeps."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


# By address and process: connections must not be shared over a fork. The longest unused comes first.
_open: OrderedDict[tuple[str, int], Store] = OrderedDict()
_opening = Lock()


def _opened(url: str, process: int) -> Store:
    with _opening:
        store = _open.pop((url, process), None) or _migrated(url)
        _open[url, process] = store
        while len(_open) > MOST_OPEN:
            (_, opener), longest_unused = _open.popitem(last=False)
            if opener == process:
                longest_unused.close()
    return store


def _migrated(url: str) -> Store:
    store = Store(url)
    with _clear_errors():
        store.migrate()
    return store


def store_url(settings: Settings) -> str:
    """The SQLAlchemy address of the store: the SQLite file in the home, or PostgreSQL through psycopg 3."""
    if not settings.postgres_url:
        return f"sqlite:///{settings.home / 'store.sqlite'}"
    try:
        url = make_url(settings.postgres_url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        raise GrowthError("GROWTH_DATABASE_URL is not a postgresql:// URL.", "Mend it, or unset it to use DuckDB.")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver's own transaction control is switched off; _begin_sqlite opens transactions instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    # The ledger row of a write must survive a power cut that follows the write.
    connection.execute("PRAGMA synchronous = FULL")
    # The file is read where it lies instead of copied: lists over thousands of actions take half as long.
    connection.execute(f"PRAGMA mmap_size = {_MAPPED}")


def _begin_sqlite(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _prepare_postgres(connection: Any, _: Any) -> None:
    was = connection.autocommit
    connection.autocommit = True
    connection.execute(f"SET search_path TO {SCHEMA}")
    connection.autocommit = was


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("reads_only"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'; SELECT pg_advisory_xact_lock({WRITER_LOCK})"
        )


@contextmanager
def _clear_errors() -> Iterator[None]:
    """An unreachable or locked database is an expected failure with something to do about it."""
    try:
        yield
    except NoTurn as error:
        raise _stayed_locked() from error
    except OperationalError as error:
        text = str(error.orig).splitlines()[0]
        if "locked" in text or "lock timeout" in text:
            raise _stayed_locked() from error
        raise StoreUnavailable(
            f"The store can't be used: {text}.", "Check GROWTH_HOME and GROWTH_DATABASE_URL, and the disk."
        ) from error


def _stayed_locked() -> StoreUnavailable:
    return StoreUnavailable(
        f"The store stayed locked for {BUSY_SECONDS} s.", "Another process holds it; see `growth status`."
    )
