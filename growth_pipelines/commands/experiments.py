"""``growth experiments``: declare an experiment, ask for its start, follow it, end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table
from growth_pipelines.commands.experiment_design import design_options
from growth_pipelines.commands.experiment_plan import plan
from growth_pipelines.commands.experiment_report import print_reading
from growth_pipelines.commands.experiment_units import now, units

if TYPE_CHECKING:
    from growth_pipelines.actions.experiments.declaration import Guardrail
    from growth_pipelines.actions.experiments.states import Move
    from growth_pipelines.readouts.reading import Reading
    from growth_pipelines.store.tables import Experiment

CHANNEL = "cli"


@click.group()
def experiments() -> None:
    """Experiments: who gets what, until when, and what was decided."""


experiments.add_command(plan)
experiments.add_command(units)
experiments.add_command(now)


@experiments.command("list")
@json_option
def list_experiments(as_json: bool) -> None:
    """List the experiments, the newest first."""
    from growth_pipelines.actions.experiments.registry import experiments as registered
    from growth_pipelines.store.database import Store

    with Store.of(current_settings()).read() as session:
        rows = [_document(row) for row in registered(session)]
    if as_json:
        print_json(rows)
    elif rows:
        names = ("key", "status", "unit", "primary_metric", "coverage", "planned_days")
        cells = [[row[name] for name in names] for row in rows]
        print_table(["Key", "Status", "Unit", "Metric", "Coverage", "Planned days"], cells)
    else:
        click.echo("No experiment is registered. Plan one with `growth experiments plan`.")


@experiments.command("show")
@click.argument("key")
@json_option
def show(key: str, as_json: bool) -> None:
    """Show what was declared of the experiment KEY, and what happened to it."""
    from growth_pipelines.actions.experiments.registry import find_experiment, history
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        row = find_experiment(session, key)
        document, events = _document(row), list(history(session, row))
    if as_json:
        print_json({**document, "history": events})
        return
    for name, value in document.items():
        click.echo(f"{name.replace('_', ' ')}: {value}")
    cells = [[local_minute(one["at"], settings.zone), one["event"], one["actor"], one["reason"]] for one in events]
    print_table(["At", "What", "Who", "Why"], cells, "History")


def _guardrail(text: str, unit: str) -> Guardrail:
    from growth_pipelines.actions.experiments.declaration import Guardrail

    metric, _, margin = text.partition(":")
    name, is_good = metric.lstrip("-"), not metric.startswith("-")
    kind = "proportion" if unit == "visitor" or name == "buyers" else "mean"
    try:
        return Guardrail(name, float(margin), kind, is_good)
    except ValueError as error:
        raise click.BadParameter(f"{text}: METRIC:MARGIN, e.g. sessions:0.05") from error


def _arm(text: str) -> tuple[str, float]:
    name, _, weight = text.partition(":")
    try:
        return name, float(weight or 1)
    except ValueError as error:
        raise click.BadParameter(f"{text}: NAME or NAME:WEIGHT") from error


@experiments.command("create")
@click.argument("key")
@click.option("--hypothesis", required=True, help="What is expected, and why.")
@click.option("--metric", required=True, help="What decides, e.g. conversions.")
@click.option(
    "--kind",
    type=click.Choice(["proportion", "mean", "cuped"]),
    help="Default: proportion of visitors, mean of others.",
)
@click.option("--arm", "arms", multiple=True, required=True, help="NAME or NAME:WEIGHT, control first; repeat.")
@click.option("--guardrail", "guardrails", multiple=True, help="METRIC:MARGIN; -METRIC where less is better.")
@click.option("--unit", type=click.Choice(["visitor", "customer", "page", "time_slice"]), default="visitor")
@click.option("--baseline", type=float, required=True)
@click.option("--effect", type=float, required=True, help="Least relative effect worth finding.")
@click.option(
    "--units",
    type=int,
    required=True,
    help="Planned units of all arms: see `plan`. Fewer are not drawn.",
)
@click.option("--days", type=int, required=True, help="Planned days: see `plan`.")
@click.option("--power", type=float, default=0.8)
@click.option("--pre-days", type=int, default=0, help="Days before exposure that CUPED uses.")
@click.option("--outcome-days", type=int, default=7, help="Days from exposure on that count.")
@click.option("--coverage", type=float, default=0.5, help="Share of units that take part after the first day.")
@design_options
@json_option
def create(
    key: str,
    hypothesis: str,
    metric: str,
    kind: str | None,
    arms: tuple[str, ...],
    guardrails: tuple[str, ...],
    unit: str,
    baseline: float,
    effect: float,
    units: int,
    days: int,
    power: float,
    pre_days: int,
    outcome_days: int,
    coverage: float,
    as_json: bool,
    **design: Any,
) -> None:
    """Register the experiment KEY as a draft. What is declared here can't be changed any more."""
    from growth_pipelines.actions.experiments.declaration import Declaration, usual_kind
    from growth_pipelines.actions.experiments.design import Design
    from growth_pipelines.actions.experiments.registry import create as register
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    declared = Declaration(
        key=key,
        hypothesis=hypothesis,
        primary_metric=metric,
        metric_kind=kind or usual_kind(unit, metric),
        arms=tuple(map(_arm, arms)),
        guardrails=tuple(_guardrail(text, unit) for text in guardrails),
        unit=unit,
        baseline=baseline,
        minimum_effect=effect,
        planned_units=units,
        planned_days=days,
        power=power,
        pre_days=pre_days,
        outcome_days=outcome_days,
        coverage_goal=coverage,
        design=Design(**design),
    )
    with store.session() as session:
        row = register(
            session,
            declared,
            shop_id=settings.shop.domain,
            actor=person,
            channel=CHANNEL,
            now=settings.clock.now(),
        )
        document = _document(row)
    if as_json:
        print_json(document)
    else:
        click.echo(f"{key} is registered. Ask for its start with `growth experiments start {key}`.")


