"""What an experiment reads, as lines and a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from growth_pipelines.commands.context import print_table

if TYPE_CHECKING:
    from growth_pipelines.experiments.readout import Readout
    from growth_pipelines.readouts.reading import Reading


def print_reading(reading: Reading) -> None:
    """The status, a row a treatment, and what there is to know of the looks."""
    found = reading.readout
    click.echo(f"{found.key}: {found.status}, after {found.days} days and {sum(found.units):,} units.")
    if not found.healthy:
        click.echo(
            f"The sizes of the arms do not fit their weights (p = {found.srm_p_value:.2g}): nothing else is read."
        )
        return
    rows = []
    for one in found.arms:
        effect = one.effect
        rows.append(
            [
                one.arm,
                one.units,
                f"{effect.diff:+.1%}" if effect else one.why,
                f"{effect.ci_low:+.1%} to {effect.ci_high:+.1%}" if effect else "",
                f"{one.p_adjusted:.3f}" if one.p_adjusted is not None else "",
                f"{effect.chance_to_win:.0%}" if effect else "",
                ", ".join(f"{rail.metric} {rail.verdict or 'unknown'}" for rail in one.guardrails),
                one.decision.status if one.decision else "",
            ]
        )
    heads = ["Arm", "Units", "Effect", _interval(found), "p", "Chance to win", "Guardrails", "Status"]
    print_table(heads, rows)
    _print_look(found)
    if found.days_left:
        click.echo(f"About {found.days_left} days to the planned end.")


def _interval(found: Readout) -> str:
    if found.look is None:
        return "Always-valid 95 %"
    return f"{1 - found.look.alpha / (len(found.units) - 1):.1%} interval" if found.look.alpha else "Interval"


def _print_look(found: Readout) -> None:
    """Of units drawn before the start: which planned look this is, the next one, and what a second method says."""
    if found.look is None:
        return
    look, cross = found.look, found.cross
    if look.week:
        ending = "the planned end" if look.week == look.weeks else "before the end only harm is looked for"
        click.echo(f"Read at the planned look after week {look.week} of {look.weeks}: {ending}.")
    if look.next_week is not None:
        click.echo(f"The next look is after week {look.next_week}, when {look.days_to_next} more days are known.")
    if cross is not None:
        told = f"{cross.effect:+.1%} ({cross.ci_low:+.1%} to {cross.ci_high:+.1%})"
        click.echo(f"By {cross.method.replace('_', ' ')}: {told}. {_agreement(cross.agrees)}")


def _agreement(agrees: bool) -> str:
    if agrees:
        return "Both methods agree."
    return "The methods disagree: a group of pages moved by itself, so nothing is claimed."
