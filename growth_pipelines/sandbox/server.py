"""The HTTP server: one thread a connection, one write an answer, and failures at the level of the socket."""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from growth_pipelines.sandbox.faults import Fault
from growth_pipelines.sandbox.routes import Request, Response, Routes, as_json, parse_query


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
    """Reads one request, lets a planned fault strike, and writes the answer in one piece."""

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
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, parse_query(parts.query), headers, body)
        fault = None
        if not parts.path.startswith("/_sandbox/"):
            fault = self.server.routes.faults.next(f"{self.path} {body.decode('utf-8', 'replace')}")
        if fault is None:
            self._send(self.server.routes.answer(request))
        else:
            self._strike(fault, request)

    def _strike(self, fault: Fault, request: Request) -> None:
        routes = self.server.routes
        if fault.kind == "status":
            retry = {"Retry-After": f"{fault.retry_after}"} if fault.retry_after is not None else {}
            self._send(as_json({"errors": HTTPStatus(fault.status).phrase}, fault.status, **retry))
        elif fault.kind == "throttle":
            routes.throttled += 1
            cost = {
                "requestedQueryCost": 12,
                "actualQueryCost": None,
                "throttleStatus": routes.admin.bucket.status(),
            }
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            self._send(as_json({"errors": [error], "extensions": {"cost": cost}}))
        elif fault.kind == "graphql_error":
            error = {"message": "Internal error. Looks like something went wrong on our end."}
            error_code = {"extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            self._send(as_json({"errors": [error | error_code]}))
        elif fault.kind == "broken_json":
            self._send(Response(200, "<!doctype html><p>Something went wrong"))
        elif fault.kind == "delay":
            answer = routes.answer(request)  # what was asked for is done; only the answer is late
            time.sleep(fault.seconds)
            self._send(answer)
        elif fault.kind == "truncate":
            self._send(routes.answer(request), cut=True)
        elif fault.kind == "bulk_failure":
            routes.admin.bulk_operations.fail_next()
            self._send(routes.answer(request))
        else:
            if fault.kind == "crash_after_write":
                routes.answer(request)
            self._hang_up()

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
