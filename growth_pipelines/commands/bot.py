"""The Telegram bot as one of the machine's programs: how it is run, and how it is doing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

if TYPE_CHECKING:
    from growth_pipelines.commands.supervision import Program

BOT = "telegram"


def bot_programs(settings: Settings, environment: Mapping[str, str]) -> list[Program]:
    """The bot's program; none without a token."""
    from growth_pipelines.commands.supervision import Program

    if not settings.telegram.on:
        return []
    return [Program(BOT, (sys.executable, "-m", "growth_pipelines.telegram"), environment)]


def bot_names(settings: Settings) -> tuple[str, ...]:
    """The names of :func:`bot_programs`."""
    return (BOT,) if settings.telegram.on else ()


def bot_state(settings: Settings) -> str:
    """``running`` if Telegram has answered the live bot lately, else what is wrong."""
    from growth_pipelines.telegram.heartbeat import read_heartbeat

    heartbeat = read_heartbeat(settings)
    return heartbeat.state(datetime.now(UTC), settings.zone) if heartbeat else "no answer from Telegram yet"


def token_is_known(settings: Settings) -> str:
    """The bot's name, as Telegram has it. Raises GrowthError, whose message holds no token."""
    from growth_pipelines.transport import Transport, json_object

    token = settings.telegram.bot_token.get_secret_value()
    with Transport(settings.telegram.base_url.rstrip("/"), timeout=8) as transport:
        answer = json_object(transport.request("GET", f"/bot{token}/getMe"))
    try:
        name: str = answer["result"]["username"]
    except (KeyError, TypeError):
        raise GrowthError("Telegram's answer names no bot.", "Check GROWTH_TELEGRAM__BASE_URL.") from None
    return name
