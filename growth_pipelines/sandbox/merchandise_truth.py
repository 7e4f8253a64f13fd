"""What a merchant could gain by: pairs that can be offered as one, and good sellers that nobody sees."""

from __future__ import annotations

from typing import Any

from growth_pipelines.sandbox import deliveries, options
from growth_pipelines.sandbox.pairs import rules
from growth_pipelines.sandbox.world import Shop


def bundles(shop: Shop) -> list[dict[str, Any]]:
    """Planted pairs that are likely enough in one direction at least, and whose parts both last."""
    short = {shop.catalogue.made[index].gid for index in deliveries.short(shop)}
    pairs: dict[tuple[str, str], float] = {}
    for rule in rules(shop):
        a, b = sorted((rule["gid"], rule["companion"]))
        if not {a, b} & short:
            pairs[a, b] = max(pairs.get((a, b), 0.0), rule["p"])
    return [{"a": a, "b": b, "p": p} for (a, b), p in pairs.items()]


def hidden(shop: Shop) -> list[dict[str, Any]]:
    """Good sellers that stand last in the only collection that shows them."""
    return [
        {
            "gid": one.product.gid,
            "handle": one.product.handle,
            "title": one.product.title,
            "collection": one.collection.gid,
            "url": options.PRIMARY_URL + one.collection.path,
            "page_key": one.collection.path,
            "ratio": round(one.ratio, 3),
        }
        for one in shop.hidden
        if {one.product.gid, one.collection.gid} <= shop.catalogue.by_gid.keys()
    ]
