"""Comparisons: closed forms agree with other libraries and other derivations; impossible figures are refused."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from growth_pipelines.bench.statistics.experiments import agreement
from growth_pipelines.errors import GrowthError
from growth_pipelines.experiments import (
    UnusableSample,
    compare,
    effects_differ,
    mean_difference,
    revenue_cap,
    stratified,
    sufficient_statistics,
    winsorised,
)
from growth_pipelines.experiments.comparison import compare_to_control

RNG = np.random.default_rng(5)
PRE = RNG.gamma(2, 10, (2, 4_000))
SESSIONS = 1 + RNG.poisson(1.5, (2, 4_000))
SPENT = 0.7 * PRE + RNG.normal(20, 6, PRE.shape) + np.array([[0.0], [0.5]])
ORDERS = RNG.binomial(SESSIONS, 0.3)


def test_sixteen_comparisons_are_those_of_gbstats_to_a_millionth() -> None:
    assert agreement() < 1e-6


def test_a_mean_is_welch_s_t_test() -> None:
    control, treatment = SPENT[0, :300], SPENT[1, :500]
    other = stats.ttest_ind(treatment, control, equal_var=False)
    interval = other.confidence_interval(0.9)
    for found in (
        mean_difference(control, treatment, 0.1),
        compare(sufficient_statistics(control), sufficient_statistics(treatment), "mean", alpha=0.1),
    ):
        assert found.p_value == pytest.approx(other.pvalue, rel=1e-9)
        assert (found.ci_low, found.ci_high) == pytest.approx(tuple(interval), rel=1e-9)


def _jackknife_error(estimate: object, arms: list[tuple[np.ndarray, ...]]) -> float:
    """Leave-one-unit-out standard error of any estimate from raw units: knows no formula."""
    variance = 0.0
    for side in (0, 1):
        n = arms[side][0].size
        totals = [column.sum() for column in arms[side]]
        without = []
        for unit in range(n):
            means = [
                [(total - column[unit]) / (n - 1) for total, column in zip(totals, arms[side], strict=True)]
                if which == side
                else [column.mean() for column in arms[which]]
                for which in (0, 1)
            ]
            without.append(estimate(*means))  # type: ignore[operator]
        variance += (n - 1) ** 2 / n * np.var(without, ddof=1)
    return math.sqrt(variance)


def test_the_delta_method_is_what_leaving_one_unit_out_gives() -> None:
    ratio = [(ORDERS[side], SESSIONS[side]) for side in (0, 1)]
    arms = [sufficient_statistics(*one) for one in ratio]
    found = compare(*arms, "ratio")
    jackknifed = _jackknife_error(lambda c, t: t[0] / t[1] - c[0] / c[1], ratio)
    assert found.diff == pytest.approx(ORDERS[1].sum() / SESSIONS[1].sum() - ORDERS[0].sum() / SESSIONS[0].sum())
    assert found.se == pytest.approx(jackknifed, rel=1e-3)
    found = compare(*arms, "ratio", relative=True)
    jackknifed = _jackknife_error(lambda c, t: t[0] / t[1] / (c[0] / c[1]) - 1, ratio)
    assert found.se == pytest.approx(jackknifed, rel=1e-3)


def test_cuped_takes_off_what_the_time_before_foretold() -> None:
    arms = [sufficient_statistics(SPENT[side], pre=PRE[side]) for side in (0, 1)]
    adjusted, plain = compare(*arms, "cuped"), compare(*arms, "mean")
    correlation = np.corrcoef(SPENT.ravel(), PRE.ravel())[0, 1]
    assert adjusted.se / plain.se == pytest.approx(math.sqrt(1 - correlation**2), rel=0.02)
    slope = np.cov(SPENT.ravel(), PRE.ravel())[0, 1] / PRE.ravel().var(ddof=1)
    other = stats.ttest_ind(SPENT[1] - slope * PRE[1], SPENT[0] - slope * PRE[0], equal_var=False)
    assert (adjusted.diff / adjusted.se, adjusted.p_value) == pytest.approx(
        (other.statistic, other.pvalue), rel=1e-9
    )
    relative = compare(*arms, "cuped", relative=True)
    assert relative.diff == pytest.approx(adjusted.diff / SPENT[0].mean())
    jackknifed = _jackknife_error(
        lambda c, t: (t[0] - c[0] - slope * (t[1] - c[1])) / c[0], [(SPENT[side], PRE[side]) for side in (0, 1)]
    )
    assert relative.se == pytest.approx(jackknifed, rel=1e-2)


def test_without_history_cuped_is_a_plain_mean() -> None:
    arms = [sufficient_statistics(SPENT[side], pre=np.zeros(4_000)) for side in (0, 1)]
    assert compare(*arms, "cuped", relative=True) == compare(*arms, "mean", relative=True)


def test_the_bayesian_reading_is_that_of_draws_from_the_posterior() -> None:
    found = compare({"n": 900, "sum": 100}, {"n": 1000, "sum": 125}, "proportion")
    draws = np.random.default_rng(1).normal(found.diff, found.se, 400_000)
    assert found.chance_to_win == pytest.approx((draws > 0).mean(), abs=0.003)
    assert found.risk_control == pytest.approx(np.maximum(draws, 0).mean(), abs=1e-4)
    assert found.risk_treatment == pytest.approx(np.maximum(-draws, 0).mean(), abs=1e-4)


def test_the_always_valid_p_value_is_alpha_where_the_interval_touches_zero() -> None:
    control = {"n": 5000, "sum": 500}
    low, high = 500.0, 900.0
    for _ in range(60):
        middle = (low + high) / 2
        touched = compare(control, {"n": 5000, "sum": middle}, "proportion", sequential=True)
        low, high = (low, middle) if touched.ci_low > 0 else (middle, high)
    assert touched.p_value == pytest.approx(0.05, rel=1e-6)
    fixed = compare(control, {"n": 5000, "sum": middle}, "proportion")
    assert fixed.ci_low > 0 > touched.ci_low - 1e-6


def test_a_changed_split_is_compared_within_its_periods() -> None:
    """Half as many buy at weekends, when treatment's share was raised: summed it looks worse, and is better."""
    week = ({"n": 9_000, "sum": 900}, {"n": 1_000, "sum": 115})
    weekend = ({"n": 1_000, "sum": 50}, {"n": 9_000, "sum": 520})
    summed = ({key: week[arm][key] + weekend[arm][key] for key in ("n", "sum")} for arm in (0, 1))
    assert compare(*summed, "proportion").ci_high < 0
    within = stratified([week, weekend], "proportion")
    assert within.diff == pytest.approx((0.015 + 520 / 9_000 - 0.05) / 2)
    assert stratified([week], "proportion").se == pytest.approx(compare(*week, "proportion").se)
    assert stratified([week, weekend], "proportion", sequential=True).ci_low < within.ci_low
    with pytest.raises(ValueError, match="No stratum"):
        stratified([], "proportion")


