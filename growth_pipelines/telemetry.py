"""Structured logs on stderr and in ``$GROWTH_HOME/logs/growth.jsonl``, each line with its trace id.

A trace id follows one piece of work from the run that drafted an action to the request that wrote it.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

import structlog

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
# Values of keys that look like a credential never reach a log line.
_SECRET_KEY = re.compile(r"token|secret|password|api_?key|authorization|cookie|signature$", re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"([?&](?:key|token|access_token)=)[^&\s\"']+")
# A Telegram bot's token is part of every address that it asks.
_BOT_TOKEN = re.compile(r"(?<!\d)\d{5,16}:[A-Za-z0-9_-]{30,}")


def new_trace_id() -> str:
    """A fresh 128-bit trace id, 32 hex digits (the W3C trace-context form)."""
    return secrets.token_hex(16)


def current_trace_id() -> str:
    """The trace id in force, or an empty text outside of any."""
    return _trace_id.get()


@contextmanager
def trace(trace_id: str | None = None) -> Iterator[str]:
    """Everything logged inside carries ``trace_id`` (a fresh one for None; nested traces keep the outer)."""
    chosen = trace_id or current_trace_id() or new_trace_id()
    token = _trace_id.set(chosen)
    try:
        yield chosen
    finally:
        _trace_id.reset(token)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if current_trace_id():
        event.setdefault("trace_id", current_trace_id())
    return event


def mask(text: str) -> str:
    """``text`` with credentials in URLs masked, and Telegram's bot tokens."""
    return _BOT_TOKEN.sub("***", _SECRET_IN_URL.sub(r"\1***", text))


def _mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = mask(value)
    return event


class _Tee:
    """Writes each rendered line to the screen (short form) and to the log file (JSON)."""

    def __init__(self, level: int, file: TextIO | None) -> None:
        self._level, self._file = level, file

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> str:
        if self._file is not None:
            self._file.write(json.dumps(event, default=str) + "\n")
            self._file.flush()
        if getattr(logging, method.upper(), logging.INFO) >= self._level:
            rest = " ".join(f"{k}={v}" for k, v in event.items() if k not in ("event", "timestamp", "level"))
            # Asked for at each line: whoever redirects stderr later gets the later lines.
            sys.stderr.write(f"{event['timestamp']} {event['level']:<7} {event['event']} {rest}".rstrip() + "\n")
        raise structlog.DropEvent


def configure_logging(logs_folder: Path | None = None, screen_level: str = "warning") -> None:
    """Log to stderr from ``screen_level`` up and, when given a folder, everything to ``growth.jsonl`` there."""
    file = None
    if logs_folder is not None:
        logs_folder.mkdir(parents=True, exist_ok=True)
        file = (logs_folder / "growth.jsonl").open("a", encoding="utf-8")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            structlog.processors.format_exc_info,
            _mask_secrets,
            _Tee(getattr(logging, screen_level.upper()), file),
        ],
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> Any:
    """The structured logger of a part, e.g. ``logger("ingestion").info("landed", stream="orders", rows=3)``."""
    return structlog.get_logger(part=name)
