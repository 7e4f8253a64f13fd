"""Which products really are a better choice than another: by how they were made, not by what they are called."""

from __future__ import annotations

from itertools import permutations
from statistics import median
from typing import Any

from growth_pipelines.sandbox import deliveries, options
from growth_pipelines.sandbox.hidden import margin_of
from growth_pipelines.sandbox.merchandise import true_conversion
from growth_pipelines.sandbox.records import Product
from growth_pipelines.sandbox.world import Shop

# Choices of a family that make a version of one thing; what differs in any other fits or does something else.
_GRADES = {"finish", "length", "body", "flow", "volume", "face"}
_LEAST, _MOST = 1.1, 1.6


def upsells(shop: Shop) -> list[dict[str, Any]]:
    """Pairs of versions of one thing: the other dearer by 10 to 60 %, earning more, no stock-out, and truly bought
    as readily by who sees its page."""
    short = {shop.catalogue.made[index].gid for index in deliveries.short(shop)}
    kinds: dict[Any, list[Product]] = {}
    for product in shop.catalogue.products:
        kinds.setdefault(_kind(product), []).append(product)
    earned, rates = _earned(shop), _rates(shop)
    return [
        {
            "url": options.PRIMARY_URL + one.path,
            "page_key": one.path,
            "gid": one.gid,
            "better": better.gid,
        }
        for versions in kinds.values()
        for one, better in permutations(versions, 2)
        if better.gid not in short
        and _LEAST <= _price(better) / _price(one) <= _MOST
        and earned[better.gid] > earned[one.gid]
        and rates[better.gid] >= rates[one.gid]
    ]


def _kind(product: Product) -> tuple[str, ...]:
    grades = _GRADES | ({"hose"} if product.product_type == "Fuel Hose" else set())
    fits = sorted((name, word) for name, word in product.words.items() if name not in grades)
    # A brushless pump fits where the other does.
    return product.product_type, *(f"{name} {word.removeprefix('Brushless ')}" for name, word in fits)


def _price(product: Product) -> int:
    return min(variant.price_cents for variant in product.variants)


def _earned(shop: Shop) -> dict[str, float]:
    """What a piece earns; where the shop does not know the cost, by the middle of all margins."""
    margins = {product.gid: margin_of(product) for product in shop.catalogue.products}
    usual = median(margin for margin in margins.values() if margin is not None)
    return {
        product.gid: _price(product) * (usual if (margin := margins[product.gid]) is None else margin)
        for product in shop.catalogue.products
    }


def _rates(shop: Shop) -> dict[str, float]:
    """Orders that hold a product for each visit to its page."""
    rates = true_conversion(shop.catalogue, shop.sales, shop.traffic, shop.today)
    return {product.gid: float(rate) for product, rate in zip(shop.catalogue.made, rates, strict=True)}
