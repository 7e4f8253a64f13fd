"""What a product's page shows beside it is read with the product, so that no rule is proposed twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.recommended_products import LISTS, NAMESPACE, TYPE, products_of, products_text
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.warehouse.database import Warehouse


def test_a_list_that_was_set_in_the_shop_is_read_and_its_end_too(
    start_sandbox: Callable[..., Any], tmp_path: Path
) -> None:
    shop = start_sandbox("--seed", "5", "--orders", "30", "--products", "20", "--today", "2026-11-22")

    def read(day: int) -> dict[str, list[list[str]]]:
        """The lists of each product."""
        settings = shop.settings(tmp_path, GROWTH_NOW=f"2026-11-{day}T12:00:00Z")
        ingest(settings, streams=["shop", "products"])
        columns = ", ".join(one.key for one in LISTS.values())
        with Warehouse.of(settings).write() as connection:
            rows = connection.execute(f"select product_id, {columns} from raw.products").fetchall()
        return {gid: [products_of(text) for text in texts] for gid, *texts in rows}

    before = read(22)
    first, *others = sorted(before)
    assert before[first] == [[], []]
    identities = [{"ownerId": first, "namespace": NAMESPACE, "key": one.key} for one in LISTS.values()]
    wanted = [[others[0]], others[1:3]]
    with ShopifyClient(shop.settings(tmp_path)) as client:
        shop.advance(1)
        for one in LISTS.values():
            enable = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": one.key}
            client.mutate_text(document("enable_metafield_definition"), enable)
        values = [
            {**identity, "type": TYPE, "value": products_text(gids)}
            for identity, gids in zip(identities, wanted, strict=True)
        ]
        client.mutate_text(document("set_metafields"), {"metafields": values})
        assert read(23)[first] == wanted
        shop.advance(1)
        client.mutate_text(document("delete_metafields"), {"metafields": identities})
    assert read(24)[first] == [[], []]
