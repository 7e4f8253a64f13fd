"""The analytical database: one writer at a time, readers that never wait for it, the same calls on two engines.

DuckDB lets one process write a file and lets nobody read it meanwhile. So everything that writes holds one OS
lock (``$GROWTH_HOME/warehouse.lock``) and works on ``$GROWTH_HOME/warehouse.duckdb``, while readers open a
published snapshot under ``$GROWTH_HOME/published`` that is swapped in atomically: a page never waits for a run,
and a run never fails because a page is open. A snapshot is the writer's own file under a second name; whoever
writes next takes a copy to write on first, so publishing takes no longer however large the shop is. PostgreSQL
needs no copy; writers still take turns, there by an advisory lock as well, so that two machines with one database
do too.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from growth_pipelines.errors import GrowthError
from growth_pipelines.telemetry import logger
from growth_pipelines.warehouse.connection import WarehouseConnection, open_duckdb, open_postgres
from growth_pipelines.warehouse.raw_schema import create_raw

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings

Engine = Literal["duckdb", "postgres"]
SCHEMAS = ("raw", "staging", "intermediate", "marts")
# Any fixed number will do; it only has to be the same on every machine that shares a PostgreSQL database.
_ADVISORY_LOCK = 4_715_202_611
_KEEP_SNAPSHOTS = 2
_log = logger("warehouse")


class NothingPublished(GrowthError):
    """No build has been published so far."""


@dataclass(frozen=True)
class Warehouse:
    """Where the warehouse is and how to get at it. Cheap to make: nothing is opened before it is asked for."""

    engine: Engine
    home: Path
    postgres_url: str = ""
    lock_seconds: float = 900
    threads: int = 0
    memory_limit: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Warehouse:
        return cls(
            engine=settings.engine,
            home=settings.home,
            postgres_url=settings.postgres_url,
            lock_seconds=settings.warehouse.lock_seconds,
            threads=settings.warehouse.threads,
            memory_limit=settings.warehouse.memory_limit,
        )

    @property
    def file(self) -> Path:
        """The writer's DuckDB file; readers never open it."""
        return self.home / "warehouse.duckdb"

    @property
    def current(self) -> Path:
        """The link to the newest published snapshot."""
        return self.home / "published" / "current"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one writer. Waits its turn; entering again in the same thread is free.

        Raises GrowthError naming the process that holds it after ``lock_seconds``.
        """
        from filelock import FileLock, Timeout

        self.home.mkdir(parents=True, exist_ok=True)
        path = self.home / "warehouse.lock"
        holder = self.home / "warehouse.lock.json"
        # A singleton with a state a thread: re-entrant in a thread, exclusive between threads and processes.
        lock = FileLock(path, timeout=self.lock_seconds, is_singleton=True, preserve_lock_file=True)
        try:
            with lock:
                if lock.lock_counter > 1:
                    yield
                    return
                _write_holder(holder)
                try:
                    with self._advisory_lock():
                        yield
                finally:
                    holder.unlink(missing_ok=True)
        except Timeout:
            raise GrowthError(
                f"The warehouse is being written by {_read_holder(holder)}; waited {self.lock_seconds:g} s.",
                "Wait for it to end, or raise GROWTH_WAREHOUSE__LOCK_SECONDS.",
            ) from None

    @contextmanager
    def _advisory_lock(self) -> Iterator[None]:
        """The same turn-taking between machines that share one PostgreSQL database."""
        if self.engine == "duckdb":
            yield
            return
        import psycopg

        with open_postgres(self.postgres_url, "growth warehouse lock", autocommit=True) as connection:
            connection.execute(f"set lock_timeout = {int(self.lock_seconds * 1000)}")
            try:
                connection.execute("select pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
            except psycopg.errors.LockNotAvailable:
                raise GrowthError(
                    f"Another machine is writing this warehouse; waited {self.lock_seconds:g} s.",
                    "Wait for it to end, or raise GROWTH_WAREHOUSE__LOCK_SECONDS.",
                ) from None
            # Closing the connection gives the lock back, also when this process dies.
            yield

    @contextmanager
    def write(self) -> Iterator[WarehouseConnection]:
        """One transaction by the one writer: committed at the end, rolled back by any exception."""
        with self.writer() as connection, connection.transaction():
            yield connection

    @contextmanager
    def writer(self) -> Iterator[WarehouseConnection]:
        """The one writer's connection, for several transactions in a row: opening a file costs more than many a
        load."""
        with self.lock():
            connection = self._open_for_writing()
            try:
                yield connection
            finally:
                connection.close()

    def _open_for_writing(self) -> WarehouseConnection:
        if self.engine == "postgres":
            return WarehouseConnection("postgres", open_postgres(self.postgres_url, "growth warehouse"))
        self._leave_the_snapshot()
        return WarehouseConnection("duckdb", open_duckdb(self.file, self.threads, self.memory_limit))

    def _leave_the_snapshot(self) -> None:
        """Before the first write after a publication: a file of one's own instead of the one that readers see."""
        if self._is_published():
            partial = self.file.with_suffix(".partial")
            shutil.copyfile(self.file, partial)
            partial.replace(self.file)

    def _is_published(self) -> bool:
        return self.file.exists() and self.file.stat().st_nlink > 1

    @contextmanager
    def read(self) -> Iterator[WarehouseConnection]:
        """Read what was last published (DuckDB) or what is there (PostgreSQL); writing is refused."""
        if self.engine == "postgres":
            connection = WarehouseConnection(
                "postgres", open_postgres(self.postgres_url, "growth reader", read_only=True)
            )
        else:
            connection = WarehouseConnection("duckdb", self._open_snapshot())
        try:
            yield connection
        finally:
            connection.close()

    def _open_snapshot(self) -> Any:
        # A snapshot may be replaced, and two publications later removed, between reading the link and opening
        # the file it names; then the link names a newer one.
        for _ in range(10):
            try:
                return open_duckdb(
                    self.current.resolve(strict=True), self.threads, self.memory_limit, read_only=True
                )
            except FileNotFoundError:
                if not self.current.is_symlink():
                    break
        raise NothingPublished("No data are published yet.", "Run `growth run` first.")

    def publish(self) -> Path | None:
        """Make the present state what readers see: give the file a second name, then swap one link. None on
        PostgreSQL.

        Readers keep the snapshot they opened; they see the new one when they open the next time. Older snapshots
        are removed; a reader that still has one open keeps it until it closes (the file lives on without a name).
        """
        if self.engine == "postgres":
            return None
        started = time.monotonic()
        with self.lock():
            if not self.file.exists():
                raise GrowthError("There is no warehouse to publish yet.", "Run `growth run` first.")
            if not self._is_published():
                # Everything must be in the file itself: a snapshot has no write-ahead log.
                with open_duckdb(self.file, self.threads, self.memory_limit) as connection:
                    connection.execute("checkpoint")
            return self._swap_in(started)

    def _swap_in(self, started: float) -> Path:
        folder = self.current.parent
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("*.partial"):
            leftover.unlink()
        number = 1 + max((_number(path) for path in folder.glob("warehouse-*.duckdb")), default=0)
        target = folder / f"warehouse-{number}.duckdb"
        partial = target.with_suffix(".partial")
        try:
            partial.hardlink_to(self.file)
        except OSError:  # another disk, or one without hard links
            shutil.copyfile(self.file, partial)
        partial.chmod(0o600)
        partial.replace(target)
        link = folder / "current.partial"
        link.symlink_to(target.name)
        link.replace(self.current)
        for path in folder.glob("warehouse-*.duckdb"):
            if _number(path) <= number - _KEEP_SNAPSHOTS:
                path.unlink()
        _log.info(
            "published",
            file=target.name,
            bytes=target.stat().st_size,
            seconds=round(time.monotonic() - started, 3),
        )
        return target

    def ensure_raw(self) -> set[str]:
        """Create the schemas and raw tables that are missing, and columns added since; changes nothing else.

        Returns the names of the tables that are new or have new columns.
        """
        with self.write() as connection:
            for schema in SCHEMAS:
                connection.execute(f"create schema if not exists {schema}")
            return create_raw(connection)


def _number(snapshot: Path) -> int:
    return int(snapshot.stem.removeprefix("warehouse-"))


def _write_holder(path: Path) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    path.write_text(json.dumps({"pid": os.getpid(), "command": command, "since": since}), encoding="utf-8")


def _read_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return "another process"
    return f"process {holder['pid']} ({holder['command']}, since {holder['since']})"
