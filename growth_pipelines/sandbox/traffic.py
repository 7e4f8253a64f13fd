"""Online store sessions by landing page and day: search clicks and everything that comes another way; and which of
them buy. Sessions, carts and orders of a page agree: what is put into the cart follows from where orders land."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np

from growth_pipelines.sandbox.catalogue import Catalogue
from growth_pipelines.sandbox.demand import Demand
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Product
from growth_pipelines.sandbox.sales import WEB_SHARE, orders_a_day

STREAM = 5
FUNNEL_STREAM = 7
DEVICES = ("mobile", "desktop", "tablet")
METRICS = (
    "sessions",
    "sessions_with_cart_additions",
    "sessions_that_reached_checkout",
    "sessions_that_completed_checkout",
)
REACHED = 0.55  # of the sessions with something in the cart
COMPLETED = 0.45  # of the sessions that reached the checkout
CLICK_SESSIONS = 0.96  # of the search clicks; the others leave before the page loads
OTHER_SHARE = 0.35  # direct, mail and paid sessions per organic one
# Where the visitors of orders came in: on the page of the product they put first, anywhere by traffic, unknown.
OWN_PAGE, ANYWHERE = 0.46, 0.5


class Traffic:
    """Sessions of each landing page. By page, as in ``Demand.pages``: ``expected`` sessions a day, the share of
    orders that come in there (``landings``; ``own_landings`` for the page's own product), and ``conversion``,
    orders a session."""

    def __init__(self, options: Options, demand: Demand, catalogue: Catalogue) -> None:
        self._options = options
        self._demand = demand
        rng = np.random.default_rng([options.seed, STREAM])
        deserved = demand.rate * np.where(
            demand.brand, 0.4 * demand.brand_factor, demand.expected_ctr(demand.position)
        )
        expected = np.bincount(demand.page_of, deserved, len(demand.pages))
        self._other = expected * OTHER_SHARE * rng.lognormal(0, 0.3, len(expected))
        # A snippet that fails has visitors the fewer; those who come buy as others do.
        won = np.where(demand.brand, 1.0, demand.planned(date.min)[demand.page_of])
        self.expected = np.bincount(demand.page_of, deserved * won, len(demand.pages)) + self._other
        own = np.random.default_rng([options.seed, FUNNEL_STREAM])
        shares = own.dirichlet(np.array([0.62, 0.33, 0.05]) * 60, len(expected))
        self._devices = shares / shares.sum(axis=1, keepdims=True)
        # How likely an order's first product is the page's own, and its visitor came in there for it.
        popularity = [page.popularity if isinstance(page, Product) else 0.0 for page in demand.pages]
        first = np.array(popularity) / sum(product.popularity for product in catalogue.products)
        self.own_landings = OWN_PAGE * first
        self.landings = self.own_landings + ANYWHERE * self.expected / self.expected.sum()
        self.conversion = WEB_SHARE * orders_a_day(options) * self.landings / self.expected
        carts = self.conversion / REACHED / COMPLETED * own.lognormal(0, 0.2, len(expected))
        self._carts = np.clip(carts, 0.0, 0.6)

    @lru_cache(maxsize=2048)  # noqa: B019 - one Traffic lives as long as its process
    def _counts(self, day: date, version: int) -> np.ndarray:
        rng = np.random.default_rng([self._options.seed, STREAM, day.toordinal()])
        clicks = self._demand.clicks_by_page(day)
        return (rng.binomial(clicks.astype(int), CLICK_SESSIONS) + rng.poisson(self._other)).astype(int)

    def sessions(self, day: date) -> list[tuple[str, int]]:
        """(landing path, sessions) of a day; pages without sessions are absent."""
        counts = self._counts(day, self._demand.effects.version)
        return [(self._demand.paths[i], int(counts[i])) for i in np.flatnonzero(counts)]

    @lru_cache(maxsize=400)  # noqa: B019 - one Traffic lives as long as its process
    def _funnel(self, day: date, version: int) -> np.ndarray:
        rng = np.random.default_rng([self._options.seed, FUNNEL_STREAM, day.toordinal()])
        sessions = rng.multinomial(self._counts(day, version), self._devices)
        carts = rng.binomial(sessions, self._carts[:, None])
        reached = rng.binomial(carts, REACHED)
        return np.stack([sessions, carts, reached, rng.binomial(reached, COMPLETED)], axis=2).astype(np.int32)

    def funnel(self, day: date) -> np.ndarray:
        """Sessions of a day by page, device (``DEVICES``) and step (``METRICS``); each step is part of the one
        before, and the devices add up to :meth:`sessions`."""
        return self._funnel(day, self._demand.effects.version)

    @property
    def paths(self) -> list[str]:
        """The landing paths, in the order of the funnel's first axis."""
        return self._demand.paths
