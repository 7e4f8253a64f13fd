"""Answers that are dear to work out and seldom change: kept as long as what they rest on is the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The last answer to one question. Whoever asks while it is worked out waits: nobody works it out twice."""

    def __init__(self) -> None:
        self._working = Lock()
        self._last: tuple[Hashable, Answer] | None = None

    def of(self, rests_on: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """The answer; worked out anew unless ``rests_on`` equals that of the last one. Keep what can't change."""
        with self._working:
            if self._last is None or self._last[0] != rests_on:
                self._last = (rests_on, work_out())
            return self._last[1]
