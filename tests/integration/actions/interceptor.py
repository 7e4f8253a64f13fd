"""A real HTTP server between the executor and the sandbox that does to writes what networks and crashes do."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests import loopback

# What happens to one mutation: given the request, it may forward it and says what to answer (None: hang up).
Fate = Callable[["Passage"], "tuple[int, dict[str, str], bytes] | None"]


class Passage:
    """One request on its way to the shop."""

    def __init__(self, upstream: httpx.Client, path: str, headers: dict[str, str], body: bytes) -> None:
        self._upstream, self._path, self._headers = upstream, path, headers
        self.body: dict[str, Any] = json.loads(body)

    @property
    def is_mutation(self) -> bool:
        return self.body["query"].lstrip().startswith("mutation")

    def forward(self) -> tuple[int, dict[str, str], bytes]:
        answer = self._upstream.post(self._path, json=self.body, headers=self._headers)
        kept = {k: v for k, v in answer.headers.items() if k.lower().startswith("x-")}
        return answer.status_code, kept, answer.content


class Interceptor:
    """Forwards everything; the next mutations meet the queued ``fates``, one each, and then pass freely."""

    def __init__(self, upstream: str) -> None:
        self.fates: list[Fate] = []
        self.mutations = 0
        self._shop = loopback.client(upstream, timeout=30)
        interceptor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: otherwise each answer waits 40 ms for an acknowledgement

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sent = {k: v for k, v in self.headers.items() if k.lower().startswith("x-")}
                passage = Passage(interceptor._shop, self.path, sent, body)
                fate: Fate = Passage.forward
                if passage.is_mutation:
                    interceptor.mutations += 1
                    if interceptor.fates:
                        fate = interceptor.fates.pop(0)
                answer = fate(passage)
                if answer is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._shop.close()


def unavailable(_: Passage) -> tuple[int, dict[str, str], bytes]:
    """503 before the shop has heard of it."""
    return 503, {"Retry-After": "0.01"}, b"down"


def answer_lost(passage: Passage) -> None:
    """The shop makes the change; the answer never arrives."""
    passage.forward()


def never_arrives(_: Passage) -> None:
    """The connection drops before the shop has heard of it."""


def without(field: str) -> Fate:
    """Only a part of the write reaches the shop."""

    def fate(passage: Passage) -> tuple[int, dict[str, str], bytes]:
        del passage.body["variables"]["seo"][field]
        return passage.forward()

    return fate


def reworded(field: str, text: str) -> Fate:
    """The shop keeps another text than the one it was given."""

    def fate(passage: Passage) -> tuple[int, dict[str, str], bytes]:
        passage.body["variables"]["seo"][field] = text
        return passage.forward()

    return fate


def after(happening: Callable[[], Any], then: Fate) -> Fate:
    """Something happens just before the write arrives."""

    def fate(passage: Passage) -> tuple[int, dict[str, str], bytes] | None:
        happening()
        return then(passage)

    return fate


def kill(victim: Callable[[], int], *, written: bool) -> Fate:
    """kill -9 of the executing process: after the shop has made the change, or before it hears of it."""

    def fate(passage: Passage) -> None:
        if written:
            passage.forward()
        os.kill(victim(), signal.SIGKILL)

    return fate
