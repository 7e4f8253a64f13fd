"""Abandoned checkouts: made a day at a time beside the orders, some of them completed a while later."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter

import numpy as np

from growth_pipelines.sandbox.catalogue import FIRST_NUMBER, Catalogue
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Customer, Variant
from growth_pipelines.sandbox.sales import CODES, Sales, local_midnight, shipping_of

STREAM = 8
AN_ORDER = 0.15  # abandoned checkouts per order
COMPLETED = 0.15


@dataclass(slots=True)
class CheckoutLine:
    number: int
    variant: Variant | None
    title: str
    sku: str
    quantity: int
    unit_cents: int

    typename = "AbandonedCheckoutLineItem"

    @property
    def gid(self) -> str:
        return f"gid://shopify/AbandonedCheckoutLineItem/{self.number}"


@dataclass(slots=True)
class Checkout:
    number: int
    customer: Customer | None
    lines: list[CheckoutLine]
    discount_code: str | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None

    typename = "AbandonedCheckout"

    @property
    def gid(self) -> str:
        return f"gid://shopify/AbandonedCheckout/{self.number}"

    @property
    def gross_cents(self) -> int:
        return sum(line.unit_cents * line.quantity for line in self.lines)

    @property
    def discount_cents(self) -> int:
        return round(self.gross_cents * CODES[self.discount_code]) if self.discount_code else 0

    @property
    def total_cents(self) -> int:
        net = self.gross_cents - self.discount_cents
        return net + shipping_of(net)


class Checkouts:
    """All abandoned checkouts so far. Each day has a random stream of its own and takes none of the orders'."""

    def __init__(self, options: Options, catalogue: Catalogue, sales: Sales, first_day: date) -> None:
        self.checkouts: list[Checkout] = []
        self._options = options
        self._catalogue = catalogue
        self._sales = sales
        self._made = 0
        self._lines_made = 0
        self._later: list[tuple[datetime, int, Checkout]] = []
        start = 0
        for offset in range((options.today - first_day).days):
            day = first_day + timedelta(days=offset)
            end = local_midnight(day + timedelta(days=1))
            stop = bisect_left(sales.orders, end, lo=start, key=attrgetter("created_at"))
            self.make_day(day, stop - start)
            start = stop

    def make_day(self, day: date, orders: int) -> None:
        """A day's checkouts beside so many orders, and what is completed until its end."""
        rng = np.random.default_rng([self._options.seed, STREAM, day.toordinal()])
        begin, end = local_midnight(day), local_midnight(day + timedelta(days=1))
        span = (end - begin).total_seconds()
        for share in np.sort(rng.random(int(rng.binomial(orders, AN_ORDER)))):
            self._checkout(begin + timedelta(seconds=int(share * span)), end, rng)
        while self._later and self._later[0][0] < end:
            at, _, checkout = heapq.heappop(self._later)
            checkout.completed_at = checkout.updated_at = at

    def _checkout(self, at: datetime, end: datetime, rng: np.random.Generator) -> None:
        draws = rng.random(6)
        known = bisect_left(self._sales.customers, at, key=attrgetter("created_at"))
        customer = self._sales.customers[int(draws[0] * known)] if known and draws[1] < 0.92 else None
        codes = sorted(self._sales.codes)
        code = codes[int(draws[2] * 1e6) % len(codes)] if codes and draws[2] < 0.2 else None
        self._made += 1
        checkout = Checkout(
            number=31_000_000_000_000 + self._made * 32_768,
            customer=customer,
            lines=self._lines(rng),
            discount_code=code,
            created_at=at,
            updated_at=min(at + timedelta(minutes=int(draws[3] * 30)), end),
        )
        self.checkouts.append(checkout)
        if draws[4] < COMPLETED:
            completed = checkout.updated_at + timedelta(minutes=10 + int(draws[5] * 5_760))
            heapq.heappush(self._later, (completed, checkout.number, checkout))

    def _lines(self, rng: np.random.Generator) -> list[CheckoutLine]:
        products = self._catalogue.products
        chosen = dict.fromkeys(int(draw**2 * len(products)) for draw in rng.random(int(rng.integers(1, 4))))
        lines = []
        for index in chosen:
            variants = products[index].variants
            variant = variants[int(rng.integers(len(variants)))]
            self._lines_made += 1
            lines.append(
                CheckoutLine(
                    number=FIRST_NUMBER + 500_000_000_000 + self._lines_made * 32_768,
                    variant=variant,
                    title=variant.product.title,
                    sku=variant.sku,
                    quantity=int(rng.choice([1, 1, 2])),
                    unit_cents=variant.price_cents,
                )
            )
        return lines
