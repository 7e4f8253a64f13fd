"""The mail program: a look every few seconds at what is to be told. What it knows is in the store: it may die."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from growth_pipelines.clock import Clock
from growth_pipelines.errors import GrowthError
from growth_pipelines.mail.alarms import begin, tell_conditions, tell_events
from growth_pipelines.mail.conditions import present_conditions
from growth_pipelines.mail.digests import send_due_digest
from growth_pipelines.mail.transport import KEPT
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.telemetry import logger

_EVERY_SECONDS = 10.0
_CONDITIONS_EVERY = timedelta(minutes=1)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=30)
_log = logger("mail")


@dataclass
class Mailer:
    """``states`` tells what the machine's programs do now (name → ``running`` or what is wrong)."""

    store: Store
    settings: Settings
    clock: Clock
    states: Callable[[], Mapping[str, str]] = dict
    _dead_since: dict[str, datetime] = field(default_factory=dict, init=False)
    _looked_at: datetime | None = field(default=None, init=False)
    _again_at: datetime | None = field(default=None, init=False)
    _wait: timedelta = field(default=_FIRST_WAIT, init=False)

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``; an expected failure ends a look, not the program."""
        begin(self.store, self.clock.now())
        while not stop.is_set():
            try:
                self.look()
            except GrowthError as error:
                _log.warning("mail waits", why=str(error))
            stop.wait(_EVERY_SECONDS)

    def look(self) -> None:
        """One look: what happened, what lasts, the digest. A server that is away, or refuses the log-in, is asked
        ever more seldom."""
        now = self.clock.now()
        send_due_digest(self.store, self.settings, now)
        if self._again_at is not None and now < self._again_at:
            return
        try:
            tell_events(self.store, self.settings, now)
            self._tell_conditions(now)
        except KEPT:
            self._again_at, self._wait = now + self._wait, min(self._wait * 2, _LONGEST_WAIT)
            raise
        self._again_at, self._wait = None, _FIRST_WAIT

    def _tell_conditions(self, now: datetime) -> None:
        if self._looked_at is not None and now - self._looked_at < _CONDITIONS_EVERY:
            return
        states = self.states()
        self._dead_since = {
            name: self._dead_since.get(name, now) for name, state in states.items() if state != "running"
        }
        present = present_conditions(self.store, self.settings, self._dead_since, now)
        tell_conditions(self.store, self.settings, present, now)
        self._looked_at = now
