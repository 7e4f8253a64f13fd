"""What follows from a reading, by criteria that were declared before the start: a pure function of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from growth_pipelines.experiments.comparison import Comparison
from growth_pipelines.experiments.guardrails import Verdict
from growth_pipelines.experiments.planning import LEAST_DAYS
from growth_pipelines.experiments.ratio_mismatch import SRM_ALPHA

Status = Literal["unhealthy", "too early", "ship", "roll back", "inconclusive"]
Reason = Literal[
    "sample_ratio_mismatch",
    "few_units",
    "guardrail_broken",
    "guardrail_unclear",
    "whole_weeks_not_over",
    "plan_not_reached",
    "better",
    "worse",
    "nothing_shown",
    "methods_disagree",
]


@dataclass(frozen=True)
class Criteria:
    """Declared before the start. ``planned_units`` of all arms; ``sequential`` says how the comparison is read.

    A fixed-horizon comparison is read once, when the plan is reached; an always-valid one at every look.
    """

    planned_units: int
    sequential: bool = True
    increase_is_good: bool = True
    least_days: int = LEAST_DAYS
    least_units: int = 100
    srm_alpha: float = SRM_ALPHA


@dataclass(frozen=True)
class Decision:
    status: Status
    reason: Reason
    guardrails: tuple[str, ...] = ()


def decide(
    primary: Comparison | None,
    guardrails: Mapping[str, Verdict],
    counts: tuple[int, ...],
    days: int,
    srm_p_value: float,
    criteria: Criteria,
) -> Decision:
    """The status of an experiment after ``days`` whole days with ``counts`` units an arm.

    In this order: a mismatch of the arms' sizes makes all else unreadable; a broken guardrail rolls back at once;
    so does an always-valid loss of the primary metric; nothing is shipped before ``least_days``, nor while a
    guardrail is unclear; at the end of the plan what has not been shown is inconclusive. ``primary`` is None where
    it can't be compared yet.
    """
    if srm_p_value < criteria.srm_alpha:
        return Decision("unhealthy", "sample_ratio_mismatch")
    if min(counts) < criteria.least_units:
        return Decision("too early", "few_units")
    broken = tuple(sorted(name for name, verdict in guardrails.items() if verdict == "broken"))
    if broken:
        return Decision("roll back", "guardrail_broken", broken)
    over = sum(counts) >= criteria.planned_units and days >= criteria.least_days
    shown = _shown(primary, criteria) if primary is not None and (criteria.sequential or over) else None
    if shown == "worse":
        return Decision("roll back", "worse")
    if days < criteria.least_days:
        return Decision("too early", "whole_weeks_not_over")
    if shown is None:
        return Decision("inconclusive", "nothing_shown") if over else Decision("too early", "plan_not_reached")
    unclear = tuple(sorted(name for name, verdict in guardrails.items() if verdict == "unclear"))
    if unclear:
        return Decision("inconclusive" if over else "too early", "guardrail_unclear", unclear)
    return Decision("ship", "better")


def _shown(primary: Comparison, criteria: Criteria) -> Literal["better", "worse"] | None:
    if primary.ci_low <= 0 <= primary.ci_high:
        return None
    return "better" if (primary.ci_low > 0) == criteria.increase_is_good else "worse"
