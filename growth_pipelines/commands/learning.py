"""``growth learning``: what was learnt from decisions and outcomes, and which ranking is in force."""

from __future__ import annotations

from typing import Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.group()
def learning() -> None:
    """What decisions, edits and outcomes teach."""


@learning.command()
@json_option
def show(as_json: bool) -> None:
    """Show win-rates, habits and versions of the ranking, and what is not known yet."""
    from growth_pipelines.feedback.document import learning_document
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        document = learning_document(session, settings.clock.now())
    if as_json:
        print_json(document)
        return
    for sentence in document["not_known"]:
        click.echo(sentence)
    if document["win_rates"]:
        columns = ["Proposals", "Approved", "Worked", "Factor"]
        rows = [
            [one["kind"], _share(one["approval"]), _share(one["success"]), one["factor"] or ""]
            for one in document["win_rates"]
        ]
        print_table(columns, rows)
    if document["calibration"]:
        print_table(["Proposals", "Of 70 % sure, work", "Brought ÷ expected"], _corrected(document["calibration"]))
    if document["habits"]:
        rows = [[one["habit"], one["times"], "yes" if one["followed"] else "no"] for one in document["habits"]]
        print_table(["Habit", "Edits", "Counts"], rows)
    ranked = [
        [one["version"], one["status"], one["gate"]["why"] if one["gate"] else ""] for one in document["rankings"]
    ]
    print_table(["Ranking", "Status", "Gate"], ranked)


@learning.command()
def rollback() -> None:
    """Rank by the next plainer version from the next run on. Takes an operator."""
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.feedback.rankings import roll_back
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        version = roll_back(session, actor=person, channel="cli", now=settings.clock.now())
    click.echo(f"{version} is in force from the next run on.")


@learning.command()
@click.argument("version")
def use(version: str) -> None:
    """Rank by VERSION from the next run on, where the gate has passed it. Takes an operator."""
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.feedback.rankings import put_in_force
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        put_in_force(session, version, actor=person, channel="cli", now=settings.clock.now())
    click.echo(f"{version} is in force from the next run on.")


def _corrected(calibration: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [
            one["recommender"] or "all",
            f"{one['works']:.0%} ({one['low']:.0%}–{one['high']:.0%})",
            "{ratio:.2f} ({low:.2f}–{high:.2f})".format(**one["realised"]) if one["realised"] else "not measured",
        ]
        for one in calibration
    ]


def _share(rate: dict[str, float]) -> str:
    return f"{rate['mean']:.0%} ({rate['low']:.0%}–{rate['high']:.0%})"
