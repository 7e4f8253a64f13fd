"""How fresh the data are and what waits, for ``growth status``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.approvals.alarms import Looked
    from growth_pipelines.settings import Settings


def data_status(settings: Settings) -> list[dict[str, str]]:
    """Rows of ``what`` and ``state``: the pause, the queue, what is late, and the newest day of each source."""
    return [*_store_status(settings), *_source_status(settings)]


def _store_status(settings: Settings) -> list[dict[str, str]]:
    from growth_pipelines.actions.brake import brake
    from growth_pipelines.actions.lifecycle import overdue
    from growth_pipelines.actions.queue import count_actions
    from growth_pipelines.approvals.alarms import newest_look
    from growth_pipelines.store.database import Store

    now = settings.clock.now()
    with Store.of(settings).read() as session:
        paused = brake(session)
        counts = {state: count_actions(session, state) for state in ("pending", "approved", "executing")}
        late = overdue(session, now, settings.actions.mode)
        looked = newest_look(session)
    rows = [
        {
            "what": "writes to the shop",
            "state": paused.told(settings.zone) if paused else f"mode {settings.actions.mode}",
        },
        {"what": "actions", "state": ", ".join(f"{count} {state}" for state, count in counts.items())},
    ]
    rows.append({"what": "store and Dagster", "state": in_words(looked, settings.zone)})
    rows += [
        {"what": f"alarm: {alarm['kind'].replace('_', ' ')}", "state": f"{alarm['message']} {alarm['recovery']}"}
        for alarm in (looked.alarms if looked else ())
    ]
    return rows + [{"what": f"late: {item.ref}", "state": item.message} for item in late]


def in_words(looked: Looked | None, zone: str) -> str:
    """What the newest comparison of store and Dagster found, and when in ``zone``."""
    if looked is None:
        return "not compared yet"
    found = f"{len(looked.alarms)} alarms" if looked.alarms else "they agree"
    return f"{found} ({local_minute(looked.at, zone)})"


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
        rows.append({"what": "published", "state": local_minute(at, settings.zone)})
    return rows


def _days_ago(days: int) -> str:
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
