"""``growth actions``: look at what is proposed, and decide as the operator that GROWTH_OPERATOR names."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.clock import start_of_day
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table
from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.approvals.decide import DecisionResult
    from growth_pipelines.approvals.signatures import DecisionRecord
    from growth_pipelines.settings import Settings
    from growth_pipelines.store.database import Store

REASONS = ["incorrect", "not_relevant", "tone", "too_risky", "other"]
DECISIONS = ["approve", "reject", "request_changes", "defer", "rollback"]


def _whole(_: click.Context, __: click.Parameter, digest: str) -> str:
    """A digest, whole: a shortened one would look like a stale one."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise GrowthError(
            f"{digest!r} is not a whole digest.", "Take all 64 digits from `growth actions show ID`."
        )
    return digest


digest_option = click.option(
    "--digest", required=True, callback=_whole, help="The digest of what you looked at, all 64 digits."
)
note_option = click.option("--note", default="", help="A word on why.")
until_option = click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day it comes back.")


@click.group()
def actions() -> None:
    """List, show and decide actions."""


@actions.command("list")
@click.option("--state", help="Only actions in this state.")
@click.option("--kind", help="Only actions of this kind.")
@click.option("--top", type=click.IntRange(1), help="The N to look at first: ranked, without conflicts, varied.")
@json_option
def list_them(state: str | None, kind: str | None, top: int | None, as_json: bool) -> None:
    """List actions, best first."""
    from growth_pipelines.actions.queue import as_document, list_actions
    from growth_pipelines.actions.queue import top as top_of
    from growth_pipelines.store.database import Store
    from growth_pipelines.store.tables import ACTION_STATES

    if state is not None and state not in ACTION_STATES:
        raise GrowthError(f"There is no state {state}.", f"Use one of {', '.join(ACTION_STATES)}.")
    settings = current_settings()
    with Store.of(settings).read() as session:
        if top is not None:
            found = top_of(session, top, settings.clock.now(), state=state, kind=kind)
        else:
            found = list_actions(session, state, kind)
        documents = [as_document(action) for action in found]
    if as_json:
        print_json(documents)
    elif documents:
        print_ranked(documents, settings.currency)
    else:
        click.echo("No action fits.")


