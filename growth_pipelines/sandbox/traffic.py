"""Online store sessions by landing page and day: search clicks and everything that comes another way."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np

from growth_pipelines.sandbox.demand import Demand
from growth_pipelines.sandbox.options import Options

STREAM = 5
OTHER_SHARE = 0.35  # direct, mail and paid sessions per organic one


class Traffic:
    """Sessions of each landing page."""

    def __init__(self, options: Options, demand: Demand) -> None:
        self._options = options
        self._demand = demand
        rng = np.random.default_rng([options.seed, STREAM])
        expected = np.bincount(
            demand.page_of,
            demand.rate * np.where(demand.brand, 0.4, demand.expected_ctr(demand.position)),
            len(demand.pages),
        )
        self._other = expected * OTHER_SHARE * rng.lognormal(0, 0.3, len(expected))
        self.expected = expected + self._other

    @lru_cache(maxsize=2048)  # noqa: B019 - one Traffic lives as long as its process
    def _counts(self, day: date, version: int) -> np.ndarray:
        rng = np.random.default_rng([self._options.seed, STREAM, day.toordinal()])
        clicks = self._demand.clicks_by_page(day)
        return (rng.binomial(clicks.astype(int), 0.96) + rng.poisson(self._other)).astype(int)

    def sessions(self, day: date) -> list[tuple[str, int]]:
        """(landing path, sessions) of a day; pages without sessions are absent."""
        counts = self._counts(day, self._demand.effects.version)
        return [(self._demand.paths[i], int(counts[i])) for i in np.flatnonzero(counts)]
