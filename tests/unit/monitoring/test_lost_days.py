"""Days on which counting failed are noticed; outages, closed weekdays and thin series are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics.detection import LOOKS, quiet, shifted
from growth_pipelines.monitoring import detect_changes
from growth_pipelines.monitoring.lost_days import lost_days
from growth_pipelines.monitoring.lost_share import lost_share_step

DAYS = np.datetime64("2025-01-06") + np.arange(260)


def _failing(seed: int, share: float | np.ndarray, mean: float = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lost = rng.random(260) < share
    return np.where(lost, 0.0, rng.poisson(mean, 260).astype(float)), lost


@pytest.mark.parametrize("kind", ["zeros scattered", "days lost", "revenue, days lost"])
def test_quiet_series_whose_counting_fails_now_and_then_raise_few_alarms(kind: str) -> None:
    """At most 40 in 1,000 over 12 looks: of 25, with 98 % probability, at most 3."""
    assert sum(first is not None for first, _ in quiet(kind, range(25), LOOKS)) <= 3


def test_shifts_beside_lost_days_are_told_within_three_weeks() -> None:
    found = [one for one in shifted("zeros scattered", range(25)) if one is not None]
    assert len(found) >= 18
    assert np.median([one.delay for one in found]) <= 21


def test_lost_days_are_those_lost_and_thin_series_have_none() -> None:
    values, lost = _failing(1, 0.15)
    assert (lost_days(values[None, :])[0] == lost).all()
    rng = np.random.default_rng(2)
    thin = rng.negative_binomial(2, 2 / (2 + rng.uniform(2, 12, (200, 1))), (200, 260)).astype(float)
    assert (thin == 0).sum() > 2_000
    assert lost_days(thin).sum() <= 0.01 * (thin == 0).sum()
    grades = rng.binomial(3, rng.uniform(0.2, 0.9, (100, 1)), (100, 260)).astype(float)
    assert lost_days(grades, counted=False).sum() <= 0.02 * (grades == 0).sum()


def test_weekdays_without_trade_and_one_price_are_no_lost_days() -> None:
    rng = np.random.default_rng(3)
    closed = rng.poisson(np.where(np.arange(260) % 7 >= 5, 0, 60), (20, 260)).astype(float)
    assert not lost_days(closed).any()
    one_price = 50.0 * rng.poisson(rng.uniform(0.2, 2.0, (50, 1)), (50, 260))
    assert lost_days(one_price, counted=False).sum() <= 0.01 * (one_price == 0).sum()


@pytest.mark.parametrize("left", [0.0, 0.3])
def test_a_page_that_falls_to_nothing_is_told_as_soon_as_without_lost_days(left: float) -> None:
    for seed in range(8):
        values, _ = _failing(seed, 0.15)
        values[200:] = np.random.default_rng(seed).poisson(left, 60)
        told = [one for one in detect_changes(values[:214], DAYS[:214], "count") if one.direction == "down"]
        assert any(abs(one.index - 200) <= 7 and one.size < -10 for one in told)


def test_counting_that_fails_on_more_days_than_before_is_told_and_the_same_share_is_not() -> None:
    told = []
    for seed in range(12):
        values, _ = _failing(seed, np.where(np.arange(260) < 150, 0.05, 0.30))
        told += [one for one in detect_changes(values[:241], DAYS[:241], "count") if abs(one.index - 150) <= 28]
        assert not detect_changes(_failing(seed, 0.15)[0], DAYS, "count")
    assert len(told) >= 9
    assert all(one.direction == "down" and one.low <= -5 <= one.high for one in told)


def test_p_values_of_a_share_that_stays_hold_for_single_days_and_for_failures_of_three_days() -> None:
    """Bounds, not exact values: of 300 at most 1 % with p ≤ .01."""
    rng = np.random.default_rng(5)
    for length in (1, 3):
        small = 0
        for _ in range(300):
            lost = np.convolve(rng.random(224) < 0.15 / length, np.ones(length))[:224] > 0
            step = lost_share_step(lost, 7)
            small += step is not None and step.p_value <= 0.01
        assert small <= 3
    closed_for_a_week = np.arange(200) // 5 == 38
    assert lost_share_step(closed_for_a_week, 7) is None


def test_a_shift_of_a_shop_closed_at_weekends_has_the_size_of_its_mean_day() -> None:
    inside = 0
    for seed in range(12):
        rng = np.random.default_rng([seed, 9])
        level = np.where(np.arange(220) < 180, 100, 65) * (np.arange(220) % 7 < 5)
        (change,) = detect_changes(rng.poisson(level).astype(float), DAYS[:220], "count")
        assert abs(change.index - 180) <= 7
        inside += change.low <= -35 * 5 / 7 <= change.high
    assert inside >= 9
