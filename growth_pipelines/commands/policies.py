"""``growth policies``: who decides about what, by when, and what may pass without anyone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

if TYPE_CHECKING:
    from growth_pipelines.approvals.automatic import Preview
    from growth_pipelines.policies.terms import Book

CHANNEL = "cli"


@click.group()
def policies() -> None:
    """Who decides about what, by when, and what may pass without anyone."""


@policies.command("show")
@click.option("--version", type=int, help="An earlier version instead of the one in force.")
@json_option
def show(version: int | None, as_json: bool) -> None:
    """Print the policy book in force as YAML: change it and save it with `growth policies save FILE`."""
    from growth_pipelines.errors import GrowthError
    from growth_pipelines.policies.book import in_force
    from growth_pipelines.policies.terms import book_of, shipped, text_of
    from growth_pipelines.store.database import Store
    from growth_pipelines.store.tables import PolicyVersion

    with Store.of(current_settings()).read() as session:
        present = in_force(session)
        number = present.version if version is None else version
        row = session.get(PolicyVersion, number)
        if row is None and number != 0:
            raise GrowthError(f"There is no version {number} of the policies.", "See `growth policies history`.")
        book = book_of(row.document) if row else shipped()
    if as_json:
        print_json({"version": number, "in_force": number == present.version, "policies": book.document()})
    else:
        click.echo(f"# version {number}{'' if number == present.version else ', no longer in force'}")
        click.echo(text_of(book), nl=False)


@policies.command("history")
@json_option
def history(as_json: bool) -> None:
    """List the versions of the policy book, the newest first."""
    from growth_pipelines.policies.book import versions
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        rows = [
            {
                "version": row.version,
                "saved_by": row.saved_by,
                "saved_at": row.saved_at,
                "note": row.note,
            }
            for row in versions(session)
        ]
    if as_json:
        print_json(rows)
    elif rows:
        cells = [_cells(row, settings.zone) for row in rows]
        print_table(["Version", "Saved by", "At", "Note"], cells)
    else:
        click.echo("The policies are the shipped ones; nobody has changed them yet.")


def _cells(row: dict[str, Any], zone: str) -> list[Any]:
    return [local_minute(value, zone) if isinstance(value, datetime) else value for value in row.values()]


@policies.command("preview")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def preview(file: Path, as_json: bool) -> None:
    """Show what the rules in FILE would let pass now, and would have in the last 28 days; changes nothing."""
    from growth_pipelines.policies.terms import parse

    found = _previewed(parse(file.read_text(encoding="utf-8")))
    if as_json:
        print_json([vars(one) for one in found])
    else:
        _print_preview(found)


@policies.command("save")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--note", default="", help="Why.")
@click.option("--from", "seen", type=int, help="The version that FILE was made from; default: the one in force.")
@json_option
def save(file: Path, note: str, seen: int | None, as_json: bool) -> None:
    """Put the policy book in FILE in force. Takes an admin; waiting actions come under the new terms at once."""
    from growth_pipelines.policies.terms import parse

    _save(parse(file.read_text(encoding="utf-8")), note, seen, as_json)


@policies.command("automatic")
@click.argument("kind")
@click.argument("switch", type=click.Choice(["on", "off"]))
@click.option("--hours", type=click.FloatRange(0, 24 * 366, min_open=True), help="On for so long only.")
@click.option("--min-confidence", type=click.FloatRange(0.5, 1), help="Let pass from this confidence on.")
@json_option
def automatic(kind: str, switch: str, hours: float | None, min_confidence: float | None, as_json: bool) -> None:
    """Let actions of KIND that are sure, cheap and harmless pass without anyone, or stop that. Takes an admin."""
    from growth_pipelines.policies.book import in_force
    from growth_pipelines.policies.terms import with_automatic
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        present = in_force(session)
    until = settings.clock.now() + timedelta(hours=hours) if hours and switch == "on" else None
    book = with_automatic(present.book, kind, enabled=switch == "on", until=until, min_confidence=min_confidence)
    if switch == "on" and not as_json:
        _print_preview(one for one in _previewed(book) if one.kind == kind)
    _save(book, f"auto-approval of {kind} {switch}", present.version, as_json)


@policies.command("resume")
@click.argument("kind")
@click.option("--reason", required=True, help="What has changed.")
def resume(kind: str, reason: str) -> None:
    """Let KIND's rule pass actions again after it was paused for too little success. Takes an admin."""
    from growth_pipelines.approvals.automatic import resume_automatic
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        resume_automatic(session, kind, actor=person, channel=CHANNEL, reason=reason, now=settings.clock.now())
    click.echo(f"Auto-approval of {kind} goes on.")


@policies.group("absences")
def absences_group() -> None:
    """Who is away, and who decides in their place."""


@absences_group.command("list")
@json_option
def list_absences(as_json: bool) -> None:
    """List the absences that are or will be."""
    from growth_pipelines.approvals.absences import absences
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        rows = [vars(one) for one in absences(session, settings.clock.now())]
    if as_json:
        print_json(rows)
    elif rows:
        cells = [_cells(row, settings.zone) for row in rows]
        print_table(["Id", "Operator", "Delegate", "From", "Until"], cells)
    else:
        click.echo("Nobody is away.")


@absences_group.command("add")
@click.argument("operator")
@click.option("--delegate", required=True, help="Who decides in their place.")
@click.option(
    "--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day, in the shop's zone."
)
@click.option("--until", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day.")
def add(operator: str, delegate: str, first: datetime, last: datetime) -> None:
    """Note that OPERATOR is away: people note their own, admins anyone's."""
    from growth_pipelines.approvals.absences import add_absence
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.clock import start_of_day
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        add_absence(
            session,
            operator=operator,
            delegate=delegate,
            begins_at=start_of_day(first.date(), settings.zone),
            ends_at=start_of_day(last.date() + timedelta(days=1), settings.zone),
            actor=person,
            channel=CHANNEL,
            now=settings.clock.now(),
            zone=settings.zone,
        )
    click.echo(f"{delegate} decides for {operator} from {first:%Y-%m-%d} to {last:%Y-%m-%d}.")


@absences_group.command("remove")
@click.argument("identity", metavar="ID")
def remove(identity: str) -> None:
    """Take an absence back."""
    from growth_pipelines.approvals.absences import end_absence
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        end_absence(session, identity, actor=person, channel=CHANNEL, now=settings.clock.now())
    click.echo("Taken back.")


def _save(book: Book, note: str, seen: int | None, as_json: bool) -> None:
    from growth_pipelines.approvals.automatic import save_book
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.policies.book import in_force
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        made_from = in_force(session).version if seen is None else seen
        row = save_book(
            session,
            book,
            actor=person,
            channel=CHANNEL,
            now=settings.clock.now(),
            seen=made_from,
            note=note,
            longest=settings.actions.automatic_longest,
        )
    if as_json:
        print_json({"version": row.version, "digest": row.digest})
    else:
        click.echo(f"Policies are at version {row.version} now.")


def _previewed(book: Book) -> list[Preview]:
    from growth_pipelines.approvals.automatic import preview
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        return preview(session, book, settings.clock.now(), settings.zone)


def _print_preview(found: object) -> None:
    rows = [
        [
            one.kind,
            f"{one.now} of {one.waiting}",
            f"{one.then} of {one.proposed}",
            ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in one.decided.items()),
        ]
        for one in found  # type: ignore[attr-defined]
    ]
    if rows:
        print_table(["Kind", "Would pass now", "Would have, in 28 days", "What became of those"], rows)
    else:
        click.echo("No rule that lets actions pass is switched on.")
