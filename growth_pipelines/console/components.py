"""What the machine consists of and how each part does: programs, listeners of the outbox, streams of data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.console.observed import reading
from growth_pipelines.ingestion.state import status_rows
from growth_pipelines.ingestion.status import NEVER, every_stream
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import OutboxCursor, OutboxEntry
from growth_pipelines.warehouse.database import Warehouse

# A listener that was told nothing for this long, while something waits, is behind.
_BEHIND_SECONDS = 300.0


@dataclass(frozen=True)
class Component:
    """``state`` is one word or a sentence; ``lag_s`` how far it is behind, None where that is nothing to it.

    ``last_tick_at`` is when it last did something, ``waiting`` how many entries wait for a listener.
    """

    name: str
    enabled: bool
    state: str
    last_tick_at: datetime | None = None
    lag_s: float | None = None
    last_error: str | None = None
    waiting: int = 0

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "enabled": self.enabled,
            "state": self.state,
            "last_tick_at": self.last_tick_at.isoformat() if self.last_tick_at else None,
            "lag_s": self.lag_s,
            "last_error": self.last_error,
        }


def programs_of(settings: Settings) -> list[dict[str, Any]]:
    """The programs as ``growth status`` sees them. The console answers: it runs, whoever started it."""
    from growth_pipelines.commands.serve import CONSOLE, program_status

    return [row | {"state": "running"} if row["program"] == CONSOLE else row for row in program_status(settings)]


def programs(settings: Settings, rows: Sequence[dict[str, Any]], now: datetime) -> list[Component]:
    """The programs, and the bot where it is switched off."""
    from growth_pipelines.commands.bot import BOT
    from growth_pipelines.telegram.heartbeat import read_heartbeat

    found = {str(row["program"]): _program(row) for row in rows}
    heartbeat = read_heartbeat(settings) if BOT in found else None
    if heartbeat is not None and heartbeat.reached_at is not None:
        lag = max(0.0, (now - heartbeat.reached_at).total_seconds())
        found[BOT] = replace(found[BOT], last_tick_at=heartbeat.reached_at, lag_s=lag)
    return [*({BOT: Component(BOT, False, "off")} | found).values()]


def _program(row: dict[str, Any]) -> Component:
    """A state that is no plain one says what kept the program from answering."""
    state = str(row["state"])
    plain = state in ("running", "stopped", "starting", "waiting", "dead")
    return Component(str(row["program"]), True, state if plain else "failing", last_error=None if plain else state)


def listeners(session: Session, now: datetime) -> list[Component]:
    """Who is told of the outbox, and how far behind each is. Dagster's mark is on the entries themselves."""
    undelivered = OutboxEntry.delivered_at.is_(None)
    last = session.scalar(select(func.max(OutboxEntry.delivered_at)))
    found = [_listener("dagster", *_waiting(session, undelivered), last, now)]
    for cursor in session.scalars(select(OutboxCursor).order_by(OutboxCursor.listener)):
        behind = _waiting(session, OutboxEntry.seq > cursor.seq)
        found.append(_listener(cursor.listener, *behind, cursor.updated_at, now))
    return found


def _waiting(session: Session, condition: Any) -> tuple[int, datetime | None]:
    count, oldest = session.execute(select(func.count(), func.min(OutboxEntry.created_at)).where(condition)).one()
    return count, oldest


def _listener(name: str, waiting: int, oldest: datetime | None, last: datetime | None, now: datetime) -> Component:
    lag = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
    state = "behind" if lag > _BEHIND_SECONDS else "current"
    return Component(f"outbox:{name}", True, state, last, lag, waiting=waiting)


def streams(settings: Settings, now: datetime) -> list[Component]:
    """How far each stream of data has come, as of what is published. Raises GrowthError where nothing is."""
    with reading(Warehouse.of(settings)) as connection:
        rows = every_stream(status_rows(connection), now)
    return [_stream(row) for row in _newest_first(rows)]


def _newest_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["state"] != NEVER] + [row for row in rows if row["state"] == NEVER]


def _stream(row: dict[str, Any]) -> Component:
    loaded = row.get("loaded_at")
    failed = row["state"] == "failed"
    return Component(
        f"stream:{row['stream']}",
        row["state"] != NEVER,
        row["state"],
        loaded.replace(tzinfo=UTC) if loaded is not None else None,
        row["lag_seconds"],
        row.get("failure") or row.get("last_error") if failed else row.get("last_error"),
    )
