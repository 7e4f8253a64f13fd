"""Brings the store's tables up to date: Alembic's migrations, run once by whoever comes first.

Revisions are numbered (``0001``, ``0002``, …), so the newest is known from the file names and an up-to-date
store costs one query; Alembic is imported only when there is something to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.store.database import Store

MIGRATIONS = Path(__file__).parent / "migrations"
# Our own, so that it never meets another tool's table in a shared database.
VERSION_TABLE = "store_version"


def newest_revision() -> str:
    """The number of the last migration that this code knows."""
    return max(file.name.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current_revision(store: Store) -> str | None:
    """The revision that the database is at; None when it holds no store yet."""
    if store.sqlite_file is not None and not store.sqlite_file.exists():
        return None
    with store.read() as session:
        try:
            return session.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
        except DatabaseError as error:
            if any(words in str(error.orig) for words in ("no such table", "does not exist")):
                return None
            raise


def bring_up_to_date(store: Store) -> None:
    """Run the missing migrations in one transaction. Two processes doing it at once is fine."""
    present, newest = current_revision(store), newest_revision()
    if present == newest:
        return
    if present is not None and present > newest:
        raise GrowthError(
            f"The store is at revision {present}, newer than this version of growth knows ({newest}).",
            "Update growth, or restore a backup made by this version.",
        )
    if store.sqlite_file is None:
        with store.connection() as connection:  # waits for the writer lock, so one process at a time
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS growth"))
            _upgrade(connection)
        return
    store.sqlite_file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(store.sqlite_file.with_suffix(".lock"), timeout=60):
        _use_write_ahead_log(store.sqlite_file)
        with store.connection() as connection:
            _upgrade(connection)


def _use_write_ahead_log(file: Path) -> None:
    """Readers then never wait for a writer. A property of the file; it can't be set inside a transaction."""
    import sqlite3

    connection = sqlite3.connect(file, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    file.chmod(0o600)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
