"""Every answer of the API says under which trace it is logged and when it was made.

Pure ASGI, outside of the guard, so that what the guard refuses is stamped too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRACE, TIME = "x-trace-id", "x-generated-at"


class Stamps:
    """Adds ``X-Trace-Id`` and ``X-Generated-At`` to the answers under ``/api/``."""

    def __init__(self, app: ASGIApp, now: Callable[[], datetime]) -> None:
        self.app = app
        self.now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return

        async def send_stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[TRACE] = str(scope.get("state", {}).get("trace_id", ""))
                headers[TIME] = self.now().isoformat()
            await send(message)

        await self.app(scope, receive, send_stamped)


def stamp(request: Request, now: datetime) -> dict[str, str]:
    """The same for the body of an answer."""
    return {"trace_id": str(request.scope["state"]["trace_id"]), "generated_at": now.isoformat()}
