"""Whose turn it is to write: threads of one process in order of arrival, processes by a lock file.

SQLite lets waiting writers sleep for up to 100 ms between two looks at its lock, in no order: with many at once
most of the time is slept away and one may look in vain for half a minute. Here the next one is called. This is
politeness only: that there is one writer at a time is the database's own doing, so a lock file that can't be had
is done without.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

# A process that still has waiting threads after so many turns in a row lets other processes come first.
_IN_A_ROW = 8
_LOOK_EVERY = 0.001
_STAND_BACK = 3 * _LOOK_EVERY


class NoTurn(Exception):
    """Those before took longer than one may wait."""


class WriterTurns:
    """The queue of one process for one database. ``file`` is the lock that its processes share; None: they queue
    in the database."""

    def __init__(self, file: Path | None) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False
        self._in_a_row = 0
        self._file = None if file is None else FileLock(file, thread_local=False, mode=0o600)

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Wait for one's turn, for at most ``patience`` seconds, and have it within the block. Raises NoTurn."""
        deadline = time.monotonic() + patience
        self._queue(patience)
        try:
            self._lock_file(deadline)
            yield
        finally:
            self._call_next()

    def _queue(self, patience: float) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            # Held until whoever has the turn hands it over by releasing it.
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        try:
            came = called.acquire(timeout=patience)
        except BaseException:
            # Interrupted while waiting: a turn that was handed over meanwhile goes on to the next one.
            if not self._leave(called):
                self._call_next()
            raise
        if not came and self._leave(called):
            raise NoTurn

    def _leave(self, called: threading.Lock) -> bool:
        """Wait no longer; False when the turn was handed over at that very moment."""
        with self._guard:
            if called not in self._waiting:
                return False
            self._waiting.remove(called)
            return True

    def _lock_file(self, deadline: float) -> None:
        if self._file is None or self._file.is_locked:
            return
        if self._in_a_row >= _IN_A_ROW:
            self._in_a_row = 0
            time.sleep(_STAND_BACK)
        try:
            self._file.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=_LOOK_EVERY)
        except Timeout as error:
            raise NoTurn from error
        except OSError:
            self._file = None

    def _call_next(self) -> None:
        with self._guard:
            self._in_a_row += 1
            others_first = self._in_a_row >= _IN_A_ROW or not self._waiting
            if others_first and self._file is not None and self._file.is_locked:
                self._file.release()
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken, self._in_a_row = False, 0
