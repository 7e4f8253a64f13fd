"""A daily run that fails, and any run that ends on a refused credential, is told to those who carry alarms away.

The outbox carries it to the mailbox and the chats; Dagster's own page of the run has everything else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.machine import Machine
from growth_pipelines.telemetry import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = "alarm.run_failed"
DAILY = "daily_cycle"
# A source that keeps refusing is tried again and again; it is told once a day.
_SAID_AGAIN = timedelta(hours=24)
_LONGEST = 300


def run_alarm_sensor() -> dg.SensorDefinition:
    """Run failed → entry in the outbox."""

    @dg.run_failure_sensor(
        name="run_alarm_sensor",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells mail and chat that the daily run failed, or that a credential was refused in any run.",
    )
    def failed(context: dg.RunFailureSensorContext, machine: dg.ResourceParam[Machine]) -> None:
        found = alarm_of(context.dagster_run.job_name, context.get_step_failure_events())
        if found:
            note_failure(machine, found, machine.now)

    return failed


def alarm_of(job: str, failures: Any) -> str:
    """What to tell of a failed run, by the events of its failed steps; empty when it need not be told at once."""
    errors = [error for event in failures for error in _chain(event.event_specific_data.error)]
    refused = [_sentence(error) for error in errors if error.cls_name == "CredentialRefused"]
    if refused:
        return f"A credential was refused: {refused[0]}"
    if job != DAILY:
        return ""
    return f"The daily run failed: {_sentence(errors[-1])}" if errors else "The daily run failed."


def _chain(error: Any) -> Iterator[Any]:
    """An error and what caused it, the deepest last."""
    while error is not None:
        yield error
        error = error.cause


def _sentence(error: Any) -> str:
    said = str(error.message).strip().partition(": ")[2] or str(error.message)
    return mask(" ".join(said.split()))[:_LONGEST]


def note_failure(machine: Machine, message: str, now: datetime) -> None:
    """Put the alarm into the outbox unless the same one is there since less than a day."""
    from sqlalchemy import select

    from growth_pipelines.store.tables import OutboxEntry

    with machine.store.session() as session:
        recent = select(OutboxEntry).where(OutboxEntry.event == EVENT, OutboxEntry.created_at > now - _SAID_AGAIN)
        if not any(entry.payload["message"] == message for entry in session.scalars(recent)):
            told = {"message": message, "recovery": "See the run in Dagster, and `growth doctor`."}
            session.add(OutboxEntry(event=EVENT, payload=told, created_at=now))
