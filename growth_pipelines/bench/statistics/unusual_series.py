"""Daily series of kinds that break detectors made for tidy ones: lost days, closed weekends, sales, pay-days.

None of the detector's parts was made for one of them alone. As in ``made_up_series`` each series draws its own
parameters, and ``level`` is what is known to have changed (ones: nothing).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from growth_pipelines.bench.statistics.made_up_series import (
    FIRST_DAY,
    FloatArray,
    MadeUp,
    counts,
    negative_binomial,
    wandering,
    week_pattern,
)

Maker = Callable[[np.random.Generator, FloatArray], MadeUp]


def _busy(rng: np.random.Generator, level: FloatArray, least: float = 20, most: float = 500) -> FloatArray:
    """Negative binomial of 1.1 to 5 times Poisson's variance, with a weekly pattern of up to 2 : 1."""
    mean = np.exp(rng.uniform(np.log(least), np.log(most)))
    expected = mean * level * week_pattern(rng, level.size, 1.1, 2.0)
    return negative_binomial(rng, expected, mean / (rng.uniform(1.1, 5.0) - 1))


def zeros_scattered(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """20 a day; counting fails on a day in ten to a day in five."""
    lost = rng.random(level.size) < rng.uniform(0.1, 0.2)
    return MadeUp(np.where(lost, 0.0, rng.poisson(20 * level).astype(float)), "count")


def days_lost(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """20 to 500 a day by weekday; on 5 to 25 % of days counting fails, for one to four days on end."""
    share, length = rng.uniform(0.05, 0.25), int(rng.integers(1, 5))
    lost = np.zeros(level.size, dtype=bool)
    for begin in map(int, np.flatnonzero(rng.random(level.size) < share / length)):
        # No two failures touch: a week at zero is a change.
        lost[begin : begin + length] |= not lost[max(0, begin - 1) : begin + length].any()
    return MadeUp(np.where(lost, 0.0, _busy(rng, level)), "count")


def revenue_days_lost(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """The sum of 15 to 150 log-normal baskets, nothing on 5 to 20 % of days."""
    made = baskets(rng, level, 0.7)
    return MadeUp(np.where(rng.random(level.size) < rng.uniform(0.05, 0.2), 0.0, made.values), "generic")


def overdispersed(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Negative binomial, 15 to 200 a day, 2 to 5 times Poisson's variance, alike on all weekdays."""
    mean = np.exp(rng.uniform(np.log(15), np.log(200)))
    return MadeUp(negative_binomial(rng, mean * level, mean / (rng.uniform(2, 5) - 1)), "count")


def baskets(rng: np.random.Generator, level: FloatArray, tail: float | None = None) -> MadeUp:
    """The sum of 15 to 150 orders a day, each log-normal with σ of 1 to 1.5."""
    spread = rng.uniform(1.0, 1.5) if tail is None else tail
    orders = rng.poisson(
        np.exp(rng.uniform(np.log(15), np.log(150))) * level * week_pattern(rng, level.size, 1.1, 2)
    )
    each = rng.lognormal(np.log(40) - spread**2 / 2, spread, (level.size, int(orders.max()) + 1))
    return MadeUp((each * (np.arange(each.shape[1]) < orders[:, None])).sum(axis=1), "generic")


def heavy_days(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Whole days are log-normal with σ of 1 to 1.5: a few large orders."""
    return MadeUp(500 * level * rng.lognormal(0, rng.uniform(1, 1.5), level.size), "generic")


def closed_weekends(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Sundays nothing, Saturdays nothing or a tenth, and a holiday in 40 open days."""
    weekday = np.arange(level.size) % 7
    trade = np.where(weekday == 6, 0.0, np.where(weekday == 5, rng.choice([0.0, 0.1]), 1.0))
    holiday = rng.random(level.size) < 0.025
    mean = np.exp(rng.uniform(np.log(20), np.log(500)))
    return MadeUp(
        rng.poisson(mean * level * trade * ~holiday * rng.uniform(0.85, 1.15, level.size)) * 1.0, "count"
    )


def sales_days(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Sales of one to four days, about one a month, at 1.5 to 5 times the usual."""
    factor = np.ones(level.size)
    for begin in map(int, np.flatnonzero(rng.random(level.size) < 0.035)):
        factor[begin : begin + int(rng.integers(1, 5))] = rng.uniform(1.5, 5)
    return MadeUp(_busy(rng, level * factor), "count")


def missing_blocks(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Two to four stretches of 5 to 20 days unknown."""
    values = counts(rng, level).values
    for begin in rng.integers(10, level.size - 30, rng.integers(2, 5)):
        values[begin : begin + int(rng.integers(5, 21))] = np.nan
    return MadeUp(values, "count")


def short(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Known for 60 to 90 days at the first look (day 147)."""
    values = counts(rng, level).values
    values[: int(rng.integers(57, 88))] = np.nan
    return MadeUp(values, "count")


def pay_days(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """The last five days of each month bring 1.2 to 1.6 times the usual, the days before them a little less."""
    day = FIRST_DAY + np.arange(level.size)
    left = ((day.astype("datetime64[M]") + 1).astype("datetime64[D]") - day).astype(int)
    factor = np.where(left <= 5, rng.uniform(1.2, 1.6), np.where(left <= 12, rng.uniform(0.85, 1), 1.0))
    return MadeUp(_busy(rng, level * factor, 50, 1_000), "count")


def ramp(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """20 % a year more or less, at a constant rate."""
    slope = rng.choice([-1, 1]) * np.log(1.2) / 365
    return MadeUp(_busy(rng, level * np.exp(slope * np.arange(level.size)), 50, 2_000), "count")


def rounded_rates(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Rates of 1 to 8 % that are rounded to whole percent."""
    visits = rng.integers(300, 3_000)
    chance = np.clip(rng.uniform(0.01, 0.08) * level, 0, 1)
    return MadeUp((rng.binomial(visits, chance) / visits).round(2), "rate")


def nearly_constant(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """The same number but for one day in 10 to 50, which is off by one or two."""
    usual = np.round(rng.uniform(10, 60) * level)
    off = (rng.random(level.size) < rng.uniform(0.02, 0.1)) * rng.choice([-2, -1, 1, 2], level.size)
    return MadeUp(usual + off, "generic")


def few_values(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """Four grades (a median of ratings, a share in quarters), whose mixture is what changes."""
    chance = np.clip(rng.uniform(0.3, 0.6) * level, 0, 1)
    return MadeUp(rng.binomial(3, chance).astype(float), "generic")


def alike(rng: np.random.Generator, level: FloatArray) -> MadeUp:
    """First-order autoregressive, ρ = .5, 10 % around the mean."""
    return MadeUp(100 * level * np.exp(wandering(rng, level.size, 0.5, 0.1)), "generic")


UNUSUAL: dict[str, Maker] = {
    "zeros scattered": zeros_scattered,
    "days lost": days_lost,
    "revenue, days lost": revenue_days_lost,
    "overdispersed": overdispersed,
    "log-normal baskets": baskets,
    "log-normal days": heavy_days,
    "closed weekends": closed_weekends,
    "sales days": sales_days,
    "missing blocks": missing_blocks,
    "60 to 90 days": short,
    "pay-days": pay_days,
    "20 % a year": ramp,
    "rounded rates": rounded_rates,
    "nearly constant": nearly_constant,
    "few values": few_values,
    "AR(1), ρ = .5": alike,
}
