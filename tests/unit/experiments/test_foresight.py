"""What drawn units would show is told beforehand as the readings then find it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growth_pipelines.bench.statistics.shop_pages import START, page_days, page_traffic
from growth_pipelines.experiments import (
    match_pages,
    minimum_detectable_effect,
    power,
    sample_size,
    sufficient_statistics,
    switchback_effect,
    switchback_schedule,
)
from growth_pipelines.experiments.comparison import compare_to_control
from growth_pipelines.experiments.foresight import Spread, of_days, of_pages, of_units, spread_of
from growth_pipelines.experiments.page_effects import difference_in_differences, placebo_throws
from growth_pipelines.experiments.planned_looks import END_ALPHA

# By statsmodels' NormalIndPower, TTestPower and samplesize_proportions_2indep_onetail: two-sided, one side finds.
KNOWN = json.loads(Path(__file__).with_name("known_plans.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("one", KNOWN["proportion"] + KNOWN["mean"])
def test_sizes_and_powers_are_those_of_an_independent_library(one: dict[str, Any]) -> None:
    kind = {"variance": one.get("variance"), "alpha": one["alpha"], "treatment_per_control": one["ratio"]}
    assert sample_size(one["baseline"], one["effect"], power=one["power"], **kind) == math.ceil(one["units"])
    reached = power(one["units"], one["baseline"], one["effect"], **kind)
    assert reached == pytest.approx(one["power"], abs=1e-6)
    if "power_of_1234" in one:
        assert power(1234, one["baseline"], one["effect"], **kind) == pytest.approx(one["power_of_1234"], abs=1e-6)
        least = minimum_detectable_effect(1234, one["baseline"], power=one["power_of_1234"], **kind)
        assert least == pytest.approx(abs(one["effect"]), rel=1e-6)


@pytest.mark.parametrize("one", KNOWN["pairs"])
def test_pairs_of_days_have_the_power_of_the_noncentral_t(one: dict[str, Any]) -> None:
    assert one["alpha"] == END_ALPHA
    # Neighbours differ by the spread, one way and the other.
    days = np.tile([1 - one["spread"] / 2, 1 + one["spread"] / 2], 40)
    found = of_days(days, 1, 0, 2 * one["pairs"], one["least_effect"], one["power"])
    assert found.effect == pytest.approx(one["least_effect"], rel=1e-6)


def test_what_is_known_of_units_makes_the_least_effect_smaller() -> None:
    rng = np.random.default_rng(4)
    pre = rng.gamma(2.0, 20.0, 4_000)
    sums = sufficient_statistics(pre * 0.8 + rng.normal(0, 12, pre.size), pre=pre)
    plain, left = (of_units((2_000, 2_000), spread_of(sums, kind), 0.05) for kind in ("mean", "cuped"))
    correlation = np.sqrt(0.8**2 * pre.var() / (0.8**2 * pre.var() + 144))
    # The larger effect makes the treatment vary more; what it is without that is told by the correlation.
    by_itself = [one.effect / math.hypot(1, 1 + one.effect) for one in (left, plain)]
    assert by_itself[0] / by_itself[1] == pytest.approx(np.sqrt(1 - correlation**2), rel=0.02)
    assert left.units is not None
    assert plain.units is not None
    assert left.units < plain.units
    three = of_units((1_000, 1_000, 1_000), spread_of(sums, "mean"), 0.05)
    assert three.effect > of_units((1_000, 1_000), spread_of(sums, "mean"), 0.05).effect, "α is split"


def test_the_units_foretold_show_the_effect_as_often_as_planned() -> None:
    """Gamma-distributed spending: the plan takes its variance from one sample, the experiments are others."""
    rng = np.random.default_rng(6)
    spread = spread_of(sufficient_statistics(rng.gamma(0.5, 80.0, 20_000)), "mean")
    least = of_units((1_500, 1_500), spread, 0.1, 0.8).effect
    shown = 0
    for _ in range(1_500):
        control, treatment = rng.gamma(0.5, 80.0, (2, 1_500)) * np.array([[1.0], [1 + least]])
        arms = sufficient_statistics(control), sufficient_statistics(treatment)
        shown += compare_to_control(*arms, "mean", END_ALPHA).ci_low > 0
    assert 0.8 - 0.035 < shown / 1_500 < 0.8 + 0.035, "within 3.3 standard errors"


def test_shares_of_units_show_the_effect_as_often_as_planned() -> None:
    rng = np.random.default_rng(7)
    counts = (2_000, 1_000)
    least = of_units(counts, Spread(0.2), 0.1, 0.9).effect
    bought = rng.binomial(counts, (0.2, 0.2 * (1 + least)), (1_500, 2)).tolist()
    arms = [({"n": counts[0], "sum": c}, {"n": counts[1], "sum": t}) for c, t in bought]
    shown = sum(compare_to_control(*one, "proportion", END_ALPHA).ci_low > 0 for one in arms) / 1_500
    assert 0.9 - 0.026 < shown < 0.9 + 0.026, "within 3.3 standard errors"
    assert of_units((10, 10), Spread(0.9), 0.05).effect == math.inf
    with pytest.raises(ValueError, match="share stays below 1"):
        of_units(counts, Spread(0.9), 0.2)


def test_switchbacks_of_the_days_foretold_show_the_effect_as_often_as_planned() -> None:
    rng = np.random.default_rng(8)
    days = 56
    least = of_days(rng.normal(1, 0.08, 364), 1, 0, days, 0.1).effect
    shown = 0
    for seed in range(1_000):
        arms = switchback_schedule(days, 1, seed)
        values = rng.normal(1, 0.08, days) * (1 + least * arms)
        shown += switchback_effect(values, arms, 1, alpha=END_ALPHA, relative=True).ci_low > 0
    assert 0.74 < shown / 1_000 < 0.86
    week = np.tile([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.4], 12)
    found = of_days(week, 2, 1, 84, 0.1)
    assert found.units is not None
    assert of_days(week, 2, 1, found.units, 0.1).effect <= 0.1 < of_days(week, 2, 1, found.units - 4, 0.1).effect


@pytest.mark.parametrize("days", [np.full(56, np.nan), np.zeros(56), np.ones(3)])
def test_days_that_say_nothing_foretell_nothing(days: Any) -> None:
    with pytest.raises(ValueError, match="pairs of past blocks"):
        of_days(days, 1, 0, 28, 0.1)


def test_pages_foretold_from_a_quiet_time_show_the_effect_as_often_as_planned() -> None:
    """The least effect is told from quiet shops; in others of that kind it is planted and looked for."""
    told = []
    for seed in range(10):
        pairs = match_pages(page_traffic(120, seed), seed)
        throws = placebo_throws(
            page_days(pairs, 0.0, seed), pairs, START, seed=seed, value="clicks", settle_days=7
        )
        told.append(of_pages(throws).effect)
    least, shown = float(np.median(told)), 0
    for seed in range(100, 160):
        pairs = match_pages(page_traffic(120, seed), seed)
        found = difference_in_differences(
            page_days(pairs, least, seed), pairs, START, seed=seed, settle_days=7, alpha=END_ALPHA
        )
        shown += found.ci_low > 0
    # 60 experiments tell a share of .8 to ± .13; shops differ in what they can show besides.
    assert 0.65 <= shown / 60 <= 0.95
