"""Checkouts, discounts, stock, redirects and metaobjects agree with the orders and variants they belong to."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from growth_pipelines.sandbox.sales import local_midnight
from growth_pipelines.sandbox.world import Shop

from .conftest import SMALL, Admin

CHECKOUTS = """query ($after: String, $query: String) {
  abandonedCheckouts(first: 25, after: $after, query: $query, sortKey: CREATED_AT) {
    nodes { id createdAt updatedAt completedAt customer { id } discountCodes
      totalLineItemsPriceSet { shopMoney { amount } } totalDiscountSet { shopMoney { amount } }
      totalPriceSet { shopMoney { amount } }
      lineItems(first: 50) { nodes { id title sku quantity product { id } variant { id }
        originalUnitPriceSet { shopMoney { amount } } } } }
    pageInfo { hasNextPage endCursor } } }"""
INVENTORY = """query ($after: String, $query: String) { inventoryItems(first: 50, after: $after, query: $query) {
    nodes { id sku tracked updatedAt inventoryLevels(first: 10) { nodes { id updatedAt location { id name }
      quantities(names: ["available", "committed", "incoming", "on_hand"]) { name quantity } } } }
    pageInfo { hasNextPage endCursor } } }"""
DISCOUNTS = """query ($query: String) { discountNodes(first: 50, query: $query) { nodes { id discount { __typename
    ... on DiscountCodeBasic { title status asyncUsageCount codes(first: 1) { nodes { code } } }
    ... on DiscountCodeFreeShipping { title status asyncUsageCount endsAt }
    ... on DiscountCodeBxgy { title status startsAt }
    ... on DiscountAutomaticBxgy { title status }
    ... on DiscountAutomaticFreeShipping { title status asyncUsageCount summary discountClasses } } } } }"""


def _all(admin: Admin, document: str, root: str, **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = admin.data(document, after=after, **variables)[root]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _cents(bag: dict[str, Any]) -> int:
    return round(float(bag["shopMoney"]["amount"]) * 100)


def test_checkouts_add_up_and_some_were_completed(admin: Admin) -> None:
    checkouts = _all(admin, CHECKOUTS, "abandonedCheckouts")
    assert len({one["id"] for one in checkouts}) == len(checkouts) == len(admin.shop.checkouts.checkouts)
    assert 0.1 < len(checkouts) / len(admin.shop.sales.orders) < 0.2
    customers = {customer.gid for customer in admin.shop.sales.customers}
    for one in checkouts:
        lines = one["lineItems"]["nodes"]
        gross = sum(line["quantity"] * _cents(line["originalUnitPriceSet"]) for line in lines)
        assert gross == _cents(one["totalLineItemsPriceSet"]) > 0
        net = gross - _cents(one["totalDiscountSet"])
        assert _cents(one["totalPriceSet"]) == net + (0 if net >= 19_900 else 1_195)
        assert bool(one["discountCodes"]) == (_cents(one["totalDiscountSet"]) > 0)
        assert one["customer"] is None or one["customer"]["id"] in customers
        assert one["createdAt"] <= one["updatedAt"]
    completed = [one for one in checkouts if one["completedAt"]]
    assert 0 < len(completed) < len(checkouts) / 3
    assert all(one["completedAt"] == one["updatedAt"] > one["createdAt"] for one in completed)
    months = {one["createdAt"][:7] for one in checkouts}
    assert len(months) >= 10, "spread over the history"


def test_a_checkout_that_is_completed_later_is_found_by_its_time_of_change() -> None:
    admin = Admin(dataclasses.replace(SMALL, orders=4_000))
    late, new = [], 0
    for _ in range(20):
        before = {one.gid: one.completed_at for one in admin.shop.checkouts.checkouts}
        since = local_midnight(admin.shop.today)
        admin.shop.advance(1)
        found = _all(admin, CHECKOUTS, "abandonedCheckouts", query=f"updated_at:>='{since.isoformat()}'")
        known = [one for one in found if one["id"] in before and one["updatedAt"] > f"{since:%FT%TZ}"]
        assert all(before[one["id"]] is None and one["completedAt"] for one in known)
        late += known
        new += len(found) - len(known)
    assert late
    assert new > len(late)


def test_the_same_seed_gives_the_same_checkouts_and_the_clock_leaves_them_alone() -> None:
    def told(shop: Shop) -> list[Any]:
        return [(one.gid, one.created_at, *(line.sku for line in one.lines)) for one in shop.checkouts.checkouts]

    one, again = Shop(SMALL), Shop(SMALL)
    again.advance(30)
    assert told(again)[: len(told(one))] == told(one)
    assert len(told(again)) > len(told(one))
    assert told(Shop(dataclasses.replace(SMALL, seed=8))) != told(one)


def test_discounts_count_the_orders_that_show_their_codes(admin: Admin) -> None:
    rows = [node["discount"] for node in admin.data(DISCOUNTS)["discountNodes"]["nodes"]]
    codes = [order.discount_code for order in admin.shop.sales.orders]
    basic = {row["title"]: row for row in rows if row["__typename"] == "DiscountCodeBasic"}
    assert basic.keys() == {code for code in codes if code}
    for code, row in basic.items():
        assert row["asyncUsageCount"] == codes.count(code) > 0
        assert row["codes"]["nodes"] == [{"code": code}]
        assert row["status"] == "ACTIVE"
    automatic = next(row for row in rows if row["__typename"] == "DiscountAutomaticFreeShipping")
    assert automatic["asyncUsageCount"] == sum(order.shipping_cents == 0 for order in admin.shop.sales.orders)
    assert {row["status"] for row in rows} == {"ACTIVE", "EXPIRED", "SCHEDULED"}
    found = admin.data(DISCOUNTS, query="code:CLUB15")["discountNodes"]["nodes"]
    assert [node["discount"]["title"] for node in found] == ["CLUB15"]


def test_a_scheduled_discount_begins_when_its_day_comes(fresh_admin: Admin) -> None:
    fresh_admin.shop.advance(22)
    rows = [node["discount"] for node in fresh_admin.data(DISCOUNTS)["discountNodes"]["nodes"]]
    assert "SCHEDULED" not in {row["status"] for row in rows}


def test_stock_at_the_locations_adds_up_to_what_the_variants_say(admin: Admin) -> None:
    items = {item["sku"]: item for item in _all(admin, INVENTORY, "inventoryItems")}
    variants = admin.shop.catalogue.variants
    assert items.keys() == {variant.sku for variant in variants}
    places = set()
    for variant in variants:
        levels = items[variant.sku]["inventoryLevels"]["nodes"]
        rows = [{row["name"]: row["quantity"] for row in level["quantities"]} for level in levels]
        assert sum(row["available"] for row in rows) == variant.on_hand
        assert all(row["on_hand"] == row["available"] + row["committed"] for row in rows)
        places.add(tuple(level["location"]["name"] for level in levels))
    assert {len(names) for names in places} == {1, 2}
    ids = [level["id"] for item in items.values() for level in item["inventoryLevels"]["nodes"]]
    assert len(set(ids)) == len(ids)


def test_a_variants_inventory_item_is_the_one_of_the_list(admin: Admin) -> None:
    item = "inventoryItem { id sku tracked updatedAt unitCost { amount } }"
    nested = admin.data(f"{{ productVariants(first: 100) {{ nodes {{ {item} }} }} }}")["productVariants"]["nodes"]
    listed = admin.data(
        "{ inventoryItems(first: 100) { nodes { id sku tracked updatedAt unitCost { amount } } } }"
    )["inventoryItems"]["nodes"]
    assert [row["inventoryItem"] for row in nested] == listed
    again = admin.data("query ($id: ID!) { node(id: $id) { __typename id } }", id=listed[0]["id"])["node"]
    assert again == {"__typename": "InventoryItem", "id": listed[0]["id"]}


def test_an_item_changes_when_its_stock_moves(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    start = len(shop.sales.orders)
    since = local_midnight(shop.today)
    shop.advance(5)
    sold = {
        line.sku for order in shop.sales.orders[start:] if not order.test for line in order.lines if line.variant
    }
    found = _all(fresh_admin, INVENTORY, "inventoryItems", query=f"updated_at:>='{since.isoformat()}'")
    delivered = {variant.sku for index in shop.due for variant in shop.catalogue.made[index].variants}
    assert sold
    assert delivered
    assert {item["sku"] for item in found} == sold | delivered
    assert all(
        level["updatedAt"] == item["updatedAt"] for item in found for level in item["inventoryLevels"]["nodes"]
    )


def test_redirects_lead_from_old_paths_to_pages_that_exist(admin: Admin) -> None:
    rows = admin.data("{ urlRedirects(first: 50) { nodes { id path target } } }")["urlRedirects"]["nodes"]
    paths = {page.path for page in admin.shop.catalogue.landing_resources}
    assert len(rows) > 3
    assert all(row["target"] in paths and row["path"] not in paths for row in rows)


def test_metaobjects_have_the_fields_of_their_definition(admin: Admin) -> None:
    definitions = admin.data(
        """{ metaobjectDefinitions(first: 50) { nodes { type metaobjectsCount
             fieldDefinitions { key required type { name } } } } }"""
    )["metaobjectDefinitions"]["nodes"]
    assert len(definitions) >= 2
    document = """query ($type: String!) { metaobjects(first: 50, type: $type) {
        nodes { id type handle displayName fields { key type value } } } }"""
    for definition in definitions:
        entries = admin.data(document, type=definition["type"])["metaobjects"]["nodes"]
        assert len(entries) == definition["metaobjectsCount"] > 0
        wanted = [(field["key"], field["type"]["name"]) for field in definition["fieldDefinitions"]]
        required = {field["key"] for field in definition["fieldDefinitions"] if field["required"]}
        for entry in entries:
            assert entry["type"] == definition["type"]
            assert [(field["key"], field["type"]) for field in entry["fields"]] == wanted
            assert all(field["value"] for field in entry["fields"] if field["key"] in required)
            assert entry["displayName"] == entry["fields"][0]["value"]
    assert admin.data(document, type="unknown")["metaobjects"]["nodes"] == []


def test_an_order_was_paid_once_and_each_refund_paid_back(admin: Admin) -> None:
    orders = admin.data(
        """{ orders(first: 250) { nodes { id test cancelledAt cancelReason discountCodes
             totalPriceSet { shopMoney { amount } } totalDiscountsSet { shopMoney { amount } }
             refunds { totalRefundedSet { shopMoney { amount } } createdAt }
             transactions { id kind status gateway test processedAt createdAt
               amountSet { shopMoney { amount } } parentTransaction { id } } } } }"""
    )["orders"]["nodes"]
    assert any(order["refunds"] for order in orders)
    seen: set[str] = set()
    for order in orders:
        sale, *refunds = order["transactions"]
        assert (sale["kind"], sale["parentTransaction"], sale["test"]) == ("SALE", None, order["test"])
        assert sale["amountSet"] == order["totalPriceSet"]
        assert [(one["kind"], one["parentTransaction"], one["createdAt"]) for one in refunds] == [
            ("REFUND", {"id": sale["id"]}, refund["createdAt"]) for refund in order["refunds"]
        ]
        assert [one["amountSet"] for one in refunds] == [one["totalRefundedSet"] for one in order["refunds"]]
        assert bool(order["discountCodes"]) == (_cents(order["totalDiscountsSet"]) > 0)
        assert (order["cancelReason"] is None) == (order["cancelledAt"] is None)
        seen.update(one["id"] for one in order["transactions"])
    assert len(seen) == sum(len(order["transactions"]) for order in orders)


def test_everything_new_was_made_in_the_past_but_for_what_is_scheduled(admin: Admin) -> None:
    shop = admin.shop
    assert all(one.updated_at <= shop.now() for one in shop.checkouts.checkouts)
    assert all(node.created_at <= node.updated_at <= shop.now() for node in shop.discounts)
    assert all(event.created_at <= shop.now() for event in shop.events.kept(shop.now()))
    assert all(entry.updated_at <= shop.now() for one in shop.definitions for entry in one.entries)
    assert shop.now() - shop.checkouts.checkouts[0].created_at > timedelta(days=300)
