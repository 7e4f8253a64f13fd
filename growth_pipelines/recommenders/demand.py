"""What will be sold, and how sure that is: a Gamma-Poisson model of daily units, item by item.

Units of a day are Poisson with rate λ × weekday factor, overdispersed because people buy several at once. λ has a
Gamma prior that the shop's own items give (empirical Bayes), so thin items borrow from the others; what a span of
days brings is then negative binomial. A day on which an item ended without stock says only that demand was *at
least* what was sold: such days are censored, and filled in by expectation–maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# A weekday's factor is shrunk as if each weekday had so many more average sales.
_WEEKDAY_SALES = 20.0
# An item's dispersion is shrunk to the shop's as if it had been seen for so many days.
_DISPERSION_DAYS = 84.0
# Items with at least so many units say how dispersed the shop's sales are.
_DISPERSION_UNITS = 5.0
_CENSORED_ROUNDS = 25


@dataclass(frozen=True)
class Demand:
    """Demand of items (axis 0): ``rate`` units a day with standard deviation ``rate_sd``; ``dispersion`` is the
    variance of a day's units ÷ their mean, at least 1; ``weekdays`` are seven factors from Monday on, mean 1."""

    rate: FloatArray
    rate_sd: FloatArray
    dispersion: FloatArray
    weekdays: FloatArray

    @property
    def daily_sd(self) -> FloatArray:
        """Standard deviation of one day's units."""
        return np.sqrt(self.dispersion * self.rate)

    def over(self, first_weekday: int, days: int) -> Outlook:
        """The units of ``days`` days that begin on a weekday (Monday 0)."""
        factor = float(self.weekdays[(first_weekday + np.arange(days)) % 7].sum())
        mean = self.rate * factor
        return Outlook(mean, self.dispersion * mean + (factor * self.rate_sd) ** 2)


@dataclass(frozen=True)
class Outlook:
    """Negative binomial units of a span, by item: ``mean`` and ``variance``."""

    mean: FloatArray
    variance: FloatArray

    def _shape(self) -> tuple[FloatArray, FloatArray]:
        """Size and success probability; a variance near the mean is (almost) Poisson."""
        mean = np.maximum(self.mean, 1e-9)
        variance = np.maximum(self.variance, mean * 1.0001)
        return mean**2 / (variance - mean), mean / variance

    def above(self, units: npt.ArrayLike) -> FloatArray:
        """P(more than ``units`` are wanted), which is 1 for less than nothing."""
        from scipy.special import betainc

        size, chance = self._shape()
        stock = np.floor(np.asarray(units, float))
        tail = betainc(np.maximum(stock, 0.0) + 1.0, size, 1.0 - chance)
        return np.where(stock < 0, 1.0, tail)

    def excess(self, units: npt.ArrayLike) -> FloatArray:
        """Expected units beyond a stock of ``units``: E[(X − s)⁺]."""
        from scipy.special import betainc

        size, chance = self._shape()
        stock = np.maximum(np.floor(np.asarray(units, float)), 0.0)
        # E[X; X > s] of NB(size) is its mean × P(NB(size + 1) > s − 1).
        beyond = np.where(stock > 0, betainc(np.maximum(stock, 1.0), size + 1.0, 1.0 - chance), 1.0)
        return np.maximum(self.mean * beyond - stock * self.above(stock), 0.0)

    def quantile(self, share: float) -> FloatArray:
        """The smallest number of units that demand doesn't exceed with probability ``share``."""
        from scipy.stats import nbinom

        size, chance = self._shape()
        return np.asarray(nbinom.ppf(share, size, chance), float)


