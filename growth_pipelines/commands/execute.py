"""``growth execute``: apply what is approved, undo what an operator asked to roll back."""

from __future__ import annotations

import sys

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.command()
@click.argument("actions", nargs=-1, metavar="[ID]...")
@click.option("--kind", default=None, help="Only actions of this kind, e.g. seo_ctr.")
@json_option
def execute(actions: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """Apply what is approved (or only the given actions) and carry out the rollbacks that were asked for.

    Exit code 1 when something that was asked for was not done: refused, drifted, failed or paused.
    """
    from dataclasses import asdict

    from growth_pipelines.actions.execution import execute_approved
    from growth_pipelines.actions.rollback import roll_back_requested
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    results = execute_approved(store, settings, kind=kind, only=actions or None)
    if not actions and kind is None:
        results += roll_back_requested(store, settings)
    if as_json:
        print_json([asdict(result) for result in results])
    elif results:
        rows = [[result.ref, result.status.replace("_", " "), result.message] for result in results]
        print_table(["Action", "Result", "What happened"], rows)
    else:
        click.echo("Nothing is approved and waiting.")
    if not all(result.done for result in results):
        sys.exit(1)
