"""Counts, scopes and what an app without them does not see."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest

from growth_pipelines.sandbox.options import SCOPES
from growth_pipelines.sandbox.sales import local_midnight

from .conftest import SMALL, TODAY, Admin

LEVELS = "inventoryItems(first: 1) { nodes { inventoryLevels(first: 2) { nodes { location { id } } } } }"
ROOTS = {
    "abandonedCheckouts(first: 1) { nodes { id } }": "read_orders",
    "abandonedCheckoutsCount { count }": "read_orders",
    "discountNodes(first: 1) { nodes { id } }": "read_discounts",
    "discountNodesCount { count }": "read_discounts",
    "inventoryItems(first: 1) { nodes { id } }": "read_inventory",
    "locations(first: 1) { nodes { id name } }": "read_locations",
    LEVELS: "read_locations",
    "urlRedirects(first: 1) { nodes { id } }": "read_online_store_navigation",
    "urlRedirectsCount { count }": "read_online_store_navigation",
    "metaobjectDefinitions(first: 1) { nodes { id } }": "read_metaobject_definitions",
    'metaobjects(first: 1, type: "thread_size") { nodes { id } }': "read_metaobjects",
    "collectionsCount { count }": "read_products",
    "productVariantsCount { count }": "read_products",
}
RUN = "mutation ($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"
POLL = "query ($id: ID!) { bulkOperation(id: $id) { status errorCode rootObjectCount } }"


def _without(*scopes: str) -> Admin:
    return Admin(dataclasses.replace(SMALL, missing_scopes=scopes))


def _bulk(admin: Admin, query: str) -> dict[str, Any]:
    gid = admin.data(RUN, q=query)["bulkOperationRunQuery"]["bulkOperation"]["id"]
    for _ in range(400):
        operation: dict[str, Any] = admin.data(POLL, id=gid)["bulkOperation"]
        if operation["status"] not in ("CREATED", "RUNNING"):
            return operation
        time.sleep(0.01)
    raise AssertionError("the bulk operation never ended")


@pytest.fixture(scope="module")
def scopeless() -> Admin:
    return _without(*SCOPES)


@pytest.fixture(scope="module")
def recent_only() -> Admin:
    return _without("read_all_orders")


@pytest.mark.parametrize("root", ROOTS)
def test_each_root_needs_its_scope(root: str, admin: Admin, scopeless: Admin) -> None:
    assert admin.data(f"{{ {root} }}")
    reader = _without("read_locations") if root == LEVELS else scopeless
    (error,) = reader(f"{{ {root} }}")["errors"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert f"`{ROOTS[root]}`" in error["message"]


def test_a_bulk_operation_without_its_scope_fails_as_denied() -> None:
    admin = _without("read_locations")
    levels = "inventoryLevels { edges { node { id location { id } } } }"
    operation = _bulk(admin, f"{{ inventoryItems {{ edges {{ node {{ id {levels} }} }} }} }}")
    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_inventory_in_bulk_has_every_item_and_level(admin: Admin) -> None:
    levels = 'inventoryLevels { edges { node { id quantities(names: ["available"]) { name quantity } } } }'
    operation = _bulk(admin, f"{{ inventoryItems {{ edges {{ node {{ id {levels} }} }} }} }}")
    assert operation["status"] == "COMPLETED"
    assert int(operation["rootObjectCount"]) == len(admin.shop.catalogue.variants)


def test_without_read_all_orders_only_sixty_days_are_seen(admin: Admin, recent_only: Admin) -> None:
    since = local_midnight(TODAY).timestamp() - 60 * 86_400
    recent = {order.gid for order in admin.shop.sales.orders if order.created_at.timestamp() >= since - 3600}
    page = "{ orders(first: 250) { nodes { id createdAt } } ordersCount(limit: null) { count } }"
    seen = recent_only.data(page)
    ids = {node["id"] for node in seen["orders"]["nodes"]}
    assert 0 < len(ids) < 250
    assert ids <= recent
    assert len(recent - ids) <= 1
    assert seen["ordersCount"]["count"] == len(ids)
    assert int(_bulk(recent_only, "{ orders { edges { node { id } } } }")["rootObjectCount"]) == len(ids)
    oldest = admin.shop.sales.orders[0].gid
    lookup = "query ($id: ID!) { order(id: $id) { id } node(id: $id) { id } }"
    assert recent_only.data(lookup, id=oldest) == {"order": None, "node": None}
    assert admin.data(lookup, id=oldest)["order"] == {"id": oldest}


def test_all_counts_are_those_of_the_lists(admin: Admin) -> None:
    shop = admin.shop
    wanted = {
        "orders": len(shop.sales.orders),
        "products": len(shop.catalogue.products),
        "productVariants": len(shop.catalogue.variants),
        "customers": len(shop.sales.customers),
        "collections": len(shop.catalogue.collections),
        "abandonedCheckouts": len(shop.checkouts.checkouts),
        "urlRedirects": len(shop.redirects),
        "discountNodes": len(shop.discounts),
    }
    for arguments, precision in (("(limit: null)", "EXACT"), ("", "EXACT")):
        fields = " ".join(f"{name}Count{arguments} {{ count precision }}" for name in wanted)
        assert admin.data(f"{{ {fields} }}") == {
            f"{name}Count": {"count": count, "precision": precision} for name, count in wanted.items()
        }


def test_a_count_without_a_limit_stops_at_ten_thousand() -> None:
    admin = Admin(dataclasses.replace(SMALL, orders=10_050))
    data = admin.data(
        "{ default: ordersCount { count precision } all: ordersCount(limit: null) { count precision } }"
    )
    assert data == {
        "default": {"count": 10_000, "precision": "AT_LEAST"},
        "all": {"count": 10_050, "precision": "EXACT"},
    }


def test_counts_can_be_searched_and_warn_of_unknown_names(admin: Admin) -> None:
    at = admin.shop.sales.orders[300].updated_at
    document = "query ($q: String) { ordersCount(query: $q, limit: null) { count } }"
    found = admin.data(document, q=f"updated_at:>='{at.isoformat()}'")["ordersCount"]["count"]
    assert found == sum(order.updated_at >= at for order in admin.shop.sales.orders)
    answer = admin(document, q="colour:red")
    assert answer["data"]["ordersCount"]["count"] == 400
    assert answer["extensions"]["search"][0]["warnings"][0]["field"] == "colour"
    answer = admin("{ customersCount(query: \"created_at:>='2026-09-01'\", limit: null) { count } }")
    assert "search" not in answer["extensions"], "unlike the list, the count knows created_at"
    assert 0 < answer["data"]["customersCount"]["count"] < len(admin.shop.sales.customers)


def test_events_can_be_read_in_bulk(admin: Admin) -> None:
    query = '{ events(query: "action:destroy") { edges { node { ... on BasicEvent { id subjectId } } } } }'
    operation = _bulk(admin, query)
    assert operation["status"] == "COMPLETED"
    assert int(operation["rootObjectCount"]) == len(admin.shop.events.kept(admin.shop.now())) > 0