def estimate(units: FloatArray, censored: npt.NDArray[np.bool_], first_weekday: int) -> Demand:
    """Demand from ``units`` (items × days) that were sold; ``censored`` marks days that ended without stock.

    ``first_weekday`` is the weekday (Monday 0) of the first day.
    """
    days = units.shape[1]
    weekday = (first_weekday + np.arange(days)) % 7
    factors = _weekday_factors(units, censored, weekday)
    exposure = np.where(censored, 0.0, factors[weekday]).sum(axis=1)
    # A censored day without a sale says nothing; one with sales counts, at least for what was sold.
    cut = censored & (units > 0)
    exposure += np.where(cut, factors[weekday], 0.0).sum(axis=1)
    filled = _filled(units, cut, exposure, factors[weekday])
    total = filled.sum(axis=1)
    dispersion = _dispersion(filled, ~censored | cut, total, exposure, factors[weekday])
    return _posterior(total, exposure, dispersion, factors)


def _weekday_factors(
    units: FloatArray, censored: npt.NDArray[np.bool_], weekday: npt.NDArray[np.int64]
) -> FloatArray:
    """Units a day by weekday relative to the average day, of days with stock, shrunk to 1."""
    seen = ~censored
    sold = np.bincount(weekday, np.where(seen, units, 0.0).sum(axis=0), 7)
    offered = np.bincount(weekday, seen.sum(axis=0), 7)
    expected = offered * sold.sum() / max(offered.sum(), 1)
    factors = (sold + _WEEKDAY_SALES) / (expected + _WEEKDAY_SALES)
    return np.asarray(factors / factors.mean(), float)


def _filled(units: FloatArray, cut: npt.NDArray[np.bool_], exposure: FloatArray, factor: FloatArray) -> FloatArray:
    """Units with those of cut-off days replaced by what was wanted: E[X | X ≥ sold] under the item's own rate."""
    from scipy.special import pdtrc

    item, day = np.nonzero(cut)
    if not len(item):
        return units
    filled = units.copy()
    sold = units[item, day]
    for _ in range(_CENSORED_ROUNDS):
        rate = filled.sum(axis=1) / np.maximum(exposure, 1e-9)
        mean = np.maximum(rate[item] * factor[day], 1e-9)
        # For a Poisson X: E[X; X ≥ u] = mean × P(X ≥ u − 1), and P(X ≥ u) = pdtrc(u − 1).
        least = np.where(sold >= 2, pdtrc(np.maximum(sold - 2, 0), mean), 1.0)
        filled[item, day] = np.maximum(sold, mean * least / np.maximum(pdtrc(sold - 1, mean), 1e-12))
    return filled


def _dispersion(
    units: FloatArray, seen: npt.NDArray[np.bool_], total: FloatArray, exposure: FloatArray, factor: FloatArray
) -> FloatArray:
    """Pearson's variance ÷ mean of each item, shrunk to that of all items; at least 1."""
    mean = np.maximum((total / np.maximum(exposure, 1e-9))[:, None] * factor, 1e-9)
    squares = np.where(seen, (units - mean) ** 2 / mean, 0.0).sum(axis=1)
    free = np.maximum(seen.sum(axis=1) - 1.0, 0.0)
    telling = total >= _DISPERSION_UNITS
    common = squares[telling].sum() / max(free[telling].sum(), 1.0) if telling.any() else 1.0
    own = np.where(telling, squares, 0.0) + _DISPERSION_DAYS * common
    return np.maximum(own / (np.where(telling, free, 0.0) + _DISPERSION_DAYS), 1.0)


def _posterior(total: FloatArray, exposure: FloatArray, dispersion: FloatArray, factors: FloatArray) -> Demand:
    """Gamma posterior of the rates; overdispersed units count as fewer independent ones."""
    rate = total / np.maximum(exposure, 1e-9)
    seen = exposure > 0
    mean = total[seen].sum() / exposure[seen].sum() if seen.any() else 0.0
    if mean <= 0:
        nothing = np.zeros(len(total))
        return Demand(nothing, nothing, dispersion, factors)
    noise = (dispersion[seen] * mean / exposure[seen]).mean()
    spread = max(float(np.var(rate[seen])) - float(noise), 0.25 * mean**2)
    shape, scale = mean**2 / spread, mean / spread
    alpha, beta = shape + total / dispersion, scale + exposure / dispersion
    return Demand(alpha / beta, np.sqrt(alpha) / beta, dispersion, factors)
