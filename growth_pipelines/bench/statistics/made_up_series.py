"""Made-up daily series of many kinds, of which it is known that nothing changes (or what does, and when).

Levels wander modestly, errors of neighbouring days are alike, weekdays differ by 1.1 to 3.4 times, days are
missing, lone days stand out: each series draws its own parameters, so no detector can be fitted to one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.monitoring.changes import Kind

FloatArray = NDArray[np.float64]
FIRST_DAY = np.datetime64("2025-01-06")


@dataclass(frozen=True)
class MadeUp:
    """``values`` (NaN = missing) of consecutive days from FIRST_DAY on, and the kind a watcher would declare."""

    values: FloatArray
    kind: Kind

    @property
    def dates(self) -> NDArray[np.datetime64]:
        return FIRST_DAY + np.arange(self.values.size)


def wandering(rng: np.random.Generator, days: int, memory: float, spread: float) -> FloatArray:
    """A first-order autoregressive path of standard deviation ``spread``."""
    from scipy.signal import lfilter

    shocks = rng.normal(0, spread * np.sqrt(1 - memory**2), days + 100)
    path: FloatArray = lfilter([1.0], [1.0, -memory], shocks)[100:]
    return path


def week_pattern(rng: np.random.Generator, days: int, weakest: float = 1.1, strongest: float = 3.4) -> FloatArray:
    """Factors by weekday with mean 1; the best day has ``weakest`` to ``strongest`` times the worst one's."""
    ratio = np.exp(rng.uniform(np.log(weakest), np.log(strongest)))
    logs = rng.uniform(0, 1, 7)
    logs = (logs - logs.min()) / np.ptp(logs) * np.log(ratio)
    factors = np.exp(logs)
    return (factors / factors.mean())[np.arange(days) % 7]


def counts(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Negative binomial, 20 to 2,000 a day, 1.5 to 50 times Poisson's variance, some autocorrelation."""
    days = level.size
    mean = np.exp(rng.uniform(np.log(20), np.log(2_000)))
    drift = wandering(rng, days, rng.uniform(0, 0.7), rng.uniform(0.03, 0.12))
    expected = mean * level * week_pattern(rng, days) * np.exp(drift)
    size = mean / (rng.uniform(1.5, min(50.0, 0.03 * mean + 2)) - 1)
    return MadeUp(rng.negative_binomial(size, size / (size + expected)).astype(float), "count")


def low_counts(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Poisson or negative binomial, 2 to 12 a day: the orders of a small shop."""
    usual, size = low_count_model(rng, level.size)
    return MadeUp(negative_binomial(rng, usual * level, size), "count")


def low_count_model(rng: np.random.Generator, days: int) -> tuple[FloatArray, float]:
    """The mean of each day, and the size of the negative binomial (variance = mean + mean² ÷ size)."""
    mean = rng.uniform(2, 12)
    usual = mean * week_pattern(rng, days, 1.1, 2.0)
    return usual, float(rng.choice([2.0, 5.0, 1e6]))


def negative_binomial(rng: np.random.Generator, mean: FloatArray, size: float) -> FloatArray:
    return rng.negative_binomial(size, size / (size + mean)).astype(float)


def rates(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Conversions ÷ visits with 300 to 5,000 visits a day; a rate of 1 to 8 % that differs by weekday."""
    days = level.size
    visits = rng.poisson(np.exp(rng.uniform(np.log(300), np.log(5_000))) * week_pattern(rng, days, 1.2, 2.5))
    own = rng.uniform(0.01, 0.08) * np.exp(wandering(rng, days, rng.uniform(0, 0.6), rng.uniform(0.02, 0.1)))
    chance = np.clip(own * level * week_pattern(rng, days, 1.05, 1.3), 0, 1)
    return MadeUp(rng.binomial(visits, chance) / np.maximum(visits, 1), "rate")


def durations(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Medians of a few dozen log-normal waits, with a bad day now and then."""
    days = level.size
    spread = rng.uniform(0.05, 0.2)
    drift = wandering(rng, days, rng.uniform(0, 0.7), rng.uniform(0.02, 0.08))
    bad = np.where(rng.random(days) < 0.02, rng.uniform(1.5, 4, days), 1.0)
    typical = rng.uniform(100, 3_000) * level * week_pattern(rng, days, 1.05, 1.5)
    return MadeUp(typical * np.exp(drift + rng.normal(0, spread, days)) * bad, "duration")


def revenue(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """The sum of a random number of log-normal or gamma baskets, a few of them huge."""
    days = level.size
    orders = rng.poisson(np.exp(rng.uniform(np.log(15), np.log(150))) * level * week_pattern(rng, days, 1.2, 2.5))
    basket = rng.uniform(20, 90)
    if rng.random() < 0.5:
        tail = rng.uniform(0.6, 1.1)
        each = rng.lognormal(np.log(basket) - tail**2 / 2, tail, (days, int(orders.max()) + 1))
    else:
        each = rng.gamma(1.5, basket / 1.5, (days, int(orders.max()) + 1))
    bought = np.arange(each.shape[1]) < orders[:, None]
    wholesale = np.where(rng.random(days) < 0.01, rng.uniform(5, 20, days) * basket, 0.0)
    return MadeUp((each * bought).sum(axis=1) + wholesale, "generic")


def rolling(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """The 75th percentile of the last 28 days' page loads, new every day (CrUX)."""
    long = np.concatenate([np.repeat(level[0], 27), level])
    drift = wandering(rng, long.size, rng.uniform(0, 0.7), rng.uniform(0.02, 0.06))
    loads = rng.integers(10, 40)
    middle = np.log(rng.uniform(1_200, 4_000) * long) + drift
    daily = middle[:, None] + rng.normal(0, rng.uniform(0.3, 0.6), (long.size, loads))
    windows = np.lib.stride_tricks.sliding_window_view(daily, 28, axis=0).reshape(level.size, -1)
    return MadeUp(np.exp(np.quantile(windows, 0.75, axis=1)).round(), "rolling28")


def autocorrelated(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """A site's clicks: neighbouring days alike (.5 to .85), a strong weekly pattern, holidays, missing days."""
    days = level.size
    drift = wandering(rng, days, rng.uniform(0.5, 0.85), rng.uniform(0.05, 0.12))
    week = week_pattern(rng, days, 1.4, 3.4)
    holiday = np.where(rng.random(days) < 0.015, rng.uniform(0.2, 0.7, days), 1.0)
    expected = np.exp(rng.uniform(np.log(50), np.log(3_000))) * level * week * np.exp(drift) * holiday
    values = rng.poisson(expected).astype(float)
    values[rng.random(days) < 0.03] = np.nan
    return MadeUp(values, "count")


FAMILIES: dict[str, Callable[[np.random.Generator, FloatArray], MadeUp]] = {
    "counts": counts,
    "low counts": low_counts,
    "rates": rates,
    "durations": durations,
    "revenue": revenue,
    "rolling28": rolling,
    "autocorrelated": autocorrelated,
}
