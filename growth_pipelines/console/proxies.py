"""What a reverse proxy says about a request, believed only from the addresses in the settings.

From them ``X-Forwarded-For``, ``-Proto`` and ``-Host`` replace what the connection itself shows, and one header
may name who the proxy has signed in. From anybody else these headers are taken away before a route sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from growth_pipelines.telemetry import logger

FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded")
_USER = "proxy_user"


class TrustedProxies:
    """Pure ASGI, the outermost of all: host, scheme and client are right for everything behind it."""

    def __init__(self, app: ASGIApp, networks: Sequence[str] = (), user_header: str = "") -> None:
        self.app = app
        self.networks = [ip_network(text) for text in networks]
        self.user_header = user_header.lower().encode()
        self.log = logger("console")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            self._settle(scope)
        await self.app(scope, receive, send)

    def _settle(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        peer = (scope.get("client") or ("", 0))[0]
        trusted = self.trusts(peer)
        named = headers.getlist(self.user_header.decode()) if self.user_header else []
        # A name that was sent twice was not set by the proxy alone.
        user = named[0].strip() if trusted and len(named) == 1 else ""
        if named and not user:
            self.log.warning("proxy user ignored", client=peer, path=scope["path"])
        scope.setdefault("state", {})[_USER] = user
        if trusted:
            self._believe(scope, headers)
        dropped = {*FORWARDED, self.user_header}
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in dropped]

    def _believe(self, scope: Scope, headers: Headers) -> None:
        scheme = _last(headers.getlist("x-forwarded-proto"))
        if scheme in ("http", "https"):
            scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
        host = _last(headers.getlist("x-forwarded-host"))
        if host:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [*others, (b"host", host.encode("latin-1", "replace"))]
        # Each proxy adds whom it was asked by at the end; what a stranger put before it is their own claim.
        hops = [hop.strip() for hop in ",".join(headers.getlist("x-forwarded-for")).split(",") if hop.strip()]
        strangers = [hop for hop in hops if not self.trusts(hop)]
        if hops:
            scope["client"] = (strangers[-1] if strangers else hops[0], 0)

    def trusts(self, address: str) -> bool:
        """Whether it is the address of a proxy of ours."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self.networks)


def proxy_user(request: Request) -> str:
    """Whom a trusted proxy names as signed in; empty without one."""
    return str(request.scope.get("state", {}).get(_USER, ""))


def _last(values: list[str]) -> str:
    return values[-1].rpartition(",")[2].strip().lower() if values else ""
