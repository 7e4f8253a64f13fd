"""Customers, orders and refunds, made a day at a time.

Each day has a random stream of its own, so the past never changes when the clock moves on. Things that happen to
an order later (refund, cancellation, edit) wait in a queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.catalogue import FIRST_NUMBER, WORDS, Catalogue
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import (
    SALES_TAX,
    Customer,
    Line,
    Order,
    Product,
    Refund,
    RefundLine,
    Variant,
)

ZONE = ZoneInfo(options.TIMEZONE)
STREAM = 2
COMPLEMENTARY = ("shopify--discovery--product_recommendation", "complementary_products")
COUNTRIES = ["US", "US", "US", "US", "US", "US", "US", "CA", "AU", "GB"]
# Products of an order, drawn by popularity: geometric with this parameter, cut off; companions come on top.
DRAWN, MOST_DRAWN = 0.52, 6
WEEKDAY = np.array([1.12, 1.05, 1.0, 0.98, 1.02, 0.92, 0.95])
QUANTITIES = [1, 1, 1, 2, 2, 4]
WEB_SHARE = 0.93  # of the orders; the others are rung up in the store
MEAN_QUANTITY = sum(QUANTITIES) / len(QUANTITIES)
CODES = {"BUILD10": 0.10, "CLUB15": 0.15}
LARGE_ORDER_EVERY = 1_900  # wholesale orders with more lines than one page of a nested connection


def season(day: date) -> float:
    """Hot-rod season: builds peak in spring, a small peak before Christmas."""
    angle = 2 * np.pi * (day.timetuple().tm_yday - 110) / 365.25
    christmas = 0.15 * np.exp(-(((day - date(day.year, 12, 6)).days / 12) ** 2))
    return float(1.0 + 0.22 * np.cos(angle) + christmas)


def local_midnight(day: date) -> datetime:
    """The first instant of a day in the shop's zone, in UTC."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def shipping_of(net_cents: int) -> int:
    """What shipping costs: nothing from 199 dollars on."""
    return 0 if net_cents >= 19_900 else 1_195


@dataclass(frozen=True)
class Affinity:
    """Who buys ``a`` also buys ``b`` with probability ``p``, in the same order; ``lift``: by how much more often
    once the page of ``a`` shows ``b``."""

    a: int
    b: int
    p: float
    lift: float = 0.0


def _weight(day: date, progress: float) -> float:
    """Demand of a day, ``progress`` from 0 to 1 through the shop's life."""
    growth = 0.75 + 0.5 * min(progress, 1.0)
    return season(day) * float(WEEKDAY[day.weekday()]) * growth


def _weights(days: list[date]) -> np.ndarray:
    return np.array([_weight(day, i / max(1, len(days))) for i, day in enumerate(days)])


def orders_a_day(options_: options.Options, recent: int = 28) -> float:
    """Orders to expect on each of the newest days."""
    total = round(options_.months * 30.44)
    weights = _weights([options_.today - timedelta(days=total - i) for i in range(total)])
    return float(options_.orders * weights[-recent:].mean() / weights.sum())


