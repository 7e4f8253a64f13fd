"""What is settled before an experiment starts, and what is wrong with it; pure.

The command line, the console's form and the API declare the same thing and are refused by the same flaws.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from growth_pipelines.actions.experiments.design import Design, flaws_of
from growth_pipelines.actions.experiments.states import FIRST_COVERAGE
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import EXPERIMENT_UNITS

KINDS = ("proportion", "mean", "cuped")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{1,63}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_METRIC = re.compile(r"[a-z][a-z0-9_]{0,31}")
# Next to an experiment's own address in the console and the API.
_ADDRESSES = ("new", "plan")
# What a store's column of units takes, and more than any shop has.
_MOST_UNITS = 10**12


class BadExperiment(GrowthError):
    """What was declared can't be run or read. ``fields`` says what is wrong with which part of it."""

    def __init__(self, message: str, hint: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message, hint)
        self.fields = dict(fields or {})


@dataclass(frozen=True)
class Guardrail:
    """``metric`` must not get worse by ``margin`` (a share of control) or more."""

    metric: str
    margin: float
    kind: str = "proportion"
    increase_is_good: bool = True


@dataclass(frozen=True)
class Declaration:
    """What is settled before the start. ``arms`` are (name, weight), control first; units and days as planned."""

    key: str
    hypothesis: str
    primary_metric: str
    arms: tuple[tuple[str, float], ...]
    minimum_effect: float
    baseline: float
    planned_units: int
    planned_days: int
    unit: str = "visitor"
    metric_kind: str = "proportion"
    increase_is_good: bool = True
    guardrails: tuple[Guardrail, ...] = ()
    power: float = 0.8
    pre_days: int = 0
    outcome_days: int = 7
    coverage_goal: float = 0.5
    design: Design = field(default_factory=Design)


def usual_kind(unit: str, metric: str) -> str:
    """As what a metric of this kind of unit is read, unless something else is declared."""
    return "proportion" if unit == "visitor" or metric == "buyers" else "mean"


def is_plain(text: str) -> bool:
    """Whether a store takes it: no control characters but ends of lines and tabs."""
    return all(part.isprintable() for part in re.split(r"[\r\n\t]", text))


def check(one: Declaration) -> None:
    """Raises BadExperiment with all that is wrong with a declaration, the first flaw as its message."""
    found: dict[str, str] = {}
    for flawed, name, why in _flaws(one):
        if flawed:
            found.setdefault(name, why)
    if found:
        raise BadExperiment(next(iter(found.values())), "See docs/experiments.md.", found)


def _flaws(one: Declaration) -> Iterator[tuple[bool, str, str]]:
    """Whether something is wrong, with which field, and what."""
    names = [name for name, _ in one.arms]
    weights = [weight for _, weight in one.arms]
    primary, rails = (one.primary_metric, one.metric_kind), [(g.metric, g.kind) for g in one.guardrails]
    yield not _KEY.fullmatch(one.key), "key", "A key is 2 to 64 of a-z, 0-9, - and _."
    yield one.key in _ADDRESSES, "key", "The form, or the plan, is at that address; take another key."
    yield (
        not 10 <= len(one.hypothesis.strip()) <= 2000,
        "hypothesis",
        "Write the hypothesis down, in 10 to 2000 characters.",
    )
    yield not is_plain(one.hypothesis), "hypothesis", "The hypothesis holds control characters."
    yield one.unit not in EXPERIMENT_UNITS, "unit", f"A unit is one of {', '.join(EXPERIMENT_UNITS)}."
    yield (
        not 2 <= len(names) <= 10 or len(set(names)) < len(names),
        "arms",
        "Two to ten arms, each with its own name.",
    )
    yield (
        not all(_NAME.fullmatch(name) for name in names),
        "arms",
        "An arm's name is 1 to 40 letters, digits, - and _.",
    )
    yield (
        not all(math.isfinite(weight) and weight > 0 for weight in weights),
        "arms",
        "Weights are numbers above 0; leave an arm out instead of giving it 0.",
    )
    for field_name, measures in (("primary_metric", [primary]), ("guardrails", rails)):
        bad_names = not all(_METRIC.fullmatch(metric) for metric, _ in measures)
        yield bad_names, field_name, "A metric's name is a-z, 0-9 and _."
        bad_kinds = not all(kind in KINDS for _, kind in measures)
        yield bad_kinds, field_name, f"A metric's kind is one of {', '.join(KINDS)}."
    yield (
        not all(0 < g.margin < 1 for g in one.guardrails),
        "guardrails",
        "A guardrail's margin is a share: 0.05 for 5 %.",
    )
    yield (
        not 0 < one.minimum_effect < 10,
        "minimum_effect",
        "The minimum effect is a share of control above 0: 0.1 for 10 %.",
    )
    yield not (math.isfinite(one.baseline) and one.baseline > 0), "baseline", "The baseline is above 0."
    yield (
        one.metric_kind == "proportion" and one.baseline >= 1,
        "baseline",
        "The baseline of a share is below 1: 0.03 for 3 %.",
    )
    yield not 0.5 <= one.power < 1, "power", "Power is a probability from 0.5 on."
    yield not 2 <= one.planned_units <= _MOST_UNITS, "planned_units", "Plan two units at least."
    yield not 1 <= one.planned_days <= 730, "planned_days", "Plan 1 to 730 days."
    yield not 0 <= one.pre_days <= 365, "pre_days", "CUPED uses up to 365 days before."
    yield not 1 <= one.outcome_days <= 90, "outcome_days", "Outcomes take 1 to 90 days."
    yield (
        not FIRST_COVERAGE <= one.coverage_goal <= 1,
        "coverage_goal",
        f"The ramp leads to {FIRST_COVERAGE:g} to 1.",
    )
    yield from flaws_of(one.design, one.unit, weights, primary, rails, one.planned_days)
