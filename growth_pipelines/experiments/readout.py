"""An experiment as it reads today: a pure function of what was declared and of the sums of its arms.

Sizes of the arms first: where they don't fit, nothing else is read. Each treatment is compared with control at
α ÷ their number, by the always-valid interval; the plain interval is added once the plan is reached, since it is
right only then. Effects are relative to control.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from growth_pipelines.experiments.arms import METRICS, Arm, Metric, UnusableSample
from growth_pipelines.experiments.comparison import Comparison, compare_to_control, effects_differ
from growth_pipelines.experiments.decision import Criteria, Decision, decide
from growth_pipelines.experiments.guardrails import Verdict, guardrail_verdict
from growth_pipelines.experiments.multiplicity import holm
from growth_pipelines.experiments.planning import LEAST_DAYS, days_left, power
from growth_pipelines.experiments.ratio_mismatch import SRM_ALPHA, sample_ratio_mismatch

ALPHA = 0.05
# Units of the first week and later ones must differ more surely than by one chance in twenty to be told apart.
NOVELTY_ALPHA = 0.05


@dataclass(frozen=True)
class Measure:
    """A metric as declared; ``margin`` (a share of control) for a guardrail, 0 for the primary metric."""

    metric: str
    kind: str
    increase_is_good: bool = True
    margin: float = 0.0


@dataclass(frozen=True)
class Declared:
    """What was settled before the start, as far as a reading needs it; ``arms`` control first."""

    key: str
    arms: tuple[str, ...]
    weights: tuple[float, ...]
    primary: Measure
    guardrails: tuple[Measure, ...]
    planned_units: int
    planned_days: int
    baseline: float
    minimum_effect: float
    coverage: float = 1.0


@dataclass(frozen=True)
class GuardrailReading:
    """``verdict`` is None where nothing can be said yet, ``why`` then says why."""

    metric: str
    margin: float
    verdict: Verdict | None
    diff: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""


@dataclass(frozen=True)
class ArmReading:
    """One treatment against control; ``effect`` is always valid, ``planned`` the plain one at the end.

    ``p_adjusted`` (Holm) is over the treatments; ``novelty_p`` says whether units of the first week and later ones
    differ. None where it can't be said, and ``why``.
    """

    arm: str
    units: int
    effect: Comparison | None
    planned: Comparison | None
    p_adjusted: float | None
    novelty_p: float | None
    guardrails: tuple[GuardrailReading, ...]
    decision: Decision | None
    why: str = ""


@dataclass(frozen=True)
class LookedAt:
    """The planned look that units drawn before the start are read at (``planned_looks``); week 0 before the first.

    Intervals are 1 − ``alpha`` wide. ``days_to_next`` whole days of outcomes are missing until ``next_week``; both
    None after the last.
    """

    week: int
    weeks: int
    alpha: float | None
    next_week: int | None
    days_to_next: int | None


@dataclass(frozen=True)
class Cross:
    """The same effect by a second method, which assumes less of something else: it can veto, not decide.

    ``agrees`` if each effect lies in the other's interval.
    """

    method: str
    effect: float
    ci_low: float
    ci_high: float
    p_value: float
    agrees: bool


@dataclass(frozen=True)
class Readout:
    """``units`` an arm that were exposed, ``mature`` those whose days of outcome are over: they are compared.

    ``healthy`` is False where the arms' sizes don't fit: ``arms`` is empty then. ``power`` is that of the plan for
    the units there are; ``days_left`` None where nobody comes. ``look`` is None for visitors: they are read every
    day, all others at planned looks. ``cross`` is there for pages.
    """

    key: str
    days: int
    units: tuple[int, ...]
    mature: tuple[int, ...]
    srm_p_value: float
    healthy: bool
    over: bool
    power: float | None
    days_left: int | None
    arms: tuple[ArmReading, ...]
    look: LookedAt | None = None
    cross: Cross | None = None

    @property
    def status(self) -> str:
        """One word for the whole: what has to be acted on first."""
        if not self.healthy:
            return "unhealthy"
        found = {reading.decision.status for reading in self.arms if reading.decision is not None}
        order = ("roll back", "ship", "too early", "inconclusive")
        return next((status for status in order if status in found), "too early")

    @property
    def winner(self) -> str:
        """The arm to be proposed: the best of those that may ship; empty for none."""
        shipped = [
            (abs(reading.effect.diff), reading.arm)
            for reading in self.arms
            if reading.decision and reading.decision.status == "ship" and reading.effect
        ]
        return max(shipped)[1] if shipped else ""


def read_out(
    declared: Declared, counts: Mapping[str, int], sums: Iterable[Mapping[str, Any]], days: int
) -> Readout:
    """The reading after ``days`` whole days.

    ``counts`` are all exposed units by arm; ``sums`` rows of metric, variant, is_first_week and the sums of their
    mature units: n, converted, sum, sum_squares, pre_sum, pre_sum_squares, xpre_sum. A metric without any row
    has not been counted yet.
    """
    tables = _Tables(list(sums))
    units = tuple(int(counts.get(arm, 0)) for arm in declared.arms)
    mature = tuple(tables.units(declared.primary.metric, arm) for arm in declared.arms)
    p_value = float(sample_ratio_mismatch(units, declared.weights, sequential=True))
    over = sum(mature) >= declared.planned_units and days >= max(LEAST_DAYS, declared.planned_days)
    healthy = p_value >= SRM_ALPHA
    readings = _arms(declared, tables, units, mature, days, p_value, over) if healthy else ()
    return Readout(
        declared.key,
        days,
        units,
        mature,
        p_value,
        healthy,
        over,
        _power(declared, mature[0]),
        _days_left(declared, mature, days),
        readings,
    )


@dataclass(frozen=True)
class _Tables:
    """The sums, added up over whichever weeks are asked for."""

    rows: list[Mapping[str, Any]]

    def arm(self, measure: Measure, arm: str, first_week: bool | None = None) -> Arm | None:
        chosen = [
            row
            for row in self.rows
            if row["metric"] == measure.metric
            and row["variant"] == arm
            and first_week in (None, bool(row["is_first_week"]))
        ]
        if not chosen:
            return None
        names = ("n", "sum", "sum_squares", "pre_sum", "pre_sum_squares", "xpre_sum")
        added = {name: math.fsum(float(row[name]) for row in chosen) for name in names}
        if measure.kind == "proportion":
            return {"n": added["n"], "sum": math.fsum(float(row["converted"]) for row in chosen)}
        return added

    def units(self, metric: str, arm: str) -> int:
        return sum(int(row["n"]) for row in self.rows if (row["metric"], row["variant"]) == (metric, arm))


def _arms(
    declared: Declared,
    tables: _Tables,
    units: tuple[int, ...],
    mature: tuple[int, ...],
    days: int,
    srm: float,
    over: bool,
) -> tuple[ArmReading, ...]:
    treatments = declared.arms[1:]
    alpha = ALPHA / len(treatments)
    effects = [_compared(declared, tables, declared.primary, arm, alpha) for arm in treatments]
    raw = [effect.p_value if isinstance(effect, Comparison) else math.nan for effect in effects]
    adjusted = holm(raw)
    readings = []
    for place, (arm, effect) in enumerate(zip(treatments, effects, strict=True), start=1):
        guardrails = tuple(_guardrail(declared, tables, one, arm) for one in declared.guardrails)
        known = effect if isinstance(effect, Comparison) else None
        planned = _compared(declared, tables, declared.primary, arm, alpha, sequential=False) if over else None
        judged = None
        verdicts: dict[str, Verdict] = {one.metric: one.verdict or "unclear" for one in guardrails}
        # What breaks a guardrail is stopped whether or not its primary metric can be compared.
        if known is not None or "broken" in verdicts.values():
            criteria = Criteria(
                planned_units=_pair_units(declared, place), increase_is_good=declared.primary.increase_is_good
            )
            judged = decide(known, verdicts, (mature[0], mature[place]), days, srm, criteria)
        p_adjusted = float(adjusted[place - 1])
        readings.append(
            ArmReading(
                arm,
                units[place],
                known,
                planned if isinstance(planned, Comparison) else None,
                None if math.isnan(p_adjusted) else p_adjusted,
                _novelty(declared, tables, arm),
                guardrails,
                judged,
                "" if known is not None else str(effect),
            )
        )
    return tuple(readings)


def _compared(
    declared: Declared,
    tables: _Tables,
    measure: Measure,
    arm: str,
    alpha: float,
    *,
    sequential: bool = True,
    first_week: bool | None = None,
) -> Comparison | str:
    """The comparison with control, or why there is none."""
    control, treatment = (tables.arm(measure, name, first_week) for name in (declared.arms[0], arm))
    if control is None or treatment is None:
        return f"No {measure.metric} of units whose days of outcome are over."
    if measure.kind not in METRICS:
        return f"{measure.kind} is no kind of metric."
    tuning = max(100, _pair_units(declared, declared.arms.index(arm)))
    try:
        return compare_to_control(control, treatment, cast(Metric, measure.kind), alpha, sequential, tuning)
    except UnusableSample as error:
        return error.message


def _guardrail(declared: Declared, tables: _Tables, measure: Measure, arm: str) -> GuardrailReading:
    found = _compared(declared, tables, measure, arm, ALPHA)
    if not isinstance(found, Comparison):
        return GuardrailReading(measure.metric, measure.margin, None, why=found)
    verdict = guardrail_verdict(found, measure.margin, measure.increase_is_good)
    return GuardrailReading(measure.metric, measure.margin, verdict, found.diff, found.ci_low, found.ci_high)


def _novelty(declared: Declared, tables: _Tables, arm: str) -> float | None:
    parts = [
        _compared(declared, tables, declared.primary, arm, ALPHA, sequential=False, first_week=first)
        for first in (True, False)
    ]
    first, later = parts
    if not isinstance(first, Comparison) or not isinstance(later, Comparison):
        return None
    return effects_differ(first, later)


def _pair_units(declared: Declared, place: int) -> int:
    """The planned units of control and one treatment."""
    share = (declared.weights[0] + declared.weights[place]) / math.fsum(declared.weights)
    return math.ceil(declared.planned_units * share)


def _power(declared: Declared, control: int) -> float | None:
    if declared.primary.kind != "proportion" or control < 2:
        return None
    ratio = max(declared.weights[1:]) / declared.weights[0]
    alpha = ALPHA / (len(declared.arms) - 1)
    tuning = max(100, declared.planned_units)
    try:
        return power(
            control,
            declared.baseline,
            declared.minimum_effect,
            alpha=alpha,
            treatment_per_control=ratio,
            sequential=True,
            tuning=tuning,
        )
    except UnusableSample:
        return None


def _days_left(declared: Declared, mature: Sequence[int], days: int) -> int | None:
    if not days or not sum(mature):
        return None
    total = math.fsum(declared.weights)
    needed = [declared.planned_units * weight / total for weight in declared.weights]
    return max(0, days_left(needed, mature, sum(mature) / days, declared.weights, 1.0, days))
