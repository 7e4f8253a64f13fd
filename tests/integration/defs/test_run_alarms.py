"""A failed daily run and a refused credential are told through the outbox, once a day."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
from sqlalchemy import select

from growth_pipelines.defs.run_alarms import EVENT, alarm_of, note_failure, run_alarm_sensor
from growth_pipelines.errors import CredentialRefused, GrowthError
from growth_pipelines.store.tables import OutboxEntry

from .conftest import NOW, QUIET, Desk


def _failed(desk: Desk, job: str, error: Exception) -> list[dg.DagsterEvent]:
    @dg.op
    def fail() -> None:
        raise error

    made = dg.GraphDefinition(name=job, node_defs=[fail]).to_job()
    result = made.execute_in_process(instance=desk.instance, run_config=QUIET, raise_on_error=False)
    return [event for event in result.all_events if event.is_step_failure]


def test_failed_runs_are_told_once_a_day_and_only_those_that_matter_at_once(desk: Desk) -> None:
    refused = _failed(desk, "ingest_sources", CredentialRefused("Shopify refused the token (401).", "Renew it."))
    broken = GrowthError("The disk is full.", "Make room.")
    assert alarm_of("ingest_sources", refused) == (
        "A credential was refused: Shopify refused the token (401). Renew it."
    )
    assert alarm_of("daily_cycle", _failed(desk, "daily_cycle", broken)) == (
        "The daily run failed: The disk is full. Make room."
    )
    assert alarm_of("build_models", _failed(desk, "build_models", broken)) == ""
    for hours in (0, 23, 25):
        note_failure(desk.machine, alarm_of("ingest_sources", refused), NOW + timedelta(hours=hours))
    with desk.store.read() as session:
        told = session.scalars(select(OutboxEntry).where(OutboxEntry.event == EVENT)).all()
    assert [entry.created_at - NOW for entry in told] == [timedelta(0), timedelta(hours=25)]


def test_the_sensor_tells_of_the_run_that_it_is_given(desk: Desk) -> None:
    @dg.op
    def fail() -> None:
        raise GrowthError("The disk is full.")

    made = dg.GraphDefinition(name="daily_cycle", node_defs=[fail]).to_job()
    result = made.execute_in_process(instance=desk.instance, run_config=QUIET, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        "run_alarm_sensor",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=desk.instance,
        dagster_run=result.dagster_run,
        resources={"machine": desk.machine},
    ).for_run_failure()
    run_alarm_sensor()(context)
    with desk.store.read() as session:
        [alarm] = session.scalars(select(OutboxEntry).where(OutboxEntry.event == EVENT)).all()
    assert alarm.payload["message"] == "The daily run failed: The disk is full."
