"""What a tap on a button does: shows, asks once more, or decides. Every tap gets an answer, also a late one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery

from growth_pipelines.actions.queue import NoSuchAction
from growth_pipelines.approvals.chats import ConfirmFirst
from growth_pipelines.approvals.decide import (
    AlreadyDecided,
    DecisionRequest,
    DecisionResult,
    StaleDigest,
)
from growth_pipelines.approvals.deferral import deferral_days
from growth_pipelines.errors import GrowthError
from growth_pipelines.telegram.buttons import BadButton, Button, OldButton, Tap, claimed
from growth_pipelines.telegram.cards import Cards, Place
from growth_pipelines.telegram.desk import Asker, Case, Desk, Speaker
from growth_pipelines.telegram.details import send_details
from growth_pipelines.telegram.keyboards import REASON_CODES
from growth_pipelines.telegram.messages import late, say
from growth_pipelines.telegram.reasons import ask_for_reason
from growth_pipelines.telegram.sending import Sender, Undeliverable


@dataclass(frozen=True)
class Click:
    """One tap by someone who speaks for an operator."""

    query_id: str
    asker: Asker
    speaker: Speaker
    place: Place
    button: Button
    case: Case

    @property
    def is_current(self) -> bool:
        """Whether the button stands under the draft that still waits."""
        return self.case.pending and self.fits(self.case)

    def fits(self, case: Case) -> bool:
        """Whether the button was made for the action's draft as it is in ``case``."""
        return bool(self.button.digest == case.action["digest"])


@dataclass(frozen=True)
class Clicks:
    """Works off taps."""

    desk: Desk
    cards: Cards

    @property
    def _sender(self) -> Sender:
        return self.cards.sender

    async def work_off(self, query: CallbackQuery, asker: Asker, speaker: Speaker) -> None:
        """Do what the button says, or say why not."""
        if query.message is None:
            await self._sender.answer(query.id, say("foreign_button"), alert=True)
            return
        place = Place(asker.chat_id, query.message.message_id)
        try:
            claim = claimed(query.data or "")
            case, drafts = await asyncio.to_thread(self.desk.case_and_drafts, claim.ref)
            button = claim.proven(self.cards.key, asker.chat_id, drafts, self.desk.now())
        except OldButton as old:
            await self._too_old(query, place, speaker, old.ref)
        except (BadButton, NoSuchAction):
            await self._sender.answer(query.id, say("foreign_button"), alert=True)
            await self._strip(place)
        else:
            click = Click(query.id, asker, speaker, place, button, case)
            steps: Mapping[Tap, Callable[[Click], Awaitable[None]]] = {
                "approve": self._approve,
                "confirm": self._confirm,
                "back": self._back,
                "ask_reason": self._ask_reason,
                "reject": self._reject,
                "defer": self._defer,
                "details": self._details,
            }
            await steps[button.tap](click)

    async def _too_old(self, query: CallbackQuery, place: Place, speaker: Speaker, ref: str) -> None:
        """A late tap decides nothing: its buttons go, and the present draft comes with new ones."""
        case = await asyncio.to_thread(self.desk.case_or_none, ref)
        await self._sender.answer(query.id, say("old_button"), alert=True)
        await self._strip(place)
        if case is not None:
            await self.cards.show(place.chat_id, case, speaker)

    async def _approve(self, click: Click) -> None:
        """One tap under what is shown whole; whether policies ask for two is judged where it is decided."""
        made, _ = self.cards.drawn(click.case)
        if made.complete:
            await self._decide(click, "approve")
        else:
            await self._ask_again(click)

    async def _ask_again(self, click: Click) -> None:
        if not click.is_current:
            await self._late(click)
            return
        await self._sender.answer(click.query_id, say("confirm"))
        await self._buttons(click, self._keys(click).confirmation(click.case.action))

    async def _confirm(self, click: Click) -> None:
        await self._decide(click, "approve", confirmed=True)

    async def _back(self, click: Click) -> None:
        await self._sender.answer(click.query_id)
        if click.is_current:
            await self.cards.redraw(click.place, click.case, click.speaker)
        else:
            await self.cards.settle(click.place, click.case, self._version(click))

    async def _ask_reason(self, click: Click) -> None:
        if not click.is_current:
            await self._late(click)
            return
        await self._sender.answer(click.query_id, say("why"))
        await self._buttons(click, self._keys(click).reasons(click.case.action))

    async def _reject(self, click: Click) -> None:
        reason = REASON_CODES.get(click.button.extra, "")
        if reason == "other" and not click.is_current:
            await self._late(click)
        elif reason == "other":
            await self._sender.answer(click.query_id)
            await ask_for_reason(self._sender, click.asker.chat_id, click.case.action)
        else:
            await self._decide(click, "reject", reason=reason)

    async def _defer(self, click: Click) -> None:
        until = deferral_days(self.desk.settings, self.desk.now()).usual
        await self._decide(click, "defer", until=until)

    async def _details(self, click: Click) -> None:
        await self._sender.answer(click.query_id)
        await send_details(self.cards, click.asker.chat_id, click.case, click.speaker)

    async def _decide(self, click: Click, decision: Any, *, confirmed: bool = False, **parts: Any) -> None:
        """Decide about the draft that the button stands under, and show what became of it."""
        # The digest of an earlier draft is handed on as it is, so that the refusal is on record with it.
        request = DecisionRequest(click.case.action["id"], decision, click.button.digest, **parts)
        try:
            result = await asyncio.to_thread(self.desk.decide, click.asker, request, confirmed=confirmed)
        except ConfirmFirst:
            await self._ask_again(click)
        except (StaleDigest, AlreadyDecided) as refusal:
            await self._sender.answer(click.query_id, refusal.message, alert=True)
            await self._catch_up(click)
        except GrowthError as error:
            await self._sender.answer(click.query_id, str(error), alert=True)
        else:
            await self._done(click, result)

    async def _done(self, click: Click, result: DecisionResult) -> None:
        case = await asyncio.to_thread(self.desk.case, click.case.action["id"])
        if result.outcome == "voted" and result.votes:
            await self._sender.answer(click.query_id, say("voted", **result.votes))
            await self.cards.redraw(click.place, case, click.speaker)
            return
        await self._sender.answer(click.query_id, result.message)
        await self.cards.settle(click.place, case, self._version(click))

    async def _late(self, click: Click) -> None:
        """A tap that could only ask something, under a draft that nobody asks about any more."""
        told = late(click.case.action) if click.fits(click.case) else say("stale")
        await self._sender.answer(click.query_id, told, alert=True)
        await self._catch_up(click)

    async def _catch_up(self, click: Click) -> None:
        """Make the message say how things are; a newer draft that waits comes in a message of its own."""
        case = await asyncio.to_thread(self.desk.case, click.case.action["id"])
        if case.pending and click.fits(case):
            return
        await self.cards.settle(click.place, case, self._version(click))
        if case.pending:
            await self.cards.show(click.asker.chat_id, case, click.speaker)

    def _version(self, click: Click) -> int:
        """The version that the message is about: the present one, or one before it."""
        version: int = click.case.action["version"]
        return version if click.fits(click.case) else version - 1

    def _keys(self, click: Click) -> Any:
        return self.cards.keys(click.asker.chat_id)

    async def _buttons(self, click: Click, keyboard: Any) -> None:
        try:
            await self._sender.buttons(click.place.chat_id, click.place.message_id, keyboard)
        except Undeliverable:
            # The message is gone, or shows them already.
            return

    async def _strip(self, place: Place) -> None:
        try:
            await self._sender.buttons(place.chat_id, place.message_id, None)
        except Undeliverable:
            return
