"""How far each stream has come, how far it is behind what it should be, and what keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from growth_pipelines.clock import local_date, local_minute
from growth_pipelines.ingestion.state import prepared, status_rows
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.windows import naive_utc
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

NEVER = "never read"


def ingest_status(settings: Settings) -> list[dict[str, Any]]:
    """Every stream as :func:`stream_status` describes it, in the order of STREAMS, then imports."""
    with prepared(Warehouse.of(settings)) as connection:
        rows = status_rows(connection)
    return every_stream(rows, settings.clock.now())


def every_stream(rows: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """What is known of the streams that were read (rows of sql/status.sql), and those that never were."""
    names = list(STREAMS)
    read = {row["stream"] for row in rows}
    known = [stream_status(row, now) for row in rows] + [_never(name) for name in names if name not in read]
    return sorted(known, key=lambda row: names.index(row["stream"]) if row["stream"] in STREAMS else len(names))


def stream_status(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A row of sql/status.sql with its ``lag_seconds``, the ``objective_seconds`` of its stream, ``late`` where
    the lag is larger, and ``state``: failed, no access, late or loaded. Imports have no objective."""
    stream = STREAMS.get(row["stream"])
    shown = row | {
        "unknown_fields": json.loads(row["unknown_fields"] or "{}"),
        "lag_seconds": None,
        "objective_seconds": None,
        "late": False,
        "state": row["status"],
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
    if shown["late"] and row["status"] == "loaded":
        shown["state"] = "late"
    return shown


def _never(name: str) -> dict[str, Any]:
    return {
        "stream": name,
        "status": NEVER,
        "state": NEVER,
        "lag_seconds": None,
        "objective_seconds": int(STREAMS[name].objective.total_seconds()),
        "late": False,
    }


def lag_in_words(row: Mapping[str, Any]) -> str:
    """ "3 h of 26 h": how far a stream is behind, of what it may be; empty for what has no lag."""
    lag, objective = row["lag_seconds"], row["objective_seconds"]
    if lag is None:
        return ""
    return f"{span_in_words(lag)} of {span_in_words(objective)}"


def span_in_words(seconds: float) -> str:
    """A time of minutes to weeks, as exact as it matters: "40 min", "26 h", "4 d 6 h"."""
    hours = round(seconds / 3600)
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    if hours < 72 and hours % 24:
        return f"{hours} h"
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


def newest_day(end: datetime | None, zone: str) -> date | None:
    """The last day of a window, which ends before its end: one of whole days at the midnight after the last."""
    if end is None:
        return None
    if end.time() == datetime.min.time():
        return (end - timedelta(days=1)).date()
    return local_date(end.replace(tzinfo=UTC), zone)


def window_of_row(row: Mapping[str, Any], zone: str) -> str:
    """The days that a stream has: of its source's zone where it has one of its own, else the shop's ``zone``."""
    stream = STREAMS.get(row["stream"])
    own = stream.source.zone if stream else ""
    last = newest_day(row.get("covered_to"), own or zone)
    if last is None:
        return ""
    if row["whole_at"] is not None and not own:
        return f"everything to {last}"
    return f"{row['covered_from']:%Y-%m-%d} – {last}" + (" Pacific" if own == "America/Los_Angeles" else "")


def history_in_words(row: Mapping[str, Any]) -> str:
    """ "history starts on 2026-09-28: only the last 60 days …"; empty where all can be read."""
    if not row.get("history_from"):
        return ""
    return f"history starts on {row['history_from']}: {row['history_reason']}"


def remarks(row: Mapping[str, Any], zone: str) -> list[str]:
    """What an operator should know of a stream beside its figures, the worst first; times in ``zone``."""
    failure = row.get("last_error")
    at = local_minute(row["last_error_at"].replace(tzinfo=UTC), zone) if failure else ""
    found = []
    if failure and row["status"] == "failed":
        found.append(f"failed on {at}: {failure}")
    if history := history_in_words(row):
        found.append(history)
    # The run's own note of the same history says no more.
    reason = row.get("history_reason") if history else None
    notes = (row.get("notes") or "").split("; ")
    found += [
        note
        for note in notes
        if note and not note.startswith("history starts on") and not (reason and note.endswith(reason))
    ]
    if row.get("throttled") or row.get("retries") or row.get("waited_seconds"):
        found.append(
            f"throttled {row['throttled']} times, {row['retries']} calls tried again,"
            f" {row['waited_seconds'] or 0:.0f} s waited"
        )
    if failure and row["status"] != "failed":
        found.append(f"last failed on {at}: {failure}")
    return found
