"""A shop's goods as the frames of ``merch_playbook``: ordinary products, and what a test adds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.recommenders.context import RecommenderContext

AS_OF = date(2026, 11, 22)
CONTEXT = RecommenderContext(AS_OF, "Hot Rod Parts", "https://www.hotrodparts.example", "USD")
HISTORY = 84
ORDINARY = 60
Frames = dict[str, pd.DataFrame]


def goods(number: int, **more: Any) -> dict[str, Any]:
    """A product of one variant that sells a piece every fourth day and lasts for months, unless told otherwise."""
    return {
        "number": number,
        "title": f"Part {number}",
        "available": 40,
        "incoming": 0,
        "price_cents": 5000,
        "cost_cents": 2500,
        "is_tracked": True,
        "every": 4,  # days between two sales
        "sold_until": 0,  # days ago of the last sale
        "out": (),  # days ago on which it was out
        "published_on": date(2025, 1, 1),
        "units_year": 90,
        "visits": 1000,
        "orders": 20,
        "margin_rate": 0.5,
        **more,
    }


def frames_of(*added: dict[str, Any], collections: tuple[dict[str, Any], ...] = (), **more: Any) -> Frames:
    """The frames of ``ORDINARY`` goods and the ``added``; ``collections`` are {title, members (numbers), …}."""
    rows = [*(goods(number) for number in range(1, ORDINARY + 1)), *added]
    stock = pd.DataFrame([stock_row(row) for row in rows])
    days = [
        {"variant_id": f"v{row['number']}", "date_day": AS_OF - timedelta(days=ago), "units": 1}
        for row in rows
        if row["every"]
        for ago in range(row["sold_until"] + 1, HISTORY + 1)
        if ago % row["every"] == 0 and ago not in row["out"]
    ]
    out = [
        {"variant_id": f"v{row['number']}", "date_day": AS_OF - timedelta(days=ago)}
        for row in rows
        for ago in row["out"]
    ]
    sold_last = {row["number"]: int(bool(row["every"]) and row["sold_until"] < 28) for row in rows}
    return {
        "stock": stock,
        "variant_days": _typed(days, "variant_id", "date_day", "units"),
        "days_out": _typed(out, "variant_id", "date_day"),
        "stock_age": pd.DataFrame(
            {
                "product_id": stock["product_id"],
                "published_on": [row["published_on"] for row in rows],
                "units_28d": [sold_last[row["number"]] * 7 for row in rows],
                "units_year": [row["units_year"] for row in rows],
            }
        ),
        "sell_through": pd.DataFrame(
            {
                **{name: stock[name] for name in ("product_id", "page_key", "handle", "available")},
                "title": stock["product_title"],
                **{name: [row[name] for row in rows] for name in ("margin_rate", "visits", "orders")},
            }
        ),
        "collection_products": _collections(collections),
        "bundle_pairs": pd.DataFrame(more.get("pairs", ()), columns=list(_PAIR)),
        "product_orders": pd.DataFrame({"product_id": stock["product_id"], "orders": 20, "units": 20}),
        "performance": _performance(collections),
        "past_actions": pd.DataFrame(
            more.get("past", ()), columns=["recommender", "subtype", "resource_gid", "state", "ended_on"]
        ),
        "shop": pd.DataFrame(
            [{"minor_units": 100, "shop_cvr": 0.02, "shop_aov": 120.0, "conversion_basis": "sessions"}]
        ),
    }


_PAIR = {
    "product_id": "",
    "paired_product_id": "",
    "page_key": "",
    "handle": "",
    "title": "",
    "paired_title": "",
    "orders_product": 100,
    "orders_paired": 120,
    "orders_both": 45,
    "buyers_both": 45,
    "orders_total": 2000,
    "confidence": 0.45,
    "lift": 7.5,
    "q_value": 1e-9,
    "since": pd.Timestamp("2025-11-01"),
}


def pair(first: int, second: int, **more: Any) -> dict[str, Any]:
    """Two products that are bought together."""
    return {
        **_PAIR,
        "product_id": f"gid://shopify/Product/{first}",
        "paired_product_id": f"gid://shopify/Product/{second}",
        "page_key": f"/products/part-{first}",
        "handle": f"part-{first}",
        "title": f"Part {first}",
        "paired_title": f"Part {second}",
        **more,
    }


def stock_row(row: dict[str, Any]) -> dict[str, Any]:
    number = row["number"]
    return {
        "variant_id": f"v{number}",
        "product_id": f"gid://shopify/Product/{number}",
        "page_key": f"/products/part-{number}",
        "handle": f"part-{number}",
        "product_title": row["title"],
        "variant_title": "Default Title",
        "sku": f"HRP-{number}",
        "stock_read_on": AS_OF,
        **{name: row[name] for name in ("price_cents", "cost_cents", "is_tracked", "available", "incoming")},
    }


def _typed(rows: list[dict[str, Any]], *columns: str) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=list(columns))
    return found.assign(date_day=pd.to_datetime(found["date_day"]))


def _collections(collections: tuple[dict[str, Any], ...]) -> pd.DataFrame:
    columns = ["collection_id", "page_key", "collection_handle", "collection_title", "sort_order", "products"]
    rows = [
        {
            "collection_id": f"gid://shopify/Collection/{place}",
            "page_key": f"/collections/c{place}",
            "collection_handle": f"c{place}",
            "collection_title": one["title"],
            "sort_order": one.get("sort_order", "MANUAL"),
            "products": len(one["members"]),
            "product_id": f"gid://shopify/Product/{number}",
            "product_position": position,
            "handle": f"part-{number}",
        }
        for place, one in enumerate(collections, start=1)
        for position, number in enumerate(one["members"])
    ]
    return pd.DataFrame(rows, columns=[*columns, "product_id", "product_position", "handle"])


def _performance(collections: tuple[dict[str, Any], ...]) -> pd.DataFrame:
    count = len(collections)
    return pd.DataFrame(
        {
            "page_key": [f"/collections/c{place}" for place in range(1, count + 1)],
            "conversion_rate": np.full(count, 0.02),
            "conversion_basis": ["sessions"] * count,
            "aov_cents": np.full(count, 12_000),
            "margin_rate": np.full(count, np.nan),
            "orders": np.full(count, 20),
            "sessions": [one.get("sessions", 3000) for one in collections],
        }
    )
