"""Pages are drawn in turns: two at once, first come first served.

Python draws one page at a time anyway. When many are begun together each of them waits for all the others, and all
are late; in turns most are early. Two may be under way, as one draws while the other waits for the store. Whoever
has waited ``PATIENCE_SECONDS`` begins all the same: two slow pages must not hold up the rest for longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager

from fastapi import Request

AT_ONCE = 2
PATIENCE_SECONDS = 1.0


class Turns:
    """The turns of one application's readers. What changes something never waits, nor do ``exempt`` requests.

    ``exempt``: (method, path) of what visitors of the shop or a supervisor ask for.
    """

    def __init__(self, exempt: Set[tuple[str, str]] = frozenset()) -> None:
        self._exempt = exempt
        self._free = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def taken(self, request: Request) -> AsyncIterator[None]:
        """While the request has its turn, if it needs one."""
        reads = request.method in ("GET", "HEAD") and (request.method, request.url.path) not in self._exempt
        if not reads or not await self._has_turn():
            yield
            return
        try:
            yield
        finally:
            self._free.release()

    async def _has_turn(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._free.acquire()
        except TimeoutError:
            return False


async def in_turn(request: Request) -> AsyncIterator[None]:
    """A dependency of every route: the :class:`Turns` of the application that was asked."""
    turns: Turns = request.app.state.turns
    async with turns.taken(request):
        yield
