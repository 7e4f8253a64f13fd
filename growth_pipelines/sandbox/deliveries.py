"""Goods whose supplier is late: sold out when the shop is first seen, and there again some days later."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.merchandise import DELIVERED_DAYS
from growth_pipelines.sandbox.sales import local_midnight

if TYPE_CHECKING:
    from growth_pipelines.sandbox.options import Options
    from growth_pipelines.sandbox.plants import Plants
    from growth_pipelines.sandbox.world import Shop

LATE_DAYS = 3
# So long a delivery is news.
NEWS_DAYS = 7


def late_deliveries(given: Options, plants: Plants) -> dict[int, date]:
    """The day on which a planted stock-out ends, by product (index): one does, that no pair is planted with."""
    paired = {index for pair in plants.affinities for index in (pair.a, pair.b)}
    late = [index for index in plants.stockouts if index not in paired][-1:]
    return dict.fromkeys(late, given.today + timedelta(days=LATE_DAYS))


def empty_shelves(shop: Shop) -> None:
    """What a supplier is late with is sold out already."""
    for index in shop.due:
        for variant in shop.catalogue.made[index].variants:
            variant.on_hand = 0


def deliver(shop: Shop) -> None:
    """Put on the shelves what arrives on the shop's present day, as much as any delivery brings."""
    for index, day in shop.due.items():
        product = shop.catalogue.made[index]
        if day != shop.today:
            continue
        daily = shop.sales.daily_units(index, day) / len(product.variants)
        for variant in product.variants:
            variant.on_hand = max(1, round(daily * DELIVERED_DAYS))
            variant.updated_at = max(variant.updated_at, local_midnight(day))
        product.updated_at = max(product.updated_at, local_midnight(day))


def short(shop: Shop) -> set[int]:
    """The planted stock-outs that no delivery has ended."""
    return {index for index in shop.plants.stockouts if shop.due.get(index, date.max) > shop.today}


def returned(shop: Shop) -> list[dict[str, Any]]:
    """What was sold out and came back lately."""
    return [
        {
            "gid": product.gid,
            "url": options.PRIMARY_URL + product.path,
            "page_key": product.path,
            "delivered_on": day.isoformat(),
        }
        for index, day in shop.due.items()
        if day <= shop.today <= day + timedelta(days=NEWS_DAYS)
        and (product := shop.catalogue.made[index]).gid in shop.catalogue.by_gid
    ]
