"""What is wrong with the machine for as long as it lasts: sources, the daily run, programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Batch

if TYPE_CHECKING:
    from growth_pipelines.store.database import Store

# The daily run hands in a batch of drafts, if an empty one: none for longer means that it is missing.
RUN_MISSING_AFTER = timedelta(hours=26)
DEAD_AFTER = timedelta(minutes=10)
_INGESTED = Path(__file__).parent / "queries" / "ingested.sql"
# Times the objective of its stream.
SOURCE_TOO_OLD = 2


def present_conditions(
    store: Store, settings: Settings, dead_since: Mapping[str, datetime], now: datetime
) -> dict[str, str]:
    """Key → sentence of everything that is wrong now. ``dead_since``: programs that don't run, and since when."""
    with store.read() as session:
        found = _daily_run(session, now, settings.zone)
    found |= {
        f"program:{name}": f"{name} has not run since {local_minute(since, settings.zone)}. See `growth status`."
        for name, since in dead_since.items()
        if now - since >= DEAD_AFTER
    }
    return found | _sources(settings, now)


def _daily_run(session: Session, now: datetime, zone: str) -> dict[str, str]:
    newest = session.scalar(select(func.max(Batch.created_at)))
    if newest is None or now - newest <= RUN_MISSING_AFTER:
        return {}
    return {
        "daily_run": f"The daily run has failed or was missed: nothing was drafted since "
        f"{local_minute(newest, zone)}. See the runs in Dagster; `growth run` makes up for it."
    }


def _sources(settings: Settings, now: datetime) -> dict[str, str]:
    """Sources older than twice their objective, as last published."""
    from growth_pipelines.ingestion.state import status_rows
    from growth_pipelines.ingestion.status import lag_in_words, stream_status
    from growth_pipelines.warehouse.database import Warehouse

    try:
        with Warehouse.of(settings).read() as connection:
            [(ingested,)] = connection.execute(_INGESTED.read_text(encoding="utf-8")).fetchall()
            rows = [stream_status(row, now) for row in status_rows(connection)] if ingested else []
    except GrowthError:
        # Nothing is published yet.
        return {}
    return {
        f"source:{row['stream']}": f"{row['stream']} is too old: {lag_in_words(row)}."
        for row in rows
        if row["lag_seconds"] is not None and row["lag_seconds"] > SOURCE_TOO_OLD * row["objective_seconds"]
    }
