"""The truth file: what is planted, and what a faithful copy of the shop must add up to. Only tests read it."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from growth_pipelines.sandbox import deliveries, merchandise_truth, options
from growth_pipelines.sandbox.demand import NEW_DEMAND
from growth_pipelines.sandbox.pairs import popular_pairs, rules
from growth_pipelines.sandbox.plants import Snippet, Topic
from growth_pipelines.sandbox.records import Order, Product
from growth_pipelines.sandbox.sales import MEAN_QUANTITY
from growth_pipelines.sandbox.shopify.formats import decimal
from growth_pipelines.sandbox.stock import InventoryItem
from growth_pipelines.sandbox.traffic import CLICK_SESSIONS
from growth_pipelines.sandbox.upsells import upsells
from growth_pipelines.sandbox.world import Shop


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _counts(shop: Shop) -> dict[str, Any]:
    """Sums over the orders; counted orders are neither tests nor cancelled."""
    orders = shop.sales.orders
    counted: list[Order] = [order for order in orders if not order.test and not order.cancelled_at]
    return {
        "orders": len(orders),
        "orders_counted": len(counted),
        "lines": sum(len(order.lines) for order in orders),
        "refunds": sum(len(order.refunds) for order in orders),
        "refund_lines": sum(len(refund.lines) for order in orders for refund in order.refunds),
        "customers": len(shop.sales.customers),
        "products": len(shop.catalogue.products),
        "variants": len(shop.catalogue.variants),
        "collections": len(shop.catalogue.collections),
        "pages": len(shop.catalogue.pages),
        "articles": len(shop.catalogue.articles),
        "transactions": sum(1 + len(order.refunds) for order in orders),
        "abandoned_checkouts": len(shop.checkouts.checkouts),
        "discount_nodes": len(shop.discounts),
        "redirects": len(shop.redirects),
        "metaobjects": sum(len(definition.entries) for definition in shop.definitions),
        "inventory_items": len(shop.catalogue.variants),
        "inventory_levels": sum(
            len(InventoryItem(variant).levels(shop.locations)) for variant in shop.catalogue.variants
        ),
        "gross": decimal(sum(order.gross_cents for order in counted)),
        "discounts": decimal(sum(order.discount_cents for order in counted)),
        "refunded": decimal(sum(order.refunded_cents for order in counted)),
    }


def _place(shop: Shop, page: int) -> dict[str, Any]:
    resource = shop.demand.pages[page]
    path = shop.demand.paths[page]
    return {
        "url": options.PRIMARY_URL + path,
        "page_key": path,
        "gid": resource.gid if resource else None,
        "page_type": resource.typename.lower() if resource else "home",
    }


def _exists(shop: Shop, page: int) -> bool:
    """Whether a landing page was not deleted since it was planted."""
    resource = shop.demand.pages[page]
    return resource is None or resource.gid in shop.catalogue.by_gid


def _stockouts(shop: Shop) -> list[dict[str, Any]]:
    """Goods that run out, with the units that four weeks take while none are there."""
    found = []
    for index in sorted(deliveries.short(shop), key=shop.plants.stockouts.index):
        product = shop.catalogue.made[index]
        if product.gid in shop.catalogue.by_gid:
            found.append(
                {
                    "gid": product.gid,
                    "url": options.PRIMARY_URL + product.path,
                    "page_key": product.path,
                    "on_hand": sum(variant.on_hand for variant in product.variants),
                    "units_28d": round(28 * shop.sales.daily_units(index, shop.today), 3),
                }
            )
    return found


def _slow_movers(shop: Shop) -> list[dict[str, Any]]:
    """Goods of which years are in stock."""
    found = []
    for index in shop.plants.slow_movers:
        product = shop.catalogue.made[index]
        if product.gid in shop.catalogue.by_gid:
            on_hand = sum(variant.on_hand for variant in product.variants)
            found.append(
                {
                    "gid": product.gid,
                    "url": options.PRIMARY_URL + product.path,
                    "page_key": product.path,
                    "on_hand": on_hand,
                    "days_of_stock": round(on_hand / shop.sales.daily_units(index, shop.today)),
                }
            )
    return found


def _misplaced(shop: Shop) -> list[dict[str, Any]]:
    """Collections that show first what visitors buy least readily."""
    return [
        {
            "gid": one.gid,
            "url": options.PRIMARY_URL + one.path,
            "page_key": one.path,
            "products": len(one.products),
        }
        for one in shop.misplaced
        if one.gid in shop.catalogue.by_gid
    ]


def _affinities(shop: Shop) -> list[dict[str, Any]]:
    """The planted pairs with what the orders really show."""
    products = shop.catalogue.made
    baskets = [
        {line.variant.product.gid for line in order.lines if line.variant}
        for order in shop.sales.orders
        if not order.test and not order.cancelled_at
    ]
    found = []
    for pair in shop.plants.affinities:
        a, b = products[pair.a].gid, products[pair.b].gid
        if not {a, b} <= shop.catalogue.by_gid.keys():
            continue
        with_a = sum(a in basket for basket in baskets)
        with_b = sum(b in basket for basket in baskets)
        both = sum(a in basket and b in basket for basket in baskets)
        share = both / with_a if with_a else 0.0
        lift = share / (with_b / len(baskets)) if with_b and baskets else 0.0
        found.append(
            {"a": a, "b": b, "p_b_given_a": round(share, 4), "lift": round(lift, 3), "orders_with_both": both}
        )
    return found


def _bare_products(shop: Shop) -> list[dict[str, Any]]:
    """Products without the answers, specifications or how-tos that they need."""
    said = {
        (definition.type, entry.value_of("product"))
        for definition in shop.definitions
        if definition.type in shop.plants.bare_products
        for entry in definition.entries
    }
    found = []
    for type_name, indices in shop.plants.bare_products.items():
        for index in indices:
            product = shop.catalogue.made[index]
            if product.gid in shop.catalogue.by_gid and (type_name, product.gid) not in said:
                found.append(
                    {
                        "url": options.PRIMARY_URL + product.path,
                        "page_key": product.path,
                        "gid": product.gid,
                        "missing": type_name.removeprefix("product_"),
                    }
                )
    return found


def _order_value(shop: Shop, page: int) -> float:
    """What an order is worth, in major units, whose visitor came in on a page: for the product's own sake it holds
    that product, else it is like any other."""
    counted = [order for order in shop.sales.orders if not order.test and not order.cancelled_at]
    usual = sum(order.gross_cents - order.discount_cents for order in counted) / max(1, len(counted)) / 100
    resource = shop.demand.pages[page]
    if not isinstance(resource, Product):
        return usual
    products = shop.catalogue.products
    weights = [product.popularity for product in products]
    first = sum(_price(product) * weight for product, weight in zip(products, weights, strict=True)) / sum(weights)
    share = shop.traffic.own_landings[page] / shop.traffic.landings[page]
    return usual + float(share) * MEAN_QUANTITY * (_price(resource) - first)


def _price(product: Product) -> float:
    return sum(variant.price_cents for variant in product.variants) / len(product.variants) / 100


def _snippet_money(shop: Shop, one: Snippet) -> dict[str, float]:
    """What a page's repaired snippet brings in 28 days like the present ones: an extra click is a visit that buys
    as the page's others do."""
    usual = shop.demand.expected_clicks(brand=False)[one.page]
    clicks = float(usual * (one.multiplier_if_fixed - one.multiplier) * (NEW_DEMAND if one.since else 1.0))
    orders = clicks * CLICK_SESSIONS * float(shop.traffic.conversion[one.page])
    return {
        "extra_clicks_28d": round(clicks, 1),
        "extra_money_28d": round(orders * _order_value(shop, one.page), 2),
    }


