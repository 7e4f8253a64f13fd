"""``growth tasks``: what is to be done by hand, and that it was done."""

from __future__ import annotations

from datetime import datetime

import click

from growth_pipelines.clock import local_date
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.group()
def tasks() -> None:
    """Work by hand: what is to be done, and what was done."""


@tasks.command("list")
@json_option
def list_tasks(as_json: bool) -> None:
    """List what is still to be done, the oldest first."""
    from growth_pipelines.actions.tasks import open_tasks, task_document
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        documents = [task_document(action, card) for action, card in open_tasks(session)]
    if as_json:
        print_json(documents)
    elif documents:
        cells = [
            [
                one["ref"],
                local_date(datetime.fromisoformat(one["opened_at"]), settings.zone),
                one["title"],
                str(len(one["steps"])),
            ]
            for one in documents
        ]
        print_table(["Action", "Since", "What", "Steps"], cells)
    else:
        click.echo("Nothing is to be done by hand.")


@tasks.command()
@click.argument("action_id", metavar="ID")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day on which it was done; today unless given.")
def done(action_id: str, on: datetime | None) -> None:
    """Say that the work of an action was done; its outcome is measured from that day on."""
    from growth_pipelines.actions.queue import find
    from growth_pipelines.actions.tasks import mark_done
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person, now = present_operator(store, settings), settings.clock.now()
    with store.session() as session:
        action = find(session, action_id)
        day = on.date() if on else None
        card = mark_done(session, action, day, actor=person, channel="cli", now=now, zone=settings.zone)
    assert card.done_at is not None
    click.echo(f"{action.ref} was done on {local_date(card.done_at, settings.zone)}: {card.title}")
