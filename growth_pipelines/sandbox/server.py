"""The HTTP server: one thread a connection, one write an answer, and failures at the level of the socket."""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from growth_pipelines.sandbox.routes import Request, Response, Routes, parse_query
from growth_pipelines.sandbox.strikes import strike
from growth_pipelines.sandbox.target import Target


class SandboxServer(ThreadingHTTPServer):
    """Serves ``routes`` on loopback."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, routes: Routes) -> None:
        self.routes = routes
        super().__init__(("127.0.0.1", port), Handler)
        routes.admin.bulk_operations.base_url = self.base_url

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news; everything else is shown."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Reads one request, lets a fault strike, and writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SandboxServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not logged."""

    def _serve(self) -> None:
        at = time.monotonic()
        routes = self.server.routes
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, parse_query(parts.query), headers, body)
        target = Target(self.path, headers, body, routes.expirable_tokens)
        routes.score.arrived(target, at)
        fault = routes.faults.next(target)
        answer = routes.answer(request) if fault is None else strike(fault, request, target, routes)
        if answer is None:
            self._hang_up()
            return
        routes.score.answering(target, answer.headers)
        self._send(answer, cut=fault is not None and fault.kind == "truncate")

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, response: Response, cut: bool = False) -> None:
        body = response.body.encode() if isinstance(response.body, str) else response.body
        lines = [
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(body)}",
            f"Date: {self.date_time_string()}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if cut:
            self.wfile.write(head + body[: max(1, len(body) // 2)])
            self._hang_up()
            return
        self.wfile.write(head + body)
