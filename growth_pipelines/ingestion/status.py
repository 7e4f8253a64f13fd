"""How far each stream has come, and how far it is behind what it should be."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.windows import naive_utc


def stream_status(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A row of sql/status.sql with its lag in seconds, the freshness objective of its stream in seconds, and
    ``late`` where the lag is larger. Imports have neither."""
    stream = STREAMS.get(row["stream"])
    shown = row | {
        "unknown_fields": json.loads(row["unknown_fields"] or "{}"),
        "lag_seconds": None,
        "objective_seconds": None,
        "late": False,
    }
    if stream is None:
        return shown
    # What is only asked about when there is something new (CrUX history, lab runs) is as fresh as the asking.
    moments = [row["covered_to"], row["succeeded_at"] if stream.targets else None]
    newest = max((moment for moment in moments if moment is not None), default=None)
    shown["objective_seconds"] = int(stream.objective.total_seconds())
    if newest is not None:
        lag = max(timedelta(0), naive_utc(now) - newest)
        shown["lag_seconds"] = int(lag.total_seconds())
        # A time that is still to come was written by a clock that was wrong.
        shown["late"] = lag > stream.objective or newest > naive_utc(now) + timedelta(days=1)
    return shown
