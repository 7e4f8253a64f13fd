"""Planned looks: which weeks, whose errors add up to 5 %, and how often chance alone is called something."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.experiments.customer_readout import CustomerTest, read_customers
from growth_pipelines.experiments.planned_looks import newest_look, next_look, planned_looks
from growth_pipelines.experiments.readout import Declared, Measure
from growth_pipelines.experiments.slice_readout import Switchback, read_slices
from growth_pipelines.experiments.switchback import switchback_effect, switchback_schedule

ARMS = ("control", "treatment")


def declared(metric: str, kind: str, days: int) -> Declared:
    return Declared("x", ARMS, (1.0, 1.0), Measure(metric, kind), (), 1000, days, 1.0, 0.1)


@pytest.mark.parametrize("days", [1, 14, 28, 60, 365, 730])
def test_looks_are_whole_weeks_whose_errors_add_up_to_five_per_cent(days: int) -> None:
    looks = planned_looks(days)
    assert sum(look.alpha for look in looks) == pytest.approx(0.05)
    assert len(looks) <= 9
    # 999 placebo throws can't tell rarer things.
    assert min(look.alpha for look in looks) > 0.001
    assert [look.is_last for look in looks] == [False] * (len(looks) - 1) + [True]
    assert looks[-1].days >= max(days, 14)


def test_between_two_looks_the_last_one_stays() -> None:
    assert newest_look(28, 6) is None
    assert [newest_look(28, day) for day in (14, 20)] == [planned_looks(28)[1]] * 2
    assert newest_look(28, 300) == planned_looks(28)[-1]
    assert (next_look(28, 20), next_look(28, 28)) == (planned_looks(28)[2], None)


def test_customers_whom_nothing_was_done_to_are_called_something_in_five_per_cent_at_most() -> None:
    """Outcomes grow from week to week, and each of four looks may claim: 400 experiments."""
    rng, plan, claimed, runs = np.random.default_rng(5), declared("revenue", "cuped", 28), 0, 400
    for _ in range(runs):
        rate = rng.gamma(1.0, 0.3, 600)
        bought = rng.poisson(rate, (4, 600)).cumsum(axis=0)
        pre = rng.poisson(4 * rate)
        arms = np.where(rng.random(600) < 0.5, *ARMS)
        for week in range(4):
            frame = pd.DataFrame({"variant": arms, "revenue": bought[week] * 10, "pre_revenue": pre * 10})
            found = read_customers(plan, CustomerTest(frame, 0.99, 7 * (week + 1)))
            if found.status in ("roll back", "ship"):
                claimed += 1
                break
    # Of 400 experiments at 5 %, more than 31 in one case of 100.
    assert claimed <= 31


def test_days_of_a_shop_without_effect_are_called_something_in_five_per_cent_at_most() -> None:
    rng, claimed, plan = np.random.default_rng(6), 0, declared("revenue", "mean", 42)
    for run in range(300):
        arms = switchback_schedule(42, 1, run)
        level = np.exp(np.cumsum(rng.normal(0, 0.05, 42)) + 0.2 * (np.arange(42) % 7 >= 5))
        values = {"revenue": level * rng.normal(100, 15, 42)}
        looks = [read_slices(plan, Switchback(arms, values, 1, 0, 7 * week)).status for week in range(1, 7)]
        claimed += any(status in ("roll back", "ship") for status in looks)
    # Of 300 at 5 %, more than 24 in one case of 100.
    assert claimed <= 24


def test_a_relative_switchback_is_the_absolute_one_in_parts_of_control() -> None:
    rng, arms = np.random.default_rng(7), switchback_schedule(200, 2, 1)
    values = 100 + 30 * arms + rng.normal(0, 5, 200)
    absolute, relative = (switchback_effect(values, arms, 2, 1, relative=one) for one in (False, True))
    assert relative.diff == pytest.approx(absolute.diff / absolute.control_mean)
    assert relative.ci_low < 0.3 < relative.ci_high
    assert relative.se == pytest.approx(absolute.se / absolute.control_mean, rel=0.4)