class Sales:
    """All orders so far. ``uplift`` gives a day's demand relative to the plan (effects of writes)."""

    def __init__(
        self,
        options_: Options,
        catalogue: Catalogue,
        first_day: date,
        affinities: list[Affinity],
        landing: Callable[[Order, np.random.Generator], str | None],
    ) -> None:
        self.orders: list[Order] = []
        self.customers: list[Customer] = []
        self.codes = set(CODES)
        self._orders_made = 0
        self._customers_made = 0
        self._options = options_
        self._withdrawn: set[int] = set()
        self._variants: list[list[Variant]] = [product.variants for product in catalogue.products]
        popularity = np.array([product.popularity for product in catalogue.products])
        self._cumulative = np.cumsum(popularity / popularity.sum())
        self._companions: dict[int, list[Affinity]] = {}
        for affinity in affinities:
            self._companions.setdefault(affinity.a, []).append(affinity)
        self._index = {product.gid: i for i, product in enumerate(catalogue.products)}
        self._landing = landing
        self._later: list[tuple[datetime, int, str, Order]] = []
        self._line_number = FIRST_NUMBER + 200_000_000_000
        self._refund_number = 900_000_000_000
        self._next_large = LARGE_ORDER_EVERY // 2
        days = [first_day + timedelta(days=i) for i in range((options_.today - first_day).days)]
        for day, count in zip(days, self._planned(days), strict=True):
            self.make_day(day, int(count))

    def _planned(self, days: list[date]) -> np.ndarray:
        """How many orders each day has, so that all of them are exactly the number asked for."""
        weights = _weights(days)
        self._per_weight = self._options.orders / weights.sum()
        rng = np.random.default_rng([self._options.seed, STREAM])
        return rng.multinomial(self._options.orders, weights / weights.sum())

    def advance_to(self, day: date, uplift: float) -> None:
        """Make one more day of orders; demand is the plan's times ``uplift``."""
        rng = np.random.default_rng([self._options.seed, STREAM, 1, day.toordinal()])
        self.make_day(day, int(rng.poisson(self._per_weight * _weight(day, 1.0) * uplift)))

    def make_day(self, day: date, count: int) -> None:
        rng = np.random.default_rng([self._options.seed, STREAM, day.toordinal()])
        midnight = local_midnight(day)
        seconds = np.sort(rng.triangular(6 * 3600, 15 * 3600, 23.9 * 3600, size=count)).astype(int)
        end = local_midnight(day + timedelta(days=1))
        for second in seconds:
            self._order(midnight + timedelta(seconds=int(second)), end, rng)
        self._happen(end)

    def _order(self, at: datetime, end: datetime, rng: np.random.Generator) -> None:
        draws = rng.random(12)
        number = self._orders_made
        self._orders_made += 1
        customer = None if draws[0] < 0.14 else self._customer(at, draws, rng)
        lines = self._lines(number, draws, rng)
        gross = sum(line.unit_cents * line.quantity for line in lines)
        code = self._discount(lines, draws)
        net = gross - sum(line.discount_cents for line in lines)
        if draws[7] < 0.35:
            for line in lines:
                line.tax_cents = round((line.unit_cents * line.quantity - line.discount_cents) * SALES_TAX)
        order = Order(
            number=FIRST_NUMBER - 2_000_000_000_000 + number * 32_768 + 11,
            name=f"#{number + 1001}",
            customer=customer,
            country=customer.country if customer else "US",
            created_at=at,
            processed_at=at - timedelta(days=3) if draws[9] < 0.004 else at,
            updated_at=min(at + timedelta(minutes=int(draws[8] * 50)), end),
            lines=lines,
            shipping_cents=shipping_of(net),
            landing_path=None,
            source_name="web" if draws[6] < WEB_SHARE else "pos",
            discount_code=code,
            test=bool(draws[5] < 0.008),
        )
        order.landing_path = self._landing(order, rng) if order.source_name == "web" else None
        if customer:
            customer.orders_count += 1
            customer.updated_at = max(customer.updated_at, at)
        self.orders.append(order)
        self._plan_later(order, draws)

    def _customer(self, at: datetime, draws: np.ndarray, rng: np.random.Generator) -> Customer:
        known = len(self.customers)
        if known > 30 and draws[1] < 0.42:  # a returning customer; recent ones return more often
            back = int(rng.geometric(min(0.5, 1 / (1 + 0.3 * known))))
            return self.customers[max(0, known - back)]
        made = self._customers_made
        self._customers_made += 1
        first, last = WORDS["first_names"], WORDS["last_names"]
        name, family = first[int(draws[2] * len(first))], last[int(draws[3] * len(last))]
        customer = Customer(
            number=7_000_000_000_000 + made * 4_096 + 5,
            created_at=at - timedelta(minutes=4),
            updated_at=at,
            country=COUNTRIES[int(draws[4] * len(COUNTRIES))],
            first_name=name,
            last_name=family,
            email=f"{name}.{family}{made}@mail.example".lower(),
        )
        self.customers.append(customer)
        return customer

    def _lines(self, number: int, draws: np.ndarray, rng: np.random.Generator) -> list[Line]:
        count = 1 + min(MOST_DRAWN - 1, int(rng.geometric(DRAWN)) - 1)
        if number + 1 == self._next_large:
            self._next_large += LARGE_ORDER_EVERY
            count = min(60, len(self._variants) // 2)
        chosen: dict[int, None] = {}
        for index in np.searchsorted(self._cumulative, rng.random(count)):
            chosen[int(min(index, len(self._variants) - 1))] = None
        while len(chosen) < count and count > 10:
            chosen[int(rng.integers(len(self._variants)))] = None
        for index in list(chosen):
            for affinity in self._companions.get(index, ()):
                if rng.random() < affinity.p * (1 + affinity.lift * self._shows(affinity)):
                    chosen[affinity.b] = None
        sold = dict.fromkeys(self._for_sale(index) for index in chosen)
        return [self._line(index, rng, deleted=bool(draws[10] < 0.004)) for index in sold]

    def _shows(self, affinity: Affinity) -> bool:
        """Whether the page of ``a`` shows ``b`` as a complementary product."""
        one, other = (self._variants[index][0].product for index in (affinity.a, affinity.b))
        return other.gid in one.metafields.get(COMPLEMENTARY, "")

    def _for_sale(self, index: int) -> int:
        """The product itself, or the next one in the catalogue while it is withdrawn."""
        while index in self._withdrawn:
            index = (index + 1) % len(self._variants)
        return index

    def _line(self, index: int, rng: np.random.Generator, deleted: bool) -> Line:
        variants = self._variants[index]
        variant = variants[int(rng.integers(len(variants)))]
        quantity = int(rng.choice(QUANTITIES))
        self._line_number += 32_768
        return Line(
            number=self._line_number,
            variant=None if deleted else variant,
            title=variant.product.title,
            sku=variant.sku,
            quantity=quantity,
            current_quantity=quantity,
            unit_cents=variant.price_cents,
            discount_cents=0,
        )

    def _discount(self, lines: list[Line], draws: np.ndarray) -> str | None:
        code = "BUILD10" if draws[11] < 0.12 else "CLUB15"
        if draws[11] >= 0.18 or code not in self.codes:
            return None
        for line in lines:
            line.discount_cents = round(line.unit_cents * line.quantity * CODES[code])
        return code

    def _plan_later(self, order: Order, draws: np.ndarray) -> None:
        """Decide now what will happen to the order later, and when."""
        fate = (draws[8] * 997) % 1.0
        if fate < 0.03:
            self._schedule(order.created_at + timedelta(hours=1 + draws[9] * 20), "cancel", order)
        elif fate < 0.085:
            self._schedule(order.created_at + timedelta(days=3 + draws[9] * 40), "refund", order)
        elif fate < 0.105:
            self._schedule(order.created_at + timedelta(days=2 + draws[9] * 25), "refund_all", order)
        elif fate < 0.115:
            self._schedule(order.created_at + timedelta(hours=2 + draws[9] * 20), "edit", order)

    def _schedule(self, at: datetime, what: str, order: Order) -> None:
        heapq.heappush(self._later, (at.replace(microsecond=0), order.number, what, order))

    def _happen(self, until: datetime) -> None:
        while self._later and self._later[0][0] < until:
            at, _, what, order = heapq.heappop(self._later)
            if what == "cancel":
                order.cancelled_at = at
                self._refund(order, at, order.lines, whole=True)
            elif what == "refund_all":
                self._refund(order, at, order.lines, whole=True)
            elif what == "refund":
                self._refund(order, at, order.lines[:1], whole=False)
            elif what == "edit" and order.lines[0].current_quantity > 1:
                order.lines[0].current_quantity -= 1
            order.updated_at = max(order.updated_at, at)

    def _refund(self, order: Order, at: datetime, lines: list[Line], whole: bool) -> None:
        """Take back what is left of the lines, or one piece of each; what was taken back before stays so."""
        lines = [line for line in lines if line.current_quantity > 0]
        if not lines:
            return
        left = order.total_cents - order.refunded_cents
        self._refund_number += 101
        refund = Refund(self._refund_number, order, at, 0, [])
        for position, line in enumerate(lines):
            quantity = line.current_quantity if whole else 1
            subtotal = (line.unit_cents * line.quantity - line.discount_cents) * quantity // line.quantity
            refund.lines.append(RefundLine(self._refund_number * 1_000 + position, line, quantity, subtotal))
            line.current_quantity -= quantity
        refund.total_cents = left if whole else sum(part.subtotal_cents for part in refund.lines)
        order.refunds.append(refund)

    def take_back(self, count: int, at: datetime, rng: np.random.Generator) -> list[Order]:
        """Refund ``count`` orders now: a third of them wholly, the others one piece of a line."""
        open_orders = [
            order
            for order in self.orders
            if not order.cancelled_at and any(line.current_quantity for line in order.lines)
        ]
        if not 0 < count <= len(open_orders):
            raise ValueError(f"orders must be 1 to {len(open_orders)}: so many can be refunded")
        chosen = [open_orders[i] for i in sorted(rng.choice(len(open_orders), count, replace=False))]
        for order in chosen:
            left = [line for line in order.lines if line.current_quantity]
            whole = bool(rng.random() < 1 / 3)
            self._refund(order, at, left if whole else [left[int(rng.integers(len(left)))]], whole=whole)
            order.updated_at = max(order.updated_at, at)
        return chosen

    def withdraw(self, product: Product) -> None:
        """The product is sold no more."""
        self._withdrawn.add(self._index[product.gid])

    def forget(self, order: Order) -> None:
        """The order is gone, and what would have happened to it."""
        self.orders.remove(order)
        self._later = [entry for entry in self._later if entry[3] is not order]
        heapq.heapify(self._later)

    def units_by_product(self, since: datetime) -> dict[int, int]:
        """Units sold a product (index) since a time; cancelled and test orders do not count."""
        units: dict[int, int] = {}
        for order in reversed(self.orders):
            if order.created_at < since:
                break
            if order.test or order.cancelled_at:
                continue
            for line in order.lines:
                if line.variant is not None:
                    index = self._index[line.variant.product.gid]
                    units[index] = units.get(index, 0) + line.quantity
        return units
