"""How often one client, session or token may ask: token buckets in this process's memory.

Reading pages is free. Log-ins, changes and the API are counted, once by what the request proves itself with and
once by where it comes from, so that made-up cookies win nothing.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from fastapi import Request

from growth_pipelines.approvals.lockout import client_source
from growth_pipelines.console.identity import session_token
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import ConsoleSettings

# Buckets that are remembered; the longest unused are forgotten, which fills them.
REMEMBERED = 10_000
# An office behind one address: a client may ask so many times as often as one session.
SESSIONS_A_CLIENT = 5
SIGNING_IN = frozenset({"/login", "/again"})


class TooManyRequests(GrowthError):
    """The client has to wait; ``seconds`` says how long."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many requests.", f"Try again in {seconds} second{'' if seconds == 1 else 's'}.")
        self.seconds = seconds


class TokenBucket:
    """Lets ``burst`` through at once and ``per_second`` in the long run. Needs no lock in an event loop."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, time.monotonic()

    def allows(self) -> bool:
        """Whether one more may pass; it is counted if so."""
        return self.wait() == 0

    def wait(self) -> float:
        """0 when one more may pass, and is counted; else the seconds until it could."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._per_second
        self._left -= 1
        return 0


@dataclass(eq=False)
class RateLimits:
    """The buckets of one console. ``public``: requests (method, path) that have limits of their own."""

    settings: ConsoleSettings
    public: frozenset[tuple[str, str]] = frozenset()
    buckets: OrderedDict[tuple[str, str], TokenBucket] = field(default_factory=OrderedDict)

    def count(self, request: Request) -> None:
        """Count a request. Raises TooManyRequests."""
        kind, a_minute = self._limit(request)
        if not kind:
            return
        client = client_source(request.client.host if request.client else "unknown")
        wait = self._bucket(kind, client, a_minute * (1 if kind == "login" else SESSIONS_A_CLIENT)).wait()
        proof = "" if kind == "login" else _proof_of(request)
        if proof and not wait:
            wait = self._bucket(kind, proof, a_minute).wait()
        if wait:
            raise TooManyRequests(math.ceil(wait))

    def _limit(self, request: Request) -> tuple[str, int]:
        path, changes = request.url.path, request.method not in ("GET", "HEAD", "OPTIONS")
        if changes and path in SIGNING_IN:
            return "login", self.settings.logins_per_minute
        if (request.method, path) in self.public:
            return "", 0
        if changes:
            return "change", self.settings.changes_per_minute
        return ("api", self.settings.api_per_minute) if path.startswith("/api/") else ("", 0)

    def _bucket(self, kind: str, of: str, a_minute: int) -> TokenBucket:
        key = (kind, of)
        bucket = self.buckets.get(key) or TokenBucket(a_minute / 60, a_minute)
        self.buckets[key] = bucket
        self.buckets.move_to_end(key)
        if len(self.buckets) > REMEMBERED:
            self.buckets.popitem(last=False)
        return bucket


async def counted(request: Request) -> None:
    """A dependency of every route: the :class:`RateLimits` of the application that was asked."""
    limits: RateLimits = request.app.state.rate_limits
    limits.count(request)


def _proof_of(request: Request) -> str:
    """The session or token that the request comes with, hashed; empty without one."""
    sent = request.headers.get("authorization", "") or session_token(request)
    return hashlib.sha256(sent.encode()).hexdigest() if sent else ""
