"""The days on which a change may have begun hold the true one as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.monitoring.onset import onset_interval


def best(values: np.ndarray) -> int:
    splits = np.arange(3, values.size - 3)
    return int(
        splits[np.argmax([k * (values.size - k) * (values[:k].mean() - values[k:].mean()) ** 2 for k in splits])]
    )


@pytest.mark.parametrize(("memory", "weekly"), [(0.0, False), (0.5, False), (0.0, True)])
def test_the_interval_holds_the_true_day_in_about_95_of_100_series(memory: float, weekly: bool) -> None:
    rng = np.random.default_rng(11)
    days = np.datetime64("2026-01-01") + np.arange(120)
    held, widths = [], []
    for _ in range(300):
        noise = rng.normal(0, 1, 120)
        for day in range(1, 120):
            noise[day] += memory * noise[day - 1]
        values = (
            20
            + noise
            + np.where(np.arange(120) >= 80, -1.5, 0)
            + (weekly * np.sin(np.arange(120) * 2 * np.pi / 7))
        )
        first, last = onset_interval(values, best(values), days)
        held.append(first <= 80 <= last)
        widths.append(last - first + 1)
    assert np.mean(held) >= 0.92
    assert np.median(widths) <= (15 if memory == 0 else 70)


def test_missing_days_and_short_series_are_borne() -> None:
    values = np.r_[np.full(30, 5.0), np.full(30, 2.0)] + np.random.default_rng(2).normal(0, 0.2, 60)
    values[[3, 31, 50]] = np.nan
    first, last = onset_interval(values, 30)
    assert first <= 30 <= last
    assert last - first <= 3
    assert onset_interval(values[28:32], 2) == (0, 3)
