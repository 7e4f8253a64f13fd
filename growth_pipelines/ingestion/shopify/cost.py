"""Shopify's cost bucket, mirrored: a request waits here instead of being refused there.

The bucket leaks upwards at ``restoreRate`` points a second to ``maximumAvailable``. Costs are never computed
here: each document's cost is what Shopify last said it was (``requestedQueryCost``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

# What a document is assumed to cost before Shopify has said so.
UNKNOWN_COST = 100.0


@dataclass
class CostBucket:
    """Shared by every client of one shop and app in this process. Until the first answer nothing waits."""

    monotonic: Callable[[], float] = time.monotonic
    restore_rate: float = 0.0
    maximum: float = 0.0
    _available: float = 0.0
    _as_of: float = 0.0
    _in_flight: float = 0.0
    _costs: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def expected(self, document: str) -> float:
        return self._costs.get(document, UNKNOWN_COST)

    def reserve(self, document: str) -> float:
        """Set points aside for one request; returns the seconds to wait before sending it."""
        with self._lock:
            cost = self.expected(document)
            wait = 0.0
            if self.restore_rate:
                lacking = min(cost, self.maximum) - (self._now_available() - self._in_flight)
                wait = max(0.0, lacking / self.restore_rate)
            self._in_flight += cost
            return wait

    def settle(self, document: str, reserved: float, cost: Mapping[str, Any] | None) -> None:
        """Learn from an answer's ``extensions.cost`` (None when the request failed without one)."""
        with self._lock:
            self._in_flight = max(0.0, self._in_flight - reserved)
            if not cost:
                return
            if cost.get("requestedQueryCost"):
                self._costs[document] = float(cost["requestedQueryCost"])
            status = cost.get("throttleStatus") or {}
            if status.get("restoreRate"):
                self.maximum = float(status.get("maximumAvailable") or 0)
                self.restore_rate = float(status["restoreRate"])
                self._available = float(status.get("currentlyAvailable") or 0)
                self._as_of = self.monotonic()

    def refill_seconds(self, document: str) -> float:
        """After a refusal: the seconds until the bucket holds what ``document`` costs."""
        with self._lock:
            if not self.restore_rate:
                return 1.0
            cost = min(self.expected(document), self.maximum)
            return max(0.05, (cost - self._now_available()) / self.restore_rate)

    def _now_available(self) -> float:
        return min(self.maximum, self._available + (self.monotonic() - self._as_of) * self.restore_rate)
