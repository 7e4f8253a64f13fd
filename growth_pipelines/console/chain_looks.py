"""Looks at the whole audit chain: one at a time and kept for a minute, whoever asks.

A look reads every event. Anybody who may see the page could keep the machine at it otherwise.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from growth_pipelines.store.audit import ChainReport, verify_chain
from growth_pipelines.store.database import Store

KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Looked:
    """What a look found, and when it began."""

    report: ChainReport
    at: datetime


@dataclass
class ChainLooks:
    """The newest look of one console."""

    store: Store
    _walking: threading.Lock = field(default_factory=threading.Lock, init=False)
    _newest: tuple[float, Looked] | None = field(default=None, init=False)

    def newest(self, now: datetime) -> Looked | None:
        """A look that is no older than a minute; None while another one is at it."""
        if not self._walking.acquire(blocking=False):
            return None
        try:
            if self._newest is None or time.monotonic() - self._newest[0] > KEPT_SECONDS:
                with self.store.read() as session:
                    looked = Looked(verify_chain(session), now)
                self._newest = (time.monotonic(), looked)
            return self._newest[1]
        finally:
            self._walking.release()
