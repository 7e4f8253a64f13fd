"""What a merchant does with goods: how much of each lies in stock, and in which order collections show them.

A merchant who knows the shop keeps some months of what is wanted and shows first what visitors buy most readily.
Planted are the exceptions: goods that run out, goods that nobody wants, collections that begin with the worst.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Collection
from growth_pipelines.sandbox.sales import Sales
from growth_pipelines.sandbox.traffic import Traffic

if TYPE_CHECKING:
    from growth_pipelines.sandbox.catalogue import Catalogue
    from growth_pipelines.sandbox.plants import Plants

STREAM = 18
COVER_DAYS = (60, 180)  # of true demand in stock
LEAST_PIECES = (3, 9)
SLOW_PIECES = (40, 120)
SHORT_DAYS = 3
# Deliveries bring so many days of demand when stock is down to so many.
DELIVERED_DAYS, DELIVERED_AT_DAYS = 90, 21
ENDS = 10  # products at either end of a collection that are compared
LARGE_COLLECTION = 40
MISJUDGED = 0.25  # how far a merchant's idea of what sells is off, as a log-normal


def true_conversion(catalogue: Catalogue, sales: Sales, traffic: Traffic, day: date) -> np.ndarray:
    """Orders a visit to its page, of every product ever made."""
    pages = {path: page for page, path in enumerate(traffic.paths)}
    visits = np.array([traffic.expected[pages[product.path]] for product in catalogue.made])
    return np.array([sales.daily_orders(i, day) for i in range(len(catalogue.made))]) / visits


def misplaced_collections(
    options: Options, catalogue: Catalogue, sales: Sales, conversion: np.ndarray
) -> list[Collection]:
    """Large collections whose ends differ most in what they sell, as many as a shop of this size has."""
    places = {product.gid: i for i, product in enumerate(catalogue.made)}
    count = 0 if options.healthy else max(1, round(2 * options.products / 300))

    def contrast(collection: Collection) -> float:
        """How many standard errors the ends are apart after twelve weeks of orders."""
        members = sorted((places[product.gid] for product in collection.products), key=lambda i: conversion[i])
        worst, best = members[:ENDS], members[-ENDS:]
        orders = [84 * sum(sales.daily_orders(i, options.today) for i in part) for part in (worst, best)]
        error = sum(1 / (1 + count) for count in orders) ** 0.5
        return float(np.log(conversion[best].mean() / conversion[worst].mean())) / error

    large = [one for one in catalogue.collections if len(one.products) >= LARGE_COLLECTION]
    return sorted(large, key=contrast, reverse=True)[:count]


def arrange(options: Options, catalogue: Catalogue, conversion: np.ndarray, worst_first: list[Collection]) -> None:
    """Put every collection in the merchant's order: best first, but for those that are planted."""
    rng = np.random.default_rng([options.seed, STREAM])
    places = {product.gid: i for i, product in enumerate(catalogue.made)}
    judged = conversion * np.exp(rng.normal(0, MISJUDGED, len(conversion)))
    planted = {collection.gid for collection in worst_first}
    for collection in catalogue.collections:
        if collection.gid in planted:
            collection.products.sort(key=lambda product: conversion[places[product.gid]])
        else:
            collection.products.sort(key=lambda product: -judged[places[product.gid]])


def fill_shelves(options: Options, catalogue: Catalogue, sales: Sales, plants: Plants) -> None:
    """Set what is for sale of each variant by the true demand for its product."""
    rng = np.random.default_rng([options.seed, STREAM, 1])
    for index, product in enumerate(catalogue.made):
        daily = sales.daily_units(index, options.today)
        cover = float(rng.uniform(*COVER_DAYS))
        pieces = max(int(rng.integers(*LEAST_PIECES)), round(daily * cover))
        for variant in product.variants:
            variant.on_hand = max(1, round(pieces / len(product.variants)))
    for index in plants.slow_movers:
        for variant in catalogue.made[index].variants:
            variant.on_hand = int(rng.integers(*SLOW_PIECES))
    for index in plants.stockouts:
        left = int(SHORT_DAYS * sales.daily_units(index, options.today))
        for position, variant in enumerate(catalogue.made[index].variants):
            variant.on_hand = left if position == 0 else 0


def delivery(sales: Sales, index: int, variants: int, on_hand: int, day: date) -> int:
    """Pieces that arrive of a variant that has ``on_hand`` left, for a merchant who watches the stock."""
    daily = sales.daily_units(index, day + timedelta(days=1)) / variants
    if on_hand > max(1.0, daily * DELIVERED_AT_DAYS):
        return 0
    return max(1, round(daily * DELIVERED_DAYS))
