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
from typing import Protocol, TypeVar

import httpx

from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.failures import Throttled, Unauthorized, tries
from growth_pipelines.telemetry import logger
from growth_pipelines.transport import RetryPolicy

_log = logger("ingestion")
T = TypeVar("T")
FIRST_CONTACT_ATTEMPTS = 3
# A wait must end within this share of the time budget: the call itself needs some of it too.
WAITING_SHARE = 0.9


@dataclass
class Meter:
    """What one stream's calls cost so far; shared by the threads that make them. ``waited`` in seconds."""

    requests: int = 0
    bytes: int = 0
    throttled: int = 0
    retries: int = 0
    waited: float = 0.0
    notes: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(
        self, *, requests: int = 0, bytes: int = 0, throttled: int = 0, retries: int = 0, waited: float = 0.0
    ) -> None:
        with self._lock:
            self.requests += requests
            self.bytes += bytes
            self.throttled += throttled
            self.retries += retries
            self.waited += waited

    def note(self, text: str) -> None:
        """Remember something that the operator should read; the same words once."""
        with self._lock:
            if text not in self.notes:
                self.notes.append(text)


class Turn(Protocol):
    """One request's place in its API's budget."""

    def take(self, patience: float) -> float:
        """Reserve; the seconds to wait. Raises BudgetUsedUp, having taken nothing, beyond ``patience``."""

    def paused(self, patience: float) -> float:
        """Seconds left of a pause that the API asked for, of us or of others meanwhile."""


@dataclass
class _Watch:
    """The time of one call: what really passed, or the waiting asked of an injected sleep, if that is more."""

    seconds: float
    sleep: Callable[[float], None]
    started: float = field(default_factory=time.monotonic)
    waited: float = 0.0

    @property
    def spent(self) -> float:
        return max(time.monotonic() - self.started, self.waited)

    @property
    def ahead(self) -> float:
        """How far an injected sleep has got ahead of the real time; 0 when waits are really slept."""
        return max(0.0, self.waited - (time.monotonic() - self.started))

    @property
    def patience(self) -> float:
        """The longest wait that still leaves time for the call."""
        return WAITING_SHARE * self.seconds - self.spent

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        self.sleep(seconds)


@dataclass
class Patience:
    """Tries a call until it answers. ``sleep`` and ``jitter`` are parameters so that tests need not wait."""

    policy: RetryPolicy
    meter: Meter
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    answered: bool = False

    def call(self, attempt_once: Callable[[], T], turn: Turn | None = None) -> T:
        """The answer of ``attempt_once``, each try after its ``turn``.

        Raises its last TransientError, with what was waited for how long, when the time budget is used up; at once
        where a patient call within ``attempt_once`` has given up.
        """
        watch = _Watch(self.policy.deadline, self.sleep)
        failures = asked = 0
        while True:
            self._take(turn, watch)
            try:
                answer = attempt_once()
            except TransientError as error:
                if error.given_up:
                    raise  # A call within this one has had all the patience there is.
                throttled = isinstance(error, Throttled)
                self.answered |= not isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
                failures, asked = failures + (not throttled), asked + throttled
                allowed = self.policy.attempts if self.answered else FIRST_CONTACT_ATTEMPTS
                wait = self.policy.wait_before(failures + asked, error.retry_after, self.jitter)
                if failures >= tries(error, allowed) or wait > watch.patience:
                    raise _given_up(error, failures + asked, watch) from error.__cause__
                self.meter.add(retries=not throttled, throttled=throttled)
                _log.info("retrying", attempt=failures, wait=round(wait, 2), why=error.message)
                self._wait(wait, watch)
            else:
                self.answered = True
                return answer

    def once(self, attempt_once: Callable[[], T], turn: Turn) -> T:
        """The answer of ``attempt_once``, after its turn and without a second try (writes)."""
        self._take(turn, _Watch(self.policy.deadline, self.sleep))
        return attempt_once()

    def _take(self, turn: Turn | None, watch: _Watch) -> None:
        """Wait for the turn, and then for any pause that the API asked of others in the meantime."""
        if turn is None:
            return
        wait = turn.take(watch.patience + watch.ahead) - watch.ahead
        while wait > 0:
            if turn.paused(float("inf")):
                # All who wait for the end of a pause would come at the same moment.
                wait += self.jitter() * self.policy.base
            self._wait(wait, watch)
            wait = turn.paused(watch.patience + watch.ahead) - watch.ahead

    def _wait(self, seconds: float, watch: _Watch) -> None:
        self.meter.add(waited=seconds)
        watch.wait(seconds)


def renewing(call: Callable[[], T]) -> T:
    """The answer of ``call``; a refused credential that can be renewed is, once, and called with again."""
    try:
        return call()
    except Unauthorized as error:
        if error.renew is None:
            raise
        error.renew()
    return call()


def _given_up(error: TransientError, count: int, watch: _Watch) -> TransientError:
    """The same error, saying also what was tried."""
    error.given_up = True
    if watch.waited:
        tried = f"Given up after {count} tries in {watch.spent:.0f} s, {watch.waited:.0f} s of them waiting."
        error.message = f"{error.message} {tried}"
    return error