def test_curiosity_shows_in_the_first_week_s_units() -> None:
    first = compare({"n": 5_000, "sum": 500}, {"n": 5_000, "sum": 700}, "proportion")
    later = compare({"n": 15_000, "sum": 1_500}, {"n": 15_000, "sum": 1_520}, "proportion")
    assert effects_differ(first, later) < 0.001 < 0.9 < effects_differ(first, first)


@pytest.mark.parametrize(
    ("metric", "arm", "message"),
    [
        ("proportion", {"n": 10, "sum": 11}, "11 of 10 units is no proportion"),
        ("proportion", {"n": 1, "sum": 1}, "treatment: 1 units"),
        ("proportion", {"n": 10, "sum": math.nan}, "sum is not a finite number"),
        ("mean", {"n": 10, "sum": 50, "sum_squares": 200}, "a negative variance"),
        ("mean", {"n": 10, "sum": 50}, "treatment: sum_squares is missing"),
        ("ratio", {"n": 9, "sum": 5, "sum_squares": 9, "d_sum": 0, "d_sum_squares": 0, "xd_sum": 0}, "sum to 0"),
        ("ratio", {"n": 9, "sum": 5, "sum_squares": 9, "d_sum": 9, "d_sum_squares": 19, "xd_sum": 99}, "beyond 1"),
        (
            "cuped",
            {"n": 9, "sum": 5, "sum_squares": 9, "pre_sum": 9, "pre_sum_squares": 5, "xpre_sum": 5},
            "negative",
        ),
        ("median", {"n": 10, "sum": 5}, "Unknown metric 'median'"),
    ],
)
def test_figures_that_no_arm_can_have_are_refused(metric: str, arm: dict[str, float], message: str) -> None:
    good = {"n": 9, "sum": 5, "sum_squares": 9, "d_sum": 9, "d_sum_squares": 19, "xd_sum": 9}
    good |= {"pre_sum": 9, "pre_sum_squares": 19, "xpre_sum": 9}
    with pytest.raises(ValueError, match=message) as raised:
        compare(good, arm, metric)  # type: ignore[arg-type]
    assert isinstance(raised.value, GrowthError)
    assert raised.value.hint


