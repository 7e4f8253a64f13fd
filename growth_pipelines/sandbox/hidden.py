"""Goods that visitors buy readily and that hardly any of them gets to see: in one large collection, at its end.

The merchant has forgotten them there: they earn more than their neighbours and stand behind all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.sandbox.merchandise import LARGE_COLLECTION
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Collection, Product
from growth_pipelines.sandbox.sales import Sales

if TYPE_CHECKING:
    from growth_pipelines.sandbox.catalogue import Catalogue
    from growth_pipelines.sandbox.plants import Plants

WEEKS_SEEN = 12
# Bought so many times as readily as its collection is, and by so many standard errors after twelve weeks
# of orders: beyond what luck does.
RATIO, ERRORS = 2.5, 4.0


@dataclass(frozen=True)
class HiddenSeller:
    """A product, and the one collection that still shows it."""

    product: Product
    collection: Collection
    ratio: float


def hidden_sellers(
    options: Options,
    catalogue: Catalogue,
    sales: Sales,
    conversion: np.ndarray,
    plants: Plants,
    misplaced: list[Collection],
) -> list[HiddenSeller]:
    """The clearest ones, each in a collection of its own, as many as a shop of this size has."""
    if options.healthy:
        return []
    orders = np.array([sales.daily_orders(i, options.today) for i in range(len(catalogue.made))])
    visits = orders / conversion
    places = {product.gid: i for i, product in enumerate(catalogue.made)}
    taken = {*plants.stockouts, *plants.slow_movers}
    found = []
    for collection in catalogue.collections:
        if len(collection.products) < LARGE_COLLECTION or collection in misplaced:
            continue
        members = [places[product.gid] for product in collection.products]
        usual = orders[members].sum() / visits[members].sum()
        margins = [margin for product in collection.products if (margin := margin_of(product)) is not None]
        for index in members:
            margin, ratio = margin_of(catalogue.made[index]), float(conversion[index] / usual)
            error = (1 + 7 * WEEKS_SEEN * orders[index]) ** -0.5
            contrast = float(np.log(ratio)) / error
            if index not in taken and margin is not None and margin > np.mean(margins) and ratio >= RATIO:
                found.append((contrast, HiddenSeller(catalogue.made[index], collection, ratio)))
    found.sort(key=lambda row: (-row[0], row[1].product.gid))
    chosen: list[HiddenSeller] = []
    for contrast, one in found:
        known = {gid for other in chosen for gid in (other.product.gid, other.collection.gid)}
        if contrast >= ERRORS and not {one.product.gid, one.collection.gid} & known:
            chosen.append(one)
    return chosen[: max(1, round(2 * options.products / 300))]


def margin_of(product: Product) -> float | None:
    """The mean margin of its variants at list price; None where a cost is not known."""
    costs = [variant.cost_cents for variant in product.variants]
    if any(cost is None for cost in costs):
        return None
    pairs = zip(product.variants, costs, strict=True)
    return float(np.mean([1 - (cost or 0) / variant.price_cents for variant, cost in pairs]))


def hide(sellers: list[HiddenSeller]) -> None:
    """Take each out of all its collections but one, and put it last there."""
    for one in sellers:
        for collection in list(one.product.collections):
            collection.products.remove(one.product)
        one.product.collections[:] = [one.collection]
        one.collection.products.append(one.product)
