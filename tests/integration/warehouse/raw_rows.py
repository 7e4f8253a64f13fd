"""Raw rows made by hand and by a seeded generator, loaded the way ingestion loads: Arrow or COPY."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.ingestion.state import prepared
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_tables import BY_NAME

SHOP = "hot-rod-parts.myshopify.com"
HOST = "https://www.hotrodparts.example"
TODAY = date(2026, 11, 22)
Rows = dict[str, list[dict[str, Any]]]


def settings_for(home: Path, postgres_url: str = "", **more: str) -> Settings:
    environ = {"GROWTH_HOME": str(home), "GROWTH_NOW": f"{TODAY}T18:00:00", **more}
    return load_settings({**environ, **({"GROWTH_DATABASE_URL": postgres_url} if postgres_url else {})})


def load(settings: Settings, rows: Rows) -> None:
    """Add rows to the raw tables; columns that a row does not name are null."""
    import pyarrow as pa

    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    with warehouse.write() as connection:
        for table, records in rows.items():
            columns = [column.name for column in BY_NAME[table].all_columns]
            complete = [{**dict.fromkeys(columns), "shop_id": SHOP, **record} for record in records]
            assert all(len(record) == len(columns) for record in complete), f"unknown column in {table}"
            if connection.engine == "postgres":
                with connection.native.cursor().copy(
                    f"copy raw.{table} ({', '.join(columns)}) from stdin"
                ) as copy:
                    for record in complete:
                        copy.write_row(list(record.values()))
            elif complete:
                connection.native.register("batch", pa.Table.from_pylist(complete))
                connection.native.execute(f"insert into raw.{table} by name select * from batch")
                connection.native.unregister("batch")


def limit_orders(settings: Settings, first_day: date, reason: str) -> None:
    """Have ingestion remember that the shop shows no orders from before ``first_day``."""
    start = datetime(first_day.year, first_day.month, first_day.day)
    with prepared(Warehouse.of(settings)) as connection:
        connection.execute(
            "insert into raw._ingest_cursor "
            "(shop_id, stream, window_start, position, history_from, history_reason, updated_at) "
            "values (?, 'orders', ?, ?, ?, ?, ?)",
            [SHOP, start, datetime(2026, 11, 22, 5), first_day, reason, datetime(2026, 11, 22, 6)],
        )


def shop_rows() -> Rows:
    shop = {
        "name": "Hot Rod Parts",
        "domain": SHOP,
        "primary_url": HOST,
        "currency": "USD",
        "timezone": "America/Denver",
        "primary_locale": "en",
    }
    return {"shops": [shop]}


def random_shop(seed: int) -> Rows:
    """A small shop with everything in it that is easy to count wrongly: test, cancelled and guest orders, refunds
    in a later month, two spellings of one page, brand queries, pages without traffic, hidden queries."""
    rng = np.random.default_rng(seed)
    rows = shop_rows()
    products = [f"/products/part-{n}" for n in range(8)]
    rows.update(_catalogue(products))
    rows.update(_orders(rng, products))
    rows.update(_search(rng, products))
    rows["sessions_daily"] = [
        {
            "date": TODAY - timedelta(days=int(back)),
            "landing_path": path,
            "device": device,
            "sessions": (sessions := int(rng.integers(1, 60))),
            "cart_additions": min(sessions, (int(back) * (place + 1)) % (place + 2)),
        }
        for back in range(1, 90)
        for place, path in enumerate(["/", *products[:5], "/collections/fuel/products/part-1"])
        for device in ("mobile", "desktop")
    ]
    rows.update(_vitals(products))
    rows["web_vitals_beacons"] = _beacons(products)
    return rows


def _beacons(products: list[str]) -> list[dict[str, Any]]:
    """Visitors' measurements: this shop has sessions of Shopify's, so none of theirs may count."""
    return [
        {
            "metric_id": f"v5-{back}-{n}",
            "metric": "lcp",
            "value": 1500.0 + n,
            "rating": "good",
            "url": HOST + path,
            "form_factor": "phone",
            "session_key": f"s{back}-{n}",
            "is_landing": True,
            "landing_path": path,
            "received_at": datetime(2026, 11, 22) - timedelta(days=back),
            "local_date": TODAY - timedelta(days=back),
            "source": "rum",
        }
        for back in range(1, 40)
        for n, path in enumerate([*products, "/seen-by-beacons-only"])
    ]


def _catalogue(products: list[str]) -> Rows:
    stamp = datetime(2026, 1, 1)
    image = [
        {"id": "gid://shopify/MediaImage/1", "alt": "", "url": "https://cdn/1.jpg", "width": 800, "height": 600}
    ]
    return {
        "products": [
            {
                "product_id": f"gid://shopify/Product/{n}",
                "handle": path.rsplit("/", 1)[1],
                "title": f"Part {n}",
                "status": "ACTIVE" if n != 7 else "DRAFT",
                "description": "Steel & <b>brass</b>. " * 12,
                "description_html": '<p>Steel &amp; <b>brass</b>.</p><img src="/a.jpg">' if n == 2 else None,
                "seo_title": "Search title" if n == 0 else "",
                "url": f"{HOST}{path}",
                "images": json.dumps(image if n < 4 else []),
                "updated_at": stamp,
            }
            for n, path in enumerate(products)
        ],
        "product_variants": [
            {
                "variant_id": f"gid://shopify/ProductVariant/{n}-{v}",
                "product_id": f"gid://shopify/Product/{n}",
                "price": 20.0 + n + v,
                "unit_cost": None if n == 3 and v else 10.0,
                "inventory_quantity": n,
            }
            for n in range(len(products))
            for v in range(2)
        ],
        "collections": [
            {"collection_id": "gid://shopify/Collection/1", "handle": "fuel", "title": "Fuel", "url": None}
        ],
        "pages": [
            {
                "page_id": "gid://shopify/Page/1",
                "content_type": "page",
                "handle": "about",
                "title": "About",
                "body": "<p>Since&nbsp;1932 &amp; on</p>",
                "url": f"{HOST}/pages/about",
            }
        ],
    }


def _orders(rng: np.random.Generator, products: list[str]) -> Rows:
    rows: Rows = {"orders": [], "order_lines": [], "refunds": [], "refund_lines": [], "customers": []}
    for n in range(300):
        day = date(2026, 3, 1) + timedelta(days=int(rng.integers(0, 265)))
        customer = None if rng.random() < 0.1 else f"c{rng.integers(0, 90)}"
        lines = []
        for position in range(int(rng.integers(1, 4))):
            quantity, price = int(rng.integers(1, 4)), round(float(rng.uniform(5, 300)), 2)
            lines.append(
                {
                    "order_line_id": f"l{n}-{position}",
                    "order_id": f"o{n}",
                    "product_id": f"gid://shopify/Product/{rng.integers(0, len(products))}",
                    "quantity": quantity,
                    "current_quantity": quantity,
                    "unit_price": price,
                    "gross_amount": round(price * quantity, 2),
                    "discount_amount": round(price * quantity * 0.1, 2) if n % 5 == 0 else 0.0,
                }
            )
        gross = round(sum(line["gross_amount"] for line in lines), 2)
        discount = round(sum(line["discount_amount"] for line in lines), 2)
        landing = rng.choice([*products, "/collections/fuel/products/part-1?utm=x", "/", ""])
        rows["order_lines"] += lines
        rows["orders"].append(
            {
                "order_id": f"o{n}",
                "name": f"#{1000 + n}",
                "customer_key": customer,
                "created_at": datetime(day.year, day.month, day.day, 18) + timedelta(seconds=n),
                "cancelled_at": datetime(2026, 11, 1) if rng.random() < 0.06 else None,
                "local_date": day,
                "is_test": bool(rng.random() < 0.05),
                "financial_status": "PAID",
                "currency": "USD",
                "gross_amount": gross,
                "discount_amount": discount,
                "tax_amount": 1.0,
                "shipping_amount": 5.0,
                "total_amount": round(gross - discount + 6, 2),
                "refunded_amount": 0.0,
                "landing_path": str(landing) or None,
            }
        )
        if rng.random() < 0.15:
            refund_day = min(day + timedelta(days=int(rng.integers(0, 40))), TODAY - timedelta(days=1))
            line = lines[0]
            amount = round(line["gross_amount"] - line["discount_amount"], 2)
            rows["orders"][-1]["refunded_amount"] = amount
            rows["refunds"].append(
                {"refund_id": f"r{n}", "order_id": f"o{n}", "local_date": refund_day, "total_amount": amount}
            )
            rows["refund_lines"].append(
                {
                    "refund_line_id": f"rl{n}",
                    "refund_id": f"r{n}",
                    "order_id": f"o{n}",
                    "order_line_id": line["order_line_id"],
                    "quantity": line["quantity"],
                    "subtotal_amount": amount,
                }
            )
    rows["customers"] = [{"customer_key": f"c{n}", "country": "US"} for n in range(95)]
    return rows


def _search(rng: np.random.Generator, products: list[str]) -> Rows:
    """Two spellings of the first product's address; the newest day has page rows but no rows by query yet."""
    urls = [HOST + path for path in products[:5]] + [
        f"{HOST}/products/part-0/?variant=1",
        f"{HOST}/",
        f"{HOST}/old-page",
    ]
    by_query, by_page, whole = [], [], []
    for back in range(3, 130):
        day = TODAY - timedelta(days=back)
        total = 0
        for url in urls:
            seen = 0
            clicked = 0
            for n, query in enumerate(["an fitting", "Hot-Rod Parts shop", "hotrodparts", "fuel line 6an"]):
                # of the address that the catalogue does not know too little for anybody to worry
                impressions = int(rng.integers(1, 4 if url.endswith("/old-page") else 40))
                clicks = int(rng.binomial(impressions, 0.1))
                seen, clicked = seen + impressions, clicked + clicks
                row = {"date": day, "page": url, "query": query, "clicks": clicks, "impressions": impressions}
                if back > 3:
                    by_query.append({**row, "position": round(1 + n * 2.5 + float(rng.random()), 3)})
            hidden = int(rng.integers(-1, 5))  # Google may count one less by page than by query
            by_page.append(
                {"date": day, "page": url, "clicks": clicked, "impressions": seen + hidden, "position": 4.5}
            )
            total += clicked
        whole.append({"date": day, "clicks": total + 3, "impressions": 9999, "position": 5.0})
    rows = {"search_page_query_daily": by_query, "search_page_daily": by_page, "search_property_daily": whole}
    return {**rows, **_provisional_search(urls)}