def test_nothing_to_compare_is_said_so() -> None:
    nobody, some = {"n": 10, "sum": 0}, {"n": 10, "sum": 3}
    with pytest.raises(ValueError, match="No unit of either arm differs"):
        compare(nobody, nobody, "proportion")
    with pytest.raises(ValueError, match="nothing is a share of it"):
        compare(nobody, some, "proportion", relative=True)
    with pytest.raises(ValueError, match="alpha"):
        compare(some, some, "proportion", alpha=1.0)


def test_a_wholesale_order_does_not_decide_once_revenue_is_capped() -> None:
    rng = np.random.default_rng(3)
    control, treatment = (np.where(rng.random(5_000) < 0.05, rng.gamma(3, 20, 5_000), 0.0) for _ in (0, 1))
    treatment[7] = 50_000.0
    cap = revenue_cap(np.concatenate([control, treatment]))
    capped = mean_difference(winsorised(control, cap), winsorised(treatment, cap))
    assert mean_difference(control, treatment).diff > 9 > 1 > abs(capped.diff)
    assert winsorised([-1e9, -5, 0, 1e9], 100).tolist() == [-100, -5, 0, 100]
    with pytest.raises(ValueError, match="Nobody bought"):
        revenue_cap([0, 0])


def test_a_share_of_control_is_told_from_nothing_exactly_where_the_difference_is() -> None:
    rng = np.random.default_rng(5)
    for seed in range(200):
        before = rng.gamma(1.0, 1.0, (2, 400))
        values = before * rng.gamma(1.0, 1.0, (2, 400)) * np.array([[1.0], [1 + 0.3 * (seed % 2)]])
        arms = [sufficient_statistics(own, pre=pre) for own, pre in zip(values, before, strict=True)]
        for metric in ("mean", "cuped"):
            plain, share = compare(*arms, metric), compare_to_control(*arms, metric)
            assert share.p_value == plain.p_value
            assert (share.ci_low > 0, share.ci_high < 0) == (plain.ci_low > 0, plain.ci_high < 0)
            assert share.ci_low < share.diff < share.ci_high
            linear = compare(*arms, metric, relative=True)
            assert share.diff == linear.diff
            assert share.ci_high - share.ci_low == pytest.approx(linear.ci_high - linear.ci_low, rel=0.15)