@experiments.command("start")
@click.argument("key")
@json_option
def start(key: str, as_json: bool) -> None:
    """Draw the units of KEY and ask for its start: an action that waits for an approval, then `growth execute`."""
    from growth_pipelines.actions.experiments.registry import find_experiment
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.readouts.drawing import ask_for_start
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    present_operator(store, settings)
    with store.read() as session:
        row = find_experiment(session, key)
    _asked(ask_for_start(store, settings, row, settings.clock.now()), as_json)


@experiments.command("promote")
@click.argument("key")
@click.argument("arm")
@json_option
def promote(key: str, arm: str, as_json: bool) -> None:
    """Ask whether everybody may get ARM of the decided experiment KEY: an action like the start."""
    from growth_pipelines.actions.experiments.proposals import propose_promotion
    from growth_pipelines.actions.experiments.registry import find_experiment
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    present_operator(store, settings)
    with store.read() as session:
        row = find_experiment(session, key)
    _asked(propose_promotion(store, settings, row, arm, settings.clock.now()), as_json)


def _asked(action_id: str, as_json: bool) -> None:
    if as_json:
        print_json({"action_id": action_id})
    else:
        click.echo(f"Waits for an approval: `growth actions show {action_id}`.")


@experiments.command("pause")
@click.argument("key")
@click.option("--reason", required=True)
@json_option
def pause(key: str, reason: str, as_json: bool) -> None:
    """Let no new units into KEY for now; everybody sees control."""
    _moved(key, "pause", reason, as_json)


@experiments.command("resume")
@click.argument("key")
@click.option("--reason", required=True)
@json_option
def resume(key: str, reason: str, as_json: bool) -> None:
    """Let KEY go on after a pause."""
    _moved(key, "resume", reason, as_json)


@experiments.command("stop")
@click.argument("key")
@click.option("--reason", required=True)
@json_option
def stop(key: str, reason: str, as_json: bool) -> None:
    """End KEY for good; it can be decided then."""
    _moved(key, "stop", reason, as_json)


def _moved(key: str, step: Move, reason: str, as_json: bool) -> None:
    from growth_pipelines.actions.experiments.registry import operator_move
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person = present_operator(store, settings)
    with store.session() as session:
        row = operator_move(
            session, key, step, actor=person, channel=CHANNEL, now=settings.clock.now(), reason=reason
        )
        document = _document(row)
    if as_json:
        print_json(document)
    else:
        click.echo(f"{key} is {document['status']}.")


def _document(row: Experiment) -> dict[str, Any]:
    from growth_pipelines.actions.experiments.registry import document

    return document(row)


@experiments.command("report")
@click.argument("key")
@json_option
def report(key: str, as_json: bool) -> None:
    """Read what KEY shows in the published warehouse; reading it every day costs no false alarms."""
    from growth_pipelines.readouts.keeping import NotRead

    reading = _readings().get(key)
    if reading is None:
        raise NotRead(
            f"{key} has no reading.", "It has to have begun, and a build to have run since: `growth run`."
        )
    if as_json:
        print_json(reading.document())
    else:
        print_reading(reading)


@experiments.command("decide")
@click.argument("key")
@json_option
def decide(key: str, as_json: bool) -> None:
    """Freeze what the stopped experiment KEY shows, with the digest of its data."""
    from growth_pipelines.approvals.signatures import present_operator
    from growth_pipelines.readouts.supervision import decide_on
    from growth_pipelines.store.database import Store

    settings = current_settings()
    store = Store.of(settings)
    person, read = present_operator(store, settings), _readings()
    with store.session() as session:
        row = decide_on(session, key, read, actor=person, channel=CHANNEL, now=settings.clock.now())
        document = _document(row)
    if as_json:
        print_json(document)
        return
    winner = document["decision"]["winner"]
    click.echo(f"{key} is decided: {document['decision']['status']}.")
    if winner:
        click.echo(f"Ask for {winner} for everybody with `growth experiments promote {key} {winner}`.")


def _readings() -> dict[str, Reading]:
    from growth_pipelines.actions.experiments.registry import experiments as registered
    from growth_pipelines.actions.experiments.units import paired_units
    from growth_pipelines.clock import local_date
    from growth_pipelines.readouts.reading import readings
    from growth_pipelines.store.database import Store
    from growth_pipelines.warehouse.database import Warehouse

    settings = current_settings()
    with Store.of(settings).read() as session:
        rows, units = registered(session), paired_units(session)
    with Warehouse.of(settings).read() as connection:
        return readings(connection, rows, units, local_date(settings.clock.now(), settings.zone), settings.zone)
