"""Where beacons wait: ``$GROWTH_HOME/beacons``, a line each, written by any number of processes.

``open.jsonl`` is being written. The stream ``rum`` renames it, so that writers go on with a new one, lands the
renamed file, and only then removes it. A writer holds a shared lock from the moment it has made sure that its file
is still the open one until its line is written; whoever reads a renamed file first takes that lock alone, and so
waits for the last writer.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

_COUNT = struct.Struct("<Q")


class SpoolFull(GrowthError):
    """The beacon was not kept, because the spool has reached its cap or can't be written. It was counted."""


class Spool:
    """The beacons of one machine. Safe for several processes."""

    def __init__(self, home: Path, cap_bytes: int, folder: str = "beacons") -> None:
        self.root = home / folder
        self.cap_bytes = cap_bytes
        self._open = self.root / "open.jsonl"
        self._refusals = self.root / "refused"

    @classmethod
    def of(cls, settings: Settings) -> Spool:
        return cls(settings.home, settings.web_vitals.beacon_spool_mb * 1024 * 1024)

    def append(self, record: Mapping[str, Any]) -> None:
        """Keep one beacon. Raises SpoolFull."""
        # The break before it separates a line from one that a full disk cut short.
        line = b"\n" + json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self._shared() as descriptor:
                kept = self._size() + len(line) <= self.cap_bytes and os.write(descriptor, line) == len(line)
        except OSError:
            kept = False
        if not kept:
            self._count_refusal()
            raise SpoolFull("No more beacons are taken now.", "They are taken again after the next ingestion.")

    @contextmanager
    def taken(self) -> Iterator[list[Path]]:
        """The files of all beacons up to now, oldest first, for one reader at a time; remove them inside."""
        from filelock import FileLock

        with FileLock(self.root / "taking.lock"):
            with suppress(FileNotFoundError):  # nothing came since the last time
                self._open.rename(self.root / f"closed-{time.time_ns():020d}-{secrets.token_hex(4)}.jsonl")
            closed = sorted(self.root.glob("closed-*.jsonl"))
            for path in closed:
                _wait_for_writers(path)
            yield closed

    @staticmethod
    def lines(paths: list[Path]) -> Iterator[bytes | None]:
        """Each beacon's line, in the order in which they came; None for one that was cut short."""
        for path in paths:
            with path.open("rb") as file:
                for line in file:
                    text = line.strip()
                    if text:
                        yield text if _is_whole(text) else None

    @staticmethod
    def remove(paths: list[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    def take_refusals(self) -> int:
        """How many beacons were refused since this was last asked."""
        if not self._refusals.exists():
            return 0
        with self._counter() as descriptor:
            refused = _read_count(descriptor)
            os.pwrite(descriptor, _COUNT.pack(0), 0)
        return refused

    @contextmanager
    def _shared(self) -> Iterator[int]:
        """The open file, locked against being read as a closed one."""
        while True:
            descriptor = os.open(self._open, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                if self._is_open(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _is_open(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._open.stat())
        except FileNotFoundError:
            return False

    def _size(self) -> int:
        """Bytes in the spool. Writers at the same moment don't see each other's line, so the cap is not exact."""
        size = 0
        with os.scandir(self.root) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    try:
                        size += entry.stat().st_size
                    except FileNotFoundError:
                        continue
        return size

    def _count_refusal(self) -> None:
        try:
            with self._counter() as descriptor:
                os.pwrite(descriptor, _COUNT.pack(_read_count(descriptor) + 1), 0)
        except OSError:
            return  # The disk that refused the beacon may refuse this as well.

    @contextmanager
    def _counter(self) -> Iterator[int]:
        descriptor = os.open(self._refusals, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _read_count(descriptor: int) -> int:
    stored = os.pread(descriptor, _COUNT.size, 0)
    return int(_COUNT.unpack(stored)[0]) if len(stored) == _COUNT.size else 0


def _wait_for_writers(path: Path) -> None:
    """Return when nobody writes to a file that was renamed; nobody begins to any more."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
