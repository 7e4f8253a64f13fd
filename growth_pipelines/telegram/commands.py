"""What can be written to the bot. No command approves: that takes a button under the draft itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from growth_pipelines.actions.queue import NoSuchAction
from growth_pipelines.approvals.chats import LinkRefused, link_chat, unlink_chat
from growth_pipelines.approvals.decide import REJECT_REASONS, DecisionRequest
from growth_pipelines.approvals.deferral import usual_days
from growth_pipelines.clock import local_date
from growth_pipelines.console import figures
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import ChatLink
from growth_pipelines.telegram import digest
from growth_pipelines.telegram.cards import Cards
from growth_pipelines.telegram.desk import Asker, Case, Desk, Speaker
from growth_pipelines.telegram.details import send_details
from growth_pipelines.telegram.messages import as_html, cut, late, pending_list, rendered, say
from growth_pipelines.telegram.quiet import mute_length
from growth_pipelines.telegram.reasons import Answered, ask_for_reason
from growth_pipelines.telegram.sending import Sender

_LISTED = 8


@dataclass(frozen=True)
class Said:
    """One message by someone who speaks for an operator; ``words`` are what follows the command."""

    asker: Asker
    speaker: Speaker
    command: str
    words: tuple[str, ...]

    @property
    def chat_id(self) -> int:
        return self.asker.chat_id


@dataclass(frozen=True)
class Commands:
    """Works off commands."""

    desk: Desk
    cards: Cards

    @property
    def _sender(self) -> Sender:
        return self.cards.sender

    def known(self) -> Mapping[str, Callable[[Said], Awaitable[None]]]:
        """Each command with what it does."""
        return {
            "pending": self.pending,
            "details": self.details,
            "show": self.details,
            "approve": self.approve,
            "reject": self.reject,
            "defer": self.defer,
            "status": self.status,
            "mute": self.mute,
            "whoami": self.whoami,
            "unlink": self.unlink,
            "help": self.help,
            "start": self.help,
        }

    async def work_off(self, said: Said) -> None:
        """Do it; what fails as expected is said in one line."""
        act = self.known().get(said.command)
        try:
            if act is None:
                await self._tell(said, say("unknown_command"))
            else:
                await act(said)
        except NoSuchAction as error:
            await self._tell(said, f"{error.message} /pending")
        except GrowthError as error:
            await self._tell(said, str(error))

    async def link(self, asker: Asker, code: str) -> None:
        """Use up a code, in private; or say how to get one."""
        if not asker.private:
            await self._sender.text(asker.chat_id, as_html(say("link_privately")))
            return
        if not code:
            await self._sender.text(asker.chat_id, as_html(say("link_how")))
            return
        now = self.desk.now()
        try:
            operator = await asyncio.to_thread(link_chat, self.desk.store, code, asker.user_id, asker.chat_id, now)
        except LinkRefused as error:
            await self._sender.text(asker.chat_id, as_html(str(error)))
            return
        await self._sender.text(asker.chat_id, as_html(say("linked", operator=operator)))

    async def pending(self, said: Said) -> None:
        found, total = await asyncio.to_thread(self.desk.pending, _LISTED)
        html = pending_list(found, total, self.desk.reader())
        await self._sender.text(said.chat_id, html, self.cards.keys(said.chat_id).numbers(found))

    async def details(self, said: Said) -> None:
        case = await self._case(said)
        if case is not None:
            await send_details(self.cards, said.chat_id, case, said.speaker)

    async def approve(self, said: Said) -> None:
        """Decides nothing: shows the present draft with the button that approves it."""
        case = await self._case(said)
        if case is not None:
            await self.cards.show(said.chat_id, case, said.speaker)

    async def reject(self, said: Said) -> None:
        case = await self._case(said)
        if case is None:
            return
        reason, note = (said.words[1].lower() if said.words[1:] else ""), " ".join(said.words[2:])
        if case.pending and reason == "other" and not note:
            await ask_for_reason(self._sender, said.chat_id, case.action)
        elif reason not in REJECT_REASONS and not case.pending:
            await self._tell(said, late(case.action))
        elif reason not in REJECT_REASONS:
            message_id = await self.cards.show(said.chat_id, case, said.speaker, note=say("why"))
            if message_id is not None and case.asks(said.speaker):
                keyboard = self.cards.keys(said.chat_id).reasons(case.action)
                await self._sender.buttons(said.chat_id, message_id, keyboard)
        else:
            await self._decide(said, case, "reject", reason=reason, note=note)

    async def work_off_reason(self, said: Said, answer: Answered) -> None:
        """The reason that was asked for; too late or empty, the action still waits."""
        try:
            await self._reject_with(said, answer)
        except GrowthError as error:
            await self._tell(said, str(error))

    async def _reject_with(self, said: Said, answer: Answered) -> None:
        if not answer.in_time:
            await self._tell(said, say("why_other_late", ref=answer.ref))
        elif not answer.text:
            await self._tell(said, say("why_other_empty"))
        else:
            case = await asyncio.to_thread(self.desk.case, answer.ref)
            fits = case.action["digest"].startswith(answer.digest)
            digest_seen = case.action["digest"] if fits else answer.digest
            await self._decide(said, case, "reject", digest_seen, reason="other", note=answer.text)

    async def defer(self, said: Said) -> None:
        case = await self._case(said)
        if case is not None:
            await self._decide(said, case, "defer", until=self._until(said, case))

    def _until(self, said: Said, case: Case) -> date:
        today = local_date(self.desk.now(), self.desk.settings.zone)
        word = said.words[1] if said.words[1:] else str(usual_days(self.desk.settings))
        try:
            return today + timedelta(days=int(word)) if word.isdigit() else date.fromisoformat(word)
        except (ValueError, OverflowError):
            raise GrowthError(say("defer_how", ref=case.action["ref"])) from None

    async def _decide(self, said: Said, case: Case, decision: Any, seen: str = "", **parts: Any) -> None:
        request = DecisionRequest(case.action["id"], decision, seen or case.action["digest"], **parts)
        result = await asyncio.to_thread(self.desk.decide, said.asker, request)
        await self._tell(said, result.message)

    async def status(self, said: Said) -> None:
        await self._sender.text(said.chat_id, await asyncio.to_thread(digest.status, self.desk))

    async def mute(self, said: Said) -> None:
        length = mute_length(" ".join(said.words))
        until = self.desk.now() + length if length else None
        await asyncio.to_thread(self._mute, said.asker, until)
        await self._tell(said, say("muted", until=self._moment(until)) if until else say("unmuted"))

    def _mute(self, asker: Asker, until: datetime | None) -> None:
        with self.desk.store.session() as session:
            session.get_one(ChatLink, asker.user_id).muted_until = until

    async def whoami(self, said: Said) -> None:
        link = await asyncio.to_thread(self.desk.link_of, said.asker)
        until = link.muted_until if link else None
        html = rendered(
            "whoami.html",
            self.desk.reader(),
            operator=said.speaker.operator,
            role=said.speaker.role,
            decides=said.speaker.decides,
            chat_id=said.chat_id,
            muted=self._moment(until) if until and until > self.desk.now() else "",
        )
        await self._sender.text(said.chat_id, html)

    async def unlink(self, said: Said) -> None:
        await asyncio.to_thread(self._unlink, said.asker)
        await self._tell(said, say("unlinked"))

    def _unlink(self, asker: Asker) -> None:
        with self.desk.store.session() as session:
            unlink_chat(session, asker.user_id, self.desk.now())

    async def help(self, said: Said) -> None:
        days = usual_days(self.desk.settings)
        html = rendered("help.html", self.desk.reader(), reasons=REJECT_REASONS, defer_days=days)
        await self._sender.text(said.chat_id, html)

    async def _case(self, said: Said) -> Case | None:
        """The action that the first word names. Raises NoSuchAction."""
        if not said.words:
            await self._tell(said, say("which", command=f"/{said.command}"))
            return None
        return await asyncio.to_thread(self.desk.case, said.words[0])

    async def _tell(self, said: Said, line: str) -> None:
        await self._sender.text(said.chat_id, as_html(cut(line, 1000)))

    def _moment(self, instant: datetime) -> str:
        return figures.moment(instant, ZoneInfo(self.desk.settings.zone))
