"""What a product's page shows with it is read with the product, so that no rule is proposed twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.recommended_products import (
    COMPLEMENTARY,
    NAMESPACE,
    TYPE,
    products_of,
    products_text,
)
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.warehouse.database import Warehouse


def test_a_list_that_was_set_in_the_shop_is_read_and_its_end_too(
    start_sandbox: Callable[..., Any], tmp_path: Path
) -> None:
    shop = start_sandbox("--seed", "5", "--orders", "30", "--products", "20", "--today", "2026-11-22")

    def read(day: int) -> dict[str, list[str]]:
        settings = shop.settings(tmp_path, GROWTH_NOW=f"2026-11-{day}T12:00:00Z")
        ingest(settings, streams=["shop", "products"])
        with Warehouse.of(settings).write() as connection:
            rows = connection.execute("select product_id, complementary_products from raw.products").fetchall()
        return {gid: products_of(text) for gid, text in rows}

    before = read(22)
    first, second, *_ = sorted(before)
    assert before[first] == []
    identity = {"ownerId": first, "namespace": NAMESPACE, "key": COMPLEMENTARY.key}
    with ShopifyClient(shop.settings(tmp_path)) as client:
        shop.advance(1)
        enable = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": COMPLEMENTARY.key}
        client.mutate_text(document("enable_metafield_definition"), enable)
        value = {"type": TYPE, "value": products_text([second])}
        client.mutate_text(document("set_metafields"), {"metafields": [{**identity, **value}]})
        assert read(23)[first] == [second]
        shop.advance(1)
        client.mutate_text(document("delete_metafields"), {"metafields": [identity]})
    assert read(24)[first] == []
