"""Where the tests write: in memory where that is plentiful, since they commit tens of thousands of times."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
# What a whole run leaves, and what it needs beside that with two workers, browsers and a Spark cluster.
_LEFT, _NEEDED = 8 << 30, 16 << 30


def is_roomy(size: int) -> bool:
    """Whether files of this size can be held in memory here."""
    return MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > size


def write_in_memory() -> None:
    """Until this process ends, its temporary files and those of its children are held in memory, in a folder of
    their own; not where TMPDIR names another one or memory is short: a whole run takes a third longer then."""
    if "TMPDIR" in os.environ or not is_roomy(_LEFT) or _available() < _NEEDED:
        return
    # A short name: sockets lie in it, whose addresses have room for 107 bytes.
    folder = tempfile.mkdtemp(prefix="t", dir=MEMORY)
    os.environ["TMPDIR"], tempfile.tempdir = folder, None
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, process: int) -> None:
    """Children that were forked end with the same handlers."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _available() -> int:
    """Bytes of memory that programs could still have; 0 where the system does not say."""
    told = Path("/proc/meminfo")
    lines = told.read_text().splitlines() if told.exists() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)
