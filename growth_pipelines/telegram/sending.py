"""Calls to Telegram: HTML without previews, tried again as Telegram asks, and given up where that is of no use."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from telegram import Bot, ForceReply, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.telegram.messages import ANSWER_LIMIT, CAPTION_LIMIT, cut
from growth_pipelines.telemetry import logger, mask
from growth_pipelines.transport import RetryPolicy

T = TypeVar("T")
# These stay as they are, however often they are asked again.
_TERMINAL = (BadRequest, Forbidden, ChatMigrated, InvalidToken)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
# A longer wait than this is left to the next look at what is to be sent.
_LONGEST_WAIT = 30.0


class Undeliverable(GrowthError):
    """Telegram refuses this for good: blocked, chat gone, message gone, query too old."""


def _seconds(wait: int | timedelta) -> float:
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


@dataclass
class Sender:
    """Sends and edits. ``spacing``: seconds between two messages to a chat; Telegram takes about one a second."""

    bot: Bot
    spacing: float = 1.0
    policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(base=0.5, ceiling=8.0, attempts=4))
    _free_at: dict[int, float] = field(default_factory=dict, init=False)

    async def text(
        self,
        chat_id: int,
        html: str,
        keyboard: InlineKeyboardMarkup | ForceReply | None = None,
        *,
        loud: bool = False,
    ) -> int:
        """Send a message; its id."""
        await self._space(chat_id)
        message = await self._patiently(
            lambda: self.bot.send_message(
                chat_id,
                html,
                parse_mode=ParseMode.HTML,
                link_preview_options=_NO_PREVIEW,
                disable_notification=not loud,
                reply_markup=keyboard,
            )
        )
        return message.message_id

    async def photo(self, chat_id: int, png: bytes, caption: str) -> None:
        """Send a picture, silently."""
        await self._space(chat_id)
        await self._patiently(
            lambda: self.bot.send_photo(
                chat_id, png, caption=cut(caption, CAPTION_LIMIT), disable_notification=True, filename="chart.png"
            )
        )

    async def edit(
        self, chat_id: int, message_id: int, html: str, keyboard: InlineKeyboardMarkup | None = None
    ) -> None:
        """Replace a message's text; without a keyboard its buttons go."""
        await self._patiently(
            lambda: self.bot.edit_message_text(
                html,
                chat_id,
                message_id,
                parse_mode=ParseMode.HTML,
                link_preview_options=_NO_PREVIEW,
                reply_markup=keyboard,
            )
        )

    async def buttons(self, chat_id: int, message_id: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Replace a message's buttons, or take them away."""
        await self._patiently(
            lambda: self.bot.edit_message_reply_markup(chat_id, message_id, reply_markup=keyboard)
        )

    async def answer(self, query_id: str, said: str = "", *, alert: bool = False) -> None:
        """End a tap's waiting sign; a query that is too old has none any more."""
        try:
            await self._patiently(
                lambda: self.bot.answer_callback_query(query_id, cut(said, ANSWER_LIMIT) or None, show_alert=alert)
            )
        except GrowthError as error:
            logger("telegram").info("tap not answered", why=error.message)

    async def _space(self, chat_id: int) -> None:
        clock = asyncio.get_running_loop().time
        free_at = max(clock(), self._free_at.get(chat_id, 0.0))
        self._free_at[chat_id] = free_at + self.spacing
        await asyncio.sleep(max(0.0, free_at - clock()))

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's answer. Raises Undeliverable, or TransientError when patience is used up."""
        for attempt in range(self.policy.attempts):
            asked: float | None = None
            last: TelegramError
            try:
                return await call()
            except _TERMINAL as error:
                raise Undeliverable(f"Telegram refuses: {mask(str(error))}.") from None
            except RetryAfter as error:
                asked, last = _seconds(error.retry_after), error
            except NetworkError as error:
                last = error
            except TelegramError as error:
                raise Undeliverable(f"Telegram refuses: {mask(str(error))}.") from None
            if (asked or 0) > _LONGEST_WAIT or attempt + 1 == self.policy.attempts:
                break
            await asyncio.sleep(self.policy.wait_before(attempt, asked, random.random))
        raise TransientError(f"Telegram: {mask(str(last))}.", "It is tried again later.", asked)


def is_unchanged(error: Undeliverable) -> bool:
    """Whether an edit was refused because the message says so already."""
    return "not modified" in error.message.lower()
