"""Patient calls: one call is tried again while its failure is transient and its time budget lasts.

An API that asks for a pause gets it as often as it asks, within the time budget. Failures in a row are limited,
and a host that could never be connected to is given up after a few tries: a wrong address does not get better.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

import httpx

from growth_pipelines.errors import TransientError
from growth_pipelines.telemetry import logger
from growth_pipelines.transport import RetryPolicy

_log = logger("ingestion")
T = TypeVar("T")
FIRST_CONTACT_ATTEMPTS = 3


@dataclass
class Meter:
    """What one stream's calls cost so far; shared by the threads that make them."""

    requests: int = 0
    bytes: int = 0
    throttled: int = 0
    retries: int = 0
    waited: float = 0.0
    notes: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *, requests: int = 0, bytes: int = 0, throttled: int = 0, retries: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.bytes += bytes
            self.throttled += throttled
            self.retries += retries

    def note(self, text: str) -> None:
        """Remember something that the operator should read; the same words once."""
        with self._lock:
            if text not in self.notes:
                self.notes.append(text)


class Throttled(TransientError):
    """The API asked for a pause. Waiting it out is the normal course, so only the time budget limits it."""


@dataclass
class Patience:
    """Tries a call until it answers. ``sleep`` and ``jitter`` are parameters so that tests need not wait."""

    policy: RetryPolicy
    meter: Meter
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    answered: bool = False

    def call(self, attempt_once: Callable[[], T]) -> T:
        """The answer of ``attempt_once``; raises its last TransientError when the budget is used up."""
        started = time.monotonic()
        waited = 0.0
        failures = 0
        while True:
            try:
                answer = attempt_once()
            except TransientError as error:
                throttled = isinstance(error, Throttled)
                self.answered |= not isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
                failures += not throttled
                allowed = self.policy.attempts if self.answered else FIRST_CONTACT_ATTEMPTS
                wait = self._wait(failures, error.retry_after)
                # Both clocks: real time, and the waiting asked of an injected sleep.
                spent = max(time.monotonic() - started, waited)
                if failures >= allowed or spent + wait > self.policy.deadline:
                    raise
                self.meter.add(retries=not throttled, throttled=throttled)
                _log.info("retrying", attempt=failures, wait=round(wait, 2), why=error.message)
                waited += wait
                self.sleep(wait)
            else:
                self.answered = True
                return answer

    def _wait(self, failures: int, asked: float | None) -> float:
        backoff = self.jitter() * min(self.policy.ceiling, self.policy.base * 2**failures)
        return max(backoff, asked or 0.0)
