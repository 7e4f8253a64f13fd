"""Request limits of Google's APIs: so many a minute, then 429 until some have aged."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

REAL = {"search_console": 1200, "crux": 150, "psi": 240}


@dataclass
class MinuteLimit:
    """A sliding window of one minute. ``maximum`` of None means no limit."""

    maximum: int | None
    clock: Callable[[], float] = time.monotonic
    _times: deque[float] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def take(self) -> float:
        """0 when the request may pass, otherwise the seconds to wait."""
        if self.maximum is None:
            return 0.0
        with self._lock:
            now = self.clock()
            while self._times and self._times[0] <= now - 60:
                self._times.popleft()
            if len(self._times) >= self.maximum:
                return max(0.01, self._times[0] + 60 - now)
            self._times.append(now)
            return 0.0


def google_limits(kind: str) -> dict[str, MinuteLimit]:
    """The limits of ``--limits generous`` or ``real``."""
    return {name: MinuteLimit(maximum if kind == "real" else None) for name, maximum in REAL.items()}
