"""An experiment as the API tells it: in short in lists, in full by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.registry import document, history
from growth_pipelines.actions.experiments.states import LEAST_HOURS
from growth_pipelines.console.experiment_views import asked_for, looks_at
from growth_pipelines.readouts.attention import looks_needed
from growth_pipelines.store.readings import kept_readings
from growth_pipelines.store.tables import Experiment, ExperimentReading

# Looks that are told of one experiment, as many as its page draws.
LOOKS = 60
_TOLD_APART = {"coverage", "coverage_goal", "coverage_at", "decision", "drawn", "shop_id"}


def in_short(row: Experiment, kept: ExperimentReading | None, now: datetime) -> dict[str, Any]:
    """What was declared, the state, and the newest reading in a few numbers."""
    reading = row.decision if row.status == "decided" else kept.reading if kept else None
    looks = looks_needed(row, kept.reading if kept else None, kept.at if kept else None, now)
    return {
        **{name: value for name, value in document(row).items() if name not in _TOLD_APART},
        "shop": row.shop_id,
        "reads": _reads(reading, kept) if reading else None,
        "looks": list(looks),
    }


def _reads(reading: Mapping[str, Any], kept: ExperimentReading | None) -> dict[str, Any]:
    counted = "units" in reading
    return {
        "status": reading["status"],
        "winner": str(reading.get("winner") or ""),
        "days": reading["days"] if counted else None,
        "units": sum(reading["units"]) if counted else None,
        "counted": sum(reading["mature"]) if counted else None,
        "read_at": kept.at.isoformat() if kept else None,
    }


def in_full(session: Session, row: Experiment, now: datetime) -> dict[str, Any]:
    """All that the page of one experiment shows."""
    kept = kept_readings(session, row.id, LOOKS)
    newest = kept[-1] if kept else None
    return {
        "experiment": in_short(row, newest, now),
        "ramp": _ramp(row),
        "reading": newest.reading if newest else None,
        "decision": row.decision,
        "readings": [_look(one) for one in kept],
        "asked": [
            {"action": one.id, "ref": one.ref, "title": one.title, "state": one.state}
            for one in asked_for(session, row)
        ],
        "history": [{**one, "at": one["at"].isoformat()} for one in history(session, row)],
    }


def _ramp(row: Experiment) -> dict[str, Any]:
    widens = row.status == "running" and row.coverage < row.coverage_goal and row.coverage_at is not None
    return {
        "coverage": row.coverage if row.status == "running" else 0.0,
        "goal": row.coverage_goal,
        "since": row.coverage_at.isoformat() if row.coverage_at else None,
        "widens_at": (row.coverage_at + LEAST_HOURS).isoformat() if widens and row.coverage_at else None,
    }


def _look(one: ExperimentReading) -> dict[str, Any]:
    arms = [str(reading["arm"]) for reading in one.reading["arms"]]
    return {
        "day": one.day.isoformat(),
        "at": one.at.isoformat(),
        "status": one.reading["status"],
        "arms": [
            {"arm": arm, "diff": look.effect, "low": look.low, "high": look.high}
            for arm in arms
            for look in looks_at([one], arm)
        ],
    }
