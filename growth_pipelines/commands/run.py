"""``growth run``: one full cycle in this process, with progress while it works and a summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from growth_pipelines.commands.actions import print_ranked
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table
from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.defs.launch import RunSummary, StageProgress


@click.command()
@click.option(
    "--only", default="", help="Stages to run, comma-separated: ingest, build, monitor, recommend, queue."
)
@json_option
def run(only: str, as_json: bool) -> None:
    """One full cycle: ingest, build, monitor, recommend, queue."""
    from growth_pipelines.defs.launch import run_stages

    settings = current_settings()
    stages = [stage.strip() for stage in only.split(",") if stage.strip()] or None
    with stage_progress() as progress:
        summary = run_stages(settings, stages, progress)
    if as_json:
        print_json(
            {
                "ok": summary.ok,
                "stages": [{**vars(stage), "detail": stage.detail} for stage in summary.stages],
                "tables": dict(summary.tables),
                "actions": list(summary.actions),
            }
        )
    else:
        print_summary(summary, settings.currency)
    if not summary.ok:
        raise GrowthError(summary.error)


def print_summary(summary: RunSummary, currency: str) -> None:
    """What was ingested, how long each stage took, and the top actions with their money."""
    if summary.tables:
        rows = [[table, count] for table, count in summary.tables.items() if count]
        print_table(["Raw table", "Rows"], rows, "Ingested")
    print_table(
        ["Stage", "Seconds", "What"],
        [[stage.name, f"{stage.seconds:.1f}", stage.detail] for stage in summary.stages],
        "Stages",
    )
    if summary.actions:
        print_ranked(summary.actions, currency, "Top actions")


@contextmanager
def stage_progress() -> Iterator[StageProgress]:
    """Progress bars on stderr, one a stage; nothing on a screen that is none."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.fields[stage]:<10}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    )
    known: dict[str, TaskID] = {}

    def show(stage: str, what: str, done: float | None) -> None:
        if stage not in known:
            known[stage] = bars.add_task("", stage=stage, total=None)
        bars.update(known[stage], description=what, total=None if done is None else 1.0, completed=done or 0.0)
        if what in ("done", "failed"):
            bars.stop_task(known[stage])

    reporting: Callable[[str, str, float | None], None] = show
    with bars:
        yield reporting
