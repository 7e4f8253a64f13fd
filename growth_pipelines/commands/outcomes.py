"""``growth outcomes``: what executed actions brought, by recommender and month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

if TYPE_CHECKING:
    from growth_pipelines.outcomes import Return

_HEADS = ("Month", "Recommender", "Done", "Measured", "Promised", "Realised", "95 % interval")


@click.command()
@json_option
def outcomes(as_json: bool) -> None:
    """Show what executed actions brought in 28 days, by recommender and month, and what is not known of it."""
    from growth_pipelines.actions.returns import executed_returns
    from growth_pipelines.outcomes import not_known, return_document, return_of, returns
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        executed = executed_returns(session, settings.zone)
    rows, whole = returns(executed), return_of(executed)
    if as_json:
        print_json({"by_month": [*map(return_document, rows)], "total": return_document(whole)})
        return
    if not executed:
        click.echo("Nothing was executed yet, so there is nothing to measure.")
        return
    print_table(_HEADS, [_cells(one, one.month, one.recommender) for one in rows] + [_cells(whole, "All", "")])
    click.echo("Revenue of 28 days in the shop's currency, against untouched pages or products.")
    for sentence in not_known(whole):
        click.echo(f"Not known: {sentence}")


def _cells(one: Return, month: str, recommender: str) -> list[Any]:
    known = one.realised
    return [
        month,
        recommender,
        one.actions,
        one.measured,
        f"{one.promised:,.0f}" if known else "-",
        f"{known.effect:+,.0f}" if known else "not known",
        f"{known.low:+,.0f} to {known.high:+,.0f}" if known else "",
    ]
