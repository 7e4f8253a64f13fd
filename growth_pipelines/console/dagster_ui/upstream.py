"""The way to Dagster's server: one request on its unix socket, answered piece by piece."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
from starlette.requests import Request
from starlette.types import Send

from growth_pipelines.console.dagster_ui.content_policy import policy_of
from growth_pipelines.defs.web_socket import MAY_WRITE
from growth_pipelines.errors import GrowthError

# Neither the session's cookie nor anything else that proves who asks.
_ASKED = ("accept", "accept-encoding", "if-modified-since", "if-none-match", "range")
_ANSWERED = (
    "accept-ranges",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
)
_KEEP = b"private, max-age=31536000, immutable"
# Their names carry a hash of what is in them.
_HASHED = "/_next/static/"
_CONNECT_SECONDS, _ANSWER_SECONDS = 2.0, 120.0


class DagsterSilent(GrowthError):
    """Dagster's server is down or busy; the rest of the console is not."""

    def __init__(self) -> None:
        super().__init__("Dagster does not answer.", "It is started again by itself; `growth status` shows it.")


class Upstream:
    """Dagster's server at ``socket``, with its path prefix."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        # It closes idle connections after 5 seconds; one that is about to be closed must not be taken.
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=3)
        # The socket speaks plain HTTP: reading the certificate authorities would take longer than all the rest.
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), limits=limits, verify=no_tls),
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS, pool=10),
        )

    async def forward(self, request: Request, send: Send, *, body: bytes | None, may_write: bool) -> None:
        """Ask Dagster the same and pass its answer on. Raises DagsterSilent.

        ``body`` is JSON that was looked through; it is sent in place of the request's own, without a query.
        """
        headers = [(name, request.headers[name]) for name in _ASKED if name in request.headers]
        headers += [(MAY_WRITE, "1")] if may_write else []
        headers += [("content-type", "application/json")] if body is not None else []
        # The path is sent as it was read and judged here, whatever way it was spelled.
        target = quote(request.scope["path"]).encode()
        if body is None and request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        url = httpx.URL("http://dagster").copy_with(raw_path=target)
        asked = self._client.build_request(request.method, url, headers=headers, content=body)
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx.TransportError as error:
            raise DagsterSilent from error
        try:
            start = {"status": answer.status_code, "headers": list(_headers(answer, request.scope["path"]))}
            await send({"type": "http.response.start", **start})
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()


def _headers(answer: httpx.Response, path: str) -> Iterator[tuple[bytes, bytes]]:
    """What of the answer's headers the browser gets; the console adds those that every answer carries."""
    for name in _ANSWERED:
        if name in answer.headers:
            yield name.encode(), answer.headers[name].encode("latin-1")
    if "location" in answer.headers:
        # Dagster knows no host but the socket.
        there = urlsplit(answer.headers["location"])
        yield b"location", (there.path + (f"?{there.query}" if there.query else "")).encode("latin-1")
    if policy := policy_of(answer.headers.get("content-security-policy", "")):
        yield b"content-security-policy", policy.encode()
    if _HASHED in path and answer.is_success:
        yield b"cache-control", _KEEP
