"""forecast: better than last week repeated, intervals that hold, and nothing that breaks on a shop's calendar."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics.forecasts import Judged, judge
from growth_pipelines.bench.statistics.made_up_series import FAMILIES
from growth_pipelines.bench.statistics.retail_daily import retail_series
from growth_pipelines.monitoring import forecast
from growth_pipelines.monitoring.day_grid import weekdays


def days(count: int) -> np.ndarray:
    return np.datetime64("2026-01-01") + np.arange(count)


def joined(parts: list[Judged]) -> Judged:
    return Judged(
        np.concatenate([one.error for one in parts]),
        np.concatenate([one.naive for one in parts]),
        np.concatenate([one.covered for one in parts]),
    )


def test_a_real_shops_days_are_forecast_better_than_by_repeating_the_last_week() -> None:
    calendar, series = retail_series()
    chosen = ("shop orders", "shop revenue", "shop units", "EIRE revenue", "guest orders", "product 85123A units")
    together = joined([judge(series[name], calendar, 14) for name in chosen])
    for horizon in (7, 14, 28):
        assert together.gain(horizon) >= 0.12
        assert 0.87 <= together.covered[:, :horizon].mean() <= 0.93


def test_intervals_hold_on_made_up_series_of_each_kind() -> None:
    parts = []
    for number, (family, make) in enumerate(FAMILIES.items()):
        if family != "rolling28":
            made = [make(np.random.default_rng([run, number, 7]), np.ones(250)) for run in range(3)]
            parts += [judge(one.values, one.dates, 28) for one in made]
    together = joined(parts)
    assert together.gain(28) >= 0.12
    assert 0.86 <= np.nanmean(together.covered) <= 0.95


def test_a_higher_level_gives_a_wider_interval_and_three_arrays_unpack() -> None:
    values = np.random.default_rng(1).poisson(40, 120)
    mean, low, high = forecast(values, days(120), 10, 0.5)
    wide = forecast(values, days(120), 10, 0.95)
    assert mean.shape == low.shape == high.shape == (10,)
    assert ((low <= mean) & (mean <= high)).all()
    assert ((wide.low < low) & (high < wide.high)).all()
    assert wide.dates[0] == days(120)[-1] + 1


@pytest.mark.parametrize("absent", [True, False])
def test_a_weekday_without_trade_is_forecast_as_zero(absent: bool) -> None:
    calendar = days(150)
    trade = weekdays(calendar) != 5
    values = np.where(trade, np.random.default_rng(2).poisson(30, 150), 0).astype(float)
    kept = trade if absent else np.ones(150, dtype=bool)
    found = forecast(values[kept], calendar[kept], 14)
    closed = weekdays(found.dates) == 5
    assert (found.high[closed] == 0).all()
    assert (found.low[~closed] > 0).all()
    assert abs(found.mean[~closed].mean() - 30) < 4


def test_holidays_behind_pull_nothing_down() -> None:
    values = np.random.default_rng(3).poisson(50, 120).astype(float)
    values[[80, 100, 118]] = 0
    found = forecast(values, days(120), 14)
    assert abs(found.mean.mean() - 50) < 5
    assert found.low.min() > 20


def test_the_time_before_a_new_product_was_sold_says_nothing_about_it() -> None:
    values = np.r_[np.zeros(100), np.random.default_rng(9).poisson(8, 40)].astype(float)
    found = forecast(values, days(140), 14)
    np.testing.assert_allclose(found.mean, forecast(values[100:], days(140)[100:], 14).mean)
    assert abs(found.mean.mean() - 8) < 2


def test_missing_unordered_and_incomplete_days() -> None:
    rng = np.random.default_rng(4)
    values, calendar = rng.poisson(50, 120).astype(float), days(120)
    values[[10, 11, 60]] = np.nan
    values[-2:] = (30, 4)
    whole = forecast(values, calendar, 7, incomplete=2)
    assert abs(whole.mean.mean() - 50) < 6
    known = np.isfinite(values)
    order = rng.permutation(int(known.sum()))
    again = forecast(values[known][order], calendar[known][order], 7, incomplete=2)
    np.testing.assert_allclose(again.mean, whole.mean)
    assert again.dates[0] == calendar[-1] + 1


def test_what_never_was_negative_never_is() -> None:
    for rate in (0.05, 0.5, 3):
        found = forecast(np.random.default_rng(5).poisson(rate, 200), days(200), 90)
        assert (found.low >= 0).all()
        assert 0.3 * rate < found.mean.mean() < 2 * rate
    below = forecast(np.random.default_rng(6).normal(0, 1, 100), days(100), 7)
    assert (below.low < 0).all()


def test_nothing_and_always_the_same_are_forecast_as_they_are() -> None:
    assert (forecast(np.zeros(60), days(60), 7).high == 0).all()
    flat = forecast(np.full(60, 5.0), days(60), 7)
    np.testing.assert_allclose([flat.low, flat.mean, flat.high], 5.0)


def test_weeks_are_forecast_by_the_week() -> None:
    found = forecast(np.random.default_rng(7).poisson(200, 40), days(280)[::7], 4)
    assert (np.diff(found.dates).astype(int) == 7).all()
    assert abs(found.mean.mean() - 200) < 15


def test_a_year_that_comes_back_is_forecast_from_two_of_them() -> None:
    time = np.arange(1_100)
    truth = 50 * (1 + 0.4 * np.sin(2 * np.pi * time / 365))
    values = np.random.default_rng(8).poisson(truth)
    two_years = forecast(values[:1_010], days(1_010), 90)
    one_year = forecast(values[400:1_010], days(1_010)[400:], 90)
    error = [np.abs(one.mean - truth[1_010:]).mean() for one in (two_years, one_year)]
    assert error[0] < 0.5 * error[1]


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ValueError, match="13 days are known: a forecast needs 14"):
        forecast(np.ones(13), days(13), 7)
    with pytest.raises(ValueError, match="nothing is known of the last 40 days"):
        forecast(np.r_[np.ones(60), np.full(40, np.nan)], days(100), 7)
    with pytest.raises(ValueError, match="30 days apart"):
        forecast(np.ones(20), days(600)[::30], 7)
    with pytest.raises(ValueError, match="occurs twice"):
        forecast(np.ones(20), np.r_[days(19), days(1)], 7)
    with pytest.raises(ValueError, match="20 values but 19 dates"):
        forecast(np.ones(20), days(19), 7)
    with pytest.raises(ValueError, match="there are no values"):
        forecast([], [], 7)
    with pytest.raises(ValueError, match="level between 0 and 1"):
        forecast(np.ones(20), days(20), 7, 90)
