"""``growth experiments plan``: what an experiment takes and what it would show, before it is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json
from growth_pipelines.commands.experiment_design import design_options

if TYPE_CHECKING:
    from growth_pipelines.readouts.foresight import Foreseen

_POSITIVE = click.FloatRange(0, min_open=True)


@click.command("plan")
@click.option("--baseline", type=_POSITIVE, help="How it is now; of customers, pages and days it is measured.")
@click.option("--effect", type=float, required=True, help="Relative: 0.1 is +10 %.")
@click.option("--daily-units", type=_POSITIVE, help="Visitors: new ones a day.")
@click.option("--variance", type=_POSITIVE, help="Of a unit's value; default: of customers as they lately were.")
@click.option("--unit", type=click.Choice(["visitor", "customer", "page", "time_slice"]), default="visitor")
@click.option("--metric", default="conversions", show_default=True)
@click.option(
    "--kind",
    type=click.Choice(["proportion", "mean", "ratio", "cuped"]),
    help="Default: proportion of visitors without --variance, mean of others.",
)
@click.option("--days", type=int, default=28, show_default=True, help="Planned days of all units but visitors.")
@click.option("--power", type=click.FloatRange(0.5, 1, max_open=True), default=0.8, show_default=True)
@click.option("--coverage", type=click.FloatRange(0, 1, min_open=True), default=0.5, show_default=True)
@click.option("--arms", type=click.IntRange(2, 10), default=2, show_default=True)
@click.option("--fixed", is_flag=True, help="Visitors: read once, at the end; default: at any time.")
@design_options
@json_option
def plan(
    baseline: float | None,
    effect: float,
    daily_units: float | None,
    variance: float | None,
    unit: str,
    metric: str,
    kind: str | None,
    days: int,
    power: float,
    coverage: float,
    arms: int,
    fixed: bool,
    as_json: bool,
    **design: Any,
) -> None:
    """Say how many units and days it takes to find an effect, and how small a one is found; changes nothing."""
    from growth_pipelines.actions.experiments.declaration import usual_kind
    from growth_pipelines.actions.experiments.design import Design
    from growth_pipelines.readouts.foresight import Question, foresee, undeclared
    from growth_pipelines.store.database import Store

    if baseline is None and (unit == "visitor" or variance is not None):
        raise click.UsageError("Say how it is now: --baseline.")
    usual = "mean" if variance is not None else usual_kind(unit, metric)
    declared = undeclared(
        [1.0] * arms,
        unit=unit,
        primary_metric=metric,
        # With its linearised variance a ratio is planned as a mean is.
        metric_kind="mean" if kind == "ratio" else kind or usual,
        baseline=0.5 if baseline is None else baseline,
        minimum_effect=effect,
        power=power,
        coverage_goal=coverage,
        planned_days=days,
        design=Design(**design),
    )
    settings = current_settings()
    asked = Question(declared, daily_units, variance, sequential=not fixed)
    _print(foresee(Store.of(settings), settings, asked, settings.clock.now()), unit, power, as_json)


def _print(found: Foreseen, unit: str, power: float, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "units": found.arms,
                "planned_units": found.units,
                "planned_days": found.days,
                "needed_units": found.needed,
                "least_effect": found.effect,
                "least_effect_days": found.effect_days,
                "baseline": found.baseline,
                "reason": found.why or None,
            }
        )
        return
    name = "days of the shop" if unit == "time_slice" else f"{unit}s"
    control = f", {found.arms[0]:,} of them control" if found.arms else ""
    can = "" if unit == "visitor" else " can be drawn now"
    click.echo(f"{found.units:,} {name}{control}{can}; {found.days} days.")
    if found.effect is None:
        click.echo(found.why)
    else:
        click.echo(f"{found.effect_days} days show {found.effect:+.1%} or more, in {power:.3g} of cases.")
    if unit != "visitor" and found.needed:
        click.echo(f"What you look for takes some {found.needed:,} {name}.")
    if found.baseline is not None:
        click.echo(f"In as many days each had {found.baseline:.4g} on average lately.")
