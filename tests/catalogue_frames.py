"""A small catalogue as the frames of recommenders: products that need nothing unless told to, and a topic."""

from __future__ import annotations

from typing import Any

import pandas as pd

PUMP = {
    "title": "340 lph In-Tank Fuel Pump, E85 Safe",
    "product_type": "Fuel Pumps",
    "vendor": "Mesa Speed",
    "tags": "fuel-pumps, technical",
    "description": "In-Tank electric fuel pump, 340 lph at 43 psi. Works with petrol and E85. "
    "With check valve, filter sock and wiring pigtail. Test for leaks before driving.",
}
INSTALLED = (
    "<h3>How to install</h3><ol><li>Clean the tank.</li><li>Set the pump into its bracket.</li>"
    "<li>Check every joint for leaks.</li></ol>"
)
Frames = dict[str, pd.DataFrame]


def product(number: int, **more: Any) -> dict[str, Any]:
    """A product that needs nothing unless ``more`` says so."""
    return {
        "number": number,
        "title": f"AN-{number} Bulkhead Fitting, Black",
        "product_type": "Bulkheads",
        "vendor": "Mesa Speed",
        "tags": "bulkheads",
        "description": f"AN-{number} bulkhead in billet aluminium with a nut.",
        "variants": 1,
        "price": 20.0,
        "sessions": 1000,
        "status": "active",
        **more,
    }


def frames_of(*rows: dict[str, Any]) -> Frames:
    gids = [f"gid://shopify/Product/{row['number']}" for row in rows]
    keys = [f"/products/part-{row['number']}" for row in rows]
    facts = ("title", "product_type", "vendor", "tags", "description")
    pages = pd.DataFrame(
        {
            "page_key": keys,
            "page_type": "product",
            "resource_gid": gids,
            "handle": [key.rpartition("/")[2] for key in keys],
            "is_published": True,
            "price": [row["price"] for row in rows],
            **{name: [row[name] for row in rows] for name in facts},
        }
    )
    pages["effective_title"] = pages["title"]
    products = pd.DataFrame(
        {
            "product_id": gids,
            "page_key": keys,
            "status": [row["status"] for row in rows],
            "variants": [row["variants"] for row in rows],
            "price_min_cents": [round(row["price"] * 100) for row in rows],
        }
    )
    performance = pd.DataFrame(
        {
            "page_key": keys,
            "conversion_rate": 0.02,
            "conversion_basis": "sessions",
            "aov_cents": 10_000,
            "margin_rate": 0.4,
            "orders": 12,
            "sessions": [row["sessions"] for row in rows],
        }
    )
    shop = pd.DataFrame(
        {"shop_cvr": [0.02], "shop_aov": [100.0], "conversion_basis": ["sessions"], "minor_units": [100.0]}
    )
    return {
        "pages": pages,
        "products": products,
        "performance": performance,
        "shop": shop,
        "bodies": pd.DataFrame(
            {
                "page_key": keys,
                "page_type": "product",
                "body_html": [row.get("body_html", f"<p>{row['description']}</p>") for row in rows],
                "related_links": None,
                "images": None,
            }
        ),
        "metaobjects": pd.DataFrame(columns=["type", "handle", "fields", "updated_at"]),
        "topics": pd.DataFrame(columns=list(TOPIC)),
        "topic_queries": pd.DataFrame(columns=["cluster", "query", "impressions"]),
    }


TOPIC: dict[str, Any] = {
    "cluster": "pigtail wiring",
    "queries": 3,
    "clicks": 20,
    "impressions": 3000,
    "intent": "commercial",
    "main_page_key": "/collections/fuel-pumps",
    "main_page_position": 31.0,
    "is_served_well": False,
    "contested_queries": 0,
}


def searched(frames: Frames, **more: Any) -> Frames:
    """The frames with one topic that no page serves."""
    topic = {**TOPIC, **more}
    queries = [("wiring pigtail pump", 2000), ("buy wiring pigtail", 700), ("wiring pigtail kit", 300)]
    rows = pd.DataFrame(queries, columns=["query", "impressions"]).assign(cluster=topic["cluster"])
    return {**frames, "topics": pd.DataFrame([topic]), "topic_queries": rows}


def pumps(count: int = 4) -> list[dict[str, Any]]:
    flows = ("255", "340", "450", "525", "600", "700", "800", "900", "910", "920", "930", "940", "950", "960")
    return [
        product(
            n,
            **{name: str(text).replace("340", flows[n]) for name, text in PUMP.items()},
            sessions=1000 - n,
        )
        | {"tags": "fuel-pumps"}
        for n in range(count)
    ]
