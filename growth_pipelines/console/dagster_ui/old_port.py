"""Dagster's address of before: whoever opens it is sent to the console, for one release."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from growth_pipelines.settings import Settings
from growth_pipelines.telemetry import logger


@contextmanager
def old_port(settings: Settings) -> Iterator[None]:
    """Redirect from ``GROWTH_DAGSTER__PORT`` on loopback while the block runs; 0 means no port. One that is taken
    is logged and left alone: nothing depends on it."""
    from growth_pipelines.defs.web_socket import PREFIX

    if settings.dagster.port == 0:
        yield
        return
    target = f"{settings.console.url}{PREFIX}"
    try:
        server = ThreadingHTTPServer(("127.0.0.1", settings.dagster.port), _redirecting(target))
    except OSError as error:
        logger("console").warning("no redirect", port=settings.dagster.port, why=error.strerror)
        yield
        return
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def _redirecting(target: str) -> type[BaseHTTPRequestHandler]:
    class Redirecting(BaseHTTPRequestHandler):
        """Sends every request to the same page of Dagster at ``target``, to be read there: a change is not taken
        along. Nothing of it is answered here, whatever name it was asked by."""

        timeout = 5
        server_version, sys_version = "growth", ""

        def redirect(self) -> None:
            path = self.path if self.path.startswith("/") else "/"
            self.send_response(303)
            self.send_header("location", target + path)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_POST = redirect  # noqa: N815 - the names that the base class looks for

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the console logs what arrives there."""

    return Redirecting
