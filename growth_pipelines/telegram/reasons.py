"""Asking why something is rejected, where none of the ready reasons fits.

What is asked about stands in the question itself, which the bot wrote and Telegram hands back with the answer: a
restart in between loses nothing, and nobody can put words into it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram import ForceReply, Message

from growth_pipelines.telegram.messages import as_html, say
from growth_pipelines.telegram.sending import Sender

# Without an answer in this time the action still waits.
ANSWER_WITHIN = timedelta(minutes=5)
# 128 bits of the draft's digest, as a person can bear to see them; fewer, of questions of before, decide nothing.
_DIGITS = 32


@dataclass(frozen=True)
class Answered:
    """An answer to such a question: about which action and draft, and whether it came in time."""

    ref: str
    digest: str
    text: str
    in_time: bool


async def ask_for_reason(sender: Sender, chat_id: int, action: Mapping[str, Any]) -> None:
    """Ask; the chat opens an answer to the question by itself."""
    question = say("why_other", ref=action["ref"], digest=action["digest"][:_DIGITS])
    await sender.text(chat_id, as_html(question), ForceReply(input_field_placeholder=say("why")))


def answered(message: Message, bot_id: int) -> Answered | None:
    """What a message answers, or None when it answers no such question of this bot."""
    question = message.reply_to_message
    if question is None or question.from_user is None or question.from_user.id != bot_id:
        return None
    found = _pattern().fullmatch(question.text or "")
    if found is None:
        return None
    in_time = message.date - question.date <= ANSWER_WITHIN and len(found["digest"]) == _DIGITS
    return Answered(found["ref"], found["digest"], (message.text or "").strip(), in_time)


def _pattern() -> re.Pattern[str]:
    """The question with its two places open."""
    spelled = re.escape(say("why_other", ref="REF", digest="DIGEST"))
    return re.compile(
        spelled.replace("REF", r"(?P<ref>\w+)").replace("DIGEST", rf"(?P<digest>[0-9a-f]{{8,{_DIGITS}}})")
    )
