"""The bot: hears Telegram by long polling or by webhook, works off each update once, and tells what is new.

Updates are worked off one after the other. One that fails is answered where possible and left behind: nothing
is asked for twice, whatever it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from telegram import Message, Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    ContextTypes,
    MessageHandler,
    filters,
)
from telegram.request import HTTPXRequest

from growth_pipelines.clock import Clock
from growth_pipelines.errors import CredentialRefused
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store, StoreUnavailable
from growth_pipelines.telegram.buttons import key_of
from growth_pipelines.telegram.cards import Cards
from growth_pipelines.telegram.clicks import Clicks
from growth_pipelines.telegram.commands import Commands, Said
from growth_pipelines.telegram.desk import Asker, Desk
from growth_pipelines.telegram.heartbeat import Heartbeat, write_heartbeat
from growth_pipelines.telegram.listener import Listener
from growth_pipelines.telegram.messages import say
from growth_pipelines.telegram.reasons import answered
from growth_pipelines.telegram.sending import Sender
from growth_pipelines.telegram.strangers import Strangers
from growth_pipelines.telegram.updates import Mark, last_mark, note_mark
from growth_pipelines.telemetry import logger, mask

HEARD = [Update.MESSAGE, Update.CALLBACK_QUERY]
_log = logger("telegram")
# Less than the supervisor waits before it kills.
_LAST_WORDS = 5.0


@dataclass(frozen=True)
class Pace:
    """Seconds: of a long poll, between looks at the outbox and at what is stale, between messages to one chat,
    after a failure.
    """

    poll: int = 25
    listen: float = 2.0
    settle: float = 30.0
    spacing: float = 1.0
    after_failure: float = 5.0


@dataclass
class ChatBot:
    """Build it, enter :meth:`running`, then :meth:`poll`, or feed :meth:`work_off` with the webhook's updates."""

    settings: Settings
    clock: Clock
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        key = key_of(self.settings)
        self.desk = Desk(Store.of(self.settings), self.settings, self.clock)
        self.application = _application(self.settings, self.pace)
        self.cards = Cards(self.desk, Sender(self.application.bot, self.pace.spacing), key)
        self.commands, self.clicks = Commands(self.desk, self.cards), Clicks(self.desk, self.cards)
        self.listener = Listener(self.desk, self.cards, self.pace.listen, self.pace.settle)
        self.strangers = Strangers(self.desk, key)
        self.heartbeat = Heartbeat()
        self._mark: Mark | None = None
        self._turn = asyncio.Lock()
        self._beating: asyncio.Task[None] | None = None
        self.application.add_handler(CallbackQueryHandler(self._on_click))
        self.application.add_handler(MessageHandler(filters.ALL, self._on_message))
        self.application.add_error_handler(self._on_error)

    @asynccontextmanager
    async def running(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Connected to Telegram, and telling what is new, until ``stop``. Raises CredentialRefused."""
        await self._connect(stop)
        self._mark = await asyncio.to_thread(last_mark, self.desk)
        await asyncio.to_thread(self.listener.begin)
        listening = asyncio.create_task(self.listener.run(stop))
        # A listener that ends by a fault takes the program with it, which is started anew.
        listening.add_done_callback(lambda _: stop.set())
        try:
            yield
        finally:
            stop.set()
            if self._beating is not None:
                self._beating.cancel()
            await _ended(listening)
            await self.application.shutdown()

    async def _connect(self, stop: asyncio.Event) -> None:
        """Telegram may be away when the machine starts; a token that it doesn't know stays unknown."""
        while True:
            try:
                await self.application.initialize()
                break
            except InvalidToken:
                # Its message holds the token.
                self._beat(failure="the token was refused")
                raise CredentialRefused(
                    "Telegram doesn't know this bot's token.",
                    "Set GROWTH_TELEGRAM__BOT_TOKEN as BotFather gave it.",
                ) from None
            except TelegramError as error:
                await self._failed(error, stop)
                if stop.is_set():
                    raise
        self.heartbeat = replace(self.heartbeat, username=self.application.bot.username)
        self._beat(reached=True)

    async def poll(self, stop: asyncio.Event) -> None:
        """Ask Telegram for updates until ``stop``."""
        ended = asyncio.create_task(stop.wait())
        await self._end_webhook()
        while not stop.is_set():
            asked = asyncio.create_task(self._updates())
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                asked.cancel()
                break
            try:
                updates = asked.result()
            except TelegramError as error:
                await self._failed(error, stop)
                continue
            self._beat(reached=True)
            for update in updates:
                await self.work_off(update)

    async def be_called(self, url: str, secret: str, stop: asyncio.Event) -> None:
        """Ask Telegram to call ``url`` with each update, and look at intervals whether it is still there."""
        await self.application.bot.set_webhook(url, secret_token=secret, allowed_updates=HEARD)
        self._beating = asyncio.create_task(self._beat_on())
        self._beating.add_done_callback(lambda _: stop.set())

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(self.pace.poll)
            try:
                await self.application.bot.get_me()
                self._beat(reached=True)
            except TelegramError as error:
                self._beat(failure=mask(str(error)))

    async def _end_webhook(self) -> None:
        """A webhook of an earlier mode would keep every update away."""
        try:
            await self.application.bot.delete_webhook()
        except TelegramError as error:
            _log.warning("webhook not ended", why=mask(str(error)))

    async def _updates(self) -> tuple[Update, ...]:
        return await self.application.bot.get_updates(
            offset=self._mark.offset(self.desk.now()) if self._mark else None,
            timeout=self.pace.poll,
            allowed_updates=HEARD,
        )

    async def _failed(self, error: TelegramError, stop: asyncio.Event) -> None:
        wait = self.pace.after_failure
        if isinstance(error, RetryAfter):
            asked = error.retry_after
            wait = max(wait, asked if isinstance(asked, int) else asked.total_seconds())
        why = "another program asks for this bot's updates" if isinstance(error, Conflict) else mask(str(error))
        level = _log.info if isinstance(error, NetworkError) else _log.warning
        level("Telegram can't be reached", why=why)
        self._beat(failure=why)
        try:
            await asyncio.wait_for(stop.wait(), wait)
        except TimeoutError:
            return

    async def work_off(self, update: Update) -> None:
        """Hand one update to its handler, unless it was worked off before; its number is noted either way."""
        async with self._turn:
            if self._mark is not None and self._mark.covers(update.update_id, self.desk.now()):
                return
            await self.application.process_update(update)
            self._mark = Mark(update.update_id, self.desk.now())
            try:
                await asyncio.to_thread(note_mark, self.desk, self._mark)
            except StoreUnavailable as error:
                # The next update's number covers this one's.
                _log.warning("update not noted", why=error.message)

    async def _on_click(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        assert query is not None
        asker = Asker(query.from_user.id, query.message.chat.id if query.message else 0)
        speaker = await asyncio.to_thread(self.desk.speaker, asker)
        if speaker is None:
            await asyncio.to_thread(self.strangers.refuse, asker, "button")
            await self.cards.sender.answer(query.id)
            return
        await self.clicks.work_off(query, asker, speaker)

    async def _on_message(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.message
        if message is None or message.from_user is None or message.from_user.is_bot:
            return
        asker = Asker(message.from_user.id, message.chat.id)
        command, words = _command(message, self.application.bot.username)
        speaker = await asyncio.to_thread(self.desk.speaker, asker)
        links = command == "link" or (command == "start" and (words or speaker is None))
        if links and self.desk.allows(asker.chat_id):
            await self.commands.link(asker, words[0] if words else "")
            return
        if speaker is None:
            await asyncio.to_thread(self.strangers.refuse, asker, "command" if command else "message")
            return
        said = Said(asker, speaker, command, words)
        answer = answered(message, self.application.bot.id)
        if answer is not None and not command:
            await self.commands.work_off_reason(said, answer)
        elif command or asker.private:
            await self.commands.work_off(said)

    async def _on_error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Whatever went wrong with one update ends with it."""
        error = context.error
        _log.error("update failed", kind=type(error).__name__, why=mask(str(error)))
        if isinstance(update, Update) and update.callback_query is not None:
            await self.cards.sender.answer(update.callback_query.id, say("busy"), alert=True)

    def _beat(self, *, reached: bool = False, failure: str = "") -> None:
        """Leave a sign of life, not more often than anyone looks."""
        now, before = datetime.now(UTC), self.heartbeat
        knocked = self.strangers.knocked()
        self.heartbeat = replace(
            before, reached_at=now if reached else before.reached_at, failure=failure, knocked=knocked
        )
        write_heartbeat(self.settings, self.heartbeat)


async def _ended(listening: asyncio.Task[None]) -> None:
    """Let it finish what it sends; what takes longer is cut off, and told after the next start."""
    await asyncio.wait({listening}, timeout=_LAST_WORDS)
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


def _command(message: Message, username: str) -> tuple[str, tuple[str, ...]]:
    """(command, words) of a message; no command where there is none, or where it is another bot's."""
    words = (message.text or "").split()
    if not words or not words[0].startswith("/"):
        return "", ()
    command, _, whose = words[0][1:].partition("@")
    if whose and whose.lower() != username.lower():
        return "", ()
    return command.lower(), tuple(words[1:])


def _application(settings: Settings, pace: Pace) -> Application[Any, Any, Any, Any, Any, Any]:
    """PTB's application over this machine's way to reach the network, which heeds no proxy of the environment."""
    base = settings.telegram.base_url.rstrip("/")
    direct = {"trust_env": False}
    return (
        ApplicationBuilder()
        .token(settings.telegram.bot_token.get_secret_value())
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .request(HTTPXRequest(connection_pool_size=8, read_timeout=20, httpx_kwargs=direct))
        .get_updates_request(HTTPXRequest(connection_pool_size=1, read_timeout=10, httpx_kwargs=direct))
        .updater(None)
        .build()
    )
