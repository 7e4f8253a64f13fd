"""Writing to the shop: the mutations, their user errors, and what a write does to demand from the day after."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from growth_pipelines.sandbox.records import Product
from growth_pipelines.sandbox.world import Shop

from .conftest import SMALL, Admin

PRODUCT = """mutation ($product: ProductUpdateInput!) {
  productUpdate(product: $product) {
    product { id seo { title description } updatedAt } userErrors { field message } } }"""
METAFIELDS = """mutation ($fields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $fields) {
    metafields { key value } userErrors { field message code elementIndex } } }"""
DELETE = """mutation ($fields: [MetafieldIdentifierInput!]!) {
  metafieldsDelete(metafields: $fields) { deletedMetafields { key } userErrors { message } } }"""
FILES = """mutation ($files: [FileUpdateInput!]!) {
  fileUpdate(files: $files) { files { id alt } userErrors { field message code } } }"""


def _clicks(admin: Admin, page: int, first_day: Any, days: int = 28) -> tuple[int, int]:
    """(clicks, impressions) of a page's non-brand searches."""
    clicks = impressions = 0
    for offset in range(days):
        rows = admin.shop.demand.day(first_day + timedelta(days=offset))
        own = (rows.page == page) & ~admin.shop.demand.brand[rows.query]
        clicks += int(rows.clicks[own].sum())
        impressions += int(rows.impressions[own].sum())
    return clicks, impressions


def test_a_write_is_read_back_and_recorded(fresh_admin: Admin) -> None:
    record = fresh_admin.shop.catalogue.products[3]
    before = record.seo.title
    answer = fresh_admin.data(PRODUCT, product={"id": record.gid, "seo": {"title": "A new title"}})[
        "productUpdate"
    ]
    assert answer["userErrors"] == []
    assert answer["product"]["seo"]["title"] == "A new title"
    (write,) = fresh_admin.shop.writes
    assert (write["operation"], write["field"], write["before"], write["after"]) == (
        "productUpdate",
        "seo.title",
        before,
        "A new title",
    )
    found = fresh_admin.data(
        "query ($q: String) { products(first: 5, query: $q) { nodes { id } } }",
        q=f"updated_at:>='{answer['product']['updatedAt']}'",
    )
    assert found["products"]["nodes"] == [{"id": record.gid}]


def test_writing_to_nothing_is_a_user_error(fresh_admin: Admin) -> None:
    answer = fresh_admin.data(PRODUCT, product={"id": "gid://shopify/Product/1", "seo": {"title": "x"}})
    assert answer["productUpdate"] == {
        "product": None,
        "userErrors": [{"field": ["id"], "message": "Product does not exist"}],
    }
    assert fresh_admin.shop.writes == []


def test_a_change_that_the_sandbox_cannot_make_is_refused(fresh_admin: Admin) -> None:
    product = fresh_admin.shop.catalogue.products[0]
    answer = fresh_admin(PRODUCT, product={"id": product.gid, "title": "Other"})
    assert answer["errors"][0]["message"] == "The sandbox shop does not change title."
    assert product.title != "Other"


def test_a_pages_search_title_is_a_metafield_that_can_be_set_and_deleted(fresh_admin: Admin) -> None:
    page = fresh_admin.shop.catalogue.pages[0]
    field = {"ownerId": page.gid, "namespace": "global", "key": "title_tag"}
    answer = fresh_admin.data(
        METAFIELDS, fields=[field | {"value": "Sizes in inches", "type": "single_line_text_field"}]
    )
    assert answer["metafieldsSet"]["metafields"] == [{"key": "title_tag", "value": "Sizes in inches"}]
    read = 'query ($id: ID!) { page(id: $id) { metafield(namespace: "global", key: "title_tag") { value } } }'
    assert fresh_admin.data(read, id=page.gid)["page"]["metafield"] == {"value": "Sizes in inches"}
    assert fresh_admin.data(DELETE, fields=[field])["metafieldsDelete"]["deletedMetafields"] == [
        {"key": "title_tag"}
    ]
    assert fresh_admin.data(read, id=page.gid)["page"]["metafield"] is None


