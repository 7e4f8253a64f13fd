"""Field data as CrUX reports them: 28-day distributions a page, form factor and metric, with planted regressions.

A day's experiences are lognormal (CLS too), so a 28-day window is a mixture of at most three regimes: before a
regression, during it, and after its repair. The window's p75 is that mixture's quantile; its noise is shared by
overlapping windows, as it is in reality.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from growth_pipelines.sandbox.demand import Demand
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.traffic import Traffic

STREAM = 6
Z75 = 0.6744897501960817
EPOCH = date(2020, 1, 4)  # a Saturday: weekly noise is indexed from here
WEEKS = 800
MINIMUM_SESSIONS = 180.0  # in 28 days; CrUX knows no page below it
METRICS = (
    "largest_contentful_paint",
    "interaction_to_next_paint",
    "cumulative_layout_shift",
    "first_contentful_paint",
    "experimental_time_to_first_byte",
)
SHORT = {"lcp": METRICS[0], "inp": METRICS[1], "cls": METRICS[2]}
# Good and poor thresholds, usual p75 on phones, spread of one day's experiences (sigma of the logarithm).
THRESHOLDS = {
    METRICS[0]: (2500.0, 4000.0),
    METRICS[1]: (200.0, 500.0),
    METRICS[2]: (0.1, 0.25),
    METRICS[3]: (1800.0, 3000.0),
    METRICS[4]: (800.0, 1800.0),
}
USUAL = {METRICS[0]: 1950.0, METRICS[1]: 140.0, METRICS[2]: 0.05, METRICS[3]: 1350.0, METRICS[4]: 480.0}
SIGMA = {METRICS[0]: 0.55, METRICS[1]: 0.6, METRICS[2]: 0.9, METRICS[3]: 0.5, METRICS[4]: 0.5}
DESKTOP = 0.8


@dataclass(frozen=True)
class FieldWindow:
    """One metric of one 28-day window: its p75 and the shares of good, middling and poor experiences."""

    start: date
    end: date
    p75: float
    good: float
    needs_improvement: float
    poor: float


def _cdf(x: float, mu: float, sigma: float) -> float:
    return 0.5 * (1.0 + math.erf((math.log(x) - mu) / (sigma * math.sqrt(2.0))))


def last_saturday(day: date) -> date:
    """The last Saturday on or before a day: collection periods of the history end there."""
    return day - timedelta(days=(day.weekday() - 5) % 7)


class FieldData:
    """CrUX's view of the shop. ``page`` is a landing page index, or None for the whole origin."""

    def __init__(self, options: Options, demand: Demand, traffic: Traffic) -> None:
        self._options = options
        self._demand = demand
        self.sessions = traffic.expected * 28
        rng = np.random.default_rng([options.seed, STREAM])
        self._page_of = {path: index for index, path in enumerate(demand.paths)}
        self._levels = rng.uniform(-0.12, 0.08, size=(len(demand.pages) + 1, len(METRICS)))

    @staticmethod
    def newest(today: date) -> date:
        """The last day of the newest daily record."""
        return today - timedelta(days=2)

    def covered(self, page: int | None) -> bool:
        """Whether CrUX has enough visits to report a page."""
        return page is None or bool(self.sessions[page] >= MINIMUM_SESSIONS)

    def page_at(self, url: str) -> int | None:
        """The landing page of a URL of this shop, or None."""
        path = "/" + url.split("://", 1)[-1].partition("/")[2].split("?")[0].split("#")[0].strip("/")
        return self._page_of.get(path.lower())

    def _noise(self, page: int | None, form_factor: str, metric: str, end: date) -> float:
        """About 2 %, a moving average over the window's four weeks."""
        row = len(self._demand.pages) if page is None else page
        kind = METRICS.index(metric) * 2 + (form_factor == "desktop")
        averages = self._four_weeks(row, kind)
        week, part = divmod((end - EPOCH).days, 7)
        now, next_ = averages[week], averages[week + 1]
        return (now + (next_ - now) * part / 7) * (0.4 if page is None else 1.0)

    @lru_cache(maxsize=8192)  # noqa: B019 - one FieldData lives as long as its process
    def _four_weeks(self, row: int, kind: int) -> list[float]:
        """Averages of four weeks' noise, by the week after them since EPOCH."""
        rng = np.random.default_rng([self._options.seed, STREAM, 1 + row, kind])
        sums = np.cumsum(rng.normal(0, 0.035, WEEKS))
        averages: list[float] = np.concatenate([np.zeros(4), (sums[4:] - sums[:-4]) / 4]).tolist()
        return averages

    def usual(self, page: int | None, form_factor: str, metric: str) -> float:
        row = len(self._demand.pages) if page is None else page
        level = USUAL[metric] * math.exp(self._levels[row, METRICS.index(metric)])
        return level * (DESKTOP if form_factor == "desktop" else 1.0)

    def regimes(self, page: int | None, form_factor: str, metric: str) -> list[tuple[date, float]]:
        """(from day, p75 level) of a metric, in order; the first from the beginning of time."""
        usual = self.usual(page, form_factor, metric)
        levels = [(date.min, usual)]
        for one in self._demand.plants.regressions:
            if one.page != page or one.form_factor not in (form_factor, "both"):
                continue
            worse = self._worse(one.metric, one.why, metric, one.after)
            if worse is None:
                continue
            desktop = 0.9 if form_factor == "desktop" else 1.0
            levels.append((one.since, max(worse * desktop, usual)))
            if one.fixed_on:
                levels.append((one.fixed_on, usual))
        return levels

    @staticmethod
    def _worse(regressed: str, why: str, metric: str, after: float) -> float | None:
        """The level of a metric while a regression lasts; a slow server delays every paint."""
        if SHORT[regressed] == metric:
            return after
        if why == "server" and metric == METRICS[4]:
            return USUAL[metric] + (after - USUAL[METRICS[0]]) * 0.85
        if why == "server" and metric == METRICS[3]:
            return USUAL[metric] + (after - USUAL[METRICS[0]]) * 0.9
        return None

    def window(self, page: int | None, form_factor: str, metric: str, end: date) -> FieldWindow:
        """The 28 days that end on ``end``, both ends included."""
        start = end - timedelta(days=27)
        sigma = SIGMA[metric]
        noise = self._noise(page, form_factor, metric, end)
        levels = self.regimes(page, form_factor, metric)
        parts: list[tuple[float, float]] = []
        for index, (since, level) in enumerate(levels):
            until = levels[index + 1][0] if index + 1 < len(levels) else end + timedelta(days=1)
            days = (min(until, end + timedelta(days=1)) - max(since, start)).days
            if days > 0:
                parts.append((days / 28, math.log(level) + noise - Z75 * sigma))
        good_below, poor_above = THRESHOLDS[metric]
        good = sum(weight * _cdf(good_below, mu, sigma) for weight, mu in parts)
        poor = 1.0 - sum(weight * _cdf(poor_above, mu, sigma) for weight, mu in parts)
        return FieldWindow(start, end, self._p75(parts, sigma), good, max(0.0, 1.0 - good - poor), poor)

    @staticmethod
    def _p75(parts: list[tuple[float, float]], sigma: float) -> float:
        if len(parts) == 1:
            return math.exp(parts[0][1] + Z75 * sigma)
        low, high = (f(math.exp(mu + Z75 * sigma) for _, mu in parts) for f in (min, max))
        for _ in range(40):
            middle = (low + high) / 2
            if sum(weight * _cdf(middle, mu, sigma) for weight, mu in parts) < 0.75:
                low = middle
            else:
                high = middle
        return (low + high) / 2
