"""``growth audit``: the chain of everything that was decided and done."""

from __future__ import annotations

import sys

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json


@click.group()
def audit() -> None:
    """Verify the chain of events."""


@audit.command()
@json_option
def verify(as_json: bool) -> None:
    """Prove that no event was changed or removed; exit code 1 when one was."""
    from growth_pipelines.store.audit import verify_chain
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        report = verify_chain(session)
    if as_json:
        print_json(
            {
                "intact": report.intact,
                "events": report.events,
                "head": report.head,
                "problems": list(report.problems),
            }
        )
    elif report.intact:
        click.echo(f"{report.events} events, none changed, none removed. Head: {report.head}")
    else:
        click.echo(f"The audit chain is broken ({report.events} events):")
        for problem in report.problems:
            click.echo(f"  {problem}")
    if not report.intact:
        sys.exit(1)