def _topics(topics: list[Topic]) -> list[dict[str, Any]]:
    return [
        {
            "words": topic.words,
            "queries": [text for text, _, _ in topic.queries],
            "impressions_28d": round(sum(impressions for _, impressions, _ in topic.queries)),
        }
        for topic in topics
    ]


def document(shop: Shop) -> dict[str, Any]:
    """The whole truth about a shop at its present day."""
    snippets = [
        _place(shop, one.page)
        | {
            "ctr_multiplier": round(one.multiplier, 4),
            "lift_if_fixed": round(one.multiplier_if_fixed / one.multiplier, 4),
            "since": _iso(one.since),
        }
        | _snippet_money(shop, one)
        for one in shop.plants.snippets
        if _exists(shop, one.page)
    ]
    vitals = [
        _place(shop, one.page)
        | {
            "metric": one.metric,
            "form_factor": one.form_factor,
            "since": _iso(one.since),
            "why": one.why,
            "before": round(one.before, 3),
            "after": round(one.after, 3),
            "fixed_on": _iso(one.fixed_on),
        }
        for one in shop.plants.regressions
        if _exists(shop, one.page)
    ]
    return {
        "seed": shop.options.seed,
        "healthy": shop.options.healthy,
        "today": shop.today.isoformat(),
        "shop": {
            "name": options.SHOP_NAME,
            "domain": options.MYSHOPIFY_DOMAIN,
            "primary_url": options.PRIMARY_URL,
            "site_url": options.SITE_URL,
            "currency": options.CURRENCY,
            "timezone": options.TIMEZONE,
            "first_day": shop.first_day.isoformat(),
        },
        "snippets": snippets,
        "vitals": vitals,
        "decoys": [
            _place(shop, one.page) | {"kind": one.kind, "since": _iso(one.since)}
            for one in shop.plants.decoys
            if _exists(shop, one.page)
        ],
        "stockouts": _stockouts(shop),
        "returned": deliveries.returned(shop),
        "slow_movers": _slow_movers(shop),
        "misplaced_collections": _misplaced(shop),
        "hidden_sellers": merchandise_truth.hidden(shop),
        "bundles": merchandise_truth.bundles(shop),
        "affinities": _affinities(shop),
        "cross_sell": rules(shop),
        "popular_pairs": popular_pairs(shop),
        "upsells": upsells(shop),
        "bare_products": _bare_products(shop),
        "unserved_topics": _topics(shop.plants.topics),
        "unanswered_questions": _topics(shop.plants.questions),
        "effects": {
            one["gid"]: {"metric": "ctr", "now": one["ctr_multiplier"], "lift_if_fixed": one["lift_if_fixed"]}
            for one in snippets
        },
        "counts": _counts(shop),
    }


def write(shop: Shop, path: Path) -> None:
    """Write the truth file in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(document(shop), indent=1), encoding="utf-8")
    temporary.replace(path)
