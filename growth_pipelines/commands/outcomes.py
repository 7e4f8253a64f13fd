"""``growth outcomes``: what executed actions brought, by recommender and month, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

if TYPE_CHECKING:
    from growth_pipelines.outcomes.report import Done, Line
    from growth_pipelines.settings import Settings
    from growth_pipelines.store.tables import Action, ActionOutcome

_FINAL_DAYS = 28


@click.command()
@json_option
def outcomes(as_json: bool) -> None:
    """What executed actions brought: by recommender and month, with intervals, and what is not known."""
    from growth_pipelines.outcomes.report import return_report

    settings = current_settings()
    lines = return_report(executed(settings))
    if as_json:
        print_json([{**asdict(line), "share_realised": line.share_realised} for line in lines])
        return
    if not lines:
        click.echo("No action has been executed yet.")
        return
    columns = ["Month", "Recommender", "Actions", "Measured", "Awaited", "Not measurable", "Promised", "Realised"]
    columns += ["95 % interval", "Of promise", "Classes"]
    print_table(columns, [_row(line) for line in lines], f"Revenue in 28 days, {settings.currency}".rstrip(", "))
    for why, count in _reasons(lines):
        click.echo(f"Not known of {count}: {why}")
    click.echo("Realised and its share are of the measured ones only. Beyond 28 days nothing is known.")


def executed(settings: Settings) -> list[Done]:
    """All executed actions with what is known of them, from the store."""
    from sqlalchemy import select

    from growth_pipelines.store.database import Store
    from growth_pipelines.store.tables import Action, ActionOutcome

    with Store.of(settings).read() as session:
        actions = session.scalars(select(Action).where(Action.executed_at.is_not(None))).all()
        final = session.scalars(select(ActionOutcome).where(ActionOutcome.horizon_days == _FINAL_DAYS)).all()
        by_action: dict[str, list[ActionOutcome]] = {}
        for one in final:
            by_action.setdefault(one.action_id, []).append(one)
        return [_done(action, by_action.get(action.id, []), settings.zone) for action in actions]


def _done(action: Action, found: Sequence[ActionOutcome], zone: str) -> Done:
    from growth_pipelines.clock import local_date
    from growth_pipelines.outcomes.report import Done

    assert action.executed_at is not None
    promised = next((one for one in found if one.is_promised), None)
    money = next((one for one in found if one.metric == "revenue"), None)
    hours = (action.decided_at - action.created_at).total_seconds() / 3600 if action.decided_at else None
    return Done(
        recommender=action.recommender,
        month=f"{local_date(action.executed_at, zone):%Y-%m}",
        promised=float(action.impact["revenue_28d"]),
        outcome_class=promised.outcome_class if promised else None,
        revenue=_figures(money),
        why_not=money.skipped if money else "",
        hours_to_decide=hours,
    )


def _figures(money: ActionOutcome | None) -> tuple[float, float, float, float] | None:
    if money is None or money.effect is None or money.effect_low is None or money.effect_high is None:
        return None
    return money.effect, money.effect_low, money.effect_high, money.shared_error or 0.0


def _row(line: Line) -> list[Any]:
    known = line.realised
    share = line.share_realised
    return [
        line.month,
        line.recommender,
        str(line.actions),
        str(line.measured),
        str(line.awaited),
        str(line.not_measurable),
        f"{line.promised:,.0f}",
        f"{known.effect:+,.0f}" if known else "not known",
        f"{known.low:+,.0f} to {known.high:+,.0f}" if known else "",
        f"{share:.0%}" if share is not None else "",
        ", ".join(f"{count} {name}" for name, count in sorted(line.classes.items())),
    ]


def _reasons(lines: Sequence[Line]) -> list[tuple[str, int]]:
    from collections import Counter

    counted: Counter[str] = Counter()
    for line in lines:
        counted.update(line.reasons)
    return counted.most_common()