def test_metafields_are_set_all_or_none(fresh_admin: Admin) -> None:
    page = fresh_admin.shop.catalogue.pages[0]
    good = {"ownerId": page.gid, "namespace": "global", "key": "description_tag", "value": "x"}
    bad = good | {"ownerId": "gid://shopify/Page/1"}
    answer = fresh_admin.data(METAFIELDS, fields=[good, bad])["metafieldsSet"]
    assert answer["metafields"] is None
    assert answer["userErrors"][0]["elementIndex"] == 1
    assert fresh_admin.shop.writes == []


def test_a_stale_compare_digest_overwrites_nothing(fresh_admin: Admin) -> None:
    page = fresh_admin.shop.catalogue.pages[1]
    page.seo.title = "Someone's work"
    field = {
        "ownerId": page.gid,
        "namespace": "global",
        "key": "title_tag",
        "value": "Mine",
        "compareDigest": "old",
    }
    answer = fresh_admin.data(METAFIELDS, fields=[field])["metafieldsSet"]
    assert answer["userErrors"][0]["code"] == "STALE_OBJECT"
    assert page.seo.title == "Someone's work"


def test_alt_text_is_written_and_too_long_a_text_refused(fresh_admin: Admin) -> None:
    picture = fresh_admin.shop.catalogue.products[0].pictures[0]
    answer = fresh_admin.data(FILES, files=[{"id": picture.gid, "alt": "A hose end"}])["fileUpdate"]
    assert answer == {"files": [{"id": picture.gid, "alt": "A hose end"}], "userErrors": []}
    refused = fresh_admin.data(FILES, files=[{"id": picture.gid, "alt": "x" * 513}])["fileUpdate"]
    assert refused["userErrors"][0]["code"] == "ALT_VALUE_LIMIT_EXCEEDED"
    assert picture.alt == "A hose end"


def test_mending_a_planted_snippet_lifts_its_clicks_from_the_day_after_and_rollback_takes_them_back(
    fresh_admin: Admin,
) -> None:
    shop = fresh_admin.shop
    planted = next(
        one for one in shop.plants.snippets if isinstance(shop.demand.pages[one.page], Product) and not one.since
    )
    record = shop.demand.pages[planted.page]
    assert isinstance(record, Product)
    start, original = shop.today, record.seo.title
    before = _clicks(fresh_admin, planted.page, start - timedelta(days=28))
    fresh_admin.data(PRODUCT, product={"id": record.gid, "seo": {"title": f"{record.title} in stock"}})
    shop.advance(30)
    assert _clicks(fresh_admin, planted.page, start - timedelta(days=28)) == before, "the past is never rewritten"
    after = _clicks(fresh_admin, planted.page, start + timedelta(days=1))
    lift = (after[0] / after[1]) / (before[0] / before[1])
    assert 0.75 < lift / (planted.multiplier_if_fixed / planted.multiplier) < 1.3
    fresh_admin.data(PRODUCT, product={"id": record.gid, "seo": {"title": original}})
    assert shop.demand.multipliers(shop.today + timedelta(days=1))[planted.page] == planted.multiplier


def test_a_harmful_title_costs_clicks(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    record = shop.catalogue.products[5]
    page = shop.demand.paths.index(record.path)
    usual = shop.demand.planned(shop.today)[page]
    fresh_admin.data(PRODUCT, product={"id": record.gid, "seo": {"title": "zzz"}})
    assert shop.demand.multipliers(shop.today)[page] == usual, "nothing changes on the day of the write"
    assert shop.demand.multipliers(shop.today + timedelta(days=1))[page] < 0.8 * usual


def test_advancing_adds_days_and_leaves_the_past_alone() -> None:
    shop = Shop(dataclasses.replace(SMALL, orders=1500))
    day = shop.today - timedelta(days=10)
    search, sessions = shop.demand.day(day).clicks.sum(), shop.traffic.sessions(day)
    numbers = [order.number for order in shop.sales.orders]
    updated = {order.gid: order.updated_at for order in shop.sales.orders}
    shop.advance(28)
    assert shop.demand.day(day).clicks.sum() == search
    assert shop.traffic.sessions(day) == sessions
    assert [order.number for order in shop.sales.orders[: len(numbers)]] == numbers
    assert len(shop.sales.orders) > len(numbers) + 10
    late = [order for order in shop.sales.orders[: len(numbers)] if order.updated_at > updated[order.gid]]
    assert late, "refunds and cancellations of old orders arrive late and move updatedAt"
    assert all(order.updated_at <= shop.now() for order in shop.sales.orders)
