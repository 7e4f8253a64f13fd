"""``growth events``: deploys, campaigns, holidays and outages, so that monitoring can name what changed."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def events() -> None:
    """What people know of and figures don't; executed actions come by themselves."""


@events.command("list")
@click.option("--days", default=180, show_default=True, help="How far back.")
@json_option
def list_all(days: int, as_json: bool) -> None:
    """List noted events, the newest first."""
    from growth_pipelines.clock import local_date
    from growth_pipelines.store.database import Store
    from growth_pipelines.store.known_events import known_events

    settings = current_settings()
    since = local_date(settings.clock.now(), settings.zone) - timedelta(days=days)
    with Store.of(settings).read() as session:
        rows = [
            {"number": row.id, "kind": row.kind, "from": row.starts_on, "to": row.ends_on, "title": row.title}
            | {"by": row.created_by}
            for row in known_events(session, since)
        ]
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo('No events are noted. `growth events add deploy "New theme" --from 2026-11-12` notes one.')
    else:
        print_table(["No.", "Kind", "From", "To", "Title", "By"], [list(row.values()) for row in rows])


@events.command("add")
@click.argument("kind", type=click.Choice(["deploy", "campaign", "holiday", "outage", "price", "other"]))
@click.argument("title")
@click.option("--from", "starts_on", type=_DAY, required=True, help="First day, in the shop's calendar.")
@click.option("--to", "ends_on", type=_DAY, help="Last day; the first unless given.")
def add(kind: str, title: str, starts_on: datetime, ends_on: datetime | None) -> None:
    """Note an event of whole days. Takes an operator."""
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store
    from growth_pipelines.store.known_events import add_event

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    last = ends_on.date() if ends_on else None
    with store.session() as session:
        row = add_event(
            session,
            kind=kind,
            title=title,
            starts_on=starts_on.date(),
            ends_on=last,
            actor=person,
            channel="cli",
            now=settings.clock.now(),
        )
    click.echo(f"Noted as event {row.id}; the next look takes it into account.")


@events.command("remove")
@click.argument("number", type=int)
def remove(number: int) -> None:
    """Take event NUMBER back. Takes an operator."""
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store
    from growth_pipelines.store.known_events import remove_event

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        remove_event(session, number, actor=person, channel="cli", now=settings.clock.now())
    click.echo(f"Event {number} is removed.")
