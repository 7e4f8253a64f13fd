"""The sensors: what starts because something happened.

Each looks at the instance or the store and asks for a run or tells what it saw; none calls the outside world.
They keep their own cursor of event ids: Dagster's ``asset_sensor`` sees only the last event of a tick and would
lose all approvals but one. What starts because of the time of day is in ``schedules``.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from growth_pipelines.canonical import digest
from growth_pipelines.defs.applications import application_of
from growth_pipelines.defs.assets.proposals import approval_key
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.assets.raw_checks import raw_key
from growth_pipelines.defs.assets.reconciled import RECONCILED, look
from growth_pipelines.defs.check_reports import report_check
from growth_pipelines.defs.gate import apply, judge, report_judgement, rollbacks_waiting, work_waiting
from growth_pipelines.defs.jobs import FULL_CYCLE_TAG, AnyJob, Jobs
from growth_pipelines.defs.machine import Machine
from growth_pipelines.defs.reports import deliver_outbox

_EVENTS_AT_ONCE = 100
# New rows here may show a page that got worse.
WATCHED = ("crux_history", "search_page_daily")


def build_sensors(jobs: Jobs, recommenders: Sequence[str]) -> list[dg.SensorDefinition]:
    """All sensors, running from the start."""
    return [
        *(approval_sensor(name, jobs[f"act_on_{name}"]) for name in recommenders),
        outbox_sensor(recommenders),
        reconciler_sensor(recommenders),
        regression_sensor(jobs["repair_regressions"]),
        watch_sensor(jobs["detect_regressions"]),
        expiry_sensor(jobs["rank_queue"]),
        clock_sensor(recommenders),
        rollback_sensor(jobs["roll_back_requested"]),
    ]


def approval_sensor(recommender: str, job: AnyJob) -> dg.SensorDefinition:
    """Approval materialized → verified and decided → executed."""

    @dg.sensor(
        name=f"{recommender}_approval_sensor",
        job=job,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Verifies the signature of records that enter through Dagster; starts what is approved.",
    )
    def approvals(
        context: dg.SensorEvaluationContext, machine: dg.ResourceParam[Machine]
    ) -> dg.SensorResult | dg.SkipReason:
        records = _events_after(context.instance, approval_key(recommender), int(context.cursor or 0))
        for record in records:
            event = record.asset_materialization
            application = application_of(event) if event is not None else None
            if application is not None:
                context.log.info(f"event {record.storage_id}: {apply(machine, application)}")
        if records:
            report_judgement(context.instance, recommender, judge(machine, context.instance, recommender))
        cursor = str(records[-1].storage_id) if records else context.cursor
        waiting = work_waiting(machine, recommender)
        if not waiting:
            reason = dg.SkipReason(f"No action of {recommender} waits for its execution.")
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        return dg.SensorResult([dg.RunRequest(run_key=waiting)], cursor=cursor)

    return approvals


def outbox_sensor(recommenders: Sequence[str]) -> dg.SensorDefinition:
    """Decision in the store → seen in Dagster."""

    @dg.sensor(
        name="outbox_sensor",
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        # It asks for no run; Dagster wants to know what it concerns.
        asset_selection=[approval_key(name) for name in recommenders],
        description="Reports what was decided in the console or the terminal as events and check results.",
    )
    def outbox(context: dg.SensorEvaluationContext, machine: dg.ResourceParam[Machine]) -> dg.SkipReason:
        told = deliver_outbox(machine, context.instance, recommenders)
        return dg.SkipReason(f"Reported {told} entries." if told else "Nothing new.")

    return outbox


def reconciler_sensor(recommenders: Sequence[str]) -> dg.SensorDefinition:
    """Store and Dagster, compared every minute → seen as a check, told as an alarm."""

    @dg.sensor(
        name="reconciler_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        # It asks for no run; Dagster wants to know what it concerns.
        asset_selection=[RECONCILED.asset_key],
        description="Looks for what is approved and not done, and what Dagster shows otherwise than the store.",
    )
    def reconciler(context: dg.SensorEvaluationContext, machine: dg.ResourceParam[Machine]) -> dg.SkipReason:
        result = look(machine, context.instance, recommenders)
        report_check(context.instance, RECONCILED, result, blocking=False)
        return dg.SkipReason("Store and Dagster agree." if result.passed else "There are alarms; see the check.")

    return reconciler


def regression_sensor(job: AnyJob) -> dg.SensorDefinition:
    """New search or vitals data, published → regression check → repair recommender."""

    @dg.sensor(
        name="regression_sensor",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Search or vitals data that arrive outside of a cycle are checked once they are published.",
    )
    def regressions(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        seen: dict[str, int] = json.loads(context.cursor or "{}")
        fresh = False
        for table in WATCHED:
            records = _events_after(context.instance, raw_key(table), seen.get(table, 0))
            if records:
                seen[table] = records[-1].storage_id
                fresh = fresh or not all(_within_cycle(context.instance, run) for run in _runs(records))
        if fresh and not _events_after(context.instance, PUBLISHED, max(seen.values())):
            # The models follow by themselves; where a test of theirs is red, nothing is proposed.
            return dg.SkipReason("New data are there and not published yet.")
        cursor = json.dumps(seen, sort_keys=True)
        if not fresh:
            return dg.SensorResult(skip_reason=dg.SkipReason("No data arrived outside of a cycle."), cursor=cursor)
        return dg.SensorResult([dg.RunRequest(run_key=f"regressions:{cursor}")], cursor=cursor)

    return regressions


def watch_sensor(job: AnyJob) -> dg.SensorDefinition:
    """A new day of any source, published outside of a cycle → every watched metric looked at."""

    @dg.sensor(
        name="watch_sensor",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks at what is watched once a new day of a source is published outside of a cycle.",
    )
    def watch(
        context: dg.SensorEvaluationContext, machine: dg.ResourceParam[Machine]
    ) -> dg.SensorResult | dg.SkipReason:
        records = _events_after(context.instance, PUBLISHED, int(context.cursor or 0))
        if not records:
            return dg.SkipReason("Nothing was published.")
        cursor = str(records[-1].storage_id)
        if all(_within_cycle(context.instance, run) for run in _runs(records)):
            return dg.SensorResult(skip_reason=dg.SkipReason("The cycle looks itself."), cursor=cursor)
        # Only whole days are judged, so an hour's orders need no look: the newest days are the run's key.
        days = {source: day.isoformat() for source, day in machine.newest_days().items()}
        return dg.SensorResult([dg.RunRequest(run_key=f"watch:{digest(days)[:16]}")], cursor=cursor)

    return watch


def expiry_sensor(job: AnyJob) -> dg.SensorDefinition:
    """Pending past its time → expired; deferred to a date that has come → pending."""

    @dg.sensor(
        name="expiry_sensor",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts when an action's time is over or its deferral has ended.",
    )
    def expiry(machine: dg.ResourceParam[Machine]) -> dg.RunRequest | dg.SkipReason:
        waiting = _due(machine)
        if not waiting:
            return dg.SkipReason("No action's time is over.")
        # A run that failed is tried again with the next hour's key.
        return dg.RunRequest(run_key=f"due:{digest(waiting)[:16]}:{machine.now:%Y%m%d%H}")

    return expiry


def clock_sensor(recommenders: Sequence[str]) -> dg.SensorDefinition:
    """Time to answer half over → reminded; over → the second contact; what a policy lets pass → approved."""

    @dg.sensor(
        name="approval_clock_sensor",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=[approval_key(name) for name in recommenders],
        description="Reminds and escalates what waits too long, and approves what a policy lets pass.",
    )
    def clock(machine: dg.ResourceParam[Machine]) -> dg.SkipReason:
        from growth_pipelines.approvals.automatic import approve_automatically
        from growth_pipelines.approvals.clocks import tell_late

        told = tell_late(machine.store, machine.now)
        passed = approve_automatically(machine.store, machine.settings, machine.now)
        return dg.SkipReason(
            f"Reminded {len(told.reminded)}, escalated {len(told.escalated)}, approved by policy {len(passed)}."
        )

    return clock


def _due(machine: Machine) -> list[str]:
    """The actions whose time is over or whose deferral has ended."""
    from growth_pipelines.actions.lifecycle import due

    with machine.store.read() as session:
        return sorted(f"{ref}.{version}.{state}" for ref, version, state in due(session, machine.now))


def rollback_sensor(job: AnyJob) -> dg.SensorDefinition:
    """Rollback asked for → carried out."""

    @dg.sensor(
        name="rollback_sensor",
        job=job,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts when an operator has asked for an executed action to be rolled back.",
    )
    def rollbacks(machine: dg.ResourceParam[Machine]) -> dg.RunRequest | dg.SkipReason:
        waiting = rollbacks_waiting(machine)
        return dg.RunRequest(run_key=waiting) if waiting else dg.SkipReason("No rollback waits.")

    return rollbacks


def _events_after(instance: dg.DagsterInstance, asset: dg.AssetKey, cursor: int) -> Sequence[dg.EventLogRecord]:
    wanted = dg.AssetRecordsFilter(asset_key=asset, after_storage_id=cursor)
    return instance.fetch_materializations(wanted, limit=_EVENTS_AT_ONCE, ascending=True).records


def _runs(records: Iterable[dg.EventLogRecord]) -> set[str]:
    return {record.run_id for record in records}


def _within_cycle(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run that brought the data goes on to look for regressions by itself."""
    run: Any = instance.get_run_by_id(run_id)
    return run is not None and FULL_CYCLE_TAG in run.tags
