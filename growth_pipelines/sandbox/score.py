"""How well clients behave: who comes back before the time they were asked to wait, and who shows secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

from growth_pipelines.sandbox.target import Target

TOLERANCE = 0.01  # seconds
ON_ITS_WAY = 0.05  # a request that comes so soon after a refusal was sent before it was read
KEPT = 20


class Score:
    """Counts over all requests. Times are of ``clock``, in seconds; HTTP dates are read against ``now``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._now = now
        self._lock = Lock()
        self._asked: dict[tuple[str, str], tuple[float, float]] = {}  # (refused at, come back at)
        self._violations = 0
        self._early: list[dict[str, Any]] = []
        self._secrets_in_urls = 0

    def arrived(self, target: Target, at: float) -> None:
        """Judge a request that came at ``at``."""
        with self._lock:
            self._secrets_in_urls += target.names_secret
            refused, until = self._asked.get((target.api, target.credential), (at, at))
            if at - refused <= ON_ITS_WAY or until - at <= TOLERANCE:
                return
            self._violations += 1
            if len(self._early) < KEPT:
                self._early.append({"api": target.api, "early_seconds": round(until - at, 3)})

    def answering(self, target: Target, headers: Mapping[str, str]) -> None:
        """Remember what an answer asks for, just before it is written: nobody can have read it earlier."""
        asked = headers.get("Retry-After")
        if asked is None:
            return
        at = self._clock()
        try:
            wait = float(asked)
        except ValueError:
            wait = parsedate_to_datetime(asked).timestamp() - self._now()
        with self._lock:
            self._asked[target.api, target.credential] = (at, at + wait)

    def report(self) -> dict[str, Any]:
        with self._lock:
            return {
                "retry_after_violations": self._violations,
                "early_requests": list(self._early),
                "secrets_in_urls": self._secrets_in_urls,
            }
