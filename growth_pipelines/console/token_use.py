"""Keeps when each token was last used, beside the requests: none of them waits for the store's writer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock

from growth_pipelines.approvals.tokens import Holder, is_noted, note_use
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.database import Store
from growth_pipelines.telemetry import logger


class TokenUse:
    """One thread that writes, for each token at most once an hour."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="token-use")
        self._waiting: set[str] = set()
        self._lock = Lock()

    def note(self, holder: Holder, now: datetime) -> None:
        """A token is used now. Returns at once."""
        if is_noted(holder, now):
            return
        with self._lock:
            if holder.id in self._waiting:
                return
            self._waiting.add(holder.id)
        self._thread.submit(self._keep, holder.id, now)

    def _keep(self, token: str, now: datetime) -> None:
        try:
            note_use(self._store, token, now)
        except GrowthError as problem:
            # The next request with this token tries again.
            logger("console").warning("use of a token not kept", why=problem.message)
        finally:
            with self._lock:
                self._waiting.discard(token)
