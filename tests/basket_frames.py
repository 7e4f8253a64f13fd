"""Baskets as the frames of ``guided_selling``, counted as the mart counts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any

import pandas as pd

MIN_ORDERS = 5
Frames = dict[str, pd.DataFrame]
# A basket: the products (numbers) of one order, and who made it.
Basket = tuple[frozenset[int], int]


def gid(number: int) -> str:
    return f"gid://shopify/Product/{number}"


def baskets(*groups: tuple[int, Sequence[int]], buyer: int | None = None) -> list[Basket]:
    """``(count, products)`` groups of orders, each by a buyer of its own unless ``buyer`` made them all."""
    found: list[Basket] = []
    for count, products in groups:
        found += [(frozenset(products), buyer if buyer is not None else -1) for _ in range(count)]
    return found


def affinity_of(orders: Sequence[Basket]) -> pd.DataFrame:
    """``marts.fct_product_affinity`` of these orders, as frames/affinity.sql reads it."""
    rows = [(order, product) for order, (products, _) in enumerate(orders) for product in products]
    held = pd.DataFrame(rows, columns=["order", "product"])
    counts = held["product"].value_counts()
    counts = counts[counts >= MIN_ORDERS]
    tested = len(counts) * (len(counts) - 1) // 2
    pairs = pd.DataFrame(
        [
            (one, two, order if buyer < 0 else f"buyer {buyer}")
            for order, (products, buyer) in enumerate(orders)
            for one, two in combinations(sorted(p for p in products if p in counts.index), 2)
        ],
        columns=["one", "two", "buyer"],
    )
    together = pairs.groupby(["one", "two"])["buyer"].agg(["size", "nunique"]).reset_index()
    together = together[together["size"] >= MIN_ORDERS]
    parts = []
    for first, second in (("one", "two"), ("two", "one")):
        parts.append(
            pd.DataFrame(
                {
                    "product_id": together[first].map(gid),
                    "paired_product_id": together[second].map(gid),
                    "orders_product": together[first].map(counts),
                    "orders_paired": together[second].map(counts),
                    "orders_both": together["size"],
                    "buyers_both": together["nunique"],
                    "orders_total": len(orders),
                    "pairs_tested": tested,
                    "since": date(2025, 11, 1),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def product(number: int, **more: Any) -> dict[str, Any]:
    """A product in stock with a known cost, unlike every other unless ``more`` says so."""
    name = chr(ord("A") + number % 26) * 4 + str(number)
    return {
        "product_id": gid(number),
        "page_key": f"/products/p{number}",
        "handle": f"p{number}",
        "title": f"Part {name}",
        "product_type": f"Type {number}",
        "status": "active",
        "complementary_products": None,
        "related_products": None,
        "variants": 1,
        "variants_out": 0,
        "available": 100,
        "price_min_cents": 10_000,
        "margin_rate": 0.4,
        "visits": 0,
        **more,
    }


def bundle_pairs_of(affinity: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The pairs that are together oftener than by chance, once each and the rarer product first."""
    known = products.set_index("product_id")
    lift = (
        affinity["orders_both"] * affinity["orders_total"] / affinity["orders_product"] / affinity["orders_paired"]
    )
    rarer = (affinity["orders_product"] < affinity["orders_paired"]) | (
        (affinity["orders_product"] == affinity["orders_paired"])
        & (affinity["product_id"] < affinity["paired_product_id"])
    )
    found = affinity.assign(
        lift=lift, confidence=affinity["orders_both"] / affinity["orders_product"], q_value=1e-6
    )
    found = found[rarer & (lift > 1) & affinity["paired_product_id"].isin(known.index)]
    for name in ("page_key", "handle", "title"):
        found[name] = found["product_id"].map(known[name])
    return found.assign(paired_title=found["paired_product_id"].map(known["title"]))


def _stock_of(products: pd.DataFrame) -> pd.DataFrame:
    """One variant of each product; its cost follows from the margin."""
    price, margin = products["price_min_cents"], products["margin_rate"].astype(float)
    return pd.DataFrame(
        {
            "variant_id": "v" + products["product_id"].str.rpartition("/")[2],
            **{name: products[name] for name in ("product_id", "page_key", "handle", "available")},
            "product_title": products["title"],
            "variant_title": "Default Title",
            "price_cents": price,
            "cost_cents": price * (1 - margin),
            "is_tracked": products.get("is_tracked", True),
        }
    )


def frames_of(orders: Sequence[Basket], *changed: dict[str, Any]) -> Frames:
    """The frames for these orders; ``changed`` products replace those of their number."""
    numbers = sorted({number for products, _ in orders for number in products})
    rows = {row["product_id"]: row for row in map(product, numbers)}
    rows |= {row["product_id"]: row for row in changed}
    sold = pd.Series([gid(n) for products, _ in orders for n in products], dtype=str).value_counts()
    products, affinity = pd.DataFrame(list(rows.values())), affinity_of(orders)
    return {
        "affinity": affinity,
        "product_orders": pd.DataFrame({"product_id": sold.index, "orders": sold.values, "units": sold.values}),
        "products": products.drop(columns="visits"),
        "sell_through": pd.DataFrame(
            {
                "product_id": products["product_id"],
                "visits": products["visits"],
                "orders": products["product_id"].map(sold).fillna(0),
            }
        ),
        "bundle_pairs": bundle_pairs_of(affinity, products),
        "stock": _stock_of(products),
        "past_actions": pd.DataFrame(columns=["recommender", "subtype", "resource_gid", "state", "ended_on"]),
        "topics": pd.DataFrame(columns=["cluster", "intent", "is_served_well"]),
        "metaobjects": pd.DataFrame(columns=["type", "handle", "fields", "updated_at"]),
        "questions": pd.DataFrame(
            columns=["query", "cluster", "main_page_key", "clicks", "impressions", "position"]
        ),
        "pages": pd.DataFrame(
            {
                "page_key": [row["page_key"] for row in rows.values()],
                "page_type": "product",
                "is_published": [row.get("is_published", True) for row in rows.values()],
                "resource_gid": list(rows),
                "title": [row["title"] for row in rows.values()],
                "effective_title": [row["title"] for row in rows.values()],
                "description": "",
            }
        ),
        "shop": pd.DataFrame(
            {"shop_cvr": [0.02], "shop_aov": [100.0], "conversion_basis": ["sessions"], "minor_units": [100.0]}
        ),
    }
