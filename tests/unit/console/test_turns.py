"""Pages in turns, asked for over the real framework: routes that run in threads, as the console's do."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse

from growth_pipelines.console import turns
from growth_pipelines.console.turns import AT_ONCE, Turns, in_turn


class Pages:
    """An application whose slow page is drawn until ``done`` is set; ``most`` were under way together."""

    def __init__(self) -> None:
        self.done, self.under_way, self.most, self._lock = threading.Event(), 0, 0, threading.Lock()
        self.app = FastAPI(dependencies=[Depends(in_turn, scope="function")])
        self.app.state.turns = Turns({("GET", "/exempt")})
        self.app.get("/slow")(self.slow)
        self.app.get("/exempt")(self.quick)
        self.app.post("/change")(self.quick)
        self.app.get("/broken")(self.broken)
        self.app.get("/file")(self.file)

    def slow(self) -> str:
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        self.done.wait(20)
        with self._lock:
            self.under_way -= 1
        return "drawn"

    def quick(self) -> str:
        return "at once"

    def broken(self) -> str:
        raise RuntimeError("broken")

    def file(self) -> StreamingResponse:
        def lines() -> Iterator[str]:
            yield self.slow()

        return StreamingResponse(lines())

    @asynccontextmanager
    async def asked(self, path: str, number: int) -> AsyncIterator[tuple[httpx.AsyncClient, list[asyncio.Task]]]:
        """So many have asked for ``path`` and wait; the client asks for more."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://console", timeout=30) as client:
            waiting = [asyncio.create_task(client.get(path)) for _ in range(number)]
            while self.under_way < min(number, AT_ONCE):
                await asyncio.sleep(0.005)
            yield client, waiting
            self.done.set()
            assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200] * number


def test_no_more_are_drawn_at_once_and_all_are_drawn() -> None:
    pages = Pages()

    async def ask() -> None:
        async with pages.asked("/slow", 8):
            await asyncio.sleep(0.2)
            assert pages.under_way == AT_ONCE

    asyncio.run(ask())
    assert pages.most == AT_ONCE


def test_a_change_and_what_is_exempt_wait_for_no_page() -> None:
    pages = Pages()

    async def ask() -> None:
        async with pages.asked("/slow", 4) as (client, _):
            answers = await asyncio.gather(client.post("/change"), client.get("/exempt"))
            assert [answer.json() for answer in answers] == ["at once", "at once"]
            assert pages.under_way == AT_ONCE

    asyncio.run(ask())


def test_who_has_waited_long_enough_begins_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.3)
    pages = Pages()

    async def ask() -> None:
        begun = time.monotonic()
        async with pages.asked("/slow", 5):
            while pages.under_way < 5:
                await asyncio.sleep(0.005)
            assert time.monotonic() - begun >= 0.3

    asyncio.run(ask())


def test_a_page_that_breaks_gives_its_turn_back() -> None:
    pages = Pages()

    async def ask() -> None:
        begun = time.monotonic()
        async with pages.asked("/slow", 0) as (client, _):
            answers = await asyncio.gather(*(client.get("/broken") for _ in range(4 * AT_ONCE)))
        assert [answer.status_code for answer in answers] == [500] * len(answers)
        assert time.monotonic() - begun < turns.PATIENCE_SECONDS

    asyncio.run(ask())


def test_a_file_that_is_still_sent_keeps_no_turn() -> None:
    pages = Pages()

    async def ask() -> None:
        async with pages.asked("/file", 4):
            while pages.under_way < 4:
                await asyncio.sleep(0.005)

    begun = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - begun < turns.PATIENCE_SECONDS
