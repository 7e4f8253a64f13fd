"""The other way to hear Telegram: it calls this route, with a secret that was agreed on when the bot started.

It listens on loopback; the proxy that ends TLS for ``webhook_url`` passes the calls on.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from telegram import Update

from growth_pipelines.errors import SettingsError
from growth_pipelines.settings import Settings
from growth_pipelines.telegram.bot import ChatBot

PATH = "/telegram"
_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
_MOST_BYTES = 1_000_000


def webhook_app(bot: ChatBot, end: Callable[[], None]) -> FastAPI:
    """One route for Telegram, nothing else. ``end`` is called when the bot has stopped by itself: the server is to
    end then too, so that both are started anew. Raises SettingsError for an unfit secret or address.
    """
    secret = checked_secret(bot.settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with bot.running(stop):
            await bot.be_called(bot.settings.telegram.webhook_url, secret, stop)
            watching = asyncio.create_task(_then(stop, end))
            yield
            watching.cancel()

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    @app.post(PATH)
    async def called(request: Request) -> Response:
        given = request.headers.get(_SECRET, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode()):
            return Response(status_code=401)
        if int(request.headers.get("content-length") or _MOST_BYTES + 1) > _MOST_BYTES:
            return Response(status_code=413)
        try:
            update = Update.de_json(await request.json(), bot.application.bot)
        except (ValueError, TypeError, KeyError, AttributeError):
            return Response(status_code=400)
        await bot.work_off(update)
        return Response(status_code=200)

    return app


async def _then(stop: asyncio.Event, end: Callable[[], None]) -> None:
    await stop.wait()
    end()


def checked_secret(settings: Settings) -> str:
    """The webhook's secret. Raises SettingsError when it or the address won't do."""
    telegram = settings.telegram
    secret = telegram.webhook_secret.get_secret_value()
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", secret):
        raise SettingsError(
            "GROWTH_TELEGRAM__WEBHOOK_SECRET must be 16 to 256 of A-Z, a-z, 0-9, _ and -.", "Make a random one."
        )
    if not telegram.webhook_url.startswith("https://"):
        raise SettingsError(
            "GROWTH_TELEGRAM__WEBHOOK_URL must be an https address.", "Telegram calls no other; or use polling."
        )
    return secret
