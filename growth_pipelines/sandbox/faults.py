"""What the real APIs do on bad days: planned, a given number of times, or at random.

A plan is a JSON list of {match, kind, times, skip, status, retry_after, seconds, polls}. ``match`` is a part of
the path or of the GraphQL document; ``skip`` lets the first so many matching requests pass. At random, each
request is hit with a probability by a kind drawn evenly from those that fit it. A kind strikes only where it fits.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from growth_pipelines.sandbox.target import GOOGLE, Target

LONGEST_DELAY = 0.3  # seconds, at random


class FaultPlanError(ValueError):
    """The plan cannot be read."""


@dataclass(frozen=True)
class Kind:
    """Where a kind of failure may strike, and whether it is among those drawn at random."""

    fits: Callable[[Target], bool]
    at_random: bool = True


def _anywhere(target: Target) -> bool:
    return True


def _graphql(target: Target) -> bool:
    return bool(target.graphql)


def _starts_bulk(target: Target) -> bool:
    return target.starts_bulk


def _google(target: Target) -> bool:
    return target.api in GOOGLE


KINDS = {
    # Nothing is done.
    "status": Kind(_anywhere, at_random=False),  # ``status`` (429), with Retry-After when ``retry_after`` is given
    "status_429_seconds": Kind(_anywhere),  # Retry-After: 1
    "status_429_fraction": Kind(_anywhere),  # Retry-After: 0.3
    "status_429_date": Kind(_anywhere),  # Retry-After: an HTTP date, one to two seconds ahead
    "status_429_bare": Kind(_anywhere),  # no Retry-After
    "status_500": Kind(_anywhere),
    "status_502": Kind(_anywhere),
    "status_503": Kind(_anywhere),
    "drop": Kind(_anywhere),  # the connection closes without an answer
    "broken_json": Kind(_anywhere),  # HTTP 200 with a page of HTML
    "empty": Kind(_anywhere),  # HTTP 200 with nothing
    "throttle": Kind(_graphql),  # THROTTLED at HTTP 200
    "graphql_error": Kind(_graphql),  # INTERNAL_SERVER_ERROR at HTTP 200, no data
    "quota_exceeded": Kind(_google),  # 403 quotaExceeded
    "user_rate_limit": Kind(_google),  # 403 rateLimitExceeded
    "load_quota": Kind(lambda target: target.api == "search_console"),  # 403 quotaExceeded, with words of its own
    "resource_exhausted": Kind(_google),  # 429 RESOURCE_EXHAUSTED
    "backend_error": Kind(_google),  # 500 backendError
    "lighthouse_error": Kind(lambda target: target.api == "psi"),  # 500: the run failed
    "expired_token": Kind(lambda target: target.expirable),  # 401, and the token is invalid from then on
    # The request is carried out.
    "crash_after_write": Kind(_anywhere, at_random=False),  # then the connection closes without an answer
    "truncate": Kind(_anywhere),  # the body is cut in the middle, then the connection closes
    "cut_json": Kind(_anywhere),  # the body is cut in the middle, and its Content-Length agrees
    "delay": Kind(_anywhere),  # the answer is ``seconds`` late
    "repeated_cursor": Kind(lambda target: bool(target.after)),  # a right page that leads back to itself
    "ignored_filter": Kind(lambda target: bool(target.filtered)),  # a warning and unfiltered rows
    "bulk_failure": Kind(_starts_bulk),  # the operation ends FAILED with partial data
    "bulk_stuck": Kind(_starts_bulk),  # it makes no progress for ``polls`` polls; without polls, until cancelled
    "bulk_expired": Kind(_starts_bulk),  # it is COMPLETED, but its address has expired
    "bulk_short": Kind(_starts_bulk),  # its result lacks the last lines
}


@dataclass
class Fault:
    kind: str
    match: str = ""
    times: int = 1
    skip: int = 0
    status: int = 429
    retry_after: float | None = None
    seconds: float = 1.0
    polls: int | None = None


class Faults:
    """The plan that is left, the odds of random failures, and how often each kind has struck."""

    def __init__(self, plan: list[dict[str, Any]], rate: float = 0.0, seed: int = 0) -> None:
        self._lock = Lock()
        self._left: list[Fault] = []
        self.struck: Counter[str] = Counter()
        self.add(plan)
        self.at_random(rate, seed)

    def add(self, plan: list[dict[str, Any]]) -> None:
        """More faults, after those that are left."""
        faults = []
        for entry in plan:
            try:
                fault = Fault(**entry)
            except TypeError as error:
                raise FaultPlanError(f"fault {entry}: {error}") from error
            if fault.kind not in KINDS:
                raise FaultPlanError(f"fault {entry}: kind must be one of {', '.join(KINDS)}")
            faults.append(fault)
        with self._lock:
            self._left.extend(faults)

    def at_random(self, rate: float, seed: int = 0, polls: int | None = None) -> None:
        """Hit each request with probability ``rate`` from now on; 0 ends it.

        The same seed hits the same requests in the same way when they come in the same order. ``polls`` is how
        long a stuck bulk operation stays so.
        """
        if not 0 <= rate <= 1:
            raise FaultPlanError(f"fault rate {rate}: must be between 0 and 1")
        with self._lock:
            self._rate = rate
            self._polls = polls
            self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def next(self, target: Target) -> Fault | None:
        """The fault that hits a request, planned ones first; each call uses one up."""
        if target.control:
            return None
        with self._lock:
            fault = self._planned(target) or self._drawn(target)
            if fault is not None:
                self.struck[fault.kind] += 1
            return fault

    def _planned(self, target: Target) -> Fault | None:
        for fault in self._left:
            if fault.times <= 0 or fault.match not in target.text or not KINDS[fault.kind].fits(target):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            return fault
        return None

    def _drawn(self, target: Target) -> Fault | None:
        if self._random.random() >= self._rate:
            return None
        kinds = [name for name, kind in KINDS.items() if kind.at_random and kind.fits(target)]
        seconds = self._random.uniform(0.05, LONGEST_DELAY)
        return Fault(self._random.choice(kinds), seconds=seconds, polls=self._polls)


def read_plan(path: Path) -> list[dict[str, Any]]:
    """A fault plan from a file. Raises FaultPlanError when it is not a JSON list of objects."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FaultPlanError(f"{path}: {error}") from error
    if not isinstance(plan, list) or not all(isinstance(entry, dict) for entry in plan):
        raise FaultPlanError(f"{path}: a fault plan is a JSON list of objects")
    return plan
