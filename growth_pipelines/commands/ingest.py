"""``growth ingest``: read the shop, Search Console and web vitals; ``growth ingest status``: how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

if TYPE_CHECKING:
    from growth_pipelines.ingestion.results import Progress, StreamResult

DAY = click.DateTime(["%Y-%m-%d"])
STATUS_COLUMNS = ("Stream", "State", "Has", "Behind", "Rows", "Calls")


@click.command()
@click.argument("streams", nargs=-1, metavar="[STREAM]...|status")
@click.option("--since", type=DAY, help="First day to read, instead of where the last run ended.")
@click.option("--until", type=DAY, help="Last day to read.")
@click.option("--full", is_flag=True, help="Read the whole history again.")
@json_option
def ingest(
    streams: tuple[str, ...], since: datetime | None, until: datetime | None, full: bool, as_json: bool
) -> None:
    """Read the given streams (all by default) and load them. `growth ingest status` shows how far each is."""
    if streams == ("status",):
        _status(as_json)
        return
    from growth_pipelines.ingestion.results import IngestError
    from growth_pipelines.ingestion.run import ingest as run

    settings = current_settings()
    first, last = since.date() if since else None, until.date() if until else None
    try:
        with _progress(hidden=as_json) as on_progress:
            results = run(settings, streams, first, last, full, on_progress)
    except IngestError as error:
        print_results(error.results, as_json)
        for name, failure in list(error.failures.items())[1:]:
            click.echo(f"growth: {name}: {failure}", err=True)
        raise
    print_results(results, as_json)


def print_results(results: list[StreamResult], as_json: bool) -> None:
    """What was loaded, a stream a line."""
    if as_json:
        print_json([asdict(result) | {"rows": dict(result.rows)} for result in results])
        return
    if not results:
        return
    print_table(
        ["Stream", "Rows", "Window", "Calls", "Seconds"],
        [
            [
                result.stream,
                sum(result.rows.values()),
                f"{_day(result.window_start)} – {_day(result.window_end)}" if result.window_start else "",
                result.requests,
                round(result.seconds, 1),
            ]
            for result in results
        ],
    )
    for result in results:
        for note in result.notes:
            click.echo(f"{result.stream}: {note}")


def _status(as_json: bool) -> None:
    from growth_pipelines.ingestion.budgets import budget_status
    from growth_pipelines.ingestion.status import ingest_status, remarks

    settings = current_settings()
    rows = ingest_status(settings)
    if as_json:
        print_json(rows)
        return
    print_table(STATUS_COLUMNS, [_status_cells(row, settings.zone) for row in rows])
    click.echo(
        f"Days of Search Console are Pacific, all others {settings.zone}. Rows and calls: the newest run's."
    )
    for row in rows:
        for remark in remarks(row, settings.zone):
            click.echo(f"{row['stream']}: {remark}")
    if budgets := budget_status(settings):
        print_table(
            ["API budget", "Left", "Of", "Used today", "Waits until"],
            [_budget_cells(one, settings.zone) for one in budgets],
        )


def _status_cells(row: dict[str, Any], zone: str) -> list[Any]:
    from growth_pipelines.ingestion.status import NEVER, lag_in_words, window_of_row

    state = row["state"].upper() if row["state"] in ("failed", "late") else row["state"]
    if row["state"] == NEVER:
        return [row["stream"], state, "", "", 0, 0]
    return [
        row["stream"],
        state,
        window_of_row(row, zone),
        lag_in_words(row),
        row["rows"],
        row["requests"],
    ]


def _budget_cells(budget: dict[str, Any], zone: str) -> list[Any]:
    waiting = budget["waiting_until"]
    return [
        budget["scope"],
        f"{budget['available']:,.0f}",
        f"{budget['maximum']:,.0f}",
        f"{budget['used_today']:,.0f}",
        local_minute(waiting, zone) if waiting else "",
    ]


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


@contextmanager
def _progress(hidden: bool) -> Iterator[Callable[[Progress], None]]:
    """One bar a stream on stderr while it is fetched; nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.fields[state]}"))
    with Bars(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def show(step: Progress) -> None:
            if step.stream not in tasks:
                tasks[step.stream] = bars.add_task(step.stream, total=None, state="")
            task = tasks[step.stream]
            if step.phase == "fetching" and step.done:
                bars.update(task, completed=step.done, total=step.total or None, state=f"{step.done:,} fetched")
            elif step.phase in ("loaded", "done"):
                bars.update(task, state=f"{step.rows:,} rows")
            if step.phase in ("done", "failed"):
                bars.update(task, total=1, completed=1)

        yield show
