"""One process at a time works on an action, and a process that dies lets go at once.

The claim is a lock that the operating system (or PostgreSQL, when several machines share the store) releases
when its holder dies, so a crash needs no time-out to be noticed and a slow writer is never overtaken. The
ledger of executions says how far the work had come; the claim only says that nobody else is at it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

WAIT_SECONDS = 120.0
# Actions share this many lock files, so that the folder doesn't grow with every action.
LOCK_FILES = 64


class Busy(GrowthError):
    """Another process has been working on the same action for longer than is worth waiting."""


@contextmanager
def claim(settings: Settings, action_id: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the claim on one action; waits for another holder, then raises Busy."""
    number = int.from_bytes(hashlib.sha256(action_id.encode()).digest()[:8], signed=True)
    holder = (
        _database_claim(settings, number, wait_seconds)
        if settings.postgres_url
        else _file_claim(settings, number % LOCK_FILES, wait_seconds)
    )
    with holder:
        yield


@contextmanager
def _file_claim(settings: Settings, number: int, wait_seconds: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder = settings.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"execute-{number:02d}.lock")
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as error:
        raise _busy(wait_seconds) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _database_claim(settings: Settings, number: int, wait_seconds: float) -> Iterator[None]:
    import psycopg

    with psycopg.connect(settings.postgres_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{int(wait_seconds * 1000)}ms",))
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (number,))
        except psycopg.errors.LockNotAvailable as error:
            raise _busy(wait_seconds) from error
        yield  # the lock ends with the connection, however this block ends


def _busy(wait_seconds: float) -> Busy:
    return Busy(
        f"Another process has been executing this action for {wait_seconds:.0f} s.",
        "Let it finish; see `growth status`.",
    )
