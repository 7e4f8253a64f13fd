"""What is really bought with what: the planted pairs' probabilities, from the generator and not from its sales."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import combinations
from typing import Any

from growth_pipelines.sandbox import deliveries, options
from growth_pipelines.sandbox.sales import DRAWN, MOST_DRAWN, Affinity, local_midnight
from growth_pipelines.sandbox.world import Shop

RULE_FROM = 0.3
RECENT_DAYS = 84
POPULAR, FREQUENT = 12, 10


def _drawn_without(share: float) -> float:
    """P(no product of this share of demand is among the drawn ones): E[(1 − share)^n] over the number drawn."""
    cut = (1 - DRAWN) ** (MOST_DRAWN - 1)
    sizes = [DRAWN * (1 - DRAWN) ** (n - 1) for n in range(1, MOST_DRAWN)] + [cut]
    return sum(p * (1 - share) ** n for n, p in enumerate(sizes, start=1))


def conditionals(pair: Affinity, shares: list[float]) -> tuple[float, float, float]:
    """P(B|A), P(A|B) and the lift of a planted pair, exactly; ``shares`` of demand by product."""
    a, b = shares[pair.a], shares[pair.b]
    with_a, with_b = 1 - _drawn_without(a), 1 - _drawn_without(b)
    drawn_both = 1 - _drawn_without(a) - _drawn_without(b) + _drawn_without(a + b)
    added = pair.p * (with_a - drawn_both)
    both, holding_b = drawn_both + added, with_b + added
    return both / with_a, both / holding_b, both / (with_a * holding_b)


def rules(shop: Shop) -> list[dict[str, Any]]:
    """What deserves to be shown with what: planted pairs in the directions that are likely enough, B in stock."""
    products = shop.catalogue.made
    total = sum(product.popularity for product in products)
    shares = [product.popularity / total for product in products]
    short = deliveries.short(shop)
    since = local_midnight(shop.today - timedelta(days=RECENT_DAYS))
    recent = sum(
        order.created_at >= since and not order.test and not order.cancelled_at for order in shop.sales.orders
    )
    found = []
    for pair in shop.plants.affinities:
        forth, back, lift = conditionals(pair, shares)
        holding_a = 1 - _drawn_without(shares[pair.a])
        ways = (
            (pair.a, pair.b, forth, pair.lift, holding_a),
            (pair.b, pair.a, back, 0.0, holding_a * forth / back),
        )
        for a, b, p, gain, holding in ways:
            if (
                p <= RULE_FROM
                or b in short
                or not {products[a].gid, products[b].gid} <= shop.catalogue.by_gid.keys()
            ):
                continue
            found.append(
                {
                    "url": options.PRIMARY_URL + products[a].path,
                    "page_key": products[a].path,
                    "gid": products[a].gid,
                    "companion": products[b].gid,
                    "p": round(p, 4),
                    "lift": round(lift, 3),
                    "gain_if_shown": round(gain, 4),
                    "extra_orders_28d": round(recent * 28 / RECENT_DAYS * holding * p * gain, 4),
                }
            )
    return found


def popular_pairs(shop: Shop) -> list[dict[str, Any]]:
    """Pairs that are often in one order only because both sell well: no reason to show one with the other."""
    products = shop.catalogue.made
    planted = {frozenset((pair.a, pair.b)) for pair in shop.plants.affinities}
    popular = sorted(range(len(products)), key=lambda index: -products[index].popularity)[:POPULAR]
    place = {products[index].gid: index for index in popular}
    counted: Counter[tuple[int, ...]] = Counter()
    for order in shop.sales.orders:
        if not order.test and not order.cancelled_at:
            held = {place.get(line.variant.product.gid) for line in order.lines if line.variant} - {None}
            counted.update(combinations(sorted(index for index in held if index is not None), 2))
    return [
        {"a": products[a].gid, "b": products[b].gid, "orders_with_both": count}
        for (a, b), count in counted.most_common()
        if count > FREQUENT and frozenset((a, b)) not in planted
    ]
