"""What changed is read, what was deleted goes, in whatever order files arrive; and it costs what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.ingestion.results import StreamResult
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.status import ingest_status
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import QUICK, raw_rows

pytestmark = pytest.mark.xdist_group("increments")
LATER = {**QUICK, "GROWTH_NOW": "2026-11-25T12:00:00+00:00"}
SHOPIFY = [
    *("products", "product_variants", "collections", "collection_products", "pages", "inventory_levels"),
    *("orders", "order_lines", "order_transactions", "order_discount_codes", "refunds", "refund_lines"),
    *("customers", "abandoned_checkouts", "abandoned_checkout_lines", "discounts", "redirects", "metaobjects"),
]
STREAMS = [
    "shop",
    "products",
    "collections",
    "deletions",
    "inventory",
    "orders",
    "customers",
    "abandoned_checkouts",
]


def told(shop: Any, control: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{shop.base_url}/_sandbox/{control}", json=body, timeout=60, trust_env=False)
    return answer.raise_for_status().json()


def three_days_later(shop: Any, settings: Settings) -> list[str]:
    """Three days pass, 20 orders change and 3 products are deleted; returns these."""
    shop.advance(3)
    told(shop, "touch", orders=20)
    with Warehouse.of(settings).write() as connection:
        found = connection.execute(
            "select product_id from raw.products order by product_id desc limit 3"
        ).fetchall()
    gone = [row[0] for row in found]
    for product in gone:
        told(shop, "delete", gid=product)
    return gone


def sized(start_sandbox: Callable[..., Any], orders: int, products: int) -> Any:
    size = ("--orders", str(orders), "--products", str(products))
    return start_sandbox("--seed", "13", *size, "--today", "2026-11-22")


@pytest.fixture
def small(start_sandbox: Callable[..., Any]) -> Any:
    return sized(start_sandbox, 400, 40)


def test_twenty_changed_orders_and_three_deleted_products_are_all_that_an_increment_reads(
    small: Any, start_sandbox: Callable[..., Any], tmp_path: Path, database: dict[str, str]
) -> None:
    settings = small.settings(tmp_path / "home", **QUICK, **database)
    first = {result.stream: result for result in ingest(settings)}
    gone = three_days_later(small, settings)
    later = small.settings(settings.home, **LATER, **database)
    second = {result.stream: result for result in ingest(later)}

    fresh = small.settings(tmp_path / "fresh", **LATER)
    ingest(fresh)
    expected, found = raw_rows(fresh, *SHOPIFY), raw_rows(later, *SHOPIFY)
    for rows in (expected, found):
        # Lines read before a product was deleted still know which it was; lines read later don't.
        rows["order_lines"] = [(*row[:3], *row[5:]) for row in rows["order_lines"]]
        rows["abandoned_checkout_lines"] = [(*row[:3], *row[5:]) for row in rows["abandoned_checkout_lines"]]
    for table in SHOPIFY:
        assert found[table] == expected[table], table
    deleted = {row[1] for row in raw_rows(later, "deletions")["deletions"]}
    assert set(gone) <= deleted
    assert 20 <= second["orders"].rows["orders"] <= 40
    assert second["products"].rows["products"] < first["products"].rows["products"] / 2

    # Six times the shop, the same change: the same number of requests.
    large = sized(start_sandbox, 2400, 240)
    others = large.settings(tmp_path / "large", **QUICK)
    whole = requests(ingest(others, STREAMS))
    three_days_later(large, others)
    increment = requests(ingest(large.settings(others.home, **LATER), STREAMS))
    for stream in ("orders", "products", "customers", "deletions", "inventory", "abandoned_checkouts"):
        assert increment[stream] <= second[stream].requests + 4, stream
    assert sum(increment.values()) < sum(whole.values()) / 3


def requests(results: list[StreamResult]) -> dict[str, int]:
    return {result.stream: result.requests for result in results}


def test_a_deleted_record_does_not_come_back_with_an_older_file(small: Any, tmp_path: Path) -> None:
    settings = small.settings(tmp_path, **QUICK)
    ingest(settings, ["shop", "products"])
    (gone, *_) = three_days_later(small, settings)
    later = small.settings(tmp_path, **LATER)
    ingest(later, ["deletions"])
    with Warehouse.of(later).write() as connection:
        connection.execute("delete from raw._ingest_file where stream = 'products'")
        connection.execute("delete from raw._ingest_cursor where stream = 'products'")
    results = {result.stream: result for result in ingest(later, ["products"])}
    assert any("interrupted run" in note for note in results["products"].notes)
    assert gone not in {row[1] for row in raw_rows(later, "products")["products"]}
    assert gone not in {row[2] for row in raw_rows(later, "product_variants")["product_variants"]}


def test_the_order_of_files_does_not_matter(small: Any, tmp_path: Path, database: dict[str, str]) -> None:
    """The newest state of each order wins, also when an older file is loaded after it."""
    settings = small.settings(tmp_path, **QUICK, **database)
    ingest(settings, ["shop", "orders"])
    small.advance(3)
    told(small, "touch", orders=20)
    later = small.settings(tmp_path, **LATER, **database)
    ingest(later, ["orders"])
    newest = raw_rows(later, "orders", "order_lines", "refunds", "refund_lines", "order_transactions")
    with Warehouse.of(later).write() as connection:
        oldest = "(select min(landed_at) from raw._ingest_file where stream = 'orders')"
        connection.execute(f"delete from raw._ingest_file where stream = 'orders' and landed_at = {oldest}")
    results = {result.stream: result for result in ingest(later, ["orders"])}
    assert any("interrupted run" in note for note in results["orders"].notes)
    assert results["orders"].outdated["orders"] >= 20
    assert raw_rows(later, *newest) == newest


def test_a_sweep_finds_what_no_event_told(small: Any, tmp_path: Path) -> None:
    settings = small.settings(tmp_path, **QUICK)
    ingest(settings, ["shop", "products", "collections"])
    gone = three_days_later(small, settings)
    soon = small.settings(tmp_path, **LATER)
    ingest(soon, ["products"])
    assert set(gone) <= {row[1] for row in raw_rows(soon, "products")["products"]}
    in_a_week = small.settings(tmp_path, **{**QUICK, "GROWTH_NOW": "2026-11-30T12:00:00+00:00"})
    ingest(in_a_week, ["products"])
    left = raw_rows(in_a_week, "products", "product_variants")
    assert not set(gone) & {row[1] for row in left["products"]}
    assert not set(gone) & {row[2] for row in left["product_variants"]}


def test_without_the_scope_for_all_orders_history_starts_late_and_says_so_until_the_scope_is_granted(
    start_sandbox: Callable[..., Any], small: Any, tmp_path: Path, database: dict[str, str]
) -> None:
    size = ("--orders", "400", "--products", "40", "--without-scope", "read_all_orders")
    limited = start_sandbox("--seed", "13", *size, "--today", "2026-11-22")
    settings = limited.settings(tmp_path, **QUICK, **database)
    results = {result.stream: result for result in ingest(settings, ["shop", "orders"])}
    assert any("history starts on 2026-09-23" in note for note in results["orders"].notes)
    assert f"{results['orders'].history_from}" == "2026-09-23"
    (row,) = [row for row in ingest_status(settings) if row["stream"] == "orders"]
    assert f"{row['history_from']}" == "2026-09-23"
    assert "60 days" in row["history_reason"]

    granted = small.settings(tmp_path, **QUICK, **database, GROWTH_SHOPIFY__BULK_FROM_ORDERS="0")
    ingest(granted, ["orders"], full=True)
    (row,) = [row for row in ingest_status(granted) if row["stream"] == "orders"]
    assert (row["history_from"], row["history_reason"]) == (None, None)
    assert f"{row['covered_from']:%Y-%m}" == "2024-10"
    assert len(raw_rows(granted, "orders")["orders"]) == small.truth["counts"]["orders"]
