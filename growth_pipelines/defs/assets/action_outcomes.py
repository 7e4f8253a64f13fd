"""What executed actions did after 7, 14 and 28 days, told from pages and products that nothing was done to.

The statistics are in ``growth_pipelines.outcomes``; here they get their frames and their readings a place.
"""

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import ROWS_SHOWN, chart, table
from growth_pipelines.defs.happenings import marked
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.outcomes import Executed, Reading
    from growth_pipelines.store.tables import Action, ActionOutcome

OUTCOMES = dg.AssetKey("action_outcomes")
_FRAMES = ("outcome_pages", "outcome_products", "outcome_units", "complete_days")
# What was done longer ago is in no window that is compared.
_HISTORY = timedelta(days=270)


@dg.asset(
    key=OUTCOMES,
    deps=[PUBLISHED],
    group_name="outcomes",
    kinds={"python", "pandas"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="What each executed action did to the metric that it promised and to revenue, 7, 14 and 28 days "
    "after it, against untouched pages or products, with a 95 % interval. Read anew until 28 days are complete; "
    "what can't be measured says why, and is not counted as zero.",
)
def action_outcomes(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.actions.experiments.units import pages_changed
    from growth_pipelines.actions.outcomes import (
        executed_actions,
        is_due,
        longest_outcomes,
        record_outcomes,
        vital_outcomes,
        vitals_due,
    )
    from growth_pipelines.actions.tasks import not_yet_changed
    from growth_pipelines.clock import local_date
    from growth_pipelines.outcomes import FORM_FACTORS, VITALS, Tested, read_outcomes, read_vitals
    from growth_pipelines.warehouse.frames import load_frames

    vital_metrics = [f"{vital}_{device}" for vital in VITALS for device in FORM_FACTORS]
    with machine.store.read() as session:
        done = executed_actions(session, machine.now - _HISTORY)
        history = [_executed(action, machine.zone) for action in done]
        changed = pages_changed(session, machine.now - _HISTORY)
        tested = [Tested(page, local_date(at, machine.zone)) for page, at in changed]
        unchanged = not_yet_changed(session)
        due = [
            one
            for one, action in zip(history, done, strict=True)
            if is_due(action, machine.now) and action.id not in unchanged
        ]
        refs = {action.id: action.ref for action in done}
        vitals = vitals_due(session, machine.now, vital_metrics, len(FORM_FACTORS)) - unchanged
    readings: list[Reading] = []
    if repairs := [one for one in history if one.action_id in vitals and one.vital]:
        with machine.warehouse.read() as connection:
            frames = load_frames(connection, ("vitals", "outcome_units"), machine.today)
        readings += read_vitals(repairs, history, frames, tested)
    if due:
        with machine.warehouse.read() as connection:
            frames = load_frames(connection, _FRAMES, machine.today)
        machine.on_progress("outcomes", None)
        minor_units = int(frames["complete_days"]["minor_units"].iloc[0] or 100)
        readings += read_outcomes(due, history, frames, minor_units, tested)
    with machine.store.session() as session:
        change = record_outcomes(session, [row for one in readings if (row := _row(one))], machine.now)
        shown = _shown(machine, longest_outcomes(session, machine.now - _HISTORY), readings, refs)
        repaired = [_vital(*one) for one in vital_outcomes(session, vital_metrics, ROWS_SHOWN)]
    return dg.MaterializeResult(
        metadata={
            "actions_looked_at": len(due),
            "read": len(change.read),
            "final": len(change.final),
            "negative": len(change.negative),
            **shown,
            **({"web_vitals": table(repaired)} if repaired else {}),
        }
    )


def _executed(action: "Action", zone: str) -> "Executed":
    from growth_pipelines.actions.subject import page_of
    from growth_pipelines.clock import local_date
    from growth_pipelines.outcomes import VITALS, Executed

    assert action.executed_at is not None
    return Executed(
        action_id=action.id,
        kind=action.kind,
        subtype=action.subtype,
        target_type=action.target["type"],
        gid=action.resource_gid,
        path=page_of(action.target["url"]),
        executed_on=local_date(action.executed_at, zone),
        rolled_back_on=local_date(action.state_at, zone) if action.state == "rolled_back" else None,
        delta=float(action.impact["delta"]),
        revenue=float(action.impact["revenue_28d"]),
        vital=vital if (vital := str(action.impact["metric"]).removeprefix("sessions_")) in VITALS else "",
    )


def _row(reading: "Reading") -> dict[str, Any] | None:
    """The reading as a row of the store; None for what is only a matter of time."""
    from growth_pipelines.outcomes import Skipped

    found = reading.result
    row: dict[str, Any] = {
        "action_id": reading.action.action_id,
        "metric": reading.metric,
        "horizon_days": reading.horizon,
        "slug": reading.action.slug,
        "is_promised": reading.is_promised,
        "estimate": reading.estimate,
        "outcome_class": reading.outcome_class,
    }
    numbers = ("baseline", "observed", "counterfactual", "effect", "shared_error", "controls")
    if isinstance(found, Skipped):
        unknown = dict.fromkeys((*numbers, "effect_low", "effect_high"))
        return (
            {**row, **unknown, "skipped": found.reason, "is_overlapping": False, "days": {}}
            if found.final
            else None
        )
    return {
        **row,
        **{name: getattr(found, name) for name in numbers},
        "effect_low": found.low,
        "effect_high": found.high,
        "skipped": "",
        "is_overlapping": found.is_overlapping,
        "days": {
            "first": str(found.first),
            "actual": [round(float(value), 3) for value in found.actual],
            "expected": [round(float(value), 3) for value in found.expected],
        },
    }


def _shown(
    machine: Machine,
    known: "list[tuple[Action, ActionOutcome]]",
    readings: "list[Reading]",
    refs: dict[str, str],
) -> Any:
    """What is known of each action as a table, then what is waited for; the surest of all drawn."""
    seen = {action.id for action, _ in known}
    # The first look is waited for first.
    promised = (one for one in reversed(readings) if one.is_promised and one.action.action_id not in seen)
    waits = {one.action.action_id: one for one in promised}
    classes = Counter(outcome.outcome_class for _, outcome in known if outcome.outcome_class)
    measured = [one for one in known if one[1].effect is not None]
    clearest = max(measured, key=lambda one: _clearness(one[1]), default=None)
    rows = [*(_told(*one) for one in known), *(_waits(one, refs) for one in waits.values())]
    return {
        **{f"class_{name}": count for name, count in sorted(classes.items())},
        "outcomes": table(rows, ("action", "metric", "days", "effect", "interval_95", "class", "why_not")),
        **({"clearest": _drawn(machine, *clearest)} if clearest is not None else {}),
    }


def _told(action: "Action", outcome: "ActionOutcome") -> dict[str, Any]:
    row = {"action": action.ref, "metric": outcome.metric}
    if outcome.effect is None:
        return {**row, "why_not": outcome.skipped}
    return {
        **row,
        "days": outcome.horizon_days,
        "effect": f"{outcome.effect:+,.0f}",
        "interval_95": f"{outcome.effect_low:+,.0f} to {outcome.effect_high:+,.0f}",
        "class": outcome.outcome_class,
    }


def _waits(reading: "Reading", refs: dict[str, str]) -> dict[str, Any]:
    from growth_pipelines.outcomes import Skipped

    assert isinstance(reading.result, Skipped)
    return {
        "action": refs[reading.action.action_id],
        "metric": reading.metric,
        "why_not": reading.result.reason,
    }


def _vital(action: "Action", outcome: "ActionOutcome") -> dict[str, Any]:
    """What a repair did to the vital itself; layout shift has two decimals."""
    row = {"action": action.ref, "vital": outcome.metric}
    if outcome.effect is None or outcome.effect_low is None or outcome.effect_high is None:
        return {**row, "change": "", "interval_95": "", "why_not": outcome.skipped}
    digits = 2 if outcome.metric.startswith("cls") else 0
    change, low, high = (
        f"{end:+,.{digits}f}" for end in (outcome.effect, outcome.effect_low, outcome.effect_high)
    )
    return {**row, "change": change, "interval_95": f"{low} to {high}", "why_not": ""}


def _clearness(outcome: "ActionOutcome") -> float:
    assert outcome.effect is not None
    assert outcome.effect_low is not None
    assert outcome.effect_high is not None
    return abs(outcome.effect) / max(outcome.effect_high - outcome.effect_low, 1e-9)


def _drawn(machine: Machine, action: "Action", outcome: "ActionOutcome") -> dg.MetadataValue:
    """The days of the action whose effect is clearest, beside what would have been."""
    first = date.fromisoformat(outcome.days["first"])
    # The day of execution is in neither window: the days after it follow the next one.
    executed = first + timedelta(days=len(outcome.days["actual"]) - outcome.horizon_days - 1)
    values = [
        {
            "day": str(day),
            "value": value,
            "series": series,
            "executed": day == executed,
        }
        for series, name in (("it got", "actual"), ("would have got", "expected"))
        for place, value in enumerate(outcome.days[name])
        for day in (first + timedelta(days=place),)
    ]
    path = urlsplit(action.target["url"]).path
    return chart("outcome_days", f"{outcome.metric} a day: {path} ({action.ref})", marked(machine, values, path))
