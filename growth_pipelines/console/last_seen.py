"""Keeps when each session was last used, beside the requests: none of them waits for the store's writer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock

from growth_pipelines.approvals.sessions import SEEN_STEP, SignedIn, seen
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.database import Store
from growth_pipelines.telemetry import logger


class LastSeen:
    """One thread that writes, for each session at most once a minute."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="last-seen")
        self._waiting: set[str] = set()
        self._lock = Lock()

    def note(self, person: SignedIn, now: datetime) -> None:
        """A session is used now. Returns at once."""
        if person.seen_at is None or now - person.seen_at < SEEN_STEP:
            return
        with self._lock:
            if person.token in self._waiting:
                return
            self._waiting.add(person.token)
        self._thread.submit(self._keep, person.token, now)

    def _keep(self, token: str, now: datetime) -> None:
        try:
            seen(self._store, token, now)
        except GrowthError as problem:
            # The next request of this session tries again.
            logger("console").warning("last seen not kept", why=problem.message)
        finally:
            with self._lock:
                self._waiting.discard(token)
