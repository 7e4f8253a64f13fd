"""anomaly_scores: strange days score high, and no score knows what came after it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.bench.statistics.made_up_series import FAMILIES
from growth_pipelines.monitoring import anomaly_scores

START = np.datetime64("2026-01-01")


@pytest.mark.parametrize("family", ["counts", "rates", "revenue", "autocorrelated"])
def test_a_score_depends_on_no_later_value(family: str) -> None:
    made = FAMILIES[family](np.random.default_rng(1), np.ones(200))
    whole = anomaly_scores(made.values, made.dates)
    for known in (20, 90, 150):
        np.testing.assert_allclose(anomaly_scores(made.values[:known], made.dates[:known]), whole[:known])


@pytest.mark.parametrize("family", ["counts", "revenue", "autocorrelated"])
def test_a_day_at_a_third_stands_out_from_the_weekly_pattern(family: str) -> None:
    above = []
    for seed in range(8):
        made = FAMILIES[family](np.random.default_rng([seed, 2]), np.ones(200))
        values = made.values.copy()
        at = 150 + seed
        values[at] = values[at] / 3
        scores = anomaly_scores(values, made.dates)
        if np.isfinite(scores[at]):
            above.append(np.nanmean(scores[14:] < scores[at]))
    assert np.mean(above) > 0.93


def test_quiet_days_seldom_score_over_three() -> None:
    shares = []
    for number, (family, make) in enumerate(FAMILIES.items()):
        if family != "rolling28":
            made = make(np.random.default_rng([number, 3]), np.ones(300))
            shares.append(np.nanmean(anomaly_scores(made.values, made.dates) > 3))
    assert np.mean(shares) < 0.03


def test_order_of_dates_missing_values_and_other_spacings() -> None:
    rng = np.random.default_rng(4)
    values, dates = rng.poisson(30, 80).astype(float), START + np.arange(80)
    values[50] = np.nan
    scores = anomaly_scores(values, dates)
    assert np.isnan(scores[50])
    assert (scores[:14] == 0).all()
    order = rng.permutation(80)
    np.testing.assert_allclose(anomaly_scores(values[order], dates[order]), scores[order])
    hourly = anomaly_scores(values, START.astype("datetime64[h]") + np.arange(80))
    assert np.isfinite(hourly[51:]).all()
    values[70] = 90
    assert np.nanargmax(anomaly_scores(values)) == 70


def test_short_constant_and_wrong_input() -> None:
    assert anomaly_scores([]).shape == (0,)
    assert (anomaly_scores([1.0] * 10) == 0).all()
    assert (anomaly_scores([5.0] * 60) == 0).all()
    with pytest.raises(ValueError, match="60 values but 59 dates"):
        anomaly_scores([5.0] * 60, START + np.arange(59))


def test_a_missing_date_is_refused_and_a_zoned_one_is_the_day_of_its_zone() -> None:
    """Without its day a value stood first, and all weekdays with it."""
    values = np.random.default_rng(6).poisson(30, 60).astype(float)
    dates = START + np.arange(60)
    with pytest.raises(ValueError, match="a date is missing"):
        anomaly_scores(values, np.r_[dates[:-1], np.datetime64("NaT")])
    zoned = pd.DatetimeIndex(dates).tz_localize("Europe/Berlin")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(anomaly_scores(values, zoned), anomaly_scores(values, dates))
