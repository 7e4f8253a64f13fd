"""The reading of an experiment on drawn units at a planned look: the same for pages, customers and slices of time.

How a metric of a treatment is compared with control's differs by unit, and is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from growth_pipelines.experiments.comparison import Comparison
from growth_pipelines.experiments.decision import Criteria, decide
from growth_pipelines.experiments.guardrails import Verdict, guardrail_verdict
from growth_pipelines.experiments.multiplicity import holm
from growth_pipelines.experiments.planned_looks import Look, newest_look, next_look, planned_looks
from growth_pipelines.experiments.ratio_mismatch import SRM_ALPHA, sample_ratio_mismatch
from growth_pipelines.experiments.readout import ArmReading, Declared, GuardrailReading, LookedAt, Measure, Readout

# The comparison of an arm with control by a measure, its interval 1 − α wide; or why there is none.
Compared = Callable[[Measure, str, float], Comparison | str]


@dataclass(frozen=True)
class Units:
    """How many units each arm has, control's first; in pairs (of pages, of blocks) their sizes are by design."""

    counts: tuple[int, ...]
    least: int


def read_planned(declared: Declared, units: Units, measured: int, compared: Compared) -> Readout:
    """The reading at the newest planned look that ``measured`` whole days of outcomes allow.

    ``compared`` reads the days of that look. Intervals are split over the treatments, and guardrails have the
    look's own α: harm that is none is called in 5 % of experiments at most, over all looks, for each of them.
    """
    look, upcoming = newest_look(declared.planned_days, measured), next_look(declared.planned_days, measured)
    p_value = float(sample_ratio_mismatch(units.counts, declared.weights))
    healthy = p_value >= SRM_ALPHA
    readings: tuple[ArmReading, ...] = ()
    if healthy:
        readings = _waiting(declared, units) if look is None else _arms(declared, units, look, compared, p_value)
    at = LookedAt(
        week=look.week if look else 0,
        weeks=planned_looks(declared.planned_days)[-1].weeks,
        alpha=look.alpha if look else None,
        next_week=upcoming.week if upcoming else None,
        days_to_next=upcoming.days - measured if upcoming else None,
    )
    return Readout(
        key=declared.key,
        days=measured,
        units=units.counts,
        mature=units.counts if look else (0,) * len(units.counts),
        srm_p_value=p_value,
        healthy=healthy,
        over=at.week == at.weeks,
        power=None,
        days_left=max(0, 7 * at.weeks - measured),
        arms=readings,
        look=at,
    )


def _waiting(declared: Declared, units: Units) -> tuple[ArmReading, ...]:
    why = "The first planned look is still to come."
    return tuple(
        ArmReading(arm, count, None, None, None, None, (), None, why)
        for arm, count in zip(declared.arms[1:], units.counts[1:], strict=True)
    )


def _arms(declared: Declared, units: Units, look: Look, compared: Compared, srm: float) -> tuple[ArmReading, ...]:
    treatments = declared.arms[1:]
    alpha = look.alpha / len(treatments)
    effects = [compared(declared.primary, arm, alpha) for arm in treatments]
    adjusted = holm([effect.p_value if isinstance(effect, Comparison) else math.nan for effect in effects])
    readings = []
    for place, (arm, effect) in enumerate(zip(treatments, effects, strict=True), start=1):
        guardrails = tuple(_guardrail(one, compared(one, arm, alpha)) for one in declared.guardrails)
        known = effect if isinstance(effect, Comparison) else None
        why = "" if isinstance(effect, Comparison) else effect
        verdicts: dict[str, Verdict] = {one.metric: one.verdict or "unclear" for one in guardrails}
        # What breaks a guardrail is stopped whether or not its primary metric can be compared.
        if known is None and "broken" not in verdicts.values():
            readings.append(ArmReading(arm, units.counts[place], None, None, None, None, guardrails, None, why))
            continue
        # Before the last week is over only harm is looked for: nothing is better before the planned end.
        criteria = Criteria(
            planned_units=0,
            increase_is_good=declared.primary.increase_is_good,
            least_days=7 * look.weeks,
            least_units=units.least,
        )
        judged = decide(known, verdicts, (units.counts[0], units.counts[place]), look.days, srm, criteria)
        planned = known if look.is_last else None
        p_adjusted = float(adjusted[place - 1]) if known is not None else None
        readings.append(
            ArmReading(arm, units.counts[place], known, planned, p_adjusted, None, guardrails, judged, why)
        )
    return tuple(readings)


def _guardrail(measure: Measure, found: Comparison | str) -> GuardrailReading:
    if not isinstance(found, Comparison):
        return GuardrailReading(measure.metric, measure.margin, None, why=found)
    verdict = guardrail_verdict(found, measure.margin, measure.increase_is_good)
    return GuardrailReading(measure.metric, measure.margin, verdict, found.diff, found.ci_low, found.ci_high)
