"""``/api/phase7/experiments/plan``: the planner's answer, before anything is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request

from growth_pipelines.actions.experiments.declaration import BadExperiment, usual_kind
from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.console.callers import ReadsMetrics
from growth_pipelines.console.documents import problems
from growth_pipelines.console.experiment_documents import (
    Finite,
    Kind,
    PlanDocument,
    PlannedKind,
    Unit,
    Whole,
)
from growth_pipelines.console.identity import Console, Here
from growth_pipelines.console.stamps import stamp
from growth_pipelines.readouts.foresight import Question, foresee, undeclared
from growth_pipelines.readouts.own_numbers import last_days

router = APIRouter(prefix="/api/phase7/experiments", tags=["phase7"])
# Of a share it has to be below 1.
_ANY_BASELINE = 0.5


@dataclass(frozen=True)
class Planned:
    """A question to the planner, and the kind and the baseline that were asked with."""

    question: Question
    kind: PlannedKind
    baseline: float | None


def design_asked(
    page_type: Annotated[str, Query(max_length=40, description="pages: of this type; empty for all")] = "",
    handle: Annotated[str, Query(max_length=200, description="pages: which; * stands for anything")] = "*",
    settle_days: Annotated[Whole, Query(description="pages: until search engines see the change")] = 7,
    cap_quantile: Annotated[Finite, Query(description="customers: of buyers' revenue, to cap at")] = 0.99,
    block_days: Annotated[Whole, Query(description="time slices: days that an arm lasts")] = 1,
    carry_over_days: Annotated[Whole, Query(description="time slices: days left out after a switch")] = 0,
) -> Design:
    """What is declared besides for pages, customers and slices of time."""
    return Design(page_type, handle, settle_days, cap_quantile, block_days, carry_over_days)


def plan_asked(
    console: Here,
    design: Annotated[Design, Depends(design_asked)],
    minimum_effect: Annotated[
        Finite, Query(description="the least relative effect worth finding: 0.1 for 10 %")
    ] = 0.1,
    unit: Unit = "visitor",
    primary_metric: Annotated[str, Query(max_length=32)] = "conversions",
    metric_kind: Annotated[
        PlannedKind | None,
        Query(description="default: proportion of visitors, mean of others; ratio: of visitors, with a variance"),
    ] = None,
    baseline: Annotated[
        Finite | None,
        Query(
            description="control's mean; default: of conversions the shop's orders a session, of others as it was"
        ),
    ] = None,
    variance: Annotated[
        Finite | None,
        Query(description="of one unit's value, linearised of a ratio; default: of customers as they lately were"),
    ] = None,
    power: Annotated[Finite, Query(description="how surely the effect is to be found")] = 0.8,
    daily_units: Annotated[
        Finite | None, Query(description="visitors: new ones; default: the shop's sessions")
    ] = None,
    weights: Annotated[list[Finite] | None, Query(max_length=10, description="of the arms, control first")] = None,
    coverage_goal: Annotated[Finite, Query(description="the share of units that takes part")] = 0.5,
    planned_days: Annotated[Whole, Query(description="of all units but visitors")] = 28,
    fixed: Annotated[bool, Query(description="visitors: read once, at the end; default: at any time")] = False,
) -> Planned:
    """What is to be planned, under the names by which it would be declared."""
    if unit == "visitor" and variance is None and (baseline is None or daily_units is None):
        baseline, daily_units = _lately(console, primary_metric, baseline, daily_units)
    if baseline is None and (unit == "visitor" or variance is not None):
        raise BadExperiment("Say how it is now: a baseline.", "", {"baseline": "It is missing."})
    kind: PlannedKind = metric_kind or cast(Kind, usual_kind(unit, primary_metric))
    if kind == "ratio" and (unit != "visitor" or variance is None):
        why = "A ratio is planned of visitors, with the linearised variance of one."
        raise BadExperiment(why, "See docs/experiments.md.", {"variance": why})
    declared = undeclared(
        weights or [1.0, 1.0],
        unit=unit,
        primary_metric=primary_metric,
        # With its linearised variance a ratio is planned as a mean is.
        metric_kind="mean" if kind == "ratio" else kind,
        # Where the past is measured nothing hangs on it.
        baseline=_ANY_BASELINE if baseline is None else baseline,
        minimum_effect=minimum_effect,
        power=power,
        coverage_goal=coverage_goal,
        planned_days=planned_days,
        design=design,
    )
    return Planned(Question(declared, daily_units, variance, not fixed), kind, baseline)


def _lately(
    console: Console, metric: str, baseline: float | None, daily: float | None
) -> tuple[float | None, float | None]:
    """What was not said, from the shop's own last days, as the form has it."""
    late = last_days(console.settings, console.now())
    if late is None:
        return baseline, daily
    if baseline is None and metric == "conversions":
        baseline = late.orders
    return baseline, late.sessions if daily is None else daily


@router.get(
    "/plan",
    operation_id="planExperiment",
    response_model=PlanDocument,
    responses=problems(401, 403, 409, 422),
)
def planned(
    request: Request, caller: ReadsMetrics, console: Here, asked: Annotated[Planned, Depends(plan_asked)]
) -> dict[str, Any]:
    """How many units and days an experiment takes, and how small an effect it shows; changes nothing."""
    now, one = console.now(), asked.question.declared
    found = foresee(console.store, console.settings, asked.question, now)
    return {
        **stamp(request, now),
        "unit": one.unit,
        "primary_metric": one.primary_metric,
        "metric_kind": asked.kind,
        "baseline": asked.baseline if found.baseline is None else found.baseline,
        "daily_units": asked.question.daily_units,
        "minimum_effect": one.minimum_effect,
        "power": one.power,
        "planned_units": found.units,
        "planned_days": found.days,
        "needed_units": found.needed,
        "least_effect": found.effect,
        "least_effect_days": found.effect_days,
        "reason": found.why or None,
    }
