"""What every request passes: the host it names, where it comes from, how big it is; what every answer carries.

Pure ASGI, outside of every route, so that none can be added without it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from growth_pipelines.settings import Settings
from growth_pipelines.telemetry import logger, trace

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 256 * 1024
MAX_PUBLIC_BODY = 16 * 1024
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "microphone=(), midi=(), payment=(), usb=()",
    "cache-control": "no-store",
}
# Said over TLS only: a browser heeds it nowhere else.
TLS_ONLY = {"strict-transport-security": "max-age=31536000"}


def headers_for(scheme: str) -> dict[str, str]:
    """What every answer carries over this scheme."""
    return {**HEADERS, **TLS_ONLY} if scheme == "https" else HEADERS


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names that a request may address this server by: loopback, the one it listens on, those set."""
    host = settings.console.host
    own = {host} if host not in ("0.0.0.0", "::") else set()  # noqa: S104 - compared with, not listened on
    return LOOPBACK | own | {name.lower() for name in settings.console.allowed_hosts}


def host_name(header: str) -> str:
    """The name in a Host header, without port and brackets, lower case; empty when it isn't one."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


class Guard:
    """Refuses foreign hosts (DNS rebinding), cross-site writes and oversized bodies; sets the headers; logs.

    ``public`` are the requests (method, whole path) that anyone may make under any name and from any site. Only
    the length of their body is looked at, and they are not logged, so that strangers can't fill the log.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], public: Iterable[tuple[str, str]] = ()) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.public = frozenset(public)
        self.log = logger("console")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # There are no web sockets here: whatever asks for one is refused by the router.
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(scope["scheme"]).items():
                    headers.setdefault(name, value)
            await send(message)

        with trace() as trace_id:
            scope.setdefault("state", {})["trace_id"] = trace_id
            refused = self.refusal(scope)
            await (refused or self.app)(scope, receive, send_guarded)
            if self.is_public(scope):
                return
            # Never the query: it may hold a one-time link's token.
            self.log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    def is_public(self, scope: Scope) -> bool:
        return (scope["method"], scope["path"]) in self.public

    def refusal(self, scope: Scope) -> JSONResponse | None:
        """The answer that ends the request here, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        is_public = self.is_public(scope)
        if not is_public and host_name(host) not in self.hosts:
            return _refuse(400, f"The console does not answer to the name {host_name(host)!r}.")
        if scope["method"] in SAFE_METHODS:
            return None
        if not is_public and not came_from_here(headers, host):
            return _refuse(403, "The request comes from another site.")
        return _too_long(headers, MAX_PUBLIC_BODY if is_public else MAX_BODY)


def came_from_here(headers: Headers, host: str) -> bool:
    """Whether a write was made by our own page, or by a client that is no browser."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        # Set by the browser itself; a page can't forge it.
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


def _too_long(headers: Headers, limit: int) -> JSONResponse | None:
    length = headers.get("content-length")
    if length is None or not length.isdigit():
        return _refuse(411, "The request does not say how long it is.")
    if int(length) > limit:
        return _refuse(413, f"The request is longer than {limit // 1024} KB.")
    return None


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse(
        {"title": message, "status": status}, status_code=status, media_type="application/problem+json"
    )
