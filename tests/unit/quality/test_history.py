"""Days against the past: how often a usual day is called unusual, and what is surely found.

The rates hold for one comparison. About 25 are made a day, so that an undisturbed machine warns about once a week.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from growth_pipelines.quality.history import Usual, usual_count, usual_figure, usual_total

FIRST = date(2026, 6, 1)
DAYS = 57
DAY = FIRST + timedelta(days=DAYS - 1)
SHOPS = 400


def passed(usual: Usual | None) -> bool:
    assert usual is not None, "not judged"
    return usual.passed


def unusual_counts(mean: float, spread: float = 0.0, growth: float = 0.0, times: float = 1.0) -> float:
    """The share of made-up shops whose last day is called unusual: weekdays differ, days spread by ``spread`` (the
    variance of a day's rate over its square) beyond chance, weeks grow, and the last day is ``times`` its rate."""
    rng = np.random.default_rng(7)
    found = 0
    for weekdays in rng.dirichlet(np.ones(7) * 8, SHOPS) * 7:
        rate = mean * weekdays[np.arange(DAYS) % 7] * (1 + growth) ** (np.arange(DAYS) / 7)
        rate[-1] *= times
        chance = rng.gamma(1 / spread, rate * spread) if spread else rate
        counts = {FIRST + timedelta(days=n): int(count) for n, count in enumerate(rng.poisson(chance))}
        usual = usual_count(counts, DAY)
        assert usual is not None
        found += not usual.passed
    return found / SHOPS


@pytest.mark.parametrize(
    ("mean", "spread", "growth"), [(1, 0, 0), (30, 0.05, 0), (300, 0.15, 0.03), (5000, 0.05, 0)]
)
def test_usual_days_are_seldom_called_unusual(mean: float, spread: float, growth: float) -> None:
    assert unusual_counts(mean, spread, growth) <= 0.02


@pytest.mark.parametrize(
    ("mean", "times", "least"), [(300, 0.1, 0.98), (300, 0.0, 0.99), (30, 0.0, 0.95), (300, 4, 0.95)]
)
def test_days_that_are_hardly_there_or_far_too_full_are_found(mean: float, times: float, least: float) -> None:
    assert unusual_counts(mean, spread=0.03, times=times) >= least


def test_a_day_without_any_row_is_a_day_with_none() -> None:
    counts = {FIRST + timedelta(days=n): 200 for n in range(DAYS - 1)}
    usual = usual_count(counts, DAY)
    assert usual is not None
    assert (usual.seen, usual.passed) == (0, False)


def test_a_past_outage_does_not_hide_the_next() -> None:
    counts = {FIRST + timedelta(days=n): 200 for n in range(DAYS - 1) if n not in (20, 21, 22)}
    assert not passed(usual_count(counts, DAY))


def test_too_short_a_history_is_not_judged() -> None:
    counts = {FIRST + timedelta(days=n): 200 for n in range(20)}
    assert usual_count(counts, FIRST + timedelta(days=20)) is None
    assert usual_count({}, DAY) is None


def unusual_figures(rows: int, times: float = 1.0, shops: int = 200) -> float:
    """The share of made-up shops whose last day's median order is called unusual; orders spread lognormally."""
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(shops):
        medians = np.median(rng.lognormal(4, 1, (DAYS, rows)), axis=1)
        medians[-1] *= times
        figures = {FIRST + timedelta(days=n): (rows, float(value)) for n, value in enumerate(medians)}
        usual = usual_figure(figures, DAY)
        assert usual is not None
        found += not usual.passed
    return found / shops


def test_usual_medians_are_seldom_called_unusual_and_wrong_units_are_found() -> None:
    assert unusual_figures(30) <= 0.02
    assert unusual_figures(200) <= 0.02
    assert unusual_figures(200, times=2) >= 0.95
    assert unusual_figures(30, times=100) == 1, "cents for dollars"


def test_a_median_of_whole_numbers_may_move_by_one() -> None:
    figures = {FIRST + timedelta(days=n): (500, 3.0) for n in range(DAYS)} | {DAY: (500, 4.0)}
    assert passed(usual_figure(figures, DAY, step=1.0))
    assert not passed(usual_figure(figures, DAY))


def test_days_with_few_rows_have_no_figure() -> None:
    figures = {FIRST + timedelta(days=n): (5, 3.0) for n in range(DAYS)}
    assert usual_figure(figures, DAY) is None


def test_a_table_that_lost_a_third_or_more_than_doubled_is_unusual() -> None:
    assert usual_total(100, []) is None
    judged = [passed(usual_total(n, [300, 290, 310])) for n in (200, 250, 600, 700)]
    assert judged == [False, True, True, False]
    assert passed(usual_total(3, [5, 5])), "a handful says nothing"
