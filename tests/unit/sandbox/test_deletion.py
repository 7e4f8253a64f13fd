"""Deleting and refunding by hand: what is gone is gone everywhere, an event tells of it, and the truth follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from growth_pipelines.sandbox import truth
from growth_pipelines.sandbox.sales import local_midnight

from .conftest import SMALL, Admin

EVENTS = """query ($query: String, $after: String) {
  events(first: 3, after: $after, query: $query, sortKey: CREATED_AT) {
    nodes { ... on BasicEvent { id action createdAt subjectId subjectType } }
    pageInfo { hasNextPage endCursor } } }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
IDS = "query ($query: String) {{ {root}(first: 250, query: $query) {{ nodes {{ id }} }} }}"
COUNT = "{{ {root}Count(limit: null) {{ count }} }}"
LINES = """{ orders(first: 250) { nodes { updatedAt lineItems(first: 100) { nodes {
    title product { id } variant { id } } } } } }"""


def _events(admin: Admin, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = admin.data(EVENTS, query=query, after=after)["events"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _since(admin: Admin) -> str:
    return f"action:destroy AND created_at:>='{local_midnight(admin.shop.today).isoformat()}'"


def _first(admin: Admin, root: str) -> Any:
    shop = admin.shop
    return {
        "products": lambda: shop.catalogue.products[4],
        "collections": lambda: shop.catalogue.collections[1],
        "pages": lambda: shop.catalogue.pages[2],
        "articles": lambda: shop.catalogue.articles[2],
        "orders": lambda: shop.sales.orders[7],
        "customers": lambda: shop.sales.customers[3],
        "urlRedirects": lambda: shop.redirects[1],
        "discountNodes": lambda: shop.discounts[0],
    }[root]()


@pytest.mark.parametrize(
    ("root", "subject"),
    [
        ("products", "PRODUCT"),
        ("collections", "COLLECTION"),
        ("pages", "PAGE"),
        ("articles", "ARTICLE"),
        ("orders", "ORDER"),
        ("customers", "CUSTOMER"),
        ("urlRedirects", None),
        ("discountNodes", "DISCOUNT_NODE"),
    ],
)
def test_what_is_deleted_is_gone_everywhere_and_told_by_an_event(
    root: str, subject: str | None, fresh_admin: Admin
) -> None:
    record = _first(fresh_admin, root)
    document = IDS.format(root=root)
    before = {node["id"] for node in fresh_admin.data(document)[root]["nodes"]}
    assert fresh_admin.data(NODE, id=record.gid)["node"]["id"] == record.gid
    assert record.gid in fresh_admin.shop.delete(record.gid)
    assert fresh_admin.data(NODE, id=record.gid)["node"] is None
    after = {node["id"] for node in fresh_admin.data(document)[root]["nodes"]}
    if root != "orders" and root != "customers":
        assert after == before - {record.gid}
    assert record.gid not in after
    if root not in ("pages", "articles"):
        total = {"orders": 399, "customers": len(fresh_admin.shop.sales.customers)}.get(root, len(after))
        assert fresh_admin.data(COUNT.format(root=root))[f"{root}Count"]["count"] == total
    told = _events(fresh_admin, f"{_since(fresh_admin)} AND subject_type:{subject or 'UNKNOWN'}")
    assert [event["subjectId"] for event in told] == ([record.gid] if subject else [])
    assert all(event["action"] == "destroy" and event["subjectType"] == subject for event in told)
    with pytest.raises(ValueError, match="there is no"):
        fresh_admin.shop.delete(record.gid)


def test_a_deleted_product_takes_its_variants_and_leaves_collections_and_order_lines(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    product = max(shop.catalogue.products, key=lambda one: one.popularity * bool(one.collections))
    variants = {variant.gid for variant in product.variants}
    collection = product.collections[0]
    checkouts = [
        one
        for one in shop.checkouts.checkouts
        if any(line.sku.startswith(product.variants[0].sku[:8]) for line in one.lines)
    ]
    lines = [line for order in shop.sales.orders for line in order.lines if line.variant in product.variants]
    moved = {order.gid: order.updated_at for order in shop.sales.orders}
    since = local_midnight(shop.today) + timedelta(seconds=1)
    assert lines
    shop.delete(product.gid)
    ids = {
        "productVariants": variants,
        "inventoryItems": {v.replace("ProductVariant", "InventoryItem") for v in variants},
    }
    for root, gone in ids.items():
        left = fresh_admin.data(IDS.format(root=root))[root]["nodes"]
        assert left
        assert not {node["id"] for node in left} & gone
    assert fresh_admin.data(NODE, id=min(variants))["node"] is None
    assert all(line.variant is None and line.title == product.title for line in lines)
    assert not any(line.variant in product.variants for one in checkouts for line in one.lines if line.variant)
    shown = [line for order in fresh_admin.data(LINES)["orders"]["nodes"] for line in order["lineItems"]["nodes"]]
    assert all(line["product"] is None for line in shown if line["title"] == product.title)
    assert {order.gid: order.updated_at for order in shop.sales.orders} == moved, "the orders did not change"
    changed = fresh_admin.data(IDS.format(root="collections"), query=f"updated_at:>='{since.isoformat()}'")
    assert {"id": collection.gid} in changed["collections"]["nodes"]
    assert product not in collection.products
    told = _events(fresh_admin, _since(fresh_admin))
    assert {event["subjectId"] for event in told} == {product.gid, *variants}
    assert {event["subjectType"] for event in told} == {"PRODUCT", "PRODUCT_VARIANT"}


def test_a_deleted_product_is_sold_no_more_and_the_others_are(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    product = max(shop.catalogue.products, key=lambda one: one.popularity)
    names = {order.name for order in shop.sales.orders}
    shop.delete(product.gid)
    shop.delete(shop.sales.orders[10].gid)
    start = len(shop.sales.orders)
    shop.advance(30)
    new = shop.sales.orders[start:]
    assert len(new) > 10
    assert product.title not in {line.title for order in new for line in order.lines}
    assert not names & {order.name for order in new}, "numbers are never given twice"
    gids = [order.gid for order in shop.sales.orders] + [one.gid for one in shop.sales.customers]
    assert len(set(gids)) == len(gids)


def test_orders_show_no_code_of_a_deleted_discount(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    shop.delete(next(node.gid for node in shop.discounts if node.discount.code == "BUILD10"))
    start, checkouts = len(shop.sales.orders), len(shop.checkouts.checkouts)
    shop.advance(60)
    assert {order.discount_code for order in shop.sales.orders[start:]} == {None, "CLUB15"}
    assert "BUILD10" not in {one.discount_code for one in shop.checkouts.checkouts[checkouts:]}


def test_the_truth_counts_what_is_left(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    before = truth.document(shop)
    order = next(order for order in shop.sales.orders if not order.test and not order.cancelled_at)
    planted = next(row["gid"] for row in before["snippets"] if row["page_type"] == "product")
    variants = len(shop.record(planted).variants)
    stockout = before["stockouts"][0]["gid"]
    shop.delete(order.gid)
    shop.delete(planted)
    after = truth.document(shop)
    assert after["counts"]["orders"] == before["counts"]["orders"] - 1
    assert after["counts"]["orders_counted"] == before["counts"]["orders_counted"] - 1
    assert after["counts"]["lines"] == before["counts"]["lines"] - len(order.lines)
    assert float(before["counts"]["gross"]) - float(after["counts"]["gross"]) == pytest.approx(
        order.gross_cents / 100
    )
    assert after["counts"]["products"] == before["counts"]["products"] - 1
    assert after["counts"]["variants"] == before["counts"]["variants"] - variants
    assert planted not in {row["gid"] for row in after["snippets"]}
    if stockout != planted:
        assert after["stockouts"][0]["gid"] == stockout, "the others keep their places"


def test_what_was_written_to_a_deleted_product_is_no_present_value(fresh_admin: Admin) -> None:
    product = fresh_admin.shop.catalogue.products[6]
    fresh_admin.shop.edit(product.gid, "seo.title", "By hand")
    fresh_admin.shop.delete(product.gid)
    assert fresh_admin.shop.written_resources() == {}
    assert len(fresh_admin.shop.writes) == 1


def test_events_are_kept_for_a_year(fresh_admin: Admin) -> None:
    page = fresh_admin.shop.catalogue.pages[0]
    fresh_admin.shop.delete(page.gid)
    fresh_admin.shop.advance(364)
    assert page.gid in {event["subjectId"] for event in _events(fresh_admin, "action:destroy")}
    fresh_admin.shop.advance(3)
    assert page.gid not in {event["subjectId"] for event in _events(fresh_admin, "action:destroy")}


def test_some_products_were_gone_before_anyone_read_the_shop(admin: Admin) -> None:
    old = _events(admin, "action:destroy AND subject_type:PRODUCT")
    assert old == sorted(old, key=lambda event: event["createdAt"])
    assert len(old) > 3
    assert not {event["subjectId"] for event in old} & {product.gid for product in admin.shop.catalogue.products}
    assert _events(admin, "action:create") == []


def test_subjects_can_be_asked_for_together(fresh_admin: Admin) -> None:
    page, article = fresh_admin.shop.catalogue.pages[0], fresh_admin.shop.catalogue.articles[0]
    for record in (page, article, fresh_admin.shop.sales.orders[0]):
        fresh_admin.shop.delete(record.gid)
    told = _events(fresh_admin, f"{_since(fresh_admin)} AND (subject_type:PAGE OR subject_type:ARTICLE)")
    assert [event["subjectId"] for event in told] == [page.gid, article.gid]


@pytest.mark.parametrize("kind", ["ProductVariant", "Blog"])
def test_other_types_are_not_deleted(kind: str, fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    record = {"ProductVariant": shop.catalogue.variants[0], "Blog": shop.catalogue.blog}[kind]
    with pytest.raises(ValueError, match="cannot be deleted here"):
        shop.delete(record.gid)
    assert shop.record(record.gid) is record


def test_touched_orders_are_refunded_now_and_found_by_their_time_of_change(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    before = truth.document(shop)["counts"]
    last = max(order.updated_at for order in shop.sales.orders)
    touched = shop.touch(12)
    document = """query ($query: String) { orders(first: 250, query: $query) { nodes { id updatedAt
        displayFinancialStatus totalRefundedSet { shopMoney { amount } }
        refunds { createdAt totalRefundedSet { shopMoney { amount } } }
        lineItems(first: 100) { nodes { quantity currentQuantity } } } } }"""
    since = (last + timedelta(seconds=1)).isoformat()
    found = fresh_admin.data(document, query=f"updated_at:>='{since}'")["orders"]["nodes"]
    assert sorted(order["id"] for order in found) == sorted(touched)
    assert len(set(touched)) == 12
    for order in found:
        assert order["refunds"][-1]["createdAt"] == order["updatedAt"]
        assert order["displayFinancialStatus"] in ("PARTIALLY_REFUNDED", "REFUNDED")
        assert any(line["currentQuantity"] < line["quantity"] for line in order["lineItems"]["nodes"])
    assert {order["displayFinancialStatus"] for order in found} == {"PARTIALLY_REFUNDED", "REFUNDED"}
    after = truth.document(shop)["counts"]
    assert after["refunds"] == before["refunds"] + 12
    assert float(after["refunded"]) > float(before["refunded"])
    assert after["orders"] == before["orders"]


def test_touching_is_the_same_in_the_same_shop_and_another_the_next_time() -> None:
    one, again = Admin(SMALL).shop, Admin(SMALL).shop
    assert one.touch(5) == again.touch(5)
    first = {order.gid: order.refunded_cents for order in one.sales.orders}
    assert first == {order.gid: order.refunded_cents for order in again.sales.orders}
    second = one.touch(5)
    assert second == again.touch(5)
    assert any(order.refunded_cents != first[order.gid] for order in one.sales.orders)


def test_touching_everything_never_refunds_more_than_was_paid(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    for _ in range(6):
        shop.touch(60)
    shop.advance(45)
    for order in shop.sales.orders:
        assert 0 <= order.refunded_cents <= order.total_cents
        assert all(0 <= line.current_quantity <= line.quantity for line in order.lines)
    with pytest.raises(ValueError, match="orders must be 1 to"):
        shop.touch(0)
    with pytest.raises(ValueError, match="orders must be 1 to"):
        shop.touch(10_000)