def _provisional_search(urls: list[str]) -> Rows:
    """Of the newest day that is final by now, and of the two after it."""
    days = [TODAY - timedelta(days=back) for back in (3, 2, 1)]
    figures = {"clicks": 2, "impressions": 20, "position": 3.0}
    return {
        "search_page_provisional_daily": [{"date": d, "page": url, **figures} for d in days for url in urls[:4]],
        "search_property_provisional_daily": [{"date": day, **figures, "clicks": 7} for day in days],
    }


def _vitals(products: list[str]) -> Rows:
    history, records = [], []
    targets = [("page", HOST + products[0]), ("page", HOST + products[1]), ("origin", HOST)]
    for scope, target in targets:
        for metric, value in {"lcp": 2400.0, "inp": 180.0, "cls": 0.3}.items():
            for week in range(6):
                end = date(2026, 11, 14) - timedelta(weeks=week)
                history.append(_period(scope, target, metric, end, value * (1.5 if week == 0 else 1.0)))
        records.append({**_period(scope, target, "lcp", date(2026, 11, 20), 4100.0), "found": True})
    records.append({"scope": "page", "target": HOST + products[4], "form_factor": "phone", "found": False})
    lab = {"url": HOST + products[0], "strategy": "mobile", "lcp_ms": 5000.0, "details": "{}"}
    return {
        "crux_history": history,
        "crux_records": records,
        "psi_runs": [{**lab, "fetched_at": datetime(2026, 11, day)} for day in (19, 20)],
    }


def _period(scope: str, target: str, metric: str, end: date, p75: float) -> dict[str, Any]:
    return {
        "scope": scope,
        "target": target,
        "form_factor": "phone",
        "metric": metric,
        "period_start": end - timedelta(days=27),
        "period_end": end,
        "p75": p75,
        "good": 0.7,
        "needs_improvement": 0.2,
        "poor": 0.1,
    }


def frame(rows: Rows, table: str) -> pd.DataFrame:
    """Raw rows as a frame, to count with another tool."""
    return pd.DataFrame(rows[table])
