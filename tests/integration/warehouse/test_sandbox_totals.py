"""From the shop's protocols to the marts: what the sandbox says it sold is what the marts say."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.run import ingest
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build


@pytest.mark.slow
def test_the_marts_hold_what_the_shop_sold(small_shop: Any, tmp_path: Path) -> None:
    short = {"GROWTH_NOW": "2026-11-22T18:00:00", "GROWTH_SEARCH_CONSOLE__HISTORY_DAYS": "90"}
    settings = small_shop.settings(tmp_path, **short)
    ingest(settings)
    result = build(settings)
    assert [(node.name, node.message) for node in result.results if node.status not in ("success", "pass")] == []
    Warehouse.of(settings).publish()
    truth = small_shop.truth
    counts = truth["counts"]
    with Warehouse.of(settings).read() as connection:

        def one(sql: str) -> Any:
            return connection.execute(sql).fetchone()

        orders, gross, discounts, refunded = one(
            "select count(*), sum(gross_cents), sum(discount_cents), sum(refund_cents) from marts.fct_orders"
        )
        assert orders == counts["orders_counted"]
        assert Decimal(gross) / 100 == Decimal(counts["gross"])
        assert Decimal(discounts) / 100 == Decimal(counts["discounts"])
        assert Decimal(refunded) / 100 == Decimal(counts["refunded"])
        assert one("select count(*) from marts.dim_products") == (counts["products"],)
        keys = {row[0] for row in connection.execute("select page_key from marts.dim_pages").fetchall()}
        for kind in ("snippets", "vitals", "decoys"):
            planted = {plant["page_key"] for plant in truth[kind]}
            assert planted <= keys, kind
        # Brand queries are found without being told the shop's terms.
        assert one("select count(*) from marts.fct_search_query_page_daily where is_brand")[0] > 0
        # Pages without a counterpart in the catalogue are what canonical addresses are meant to prevent.
        assert one("select count(*) from marts.dim_pages where page_type = 'other'") == (0,)
