"""Merchandising on the pages: work as steps, an order by its first places, and decisions that bind to both."""

from __future__ import annotations

import re

from growth_pipelines.actions.submission import SubmitRules, submit
from growth_pipelines.recommenders.context import MerchPlaybookConfig
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.console_shop import NOW, SHOP
from tests.goods_frames import CONTEXT, frames_of, goods, pair

from .conftest import Visitor


def test_orders_tasks_and_places_are_shown_readably_and_approved(maria: Visitor) -> None:
    good = [goods(100 + n, orders=60, title=f"Swivel {n // 2 * 10}°, black") for n in range(10)]
    collection = {"title": "Fittings", "members": [*range(1, 41), *(row["number"] for row in good)]}
    frames = frames_of(
        goods(99, available=2, every=1),
        goods(98, available=60, every=0, units_year=1),
        *good,
        collections=(collection,),
        pairs=[pair(1, 2)],
    )
    frames["collection_products"]["sort_order"] = "BEST_SELLING"
    drafts = RECOMMENDERS["merch_playbook"].recommend(frames, CONTEXT, MerchPlaybookConfig())
    result = submit(
        maria.shop.store, drafts, recommender="merch_playbook", shop_id=SHOP, now=NOW, rules=SubmitRules()
    )
    assert not result.refused, result.refused
    told = {}
    for action_id in result.created:
        action = maria.action(action_id)
        page = maria.get(f"/actions/{action['ref']}")
        assert page.status_code == 200
        told[action["subtype"]] = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
        assert maria.decide(action, "approve").status_code == 200
        assert maria.action(action_id)["state"] == "approved"
    assert set(told) == {"reorder", "clearance", "collection_order", "bundle"}
    assert "What would change" in told["collection_order"]
    assert "Sorted by" in told["collection_order"]
    # Products by their titles, and two of one title by their handles too.
    assert "1. Swivel 0°, black (part-100) (was 41)" in told["collection_order"]
    assert "11. Part 1 (was 1)" in told["collection_order"]
    assert "50 of 50 products in other places" in told["collection_order"]
    for subtype in ("reorder", "clearance", "bundle"):
        assert "What someone has to do" in told[subtype]
    assert "HRP-99" in told["reorder"]
