"""How fresh the data are and what waits, for ``growth status``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings


def data_status(settings: Settings) -> list[dict[str, str]]:
    """Rows of ``what`` and ``state``: the pause, the queue, what is late, and the newest day of each source."""
    return [*_store_status(settings), *_source_status(settings)]


def _store_status(settings: Settings) -> list[dict[str, str]]:
    from growth_pipelines.actions.brake import brake
    from growth_pipelines.actions.lifecycle import overdue
    from growth_pipelines.actions.queue import count_actions
    from growth_pipelines.store.database import Store

    now = settings.clock.now()
    with Store.of(settings).read() as session:
        paused = brake(session)
        counts = {state: count_actions(session, state) for state in ("pending", "approved", "executing")}
        late = overdue(session, now)
    rows = [
        {"what": "writes to the shop", "state": str(paused) if paused else f"mode {settings.actions.mode}"},
        {"what": "actions", "state": ", ".join(f"{count} {state}" for state, count in counts.items())},
    ]
    return rows + [{"what": f"late: {item.ref}", "state": item.message} for item in late]


def _source_status(settings: Settings) -> list[dict[str, str]]:
    from growth_pipelines.defs.machine import Machine

    machine = Machine(settings)
    try:
        days = machine.newest_days()
    except GrowthError as error:
        return [{"what": "data", "state": str(error)}]
    rows = [
        {"what": f"{source} to", "state": f"{day} ({_days_ago((machine.today - day).days)})"}
        for source, day in sorted(days.items())
    ]
    if machine.warehouse.engine == "duckdb":
        at = datetime.fromtimestamp(machine.warehouse.current.stat().st_mtime, UTC)
        rows.append({"what": "published", "state": f"{at:%Y-%m-%d %H:%M} UTC"})
    return rows


def _days_ago(days: int) -> str:
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
