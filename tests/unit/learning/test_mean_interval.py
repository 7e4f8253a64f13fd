"""Intervals of means of skewed values: how often they miss, and on which side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from growth_pipelines.learning.mean_interval import mean_interval

SAMPLES = 4_000
# Name, size, values of a seed's samples, their true mean.
FAMILIES: list[tuple[int, Callable[[np.random.Generator, tuple[int, int]], np.ndarray], float]] = [
    (100, lambda rng, shape: rng.exponential(size=shape), 1.0),
    (150, lambda rng, shape: rng.lognormal(0, 1, shape), float(np.exp(0.5))),
    (700, lambda rng, shape: rng.lognormal(0, 1.2, shape), float(np.exp(0.72))),
    (300, lambda rng, shape: -rng.exponential(size=shape) * (rng.random(shape) < 0.3), -0.3),
    (100, lambda rng, shape: rng.standard_t(5, shape), 0.0),
    (100, lambda rng, shape: rng.normal(size=shape), 0.0),
]


@pytest.mark.parametrize(
    ("n", "drawn", "truth"), FAMILIES, ids=["exponential", "log-normal", "wilder", "mostly nothing", "t", "normal"]
)
def test_both_sides_together_miss_three_to_seven_in_a_hundred(n, drawn, truth) -> None:  # type: ignore[no-untyped-def]
    low, high = mean_interval(drawn(np.random.default_rng([n, 3]), (SAMPLES, n)))
    below, above = float((truth < low).mean()), float((truth > high).mean())
    assert 0.03 <= below + above <= 0.07
    # No side takes all of it, as one does of Student's interval.
    assert min(below, above) >= 0.005


def test_students_interval_misses_skewed_means_too_often_and_on_one_side_only() -> None:
    values = np.random.default_rng(8).lognormal(0, 1.2, (SAMPLES, 700))
    error = values.std(axis=1, ddof=1) / np.sqrt(700) * stats.t.ppf(0.975, 699)
    truth = np.exp(0.72)
    assert (truth > values.mean(axis=1) + error).mean() > 0.05
    assert (truth < values.mean(axis=1) - error).mean() < 0.01


def test_it_is_students_where_tails_are_short_and_alike() -> None:
    values = np.linspace(-1, 4, 60)
    error = values.std(ddof=1) / np.sqrt(60) * stats.t.ppf(0.95, 59)
    assert mean_interval(values, alpha=0.1) == pytest.approx((values.mean() - error, values.mean() + error))


def test_it_reaches_further_to_where_the_tail_is_and_mirrors_with_it() -> None:
    values = np.random.default_rng(2).exponential(size=200)
    low, high = mean_interval(values)
    assert high - values.mean() > 1.1 * (values.mean() - low)
    assert mean_interval(5 - 2 * values) == pytest.approx((5 - 2 * high, 5 - 2 * low))


def test_many_samples_are_read_at_once_and_what_does_not_vary_has_no_width() -> None:
    values = np.random.default_rng(4).exponential(size=(3, 2, 50))
    values[1, 1] = 7.0
    low, high = mean_interval(values)
    assert low.shape == high.shape == (3, 2)
    assert (low[2, 0], high[2, 0]) == pytest.approx(mean_interval(values[2, 0]))
    assert low[1, 1] == high[1, 1] == 7.0
    assert mean_interval([3.0]) == (3.0, 3.0)
