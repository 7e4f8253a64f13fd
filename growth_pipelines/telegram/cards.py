"""Requests as messages in chats: sent, decided on, and brought up to date wherever they stand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from telegram import InlineKeyboardMarkup

from growth_pipelines.approvals.deferral import usual_days
from growth_pipelines.errors import TransientError
from growth_pipelines.policies.terms import ChatMode
from growth_pipelines.store.database import Store
from growth_pipelines.telegram import deliveries
from growth_pipelines.telegram.desk import Case, Desk, Speaker
from growth_pipelines.telegram.keyboards import Keys
from growth_pipelines.telegram.messages import Card, as_html, card, outcome, say
from growth_pipelines.telegram.sending import Sender, Undeliverable, is_unchanged
from growth_pipelines.telemetry import logger

_EDITS_AT_ONCE = 50
_ANYBODY = Speaker("", "operator")


@dataclass(frozen=True)
class Place:
    """Where a message stands."""

    chat_id: int
    message_id: int


@dataclass(frozen=True)
class Cards:
    """Shows requests in chats and edits what was shown."""

    desk: Desk
    sender: Sender
    key: bytes

    @property
    def _store(self) -> Store:
        return self.desk.store

    def keys(self, chat_id: int) -> Keys:
        desk = self.desk
        return Keys(self.key, chat_id, desk.now(), desk.console_url, usual_days(desk.settings))

    def drawn(self, case: Case, note: str = "") -> tuple[Card, ChatMode]:
        """The request's message, and how it is approved there: what isn't shown whole takes two steps."""
        made = card(case.action, self.desk.reader(), note=note, votes=case.votes)
        twice = case.confirm == "once" and not made.complete
        return made, "twice" if twice else case.confirm

    def _keyboard(self, chat_id: int, case: Case, confirm: ChatMode, reader: Speaker) -> InlineKeyboardMarkup:
        return self.keys(chat_id).request(case.action, confirm, decides=case.asks(reader))

    async def show(
        self, chat_id: int, case: Case, reader: Speaker, *, loud: bool = False, note: str = ""
    ) -> int | None:
        """Send the request, with buttons while it waits; the message's id where it may be edited later."""
        if not case.pending:
            html = outcome(case.action, self.desk.reader(), case.action["version"], _state_of(case), note)
            await self.sender.text(chat_id, html)
            return None
        reader = _audience(chat_id, reader)
        made, confirm = self.drawn(case, note or _vote_of(case, reader))
        message_id = await self.sender.text(
            chat_id, made.html, self._keyboard(chat_id, case, confirm, reader), loud=loud
        )
        await asyncio.to_thread(self._record, case, chat_id, message_id)
        return message_id

    def _record(self, case: Case, chat_id: int, message_id: int) -> None:
        with self._store.session() as session:
            deliveries.record_delivery(session, case.action, chat_id, message_id, self.desk.now())

    async def redraw(self, place: Place, case: Case, reader: Speaker, *, note: str = "") -> None:
        """Bring a request that still waits up to date where it stands."""
        reader = _audience(place.chat_id, reader)
        made, confirm = self.drawn(case, note or _vote_of(case, reader))
        await self._edit(place, made.html, self._keyboard(place.chat_id, case, confirm, reader))

    async def settle(self, place: Place, case: Case, version: int, note: str = "") -> None:
        """Make a message say what became of that version, without buttons."""
        shown = deliveries.SUPERSEDED if version < case.action["version"] else _state_of(case)
        await self._settle(place, case.action, version, shown, note)

    async def settle_stale(self) -> int:
        """Edit the messages that show what no longer is; how many were edited. Each on its own, best effort."""
        found, heard = await asyncio.to_thread(self._stale)
        edited = 0
        for one in found:
            place = Place(one.chat_id, one.message_id)
            try:
                if one.chat_id in heard:
                    await self._settle(place, one.action, one.version, one.shown)
                else:
                    await self._close(place, one.shown)
                edited += 1
            except TransientError as error:
                logger("telegram").warning("message not edited yet", chat=one.chat_id, why=error.message)
        return edited

    def _stale(self) -> tuple[list[deliveries.Stale], set[int]]:
        """The messages to edit, and the chats that may still be told what became of the question."""
        with self._store.read() as session:
            found = deliveries.stale(session, self.desk.now(), _EDITS_AT_ONCE)
        linked = {chat.chat_id for chat in self.desk.chats()}
        groups = {one.chat_id for one in found if one.chat_id < 0 and self.desk.allows(one.chat_id)}
        return found, linked | groups

    async def _close(self, place: Place, shown: str) -> None:
        """A message in a chat that speaks for nobody any more loses its text too."""
        await self._edit(place, as_html(say("closed")), None)
        await asyncio.to_thread(self._mark, place, shown)

    async def _settle(self, place: Place, action: Any, version: int, shown: str, note: str = "") -> None:
        await self._edit(place, outcome(action, self.desk.reader(), version, shown, note), None)
        await asyncio.to_thread(self._mark, place, shown)

    def _mark(self, place: Place, shown: str) -> None:
        with self._store.session() as session:
            deliveries.mark_shown(session, place.chat_id, place.message_id, shown, self.desk.now())

    async def _edit(self, place: Place, html: str, keyboard: InlineKeyboardMarkup | None) -> None:
        try:
            await self.sender.edit(place.chat_id, place.message_id, html, keyboard)
        except Undeliverable as error:
            # Said already, or deleted, or the bot is blocked: nothing to be done, and nothing to try again.
            if not is_unchanged(error):
                logger("telegram").info("message not edited", chat=place.chat_id, why=error.message)


def _audience(chat_id: int, reader: Speaker) -> Speaker:
    """For whom a message is drawn: a group (its numbers are negative) has other readers than who asked."""
    return reader if chat_id > 0 else _ANYBODY


def _vote_of(case: Case, reader: Speaker) -> str:
    """What one who has voted is told instead of being asked."""
    return say("voted", **case.votes) if case.votes and reader.operator in case.voters else ""


def _state_of(case: Case) -> str:
    state: str = case.action["state"]
    return "expired" if state == "pending" and not case.pending else state
