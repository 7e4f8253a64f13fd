"""Planning, several metrics at once, guardrails and what follows from a reading."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from growth_pipelines.experiments import (
    Comparison,
    Criteria,
    UnusableSample,
    benjamini_hochberg,
    compare,
    days_left,
    decide,
    guardrail_verdict,
    holm,
    minimum_detectable_effect,
    plan,
    power,
    sample_size,
)
from growth_pipelines.experiments.planned_readout import Units, read_planned
from growth_pipelines.experiments.readout import Declared, Measure, read_out


def test_the_size_for_2_percent_and_a_tenth_more_is_known() -> None:
    assert sample_size(0.02, 0.1) == 80_682
    assert power(80_682, 0.02, 0.1) == pytest.approx(0.8, abs=1e-5)
    assert minimum_detectable_effect(80_682, 0.02) == pytest.approx(0.1, abs=1e-5)


def test_a_mean_s_size_is_the_textbook_s() -> None:
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert sample_size(50, 0.05, variance=3600) == math.ceil(2 * z**2 * 3600 / 2.5**2)
    three_to_one = sample_size(50, 0.05, variance=3600, treatment_per_control=1 / 3)
    assert three_to_one == math.ceil(4 * z**2 * 3600 / 2.5**2)


def test_power_size_and_effect_are_one_relation_also_for_an_always_valid_reading() -> None:
    for baseline, variance, sequential in ((0.3, None, False), (0.3, None, True), (40.0, 900.0, True)):
        kind = {"variance": variance, "sequential": sequential, "treatment_per_control": 0.5}
        n = sample_size(baseline, 0.07, **kind)  # type: ignore[arg-type]
        assert power(n, baseline, 0.07, **kind) >= 0.8 > power(n - 2, baseline, 0.07, **kind)  # type: ignore[arg-type]
        assert minimum_detectable_effect(n, baseline, **kind) == pytest.approx(0.07, abs=1e-4)  # type: ignore[arg-type]
    assert sample_size(0.3, 0.07, sequential=True) > sample_size(0.3, 0.07)
    assert minimum_detectable_effect(5, 0.9) == math.inf


def test_a_plan_is_in_whole_weeks_and_knows_what_is_left() -> None:
    settled = plan(0.02, 0.1, daily_units=7_000)
    assert settled.units == (80_682, 80_682)
    assert settled.days == 28  # 161,364 units at 7,000 a day are 23.1 days.
    assert plan(0.5, 0.2, daily_units=100_000).days == 14
    assert days_left(settled.units, (40_000, 40_341), 7_000, (1, 1), days_run=14) == 14
    assert days_left(settled.units, (90_000, 90_000), 7_000, (1, 1), days_run=20) == 1
    assert days_left(settled.units, (90_000, 90_000), 7_000, (1, 1), days_run=21) == 0
    assert plan(0.02, 0.1, 7_000, coverage=0.5).days == 49
    three = plan(0.02, 0.1, 7_000, weights=(2, 1, 1))
    assert three.units[0] == pytest.approx(2 * three.units[1], abs=2)
    assert three.units[0] > sample_size(0.02, 0.1, treatment_per_control=0.5)


@pytest.mark.parametrize(
    "arguments",
    [(0.0, 0.1), (0.6, 0.8), (0.1, 0.0), (0.1, -1.0), (math.nan, 0.1)],
)
def test_what_cannot_be_planned_is_refused(arguments: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"proportion|effect"):
        sample_size(*arguments)
    with pytest.raises(ValueError, match="power"):
        sample_size(0.1, 0.1, power=1.0)
    with pytest.raises(ValueError, match="units a day"):
        plan(0.1, 0.1, daily_units=0)
    with pytest.raises(ValueError, match="Weights"):
        plan(0.1, 0.1, daily_units=100, weights=(0, 1))


def test_adjusted_p_values_are_those_of_the_definitions() -> None:
    p_values = np.array([0.04, np.nan, 0.001, 0.03, 0.005])
    assert holm(p_values).tolist() == pytest.approx([0.06, np.nan, 0.004, 0.06, 0.015], nan_ok=True)
    expected = stats.false_discovery_control(p_values[~np.isnan(p_values)])
    assert benjamini_hochberg(p_values)[[0, 2, 3, 4]].tolist() == pytest.approx(expected.tolist())
    assert holm([]).size == 0


def test_holm_keeps_the_chance_of_any_false_claim() -> None:
    p_values = np.random.default_rng(2).random((3_000, 10))
    any_claim = np.mean([holm(one).min() <= 0.05 for one in p_values])
    assert 0.035 < any_claim < 0.065


def _comparison(low: float, high: float) -> Comparison:
    return Comparison((low + high) / 2, (high - low) / 4, 0.5, low, high, 0.5, 0.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.01, 0.03, "holds"), (-0.019, -0.001, "holds"), (-0.03, 0.01, "unclear"), (-0.05, -0.01, "broken")],
)
def test_a_guardrail_is_judged_by_the_whole_interval(low: float, high: float, verdict: str) -> None:
    assert guardrail_verdict(_comparison(low, high), 0.02) == verdict
    assert guardrail_verdict(_comparison(-high, -low), 0.02, increase_is_good=False) == verdict


def test_a_guardrail_is_wrong_as_seldom_as_it_says() -> None:
    rng = np.random.default_rng(4)
    n, lost = 20_000, {"holds": 0, "broken": 0}
    for said, true in (("holds", 0.27), ("broken", 0.30)):
        for control, treatment in rng.binomial(n, (0.3, true), (1_500, 2)).tolist():
            read = compare({"n": n, "sum": control}, {"n": n, "sum": treatment}, "proportion", relative=True)
            lost[said] += guardrail_verdict(read, 0.1) == said
    assert 0.012 < lost["holds"] / 1_500 < 0.04  # the true loss is the margin: α ÷ 2
    assert lost["broken"] / 1_500 < 0.04


CRITERIA = Criteria(planned_units=20_000)
BETTER, WORSE, OPEN = _comparison(0.01, 0.1), _comparison(-0.1, -0.01), _comparison(-0.05, 0.05)
HALF, ALL = (5_000, 5_000), (10_000, 10_000)


@pytest.mark.parametrize(
    ("primary", "guardrails", "counts", "days", "srm", "expected"),
    [
        (BETTER, {}, ALL, 28, 0.0001, ("unhealthy", "sample_ratio_mismatch")),
        (WORSE, {}, (40, 60), 28, 0.5, ("too early", "few_units")),
        (BETTER, {"refunds": "broken"}, HALF, 3, 0.5, ("roll back", "guardrail_broken")),
        (WORSE, {}, HALF, 3, 0.5, ("roll back", "worse")),
        (BETTER, {}, ALL, 13, 0.5, ("too early", "whole_weeks_not_over")),
        (OPEN, {}, HALF, 14, 0.5, ("too early", "plan_not_reached")),
        (BETTER, {"refunds": "unclear"}, HALF, 14, 0.5, ("too early", "guardrail_unclear")),
        (BETTER, {"refunds": "holds"}, HALF, 14, 0.5, ("ship", "better")),
        (BETTER, {"refunds": "unclear"}, ALL, 14, 0.5, ("inconclusive", "guardrail_unclear")),
        (OPEN, {}, ALL, 14, 0.5, ("inconclusive", "nothing_shown")),
    ],
)
def test_the_status_follows_from_the_declared_criteria(
    primary: Comparison,
    guardrails: dict[str, str],
    counts: tuple[int, int],
    days: int,
    srm: float,
    expected: object,
) -> None:
    found = decide(primary, guardrails, counts, days, srm, CRITERIA)  # type: ignore[arg-type]
    assert (found.status, found.reason) == expected


def test_a_fixed_horizon_is_read_at_its_end_only() -> None:
    fixed = replace(CRITERIA, sequential=False)
    assert decide(BETTER, {}, HALF, 20, 0.5, fixed).status == "too early"
    assert decide(WORSE, {}, HALF, 20, 0.5, fixed).status == "too early"
    assert decide(BETTER, {}, ALL, 20, 0.5, fixed).status == "ship"
    assert decide(BETTER, {}, ALL, 20, 0.5, replace(fixed, increase_is_good=False)).status == "roll back"


@pytest.mark.parametrize("units", [-5.0, 0.0, 1.0, math.nan, math.inf])
@pytest.mark.parametrize("sequential", [False, True])
def test_no_power_is_told_of_units_that_are_none(units: float, sequential: bool) -> None:
    with pytest.raises(UnusableSample, match="units"):
        power(units, 0.02, 0.1, sequential=sequential)
    with pytest.raises(UnusableSample, match="units"):
        minimum_detectable_effect(units, 0.02, sequential=sequential)


@pytest.mark.parametrize("tuning", [0.0, -1.0, math.inf, math.nan])
def test_a_size_is_not_told_of_a_tuning_that_is_none(tuning: float) -> None:
    with pytest.raises(UnusableSample, match="tuning"):
        sample_size(0.02, 0.1, sequential=True, tuning=tuning)


@pytest.mark.parametrize("p_values", [[-0.1, 0.5], [0.5, 2.0], 0.03, [[0.1, 0.2]]])
def test_what_is_no_p_value_is_not_adjusted(p_values: object) -> None:
    for adjusted in (holm, benjamini_hochberg):
        with pytest.raises(UnusableSample, match="no p-values"):
            adjusted(p_values)  # type: ignore[arg-type]


def test_a_broken_guardrail_rolls_back_where_the_primary_metric_cannot_be_compared() -> None:
    broken = decide(None, {"refunds": "broken"}, HALF, 3, 0.5, CRITERIA)
    assert (broken.status, broken.reason) == ("roll back", "guardrail_broken")
    assert decide(None, {"refunds": "holds"}, HALF, 20, 0.5, CRITERIA).status == "too early"


def test_an_arm_that_breaks_a_guardrail_is_stopped_before_anybody_of_control_converts() -> None:
    """No share of nothing can be told, but what harms must not go on until it can."""
    rail = Measure("checkouts", "proportion", margin=0.05)
    declared = Declared("x", ("a", "b"), (1, 1), Measure("conversions", "proportion"), (rail,), 9999, 28, 0.1, 0.1)
    blank = dict.fromkeys(("sum", "sum_squares", "pre_sum", "pre_sum_squares", "xpre_sum"), 0.0)
    sums = [
        {"metric": metric, "variant": arm, "is_first_week": True, "n": 2000, "converted": done, **blank}
        for metric, arm, done in (
            ("conversions", "a", 0), ("conversions", "b", 0), ("checkouts", "a", 1200), ("checkouts", "b", 400),
        )
    ]  # fmt: skip
    [arm] = read_out(declared, {"a": 2000, "b": 2000}, sums, 5).arms
    assert (arm.effect, arm.guardrails[0].verdict) == (None, "broken")
    assert arm.decision is not None
    assert (arm.decision.status, arm.decision.guardrails) == ("roll back", ("checkouts",))


def test_a_planned_look_stops_what_breaks_a_guardrail_though_its_primary_metric_is_open() -> None:
    rail = Measure("orders", "mean", margin=0.05)
    declared = Declared("x", ("a", "b"), (1, 1), Measure("revenue", "mean"), (rail,), 400, 28, 1.0, 0.1)
    lost = Comparison(-0.5, 0.05, 1e-9, -0.6, -0.4, 0.0, 0.0, 0.5)

    def compared(measure: Measure, arm: str, alpha: float) -> Comparison | str:
        return lost if measure.metric == "orders" else "No revenue is known."

    [arm] = read_planned(declared, Units((200, 200), 100), 14, compared).arms
    assert (arm.effect, arm.p_adjusted, arm.why) == (None, None, "No revenue is known.")
    assert arm.decision is not None
    assert arm.decision.status == "roll back"
