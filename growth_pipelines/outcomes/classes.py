"""The class of an outcome: the one definition, by which the store, the marts, the console and the rules judge."""

from __future__ import annotations

from typing import Literal

OutcomeClass = Literal["success", "partial", "none", "negative", "inconclusive"]
# From this share of the estimate on, a gain is a success.
SUCCESS_SHARE = 0.8


def classify(effect: float, low: float, high: float, estimate: float | None) -> OutcomeClass | None:
    """The class of an effect with its 95 % interval, beside what was promised for the same days.

    An interval that touches 0 contains it. Where less was promised (milliseconds), everything is mirrored. None
    without an estimate: nothing was promised that could be kept.
    """
    if estimate is None:
        return None
    if estimate < 0:
        effect, low, high, estimate = -effect, -high, -low, -estimate
    if high < 0:
        return "negative"
    if low > 0:
        return "success" if effect >= SUCCESS_SHARE * estimate else "partial"
    return "inconclusive" if low <= estimate <= high else "none"


def worked(outcome_class: str | None) -> bool | None:
    """Whether an action did what it was for; None where that is not known."""
    return {"success": True, "partial": True, "none": False, "negative": False}.get(outcome_class or "")
