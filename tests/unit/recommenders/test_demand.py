"""Forecasts of demand against simulated shops: rates, intervals and what days without stock do to them."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.recommenders.demand import Outlook, estimate
from growth_pipelines.recommenders.stock import (
    abc_class,
    bundle_stock,
    days_of_cover,
    floor_price,
    order_step,
    reorder_point,
    turnover_band,
    urgency,
)

DAYS, ITEMS = 84, 2_000


def sold(rng: np.random.Generator, rates: np.ndarray, days: int = DAYS) -> np.ndarray:
    """Orders a day with one to four pieces each, as in a shop."""
    orders = rng.poisson(rates[:, None] / (11 / 6), (len(rates), days))
    pieces = rng.choice([1, 1, 1, 2, 2, 4], (len(rates), days, 12))
    return np.where(np.arange(12) < orders[..., None], pieces, 0).sum(axis=2).astype(float)


def test_six_at_two_point_four_a_day_is_two_and_a_half_days_and_critical() -> None:
    cover = days_of_cover(6, 2.4)
    assert cover == pytest.approx(2.5)
    assert urgency(6, cover) == "critical"
    assert list(urgency([0, 9, 9, 9, 9], [99, 2.9, 3, 7, 14])) == ["critical", "critical", "high", "medium", "low"]
    assert days_of_cover(6, 0) == np.inf


def test_the_reorder_point_is_lead_demand_and_safety_stock() -> None:
    assert reorder_point(2.4, 14, 1.645, 2.0) == pytest.approx(2.4 * 14 + 1.645 * 2 * 14**0.5)


def test_the_arithmetic_of_stock() -> None:
    assert list(turnover_band([13, 12, 6, 3, 2.9])) == ["very fast", "fast", "fast", "medium", "slow"]
    assert list(abc_class([80, 15, 5, 0])) == ["A", "B", "C", "C"]
    assert bundle_stock([7, 9, 100], [2, 3, 1]) == 3
    assert bundle_stock([-2, 5], [1, 1]) == 0
    assert list(floor_price([800, 799, np.nan], 0.2)[:2]) == [1000, 999]
    assert np.isnan(floor_price(np.nan, 0.2))
    assert list(order_step([0.2, 11, 21, 101])) == [1, 12, 25, 120]


@pytest.mark.parametrize("horizon", [14, 42])
def test_the_90_percent_interval_holds_90_percent_of_what_comes(horizon: int) -> None:
    """The stated rate of error is 10 %: of discrete counts at most that, and not so wide that it says nothing."""
    rng = np.random.default_rng(11)
    rates = rng.gamma(0.8, 0.25, ITEMS)
    demand = estimate(sold(rng, rates), np.zeros((ITEMS, DAYS), bool), 0)
    outlook = demand.over(0, horizon)
    came = sold(rng, rates, horizon).sum(axis=1)
    low, high = outlook.quantile(0.05), outlook.quantile(0.95)
    missed = 1 - float(((came >= low) & (came <= high)).mean())
    assert 0.03 <= missed <= 0.11, missed
    often = rates * horizon > 5  # where counts are large enough for both tails
    assert 0.05 <= 1 - float(((came >= low) & (came <= high))[often].mean()) <= 0.14
    assert float(came.sum()) == pytest.approx(float(outlook.mean.sum()), rel=0.05)


def test_days_without_stock_are_no_days_without_demand() -> None:
    rng = np.random.default_rng(12)
    rates = np.full(ITEMS, 0.6)
    units = sold(rng, rates)
    out = np.zeros_like(units, bool)
    out[:, 42:] = True
    seen = np.where(out, 0.0, units)
    assert estimate(seen, out, 0).rate.mean() == pytest.approx(0.6, rel=0.05)
    assert estimate(seen, np.zeros_like(out), 0).rate.mean() == pytest.approx(0.3, rel=0.05)


def test_days_that_ended_sold_out_count_for_at_least_what_was_sold() -> None:
    rng = np.random.default_rng(13)
    rate, stock = 3.0, 2.0
    wanted = rng.poisson(rate, (ITEMS, DAYS)).astype(float)
    units = np.minimum(wanted, stock)
    demand = estimate(units, units >= stock, 0)
    assert units.mean() < 2
    assert demand.rate.mean() == pytest.approx(rate, rel=0.12)


def test_a_weekday_s_share_is_in_the_outlook() -> None:
    rng = np.random.default_rng(14)
    factors = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 2.25, 2.25])
    units = rng.poisson(0.8 * factors[np.arange(DAYS) % 7], (ITEMS, DAYS)).astype(float)
    demand = estimate(units, np.zeros((ITEMS, DAYS), bool), 0)
    weekend, week = demand.over(5, 2).mean.mean(), demand.over(0, 5).mean.mean()
    assert weekend == pytest.approx(0.8 * 4.5, rel=0.05)
    assert week == pytest.approx(0.8 * 2.5, rel=0.05)


def test_nothing_sold_at_all_is_no_error() -> None:
    demand = estimate(np.zeros((3, DAYS)), np.zeros((3, DAYS), bool), 2)
    assert list(demand.rate) == [0, 0, 0]
    assert list(demand.over(0, 14).above([0, 1, -1])) == pytest.approx([0, 0, 1], abs=1e-6)


def test_excess_is_the_mean_of_what_stock_cannot_serve() -> None:
    rng = np.random.default_rng(15)
    outlook = Outlook(np.array([4.0]), np.array([9.0]))
    size, chance = 4.0**2 / 5.0, 4.0 / 9.0
    draws = rng.negative_binomial(size, chance, 400_000)
    for stock in (0, 3, 8):
        assert outlook.excess([stock])[0] == pytest.approx(np.maximum(draws - stock, 0).mean(), rel=0.02)
        assert outlook.above([stock])[0] == pytest.approx((draws > stock).mean(), rel=0.02)
