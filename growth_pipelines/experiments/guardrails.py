"""Guardrails: metrics that must not get worse by more than was agreed (non-inferiority)."""

from __future__ import annotations

from typing import Literal

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.comparison import Comparison

Verdict = Literal["holds", "broken", "unclear"]


def guardrail_verdict(comparison: Comparison, margin: float, increase_is_good: bool = True) -> Verdict:
    """Whether a loss of ``margin`` or more (in the units of the comparison, > 0) is ruled out.

    holds: the whole interval is better than −margin; wrongly said with probability α ÷ 2 at most (the other half
    of a two-sided 1 − α interval) where the true loss is the margin. broken: the whole interval is a loss, and
    not within the margin; wrongly said with probability α ÷ 2 at most where there is none. unclear: neither yet.
    An always-valid comparison makes both true at every look.
    """
    if not margin > 0:
        raise UnusableSample(f"A margin of {margin:g}.", "It is the loss that is just not acceptable: above 0.")
    worst, best = (
        (comparison.ci_low, comparison.ci_high) if increase_is_good else (-comparison.ci_high, -comparison.ci_low)
    )
    if worst > -margin:
        return "holds"
    return "broken" if best < 0 else "unclear"
