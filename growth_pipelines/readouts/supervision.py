"""What the machine does by itself after a reading: it widens a ramp, and stops what does harm.

It stops without asking, since going back to control needs no approval; whoever listens to the outbox is told. It
never starts, decides or promotes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.registry import (
    decide_experiment,
    experiments,
    find_experiment,
    move,
    ramp,
)
from growth_pipelines.readouts.keeping import NotRead
from growth_pipelines.readouts.reading import Reading
from growth_pipelines.store.readings import newest_readings
from growth_pipelines.store.tables import Experiment, OutboxEntry

_MACHINE = {"actor": "monitor", "channel": "monitor"}
HARMFUL, UNFIT = "experiment.harmful", "experiment.unfit"
_WHY = {"guardrail_broken": "a guardrail is broken", "worse": "it makes the primary metric worse"}


@dataclass(frozen=True)
class Supervision:
    """Keys by what was done to their experiments."""

    ramped: tuple[str, ...]
    stopped: tuple[str, ...]


def supervise(session: Session, read: Mapping[str, Reading], now: datetime) -> Supervision:
    """Stop running or paused experiments that do harm; widen the ramps of those whose arms fit.

    What was stopped, and sizes of arms that fitted at the last look and no longer do, is told at once. So this
    comes before the readings are kept.
    """
    ramped, stopped = [], []
    rows = experiments(session)
    kept = newest_readings(session, [row.id for row in rows])
    for row in rows:
        reading = read.get(row.key)
        fitted = row.id not in kept or kept[row.id].reading["healthy"]
        if row.status in ("running", "paused") and reading and not reading.readout.healthy and fitted:
            _tell(session, row, UNFIT, now, p_value=reading.readout.srm_p_value)
        if row.status in ("running", "paused") and reading and (why := harm(reading)):
            move(session, row, "stop", now=now, reason=why, **_MACHINE)
            _tell(session, row, HARMFUL, now, reason=why)
            stopped.append(row.key)
        elif (reading is None or reading.readout.healthy) and ramp(session, row, now=now, **_MACHINE):
            ramped.append(row.key)
    return Supervision(tuple(ramped), tuple(stopped))


def _tell(session: Session, row: Experiment, event: str, now: datetime, **more: Any) -> None:
    """For those who can't wait for a digest: ``at_once.yaml`` has the words."""
    session.add(OutboxEntry(event=event, payload={"experiment": row.key, **more}, created_at=now))


def harm(reading: Reading) -> str:
    """Why an experiment should end at once; empty if it need not."""
    for arm in reading.readout.arms:
        if arm.decision is not None and arm.decision.status == "roll back":
            names = f" ({', '.join(arm.decision.guardrails)})" if arm.decision.guardrails else ""
            return f"{arm.arm}: {_WHY.get(arm.decision.reason, arm.decision.reason)}{names}"
    return ""


def decide_on(
    session: Session, key: str, read: Mapping[str, Reading], *, actor: str, channel: str, now: datetime
) -> Experiment:
    """Freeze the reading of a stopped experiment, with the digest of its data. Raises NotRead, NoSuchMove."""
    reading = read.get(key)
    if reading is None:
        raise NotRead(
            f"{key} has no reading.", "It has to have begun, and a build to have run since: `growth run`."
        )
    row = find_experiment(session, key)
    frozen: dict[str, Any] = reading.document()
    return decide_experiment(session, row, frozen, actor=actor, channel=channel, now=now)
