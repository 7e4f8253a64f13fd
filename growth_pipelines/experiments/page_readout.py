"""A split test of pages at a planned look: difference-in-differences decides, synthetic control checks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.comparison import Comparison, from_interval
from growth_pipelines.experiments.decision import Decision
from growth_pipelines.experiments.page_effects import PageEffect, difference_in_differences, synthetic_control
from growth_pipelines.experiments.planned_looks import Look, newest_look
from growth_pipelines.experiments.planned_readout import Units, read_planned
from growth_pipelines.experiments.readout import Cross, Declared, Measure, Readout

if TYPE_CHECKING:
    import pandas as pd

# Fewer pairs give too few throws of their coins for an interval (page_panel).
LEAST_PAIRS = 8
_SHOWN = ("better", "worse")


@dataclass(frozen=True, eq=False)
class SplitTest:
    """``pairs`` (page, pair, arm, template) and ``daily`` (page, date and each metric): what happened to them.

    ``start`` is the day of the change; ``settle_days`` from it on are left out, ``measured`` whole days after
    these are known. ``seed`` is that of the placebo throws.
    """

    pairs: pd.DataFrame
    daily: pd.DataFrame
    start: np.datetime64
    settle_days: int
    measured: int
    seed: int

    def effect(self, method: Callable[..., PageEffect], metric: str, look: Look, alpha: float) -> PageEffect:
        """By ``method`` (difference_in_differences or synthetic_control), of the days of ``look``."""
        end = self.start + self.settle_days + look.days
        return method(
            self.daily[self.daily["date"].to_numpy().astype("datetime64[D]") < end],
            self.pairs,
            self.start,
            seed=self.seed,
            value=metric,
            settle_days=self.settle_days,
            alpha=alpha,
        )


def read_pages(declared: Declared, test: SplitTest) -> Readout:
    """The reading at the newest planned look. Where the methods disagree nothing is claimed by either."""
    look = newest_look(declared.planned_days, test.measured)
    pairs = len(test.pairs) // 2

    def compared(measure: Measure, arm: str, alpha: float) -> Comparison | str:
        assert look is not None
        try:
            return _as_comparison(test.effect(difference_in_differences, measure.metric, look, alpha), alpha)
        except UnusableSample as error:
            return error.message

    found = read_planned(declared, Units((pairs, pairs), LEAST_PAIRS), test.measured, compared)
    if look is None or not found.arms or found.arms[0].effect is None:
        return found
    return _cross_checked(found, test, declared.primary.metric, look)


def _cross_checked(found: Readout, test: SplitTest, metric: str, look: Look) -> Readout:
    [arm] = found.arms
    first = arm.effect
    assert first is not None
    try:
        second = test.effect(synthetic_control, metric, look, look.alpha)
    except UnusableSample:
        return found
    if not math.isfinite(second.ci_low) or not math.isfinite(second.ci_high):
        return found
    agrees = second.ci_low <= first.diff <= second.ci_high and first.ci_low <= second.effect <= first.ci_high
    cross = Cross("synthetic_control", second.effect, second.ci_low, second.ci_high, second.p_value, agrees)
    if not agrees and arm.decision is not None and arm.decision.reason in _SHOWN:
        arm = replace(arm, decision=Decision("inconclusive" if look.is_last else "too early", "methods_disagree"))
    return replace(found, arms=(arm,), cross=cross)


def _as_comparison(effect: PageEffect, alpha: float) -> Comparison | str:
    if not math.isfinite(effect.ci_low) or not math.isfinite(effect.ci_high):
        return f"{effect.pairs} pairs of pages leave the effect open at one end."
    return from_interval(effect.effect, effect.ci_low, effect.ci_high, effect.p_value, alpha)
