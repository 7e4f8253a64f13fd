"""Change points: real shifts are found and dated, quiet series stay quiet under repeated looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.monitoring import detect_changes
from growth_pipelines.monitoring.levels import Kind

N = 180
DATES = np.datetime64("2026-01-01") + np.arange(N)
WEEK = np.array([1.04, 1.03, 1.02, 1.0, 0.97, 0.8, 0.9])[(DATES.astype(int) + 3) % 7]
FAMILIES = ("plain", "weekly", "autocorrelated", "count", "rate", "duration")


def _autocorrelated(rng: np.random.Generator, rho: float, n: int) -> np.ndarray:
    noise, values = rng.normal(0, np.sqrt(1 - rho**2), n + 50), np.zeros(n + 50)
    for step in range(1, n + 50):
        values[step] = rho * values[step - 1] + noise[step]
    return values[50:]


def _series(family: str, seed: int, shift: float = 0.0, at: int = 140) -> tuple[np.ndarray, Any, Any]:
    rng = np.random.default_rng([seed, FAMILIES.index(family)])
    level = np.where(np.arange(N) < at, 1.0, 1 + shift)
    if family == "plain":
        return 100 * level + rng.normal(0, 10, N), None, "generic"
    if family == "weekly":
        return 100 * level * WEEK + rng.normal(0, 8, N), DATES, "generic"
    if family == "autocorrelated":
        return 100 * level * np.exp(0.1 * _autocorrelated(rng, 0.6, N)), None, "generic"
    if family == "count":
        return rng.negative_binomial(30, 30 / (30 + 60 * level * WEEK)).astype(float), DATES, "count"
    if family == "rate":
        return rng.binomial(4000, 0.04 * level * np.exp(rng.normal(0, 0.1, N))) / 4000, DATES, "rate"
    spikes = 1 + 3 * (rng.random(N) < 0.03)
    return 300 * level * np.exp(rng.normal(0, 0.2, N)) * spikes, DATES, "duration"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fall_of_35_percent_is_found_within_ten_days(family: str) -> None:
    hits = 0
    for seed in range(12):
        values, dates, kind = _series(family, seed, -0.35)
        found = detect_changes(values, dates, kind)
        hits += any(abs(change.index - 140) <= 10 and change.direction == "down" for change in found)
    assert hits >= 11


def test_quiet_series_raise_fewer_than_six_alarms_in_a_hundred_over_six_weekly_looks() -> None:
    alarms = 0
    for family in FAMILIES:
        for seed in range(10):
            values, dates, kind = _series(family, 500 + seed)
            looks = [N - 7 * week for week in range(6)]
            alarms += any(detect_changes(values[:n], None if dates is None else dates[:n], kind) for n in looks)
    assert alarms <= 3


def test_size_is_in_the_units_of_the_values_with_an_interval() -> None:
    covered = 0
    for seed in range(20):
        (change,) = detect_changes(_series("plain", seed, -0.4)[0])
        assert change.low < change.size < change.high
        assert 0 <= change.p_value < 0.001
        covered += change.low <= -40 <= change.high
    assert covered >= 17


def test_two_shifts_are_two_changes() -> None:
    values = np.concatenate([np.full(60, 10.0), np.full(60, 20.0), np.full(60, 12.0)])
    found = detect_changes(values + np.random.default_rng(1).normal(0, 1, 180))
    assert [change.index for change in found] == [60, 120]
    assert [change.direction for change in found] == ["up", "down"]


def test_a_lone_spike_is_no_change() -> None:
    values = np.random.default_rng(2).normal(100, 5, 120)
    values[60] = 900
    assert detect_changes(values) == []


@pytest.mark.parametrize("step", [1, 7])
def test_a_rolling_28_day_series_is_judged_by_windows_that_share_no_day(step: int) -> None:
    rng = np.random.default_rng(3)
    quiet = [np.convolve(rng.normal(100, 8, 227), np.ones(28) / 28, "valid")[::step] for _ in range(15)]
    days = (np.datetime64("2026-01-01") + np.arange(200))[::step]
    assert sum(bool(detect_changes(values, days, "rolling28")) for values in quiet) <= 1
    shifted = np.where(np.arange(227) < 150, 100, 180) + rng.normal(0, 8, 227)
    (change,) = detect_changes(np.convolve(shifted, np.ones(28) / 28, "valid")[::step], days, "rolling28")
    assert change.direction == "up"
    assert abs(change.index * step - (150 - 27)) <= 14


def test_missing_values_keep_the_index_of_the_given_series() -> None:
    values = np.concatenate([np.full(80, 10.0), np.full(80, 15.0)]) + np.random.default_rng(4).normal(0, 1, 160)
    values[:20:2] = np.nan
    (change,) = detect_changes(values)
    assert change.index == 80


def test_short_constant_and_wrong_input() -> None:
    assert detect_changes([]) == []
    assert detect_changes([1.0] * 10) == []
    assert detect_changes([5.0] * 100) == []
    assert detect_changes([np.nan] * 100) == []
    with pytest.raises(ValueError, match="unknown kind"):
        detect_changes([1.0] * 20, kind="other")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dates"):
        detect_changes([1.0] * 20, dates=DATES)


@pytest.mark.parametrize("kind", ["generic", "count", "rate", "duration"])
def test_rounding_of_the_arithmetic_is_no_change(kind: Kind) -> None:
    days = np.arange(350) + np.datetime64("2025-01-01")
    assert detect_changes(np.tile([0.1, 0.2, 0.3, 0.1, 0.7, 0.9, 1.0], 50), days, kind) == []
    (found,) = detect_changes(np.r_[np.full(200, 0.3), np.full(60, 0.2)], days[:260], kind)
    assert (found.index, round(found.size, 9)) == (200, -0.1)


@pytest.mark.parametrize("level", [0.0, 0.001])
def test_a_rolling_value_that_leaves_zero_moved_no_further_than_its_values(level: float) -> None:
    daily = np.r_[np.full(167, level), np.full(140, 0.1)]
    shown = np.round(np.convolve(daily, np.ones(28) / 28, "valid"), 2)
    (found,) = detect_changes(shown, kind="rolling28")
    assert found.first - 1 <= 140 <= found.last + 1
    assert 0 < found.low <= found.size <= found.high <= 0.1


def test_dates_that_are_not_in_order_are_refused_with_the_first_that_is_not() -> None:
    days = np.arange(60) + np.datetime64("2025-01-01")
    twice = np.r_[days[:59], days[58]]
    missing = np.r_[days[:59], np.datetime64("NaT")]
    for dates, said in (
        (days[::-1], "2025-02-28 comes after 2025-03-01"),
        (twice, "2025-02-28"),
        (missing, "missing"),
    ):
        with pytest.raises(ValueError, match=said):
            detect_changes(np.ones(60), dates)


def test_an_instant_with_a_zone_counts_as_the_day_of_its_zone() -> None:
    values = np.random.default_rng(3).poisson(np.r_[np.full(200, 30.0), np.full(60, 18.0)]).astype(float)
    values *= np.where(np.arange(260) % 7 == 0, 3, 1)
    here = pd.date_range("2025-01-01", periods=260, tz="Europe/Berlin")
    assert detect_changes(values, here, "count") == detect_changes(values, here.tz_localize(None), "count")
