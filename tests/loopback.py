"""Clients of servers on this machine, without the certificate authorities of the world: reading those takes 40 ms
of a processor for each client, more than most requests of a test."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

# Trusts nobody; what is asked here speaks plain HTTP.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(base_url: str = "", **options: Any) -> httpx.Client:
    """An httpx client that nothing in the environment changes; ``options`` are httpx's own."""
    # httpx gives up after five seconds, which a busy machine can take to start a server's first answer.
    return httpx.Client(**{"timeout": 60.0, **options}, base_url=base_url, trust_env=False, verify=NO_AUTHORITIES)
