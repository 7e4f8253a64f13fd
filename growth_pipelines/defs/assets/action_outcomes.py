"""What executed actions did after 7, 14 and 28 days, told from pages and products that nothing was done to.

The statistics are in ``growth_pipelines.outcomes``; here they get their frames and their readings a place.
"""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import chart, table
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.outcomes import Executed, Reading
    from growth_pipelines.store.tables import Action

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
    from growth_pipelines.actions.outcomes import executed_actions, is_due, record_outcomes
    from growth_pipelines.outcomes import read_outcomes
    from growth_pipelines.warehouse.frames import load_frames

    with machine.store.read() as session:
        done = executed_actions(session, machine.now - _HISTORY)
        history = [_executed(action, machine.zone) for action in done]
        due = [one for one, action in zip(history, done, strict=True) if is_due(action, machine.now)]
        refs = {action.id: action.ref for action in done}
    readings: list[Reading] = []
    if due:
        with machine.warehouse.read() as connection:
            frames = load_frames(connection, _FRAMES, machine.today)
        machine.on_progress("outcomes", None)
        readings = read_outcomes(due, history, frames, int(frames["complete_days"]["minor_units"].iloc[0] or 100))
    with machine.store.session() as session:
        change = record_outcomes(session, [row for one in readings if (row := _row(one))], machine.now)
    return dg.MaterializeResult(
        metadata={
            "actions_looked_at": len(due),
            "read": len(change.read),
            "final": len(change.final),
            "negative": len(change.negative),
            **_shown(readings, refs),
        }
    )


def _executed(action: "Action", zone: str) -> "Executed":
    from growth_pipelines.clock import local_date
    from growth_pipelines.outcomes import Executed

    assert action.executed_at is not None
    return Executed(
        action_id=action.id,
        kind=action.kind,
        subtype=action.subtype,
        target_type=action.target["type"],
        gid=action.resource_gid,
        path=urlsplit(action.target["url"]).path.lower().rstrip("/") or "/",
        executed_on=local_date(action.executed_at, zone),
        rolled_back_on=local_date(action.state_at, zone) if action.state == "rolled_back" else None,
        delta=float(action.impact["delta"]),
        revenue=float(action.impact["revenue_28d"]),
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


def _shown(readings: "list[Reading]", refs: dict[str, str]) -> dict[str, Any]:
    """The longest reading of each action's promised metric as a table, the surest one drawn."""
    from growth_pipelines.outcomes import Effect

    longest: dict[str, Reading] = {}
    for reading in readings:
        if reading.is_promised and (isinstance(reading.result, Effect) or reading.action.action_id not in longest):
            longest[reading.action.action_id] = reading
    rows = [_told(reading, refs) for reading in longest.values()]
    classes = Counter(str(one.outcome_class) for one in longest.values() if one.outcome_class)
    measured = [one for one in longest.values() if isinstance(one.result, Effect)]
    clearest = max(measured, key=_clearness, default=None)
    return {
        **{f"class_{name}": count for name, count in sorted(classes.items())},
        **({"outcomes": table(rows)} if rows else {}),
        **({"clearest": _drawn(clearest, refs)} if clearest is not None else {}),
    }


def _told(reading: "Reading", refs: dict[str, str]) -> dict[str, Any]:
    from growth_pipelines.outcomes import Skipped

    row = {"action": refs[reading.action.action_id], "metric": reading.metric}
    found = reading.result
    if isinstance(found, Skipped):
        return {**row, "days": None, "effect": "", "interval_95": "", "class": "", "why_not": found.reason}
    return {
        **row,
        "days": reading.horizon,
        "effect": f"{found.effect:+,.0f}",
        "interval_95": f"{found.low:+,.0f} to {found.high:+,.0f}",
        "class": reading.outcome_class or "",
        "why_not": "",
    }


def _clearness(reading: "Reading") -> float:
    from growth_pipelines.outcomes import Effect

    assert isinstance(reading.result, Effect)
    return abs(reading.result.effect) / max(reading.result.high - reading.result.low, 1e-9)


def _drawn(reading: "Reading", refs: dict[str, str]) -> dg.MetadataValue:
    """The days of the action whose effect is clearest, beside what would have been."""
    from growth_pipelines.outcomes import Effect

    found = reading.result
    assert isinstance(found, Effect)
    values = [
        {
            "day": str(found.first + place),
            "value": float(value),
            "series": series,
            "executed": str(found.first + place) == reading.action.executed_on.isoformat(),
        }
        for series, days in (("it got", found.actual), ("would have got", found.expected))
        for place, value in enumerate(days)
    ]
    return chart(
        "outcome_days", f"{reading.metric} a day: {reading.action.path} ({refs[reading.action.action_id]})", values
    )
