"""Tells linked chats what happened: new requests by their priority, edits of what was shown, the digest.

The outbox says which actions to look at; what is sent is decided from the action as it is now, so being told
twice, late or after a restart sends nothing twice and nothing stale. The cursor moves on after each entry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from growth_pipelines.approvals.at_once import sentence_of
from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.store.audit_heads import PUBLISHED
from growth_pipelines.store.database import StoreUnavailable
from growth_pipelines.store.outbox import begin_at_end, move_to, read_from
from growth_pipelines.store.tables import OutboxEntry
from growth_pipelines.telegram import digest
from growth_pipelines.telegram.cards import Cards, Place
from growth_pipelines.telegram.deliveries import delivered_to, open_messages
from growth_pipelines.telegram.desk import Case, Chat, Desk, Speaker
from growth_pipelines.telegram.messages import as_html, cut, say
from growth_pipelines.telegram.quiet import is_quiet, rings
from growth_pipelines.telegram.sending import Undeliverable
from growth_pipelines.telemetry import logger

LISTENER = digest.LISTENER
_ENTRIES = 100
# More requests that are not urgent in this time are only counted: nobody reads fifty messages.
CALM_AT_ONCE, CALM_WITHIN = 10, timedelta(minutes=15)
_LONGEST_NOTICE = 1000
_log = logger("telegram")


@dataclass
class Listener:
    """One pass at a time; :meth:`run` repeats it."""

    desk: Desk
    cards: Cards
    every_seconds: float = 2.0
    settle_seconds: float = 30.0
    _settle_at: float = field(default=0.0, init=False)
    _calm: deque[datetime] = field(default_factory=deque, init=False)
    _unsaid: int = field(default=0, init=False)

    def begin(self) -> None:
        """A bot that was never here hears from now on; the digest tells of what waits already."""
        with self.desk.store.session() as session:
            begin_at_end(session, LISTENER, self.desk.now())

    async def run(self, stop: asyncio.Event) -> None:
        """Pass after pass until ``stop``. A failure ends the pass, not the listener."""
        while not stop.is_set():
            wait = self.every_seconds
            try:
                await self.look()
            except TransientError as error:
                wait = max(wait, error.retry_after or 10.0)
                _log.warning("not told yet", why=error.message)
            except StoreUnavailable as error:
                _log.warning("the store can't be read", why=error.message)
            except GrowthError as error:
                _log.error("telling failed", why=str(error))
            try:
                await asyncio.wait_for(stop.wait(), wait)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One pass: new entries, then messages to edit, then the digest if it is time."""
        entries = await asyncio.to_thread(self._entries)
        try:
            for entry in entries:
                await self._tell_or_skip(entry)
                await asyncio.to_thread(self._move_to, entry.seq)
            await self._say_how_many_more()
        finally:
            await self._settle(bool(entries))
        await self._send_digest()

    async def _settle(self, something_happened: bool) -> None:
        """Edit what is stale: when something happened, and at intervals for what time or a failure has left."""
        now = asyncio.get_running_loop().time()
        if something_happened or now >= self._settle_at:
            self._settle_at = now + self.settle_seconds
            await self.cards.settle_stale()

    def _entries(self) -> list[OutboxEntry]:
        with self.desk.store.read() as session:
            return read_from(session, LISTENER, _ENTRIES)

    def _move_to(self, seq: int) -> None:
        with self.desk.store.session() as session:
            move_to(session, LISTENER, seq, self.desk.now())

    async def _tell_or_skip(self, entry: OutboxEntry) -> None:
        """One entry that can't be told for a fault of ours must not keep back all that come after it."""
        try:
            await self._tell(entry)
        except GrowthError:
            raise
        except Exception as error:  # noqa: BLE001 - as said: logged, and left behind
            _log.error("entry not told", seq=entry.seq, kind=type(error).__name__, why=str(error))

    async def _tell(self, entry: OutboxEntry) -> None:
        await self._notice(entry)
        if not entry.event.startswith("action."):
            return
        case = await asyncio.to_thread(self.desk.case_or_none, entry.payload["action_id"])
        if case is None or not case.pending:
            return
        if entry.event == "action.voted":
            await self._recount(case)
        elif entry.event == "action.reminded":
            await self._remind(case)
        elif entry.event == "action.escalated":
            await self._escalate(case, entry.payload["contacts"])
        elif case.action["priority"] != "low":
            await self._ask(case)

    async def _ask(self, case: Case) -> None:
        """Send a request to the chats where it doesn't stand yet."""
        chats = await asyncio.to_thread(self._chats_without, case)
        await self._show(case, chats)

    async def _remind(self, case: Case) -> None:
        """Once more, to those who may decide; what is low waits for the digest."""
        if case.action["priority"] != "low":
            chats = [chat for chat in await asyncio.to_thread(self.desk.chats) if chat.speaker.decides]
            await self._show(case, chats, say("reminded"))

    async def _escalate(self, case: Case, contacts: Sequence[str]) -> None:
        """To the second contact, whatever the priority."""
        chats = [chat for chat in await asyncio.to_thread(self.desk.chats) if chat.speaker.operator in contacts]
        await self._show(case, chats, say("escalated"))

    async def _show(self, case: Case, chats: Sequence[Chat], note: str = "") -> None:
        if not chats or (case.action["priority"] in ("medium", "low") and self._too_many()):
            return
        for chat in chats:
            try:
                await self.cards.show(chat.chat_id, case, chat.speaker, loud=self._rings(chat, case), note=note)
            except Undeliverable as error:
                _log.info("request not sent", chat=chat.chat_id, why=error.message)

    def _chats_without(self, case: Case) -> list[Chat]:
        chats = self.desk.chats()
        with self.desk.store.read() as session:
            there = delivered_to(session, case.action["id"], case.action["version"])
        return [chat for chat in chats if chat.chat_id not in there]

    def _too_many(self) -> bool:
        now = self.desk.now()
        while self._calm and self._calm[0] <= now - CALM_WITHIN:
            self._calm.popleft()
        if len(self._calm) >= CALM_AT_ONCE:
            self._unsaid += 1
            return True
        self._calm.append(now)
        return False

    async def _say_how_many_more(self) -> None:
        if self._unsaid:
            said = say("more_wait", count=self._unsaid)
            self._unsaid = 0
            await self._to_all(said, loud=False)

    def _rings(self, chat: Chat, case: Case) -> bool:
        return rings(case.action["priority"], quiet=self._is_quiet(), muted=self._is_muted(chat))

    def _is_quiet(self) -> bool:
        hours = self.desk.settings.telegram
        return is_quiet(self.desk.now(), self.desk.settings.zone, hours.quiet_from, hours.quiet_until)

    def _is_muted(self, chat: Chat) -> bool:
        return chat.muted_until is not None and chat.muted_until > self.desk.now()

    async def _recount(self, case: Case) -> None:
        """Show the new count of votes wherever the request waits."""
        places = await asyncio.to_thread(self._open_places, case)
        readers = {chat.chat_id: chat.speaker for chat in await asyncio.to_thread(self.desk.chats)}
        for place in places:
            await self.cards.redraw(place, case, readers.get(place.chat_id, Speaker("", "viewer")))

    def _open_places(self, case: Case) -> list[Place]:
        with self.desk.store.read() as session:
            return [Place(*found) for found in open_messages(session, case.action["id"])]

    async def _notice(self, entry: OutboxEntry) -> None:
        """What can't wait is told aloud. The audit chain's head wakes nobody: it is only left where it can't be
        changed afterwards."""
        sentence, ref = cut(sentence_of(entry), _LONGEST_NOTICE), entry.payload.get("ref")
        if sentence:
            await self._to_all(say("look", sentence=sentence, ref=ref) if ref else sentence, loud=True)
        elif entry.event == PUBLISHED:
            await self._to_all(say("head_published", **entry.payload), loud=False)

    async def _to_all(self, said: str, *, loud: bool, html: bool = False) -> None:
        quiet = self._is_quiet()
        for chat in await asyncio.to_thread(self.desk.chats):
            rung = loud and not quiet and not self._is_muted(chat)
            try:
                await self.cards.sender.text(chat.chat_id, said if html else as_html(said), loud=rung)
            except Undeliverable as error:
                _log.info("message not sent", chat=chat.chat_id, why=error.message)

    async def _send_digest(self) -> None:
        now = self.desk.now()
        if not await asyncio.to_thread(self._digest_is_due, now):
            return
        text = await asyncio.to_thread(digest.digest, self.desk)
        # Noted first: a digest that is missed is better than one that comes with every restart.
        await asyncio.to_thread(self._note_digest, now)
        await self._to_all(text, loud=False, html=True)

    def _digest_is_due(self, now: datetime) -> bool:
        settings = self.desk.settings
        with self.desk.store.read() as session:
            return digest.is_due(digest.sent_on(session), now, settings.zone, settings.telegram.digest_at)

    def _note_digest(self, now: datetime) -> None:
        with self.desk.store.session() as session:
            digest.note_sent(session, now.astimezone(ZoneInfo(self.desk.settings.zone)).date(), now)