@pytest.mark.parametrize("metric", ["mean", "cuped"])
def test_a_share_of_control_is_inside_its_interval_as_often_as_is_said_where_few_buy(metric: Any) -> None:
    """30 of 1,000 buy: the linearised interval calls chance a loss too often, Fieller's does not."""
    rng, effect, runs = np.random.default_rng(9), 0.25, 1_500
    missed = false_losses = linear_losses = 0
    for _ in range(runs):
        buys = rng.random((3, 1_000)) < 0.03
        spent = buys * rng.gamma(1.0, 100.0, (3, 1_000))
        before = spent * 0.3 + rng.gamma(0.5, 40.0, (3, 1_000))
        control, same, other = (
            sufficient_statistics(own, pre=pre)
            for own, pre in zip(spent * np.array([[1.0], [1.0], [1 + effect]]), before, strict=True)
        )
        read = compare_to_control(control, other, metric)
        missed += not read.ci_low <= effect <= read.ci_high
        false_losses += compare_to_control(control, same, metric).ci_high < 0
        linear_losses += compare(control, same, metric, relative=True).ci_high < 0
    assert missed / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
    assert false_losses / runs <= 0.025 + 3 * (0.025 * 0.975 / runs) ** 0.5 < linear_losses / runs


def test_a_share_of_a_control_that_may_be_nothing_is_not_told() -> None:
    few = sufficient_statistics([0.0] * 97 + [1.0, 2.0, 50.0])
    with pytest.raises(ValueError, match="told from 0"):
        compare_to_control(few, few, "mean", 0.01)


def test_a_treatment_of_which_nobody_buys_is_a_loss() -> None:
    for sequential in (False, True):
        read = compare_to_control(
            {"n": 4_000, "sum": 80}, {"n": 4_000, "sum": 0}, "proportion", sequential=sequential
        )
        assert read.diff == -1
        assert read.ci_low < -1 < read.ci_high < 0


def test_looking_every_day_at_rare_conversions_calls_chance_no_loss() -> None:
    """1 in 100 converts; 40 looks from the first 100 visitors of an arm on. Linearised, 9 % were called losses."""
    rng, runs, called, linear = np.random.default_rng(3), 300, 0, 0
    always = {"sequential": True, "tuning": 8_000}
    for _ in range(runs):
        lost = linear_lost = False
        for look, (c, t) in enumerate(np.cumsum(rng.binomial(100, 0.01, (40, 2)), axis=0).tolist(), start=1):
            if c and t:
                arms = {"n": 100 * look, "sum": c}, {"n": 100 * look, "sum": t}
                linear_lost |= compare(*arms, "proportion", relative=True, **always).ci_high < 0  # type: ignore[arg-type]
                # Until control can be told from nothing there is no reading.
                with contextlib.suppress(ValueError):
                    read = compare_to_control(*arms, "proportion", **always)  # type: ignore[arg-type]
                    lost |= not read.ci_low <= 0 <= read.ci_high
        called, linear = called + lost, linear + linear_lost
    assert called / runs <= 0.05
    assert linear / runs > 0.05


def test_large_values_with_small_differences_are_welch_s_t_test_too() -> None:
    """Their squares alone would leave no digit for the variance: it was said that no unit differs."""
    rng = np.random.default_rng(4)
    control, treatment = 1e9 + rng.normal(0, 1, 80), 1e9 + rng.normal(0.4, 2, 120)
    found = mean_difference(control, treatment)
    known = stats.ttest_ind(treatment - 1e9, control - 1e9, equal_var=False)
    assert found.p_value == pytest.approx(known.pvalue, rel=1e-6)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(known.confidence_interval(0.95)), abs=1e-6)


@pytest.mark.parametrize("tuning", [0.0, math.inf, math.nan])
def test_a_tuning_that_is_no_number_of_units_is_refused(tuning: float) -> None:
    arms = {"n": 1000, "sum": 100}, {"n": 1000, "sum": 130}
    with pytest.raises(UnusableSample, match="tuning"):
        compare(*arms, "proportion", sequential=True, tuning=tuning)


@pytest.mark.parametrize("known", [np.nan, np.inf])
def test_a_cap_is_not_told_from_amounts_that_are_not_known(known: float) -> None:
    with pytest.raises(UnusableSample, match="missing or infinite"):
        revenue_cap([10.0, known, 30.0])
    with pytest.raises(UnusableSample, match="missing or infinite"):
        winsorised([10.0, known], 20.0)
