"""``python -m growth_pipelines.telegram``: run the bot until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.telemetry import configure_logging, mask


class _Masked(logging.Formatter):
    """Lines of the libraries, whose addresses and errors hold the bot's token."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def main() -> int:
    """Run. An expected failure is one clear line and exit code 1."""
    try:
        settings = load_settings()
        configure_logging(settings.home / "logs", settings.log_level)
        if not settings.telegram.on:
            raise SettingsError("There is no bot: GROWTH_TELEGRAM__BOT_TOKEN is not set.", "BotFather gives one.")
        quieten_libraries()
        if settings.telegram.mode == "webhook":
            return _serve(settings)
        asyncio.run(_poll(settings))
    except GrowthError as error:
        sys.stderr.write(f"growth: {mask(str(error))}\n")
        return 1
    return 0


def quieten_libraries() -> None:
    """Warnings of the libraries only, with tokens masked: at INFO each request's address would be a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Masked("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def _poll(settings: Settings) -> None:
    from growth_pipelines.telegram.bot import ChatBot

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bot = ChatBot(settings, settings.clock)
    async with bot.running(stop):
        await bot.poll(stop)


def _serve(settings: Settings) -> int:
    """Serve until SIGTERM; 1 when the bot has stopped by itself."""
    import uvicorn

    from growth_pipelines.telegram.bot import ChatBot
    from growth_pipelines.telegram.webhook import webhook_app

    ended = False

    def end() -> None:
        nonlocal ended
        ended = server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            webhook_app(ChatBot(settings, settings.clock), end),
            host="127.0.0.1",
            port=settings.telegram.webhook_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            log_config=None,
        )
    )
    server.run()
    return int(ended or not server.started)


if __name__ == "__main__":
    sys.exit(main())
