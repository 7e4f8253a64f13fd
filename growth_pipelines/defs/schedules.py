"""The schedules: what starts because of the time of day, in the shop's zone.

What starts because something happened is in ``sensors``.
"""

from __future__ import annotations

import dagster as dg

from growth_pipelines.defs.jobs import Jobs

DAILY_AT = "0 6 * * *"
# Shortly after the shop's day is over.
NIGHTLY = "5 0 * * *"
HOURLY = "7 * * * *"
READ_AT = "22 * * * *"
# Sunday, well before the daily cycle.
WEEKLY = "30 3 * * 0"
# Before the daily cycle drafts.
BEFORE_DAWN = "30 5 * * *"


def build_schedules(jobs: Jobs, zone: str) -> list[dg.ScheduleDefinition]:
    """The daily cycle at 06:00, the hourly look at approvals whose time is over, the audit's nightly head,
    the weekly comparison."""
    return [
        dg.ScheduleDefinition(
            name="daily_cycle_schedule",
            job=jobs["daily_cycle"],
            cron_schedule=DAILY_AT,
            execution_timezone=zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"One full cycle every day at 06:00 ({zone}).",
        ),
        dg.ScheduleDefinition(
            name="audit_head_schedule",
            job=jobs["publish_audit_head"],
            cron_schedule=NIGHTLY,
            execution_timezone=zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Every night the end of the audit chain is published and the chain proved.",
        ),
        dg.ScheduleDefinition(
            name="recheck_approvals_schedule",
            job=jobs["recheck_approvals"],
            cron_schedule=HOURLY,
            execution_timezone=zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="A green gate does not expire by itself; this judges it again every hour.",
        ),
        dg.ScheduleDefinition(
            name="read_experiments_schedule",
            job=jobs["read_experiments"],
            cron_schedule=READ_AT,
            execution_timezone=zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Every hour: approved starts are carried out, ramps widened, harm ends an experiment.",
        ),
        dg.ScheduleDefinition(
            name="learn_from_decisions_schedule",
            job=jobs["learn_from_decisions"],
            cron_schedule=BEFORE_DAWN,
            execution_timezone=zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Every morning before the daily cycle decisions, edits and outcomes are added up.",
        ),
        dg.ScheduleDefinition(
            name="compare_builds_schedule",
            job=jobs["compare_builds"],
            cron_schedule=WEEKLY,
            execution_timezone=zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Once a week the models that are counted by day are held against a full build.",
        ),
    ]