def print_ranked(documents: Sequence[dict[str, Any]], currency: str, title: str | None = None) -> None:
    """Actions as a table, in the order given; the ref is never broken, because it is what one copies."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("Ref", no_wrap=True)
    table.add_column("Action", ratio=1)
    table.add_column("Money in\n28 days", justify="right", no_wrap=True)
    table.add_column("Sure", justify="right", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    for place, document in enumerate(documents, start=1):
        worth, interval = _money(document["impact"], currency)
        state = "" if document["state"] == "pending" else f" ({document['state'].replace('_', ' ')})"
        table.add_row(
            str(place),
            document["ref"],
            document["title"] + state,
            f"{worth}\n{interval}",
            f"{document['confidence']:.0%}",
            f"{document['score']:,.0f}",
        )
    Console().print(table)


def _money(impact: dict[str, Any], currency: str) -> tuple[str, str]:
    """The expected money and its interval."""
    from growth_pipelines.console.figures import money

    low, high = impact["revenue_low"], impact["revenue_high"]
    return money(impact["revenue_28d"], currency), f"{money(low, currency)} – {money(high, currency)}"


@actions.command()
@click.argument("action_id", metavar="ID")
@json_option
def show(action_id: str, as_json: bool) -> None:
    """Show one action: what changes, why, what it should bring, how it is undone, what happened to it."""
    from growth_pipelines.actions.outcomes import outcome_document, outcomes_of
    from growth_pipelines.actions.queue import as_document, find, history
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        action = find(session, action_id)
        outcomes = [outcome_document(one) for one in outcomes_of(session, action.id)]
        document = {**as_document(action), "outcomes": outcomes, "history": history(session, action)}
    if as_json:
        print_json(document)
        return
    _print_action(document, settings)


def _print_action(document: dict[str, Any], settings: Settings) -> None:
    from growth_pipelines.console.figures import moment, number, window, zone_of

    zone = zone_of(settings.zone)
    worth, interval = _money(document["impact"], settings.currency)
    click.secho(document["title"], bold=True)
    facts = {
        "id": f"{document['id']} ({document['ref']}), version {document['version']}",
        "kind": f"{document['kind']}/{document['subtype']}, {document['risk_tier']} risk",
        "state": document["state"].replace("_", " "),
        "priority": document["priority"],
        "expires": moment(datetime.fromisoformat(document["expires_at"]), zone),
        "target": document["target"]["url"],
        "28 days": f"{worth} ({interval}), {document['confidence']:.0%} sure",
    }
    for name, value in facts.items():
        click.echo(f"{name:>9}  {value}")
    click.echo(f"\n{document['rationale']}\n{document['why_now']}\n")
    for change in document["diff"]:
        click.echo(f"  {change['field']}")
        click.secho(f"  - {change['before']}", fg="red")
        click.secho(f"  + {change['after']}", fg="green")
    evidence = [
        [
            row["name"],
            number(row["value"], row["unit"]),
            number(row["baseline"], row["unit"]),
            window(date.fromisoformat(row["start"]), date.fromisoformat(row["end"])),
        ]
        for row in document["evidence"]
    ]
    print_table(["Evidence", "Value", "Compared with", "Dates"], evidence)
    if document["outcomes"]:
        print_table(
            ["Outcome", "Days", "Effect", "95 % interval", "Read as"], _outcome_cells(document["outcomes"])
        )
        if "regressed" in document["labels"] and any(_is_worse_vital(one) for one in document["outcomes"]):
            click.echo(
                "The page had just got worse when the repair was proposed. What was still to come of that is in"
                " the web vital's figure."
            )
    events = [
        [moment(datetime.fromisoformat(event["at"]), zone), event["event"], event["actor"], event["channel"]]
        for event in document["history"]
    ]
    print_table(["At (shop's time)", "Event", "By", "Through"], events)
    click.echo(f"Rollback: {document['rollback_plan']}")
    click.echo(f"Digest:   {document['digest']}")


def _outcome_cells(outcomes: list[dict[str, Any]]) -> list[list[str]]:
    from growth_pipelines.console.figures import signed

    return [
        [
            one["metric"],
            str(one["horizon_days"]),
            signed(one["effect"]) if one["effect"] is not None else "not known",
            f"{signed(one['effect_low'])} to {signed(one['effect_high'])}" if one["effect"] is not None else "",
            one["skipped"] or one["outcome_class"] or _way(one["effect_low"], one["effect_high"]),
        ]
        for one in outcomes
    ]


def _is_worse_vital(outcome: dict[str, Any]) -> bool:
    """Only web vitals are measured without a promise and a class."""
    known = outcome["effect"] is not None and outcome["estimate"] is None and not outcome["outcome_class"]
    return bool(known and outcome["effect_low"] > 0)


def _way(low: float, high: float) -> str:
    """Of a web vital, of which nothing was promised: less is better."""
    return "better" if high < 0 else "worse" if low > 0 else "no difference shown"


@actions.command()
@click.argument("action_id", metavar="ID")
@digest_option
@note_option
@json_option
def approve(action_id: str, digest: str, note: str, as_json: bool) -> None:
    """Approve exactly the draft that DIGEST stands for."""
    _decide(action_id, "approve", as_json, digest=digest, note=note)


@actions.command()
@click.argument("action_id", metavar="ID")
@click.option("--reason", type=click.Choice(REASONS), required=True)
@note_option
@json_option
def reject(action_id: str, reason: str, note: str, as_json: bool) -> None:
    """Reject an action; 'other' needs a note."""
    _decide(action_id, "reject", as_json, reason=reason, note=note)


@actions.command("request-changes")
@click.argument("action_id", metavar="ID")
@click.option("--note", required=True, help="What should be different.")
@json_option
def request_changes(action_id: str, note: str, as_json: bool) -> None:
    """Ask for another draft."""
    _decide(action_id, "request_changes", as_json, note=note)


@actions.command()
@click.argument("action_id", metavar="ID")
@click.option("--file", "file", type=click.Path(path_type=Path), required=True, help="JSON or YAML of the parts.")
@note_option
@click.option("--confirm", default="", help="The code that stands for claims which only you can vouch for.")
@json_option
def edit(action_id: str, file: Path, note: str, confirm: str, as_json: bool) -> None:
    """Replace parts of the draft (e.g. title, description); the result is a new version that waits again.

    What nothing here backs is refused first, with a code to confirm it by.
    """
    from growth_pipelines.drafts.backing import confirmed_note

    settings, store = _open()
    parts = _parts_in(file)
    note = confirmed_note(settings, store, action_id, parts, confirm, note)
    _decide(action_id, "edit", as_json, note=note, draft=parts)


def _parts_in(file: Path) -> dict[str, Any]:
    import yaml

    try:
        parts = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GrowthError(f"{file} can't be read: {str(error).splitlines()[0]}.", "Give JSON or YAML.") from error
    if not isinstance(parts, dict) or not all(isinstance(name, str) for name in parts):
        raise GrowthError(f"{file} must hold the draft's parts by name.", 'E.g. {"title": "…"}.')
    return parts


@actions.command()
@click.argument("action_id", metavar="ID")
@until_option
@note_option
@json_option
def defer(action_id: str, until: datetime | None, note: str, as_json: bool) -> None:
    """Put an action off to a date, at most as far ahead as GROWTH_ACTIONS__DEFER_DAYS_MAX says."""
    _decide(action_id, "defer", as_json, note=note, until=until.date() if until else None)


@actions.command()
@click.argument("action_id", metavar="ID")
@click.option("--reason", required=True, help="Why it is undone.")
@json_option
def rollback(action_id: str, reason: str, as_json: bool) -> None:
    """Write back what an executed action replaced."""
    from growth_pipelines.actions.rollback import roll_back

    settings, store = _open()
    result = _decided(settings, store, action_id, "rollback", reason=reason)
    done = roll_back(store, settings, result.action["id"])
    if as_json:
        print_json({"id": done.action_id, "ref": done.ref, "status": done.status, "message": done.message})
    else:
        click.echo(done.message)
    if not done.done:
        sys.exit(1)


@actions.command()
@click.argument("action_id", metavar="ID")
@digest_option
@click.option("--decision", type=click.Choice(DECISIONS), default="approve", show_default=True)
@click.option("--reason", default="", help="Needed to reject or roll back.")
@note_option
@until_option
def sign(action_id: str, digest: str, decision: Any, reason: str, note: str, until: datetime | None) -> None:
    """Print a signed decision to paste into Dagster; it counts for 24 hours."""
    from growth_pipelines.approvals.signatures import TO_PASTE

    settings, store = _open()
    day = until.date() if until else None
    record = _signed(
        settings, store, action_id, decision, TO_PASTE, digest=digest, reason=reason, note=note, until=day
    )
    # On one line: as several it is no valid value where the launchpad's indentation expects one.
    click.echo(json.dumps(record.model_dump(mode="json"), ensure_ascii=False))


@actions.command("bulk")
@click.argument("decision", type=click.Choice(["approve", "reject", "defer"]))
@click.argument("action_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--reason", type=click.Choice(REASONS), default=None, help="Needed to reject.")
@note_option
@until_option
@click.option("--yes", is_flag=True, help="Don't ask once more.")
def bulk_decide(
    decision: Any, action_ids: tuple[str, ...], reason: str | None, note: str, until: datetime | None, yes: bool
) -> None:
    """Decide about many actions at once, as they are shown here; asks once more."""
    from growth_pipelines.actions.queue import as_document, find
    from growth_pipelines.approvals.bulk import Bulk, Item, check, cover, decide_all
    from growth_pipelines.approvals.decide import SignatureProof
    from growth_pipelines.approvals.signatures import AT_ONCE

    settings, store = _open()
    day = until.date() if until else None
    with store.read() as session:
        items = tuple(Item(one.id, one.digest) for one in (find(session, each) for each in action_ids))
        wanted = Bulk(decision, items, reason or "", note, day)
        check(wanted, settings, settings.clock.now())
        covered = cover(session, wanted, settings.clock.now())
        shown = [as_document(fate.action) for fate in covered.fates if fate.fate == "ready" and fate.action]
    print_ranked(shown, settings.currency, f"{covered.count} of {len(items)} can be decided")
    for one, other, fields in covered.conflicts:
        click.echo(f"{one.ref} and {other.ref} both write {', '.join(fields)}; the first is approved only.")
    if not shown or not (yes or click.confirm(f"{decision.capitalize()} these {covered.count}?")):
        click.echo("Nothing was decided.")
        sys.exit(1)
    parts = {"reason": reason or "", "note": note, "until": day}
    proofs = [
        SignatureProof(
            _signed(settings, store, item.action, decision, AT_ONCE, digest=item.digest, **parts),
            zone=settings.zone,
        )
        for item in items
    ]
    with store.session() as session:
        fates = decide_all(session, settings, wanted, proofs, settings.clock.now())
    for fate in fates:
        click.echo(fate.message)
    if any(fate.fate != "done" for fate in fates):
        sys.exit(1)


@actions.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--state", help="Only actions in this state.")
@click.option("--kind", help="Only actions of this kind.")
@click.option("--subtype", help="Only actions of this subtype.")
@click.option("--target", help="Only actions on this resource: its gid, URL or handle.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only actions created from this day of the shop on."
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; default: standard output."
)
def export_them(
    form: str,
    state: str | None,
    kind: str | None,
    subtype: str | None,
    target: str | None,
    since: datetime | None,
    output: Path | None,
) -> None:
    """Write the list of actions as CSV or JSON, best first."""
    from growth_pipelines.actions.export import as_csv, as_json
    from growth_pipelines.actions.listing import Filters, documents

    settings, store = _open()
    begins = start_of_day(since.date(), settings.zone) if since else None
    filters = Filters(state, kind, subtype, target, begins)
    found = documents(store, filters)
    lines = as_csv(found) if form == "csv" else as_json(found)
    if output is None:
        for line in lines:
            click.echo(line, nl=False)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


@actions.command()
@click.argument("action_id", metavar="ID")
def lift(action_id: str) -> None:
    """Allow proposals again where this action was rolled back."""
    from growth_pipelines.actions.lifecycle import lift_suppression
    from growth_pipelines.actions.queue import find
    from growth_pipelines.approvals.signatures import present_operator

    settings, store = _open()
    person = present_operator(store, settings)
    with store.session() as session:
        action = find(session, action_id)
        lift_suppression(session, action, actor=person, channel="cli", now=settings.clock.now())
    click.echo(f"{action.kind} may be proposed again for {action.target['url']}.")


def _open() -> tuple[Settings, Store]:
    from growth_pipelines.store.database import Store

    settings = current_settings()
    return settings, Store.of(settings)


def _signed(
    settings: Settings,
    store: Store,
    action_id: str,
    decision: Any,
    lasts: timedelta,
    digest: str | None = None,
    **parts: Any,
) -> DecisionRecord:
    """A record of this decision, signed by the operator that the command line acts as."""
    from growth_pipelines.actions.queue import find
    from growth_pipelines.approvals import signatures

    with store.read() as session:
        action = find(session, action_id)
    if lasts > signatures.AT_ONCE and digest != action.digest:
        raise GrowthError(
            f"That is not the digest of {action.ref}, which is at version {action.version} now.",
            f"Look again: `growth actions show {action.ref}`.",
        )
    record = signatures.DecisionRecord(
        action_id=action.id,
        version=action.version,
        digest=action.digest if digest is None else digest,
        decision=decision,
        operator=settings.operator,
        expires_at=settings.clock.now() + lasts,
        **parts,
    )
    return signatures.sign(settings, record)


def _decided(settings: Settings, store: Store, action_id: str, decision: str, **parts: Any) -> DecisionResult:
    from growth_pipelines.approvals.decide import DecisionRequest, SignatureProof, decide
    from growth_pipelines.approvals.signatures import AT_ONCE

    record = _signed(settings, store, action_id, decision, AT_ONCE, **parts)
    return decide(
        store,
        settings,
        DecisionRequest.of(record),
        SignatureProof(record, zone=settings.zone),
        settings.clock.now(),
    )


def _decide(action_id: str, decision: str, as_json: bool, **parts: Any) -> None:
    settings, store = _open()
    result = _decided(settings, store, action_id, decision, **parts)
    if as_json:
        print_json(result.action)
    else:
        click.echo(result.message)
