"""``growth quality``: how far each source can be trusted, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

if TYPE_CHECKING:
    from growth_pipelines.quality.report import SourceQuality

# Short, for eighty columns.
_HEADS = {"freshness": "Fresh", "completeness": "Complete", "validity": "Valid", "uniqueness": "Unique"}
_HEADS |= {"volume": "Usual"}


@click.command()
@json_option
def quality(as_json: bool) -> None:
    """Score and grade each source's data, and show what breaks its contract or is unusual.

    Ends with code 1 while a broken contract keeps new data from the readers.
    """
    from growth_pipelines.errors import GrowthError
    from growth_pipelines.quality.report import as_document, by_source, read_report

    settings = current_settings()
    report = read_report(settings)
    if report is None:
        raise GrowthError("Nothing has been judged yet.", "Run `growth run` first.")
    sources = by_source(report, settings.clock.now())
    if as_json:
        print_json({"judged_at": report.judged_at, "sources": [as_document(one) for one in sources]})
    else:
        _print(sources)
        at = local_minute(report.judged_at, settings.zone)
        click.echo(f"Judged at {at}. Parts are of 100; docs/quality.md says how.")
    if any(one.quality.blocked for one in sources):
        raise SystemExit(1)


def _print(sources: list[SourceQuality]) -> None:
    from growth_pipelines.quality.scoring import WEIGHTS

    rows = [
        [
            one.source,
            one.quality.grade + (" (blocked)" if one.quality.blocked else ""),
            one.quality.score,
            *(round(100 * one.quality.parts[name]) if name in one.quality.parts else "" for name in WEIGHTS),
        ]
        for one in sources
    ]
    print_table(["Source", "Grade", "Score", *(_HEADS[name] for name in WEIGHTS)], rows)
    for source in sources:
        for one in source.failing:
            click.echo(f"{'BLOCKS' if one.blocks else 'warns '} {one.table}: {one.expectation}: {one.observed}.")
            for example in one.examples:
                click.echo(f"       {example}")
