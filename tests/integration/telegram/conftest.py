"""The bot, running over a store of its own, against a local Bot API server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.chats import link_chat, new_code
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent
from growth_pipelines.telegram.bot import ChatBot, Pace
from tests.drafts import NOW, settings_in, with_operator
from tests.new_stores import new_store
from tests.telegram_server import TOKEN, TelegramServer, telegram_server

BO, EVA, STRANGER = 1001, 1002, 6666
QUICK = Pace(poll=1, listen=0.05, settle=0.05, spacing=0, after_failure=0.05)


@dataclass
class MovableClock:
    """Stands still until it is moved."""

    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant

    def move(self, **by: int) -> None:
        self.instant += timedelta(**by)


@dataclass
class Scene:
    """A store with operators bo and eva, whose chats are linked, and what is needed to play them."""

    store: Store
    settings: Settings
    telegram: TelegramServer
    clock: MovableClock = field(default_factory=MovableClock)

    def link(self, operator: str, account: int) -> None:
        with self.store.session() as session:
            code = new_code(session, operator, self.clock.now()).code
        link_chat(self.store, code, account, account, self.clock.now())

    def action(self, action: Action) -> Action:
        with self.store.read() as session:
            return find(session, action.id)

    def events(self, event: str) -> list[AuditEvent]:
        with self.store.read() as session:
            return list(session.query(AuditEvent).where(AuditEvent.event == event).order_by(AuditEvent.seq))

    @contextmanager
    def bot(self) -> Iterator[ChatBot]:
        """The bot, polling and listening in a thread of its own."""
        started: Future[tuple[ChatBot, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        async def run() -> None:
            stop = asyncio.Event()
            bot = ChatBot(self.settings, self.clock, QUICK)
            async with bot.running(stop):
                started.set_result((bot, asyncio.get_running_loop(), stop))
                await bot.poll(stop)

        ended: Future[None] = Future()

        def main() -> None:
            try:
                asyncio.run(run())
            except BaseException as error:
                if not started.done():
                    started.set_exception(error)
                ended.set_exception(error)
            else:
                ended.set_result(None)

        thread = threading.Thread(target=main)
        thread.start()
        bot, loop, stop = started.result(timeout=20)
        try:
            yield bot
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(timeout=20)
            ended.result(timeout=0)


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with telegram_server() as server:
        yield server


def settings_for(home: Path, server: TelegramServer, **more: str) -> Settings:
    environment = {
        "GROWTH_TELEGRAM__BASE_URL": server.base_url,
        "GROWTH_TELEGRAM__BOT_TOKEN": TOKEN,
        "GROWTH_TELEGRAM__ALLOWED_CHATS": f"{BO},{EVA},-500",
        "GROWTH_TELEGRAM__CONSOLE_URL": "https://console.example.com",
        "GROWTH_SHOP__CURRENCY": "USD",
        **more,
    }
    return settings_in(home, **environment)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, telegram: TelegramServer) -> Scene:
    """On SQLite; by ``parametrize("scene", …, indirect=True)`` on PostgreSQL, or with other settings."""
    asked = getattr(request, "param", "sqlite")
    more = dict(asked) if isinstance(asked, dict) else {}
    if asked == "postgresql":
        more["GROWTH_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    settings = settings_for(tmp_path, telegram, **more)
    store = new_store(settings)
    made = Scene(store, settings, telegram)
    for name, account in (("bo", BO), ("eva", EVA)):
        with_operator(store, settings, name)
        made.link(name, account)
    # The day's digest is out already.
    from growth_pipelines.telegram import digest

    with store.session() as session:
        digest.note_sent(session, NOW.date(), NOW)
    return made


@pytest.fixture
def bot(scene: Scene) -> Iterator[ChatBot]:
    with scene.bot() as running:
        yield running
