"""The bot's sign of life: when it last reached Telegram, and what went wrong. Read without the bot's libraries."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from growth_pipelines.clock import local_minute
from growth_pipelines.settings import Settings
from growth_pipelines.telemetry import mask

# One long poll and its patience; a bot that is silent for longer has lost Telegram.
SILENT_AFTER = timedelta(seconds=90)


@dataclass(frozen=True)
class Heartbeat:
    """``reached_at``: the last answer of Telegram; ``knocked``: chats that were refused lately."""

    username: str = ""
    reached_at: datetime | None = None
    failure: str = ""
    knocked: Sequence[int] = field(default_factory=tuple)

    def state(self, now: datetime, zone: str) -> str:
        """``running``, or what is wrong, since when in ``zone``."""
        if self.reached_at is not None and now - self.reached_at <= SILENT_AFTER:
            return "running"
        since = f" since {local_minute(self.reached_at, zone)}" if self.reached_at else ""
        return f"no answer from Telegram{since}" + (f" ({self.failure})" if self.failure else "")


def heartbeat_file(settings: Settings) -> Path:
    return settings.home / "run" / "telegram.json"


def write_heartbeat(settings: Settings, heartbeat: Heartbeat) -> None:
    """Replace the file; only its owner reads it."""
    file = heartbeat_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    reached = heartbeat.reached_at.isoformat() if heartbeat.reached_at else None
    document = {**asdict(heartbeat), "reached_at": reached, "failure": mask(heartbeat.failure)}
    partial = file.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(document, out)
    partial.replace(file)


def read_heartbeat(settings: Settings) -> Heartbeat | None:
    """What the bot last wrote, or None where none ever ran."""
    try:
        told = json.loads(heartbeat_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    reached = datetime.fromisoformat(told["reached_at"]).astimezone(UTC) if told["reached_at"] else None
    return Heartbeat(told["username"], reached, told["failure"], tuple(told["knocked"]))
