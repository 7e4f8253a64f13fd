"""Those who write to the bot and speak for nobody: they get nothing, and are on record.

The record must not become a way to fill the store: one event an account and chat a day, twenty an hour in all.
Numbers of accounts are personal data, so the audit chain holds keyed hashes; the log, which ends after a while,
holds the chat's number, which is needed to allow it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from growth_pipelines.approvals.chats import CHANNEL
from growth_pipelines.store.audit import append_event
from growth_pipelines.telegram.desk import Asker, Desk
from growth_pipelines.telemetry import logger

_AGAIN_AFTER, _AN_HOUR, _REMEMBERED = timedelta(days=1), 20, 1000
_KNOCKED = 5


@dataclass
class Strangers:
    """Notes who was refused."""

    desk: Desk
    key: bytes
    _noted: OrderedDict[Asker, datetime] = field(default_factory=OrderedDict, init=False)
    _lately: deque[datetime] = field(default_factory=deque, init=False)

    def refuse(self, asker: Asker, asked: str) -> None:
        """Put a refusal on record; ``asked`` is the kind of thing that was asked for, never its text."""
        now = self.desk.now()
        before = self._noted.get(asker)
        if before is not None and now - before < _AGAIN_AFTER:
            return
        self._noted[asker] = now
        self._noted.move_to_end(asker)
        while len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)
        while self._lately and now - self._lately[0] >= timedelta(hours=1):
            self._lately.popleft()
        if len(self._lately) >= _AN_HOUR:
            return
        self._lately.append(now)
        logger("telegram").warning("unknown chat refused", chat=asker.chat_id, asked=asked)
        with self.desk.store.session() as session:
            append_event(
                session,
                event="chat_refused",
                actor="unknown",
                channel=CHANNEL,
                now=now,
                payload={"account": self._hash(asker.user_id), "chat": self._hash(asker.chat_id), "asked": asked},
            )

    def knocked(self) -> tuple[int, ...]:
        """The chats that were refused last, to be allowed by who knows them."""
        return tuple(dict.fromkeys(asker.chat_id for asker in reversed(self._noted)))[:_KNOCKED]

    def _hash(self, number: int) -> str:
        return hmac.new(self.key, f"account\n{number}".encode(), hashlib.sha256).hexdigest()[:16]
