"""``growth audit``: the chain of everything that was decided and done."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings
    from growth_pipelines.store.audit_heads import PublishedHead
    from growth_pipelines.store.audit_walk import Link


class _HeadType(click.ParamType):
    """``SEQ:HASH``."""

    name = "seq:hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from growth_pipelines.store.audit_walk import Link

        seq, _, found = str(value).partition(":")
        if not seq.isdigit() or len(found) != 64:
            self.fail(f"{value!r} is no SEQ:HASH, such as 812:9f86d0… with all 64 digits.", param, ctx)
        return Link(int(seq), found.lower(), f"{seq}:{found[:8]}…")


@click.group()
def audit() -> None:
    """Verify, publish and export the chain of events."""


@audit.command()
@click.option("--file", "exported", type=click.Path(path_type=Path), help="An exported file instead of the store.")
@click.option("--head", "given", multiple=True, type=_HeadType(), help="A head known from elsewhere; may repeat.")
@click.option("--heads", "kept", type=click.Path(path_type=Path), help="A file of published heads from elsewhere.")
@click.option("--key", help="The public key (`growth audit key`) that signed them; default: this machine's.")
@json_option
def verify(
    exported: Path | None, given: tuple[Link, ...], kept: Path | None, key: str | None, as_json: bool
) -> None:
    """Prove that no event was changed or removed; exit code 1 when one was.

    The heads that this machine has published are held against the chain too, and those of --heads and --head,
    which also find a chain that was made anew with all its hashes.
    """
    settings = current_settings()
    published, problems = _heads(settings, kept, key, own=exported is None)
    links = [*(head.link for head in published), *given]
    document = _verified_file(exported, links) if exported else _verified_store(settings, links)
    document["problems"] = [*document["problems"], *problems]
    document |= {"intact": not document["problems"], "heads": len(links)}
    if as_json:
        print_json(document)
    else:
        _tell(document)
    if not document["intact"]:
        sys.exit(1)


def _heads(
    settings: Settings, kept: Path | None, key: str | None, own: bool
) -> tuple[list[PublishedHead], list[str]]:
    """The published heads to hold against the chain, and which of them are not signed as they should be."""
    from growth_pipelines.store.audit_heads import head_problems, heads_file, public_key, read_heads

    ours = heads_file(settings)
    heads = list(read_heads(ours)) if own and ours.exists() else []
    problems = head_problems(heads, public_key(settings)) if heads else []
    if kept is not None:
        more = list(read_heads(kept))
        # Where a file is verified that was received, this machine's own key means nothing.
        if key or own:
            problems += head_problems(more, key or public_key(settings))
        heads += more
    return heads, problems


def _verified_store(settings: Settings, links: list[Link]) -> dict[str, Any]:
    from growth_pipelines.store.audit import verify_chain
    from growth_pipelines.store.database import Store

    with Store.of(settings).read() as session:
        report = verify_chain(session, links)
    return {"events": report.events, "seq": report.seq, "head": report.head, "problems": list(report.problems)}


def _verified_file(file: Path, links: list[Link]) -> dict[str, Any]:
    from dataclasses import asdict

    from growth_pipelines.store.audit_export import verify_file

    return asdict(verify_file(file, links))


def _tell(document: dict[str, Any]) -> None:
    events = document["events"]
    if not document["intact"]:
        click.echo(f"The audit chain is broken ({events} events):")
        for problem in document["problems"]:
            click.echo(f"  {problem}")
        return
    heads = f" {document['heads']} published heads fit." if document["heads"] else ""
    if document.get("whole", True):
        click.echo(f"{events} events, none changed, none removed.{heads} Head: {document['head']}")
    else:
        click.echo(
            f"{events} events, none changed; a part of the chain with {document['links']} of its links.{heads}"
        )


@audit.command()
@json_option
def publish(as_json: bool) -> None:
    """Append the chain's head to GROWTH_HOME/audit/heads.ndjson, signed."""
    from dataclasses import asdict

    from growth_pipelines.store.audit_heads import heads_file, publish_head
    from growth_pipelines.store.database import Store

    settings = current_settings()
    head = publish_head(Store.of(settings), settings, settings.clock.now())
    if as_json:
        print_json(asdict(head))
    else:
        click.echo(f"{head.date}: {head.seq}:{head.hash}")
        click.echo(f"In {heads_file(settings)}. Keep a copy where this machine can't write.")


@audit.command()
def key() -> None:
    """Print the public key that signs published heads."""
    from growth_pipelines.store.audit_heads import public_key

    click.echo(public_key(current_settings()))


@audit.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day of the shop on.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="To this day, which is included.")
@click.option("--action", "about", help="Id or ref of an action.")
@click.option("--actor", help="Who did it.")
@click.option("--format", "form", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True)
def export(
    since: datetime | None, until: datetime | None, about: str | None, actor: str | None, form: Any
) -> None:
    """Write the events to stdout, oldest first; `growth audit verify --file` proves them.

    That they were exported is an event itself.
    """
    from growth_pipelines.clock import start_of_day
    from growth_pipelines.store.audit import append_event
    from growth_pipelines.store.audit_export import lines
    from growth_pipelines.store.audit_records import EventFilter, records
    from growth_pipelines.store.database import Store

    settings = current_settings()
    asked = {"since": since and since.date(), "until": until and until.date(), "action": about, "actor": actor}
    chosen = EventFilter(
        since=start_of_day(since.date(), settings.zone) if since else None,
        until=start_of_day(until.date() + timedelta(days=1), settings.zone) if until else None,
        action=about,
        actor=actor,
    )
    store = Store.of(settings)
    with store.session() as session:
        append_event(
            session,
            event="audit_exported",
            actor=settings.operator or "host",
            channel="cli",
            now=settings.clock.now(),
            payload={"format": form, **{name: value for name, value in asked.items() if value}},
        )
    with store.read() as session:
        for line in lines(records(session, chosen), form):
            click.echo(line, nl=False)
