"""Standard definitions and lists of products behave as Shopify's; what is shown is bought more often."""

from __future__ import annotations

from datetime import date
from typing import Any

from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.recommended_products import COMPLEMENTARY, NAMESPACE, TYPE, products_text
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.pairs import conditionals, popular_pairs, rules
from growth_pipelines.sandbox.world import Shop

from .conftest import Admin


def _codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


def test_a_list_of_products_needs_the_definition_and_keeps_it(fresh_admin: Admin) -> None:
    one, other, *_ = fresh_admin.shop.catalogue.products
    identity = {"ownerId": one.gid, "namespace": NAMESPACE, "key": COMPLEMENTARY.key}

    def put(value: str, kind: str = TYPE) -> list[str]:
        metafields = [{**identity, "type": kind, "value": value}]
        return _codes(fresh_admin.data(document("set_metafields"), metafields=metafields)["metafieldsSet"])

    def enable(key: str = COMPLEMENTARY.key) -> list[str]:
        variables = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": key}
        answer = fresh_admin.data(document("enable_metafield_definition"), **variables)
        return _codes(answer["standardMetafieldDefinitionEnable"])

    def look() -> Any:
        return fresh_admin.data(
            document("recommended_products"), id=one.gid, namespace=NAMESPACE, key=COMPLEMENTARY.key
        )

    def drop(gid: str) -> list[str]:
        answer = fresh_admin.data(document("delete_metafield_definition"), id=gid)
        return _codes(answer["metafieldDefinitionDelete"])

    wanted = products_text([other.gid])
    assert look()["metafieldDefinition"] is None
    assert put(wanted) == ["APP_NOT_AUTHORIZED"]
    assert enable("unheard_of") == ["TEMPLATE_NOT_FOUND"]
    assert enable() == []
    assert enable() == ["TAKEN"]
    assert put(products_text(["gid://shopify/Product/1"])) == ["INVALID_VALUE"]
    assert put(wanted, "single_line_text_field") == ["INVALID_TYPE"]
    assert put(wanted) == []
    assert look()["product"]["metafield"]["value"] == wanted
    definition = look()["metafieldDefinition"]
    assert definition["metafieldsCount"] == 1
    assert drop(definition["id"]) == ["RESERVED_NAMESPACE_ORPHANED_METAFIELDS"]
    fresh_admin.data(document("delete_metafields"), metafields=[identity])
    assert drop(definition["id"]) == []
    assert drop(definition["id"]) == ["NOT_FOUND"]


def _share(shop: Shop, a: str, b: str, since: date) -> float:
    """The share of the orders with A since a day that hold B."""
    held = [
        {line.variant.product.gid for line in order.lines if line.variant}
        for order in shop.sales.orders
        if order.created_at.date() >= since
    ]
    with_a = [basket for basket in held if a in basket]
    return sum(b in basket for basket in with_a) / len(with_a)


def test_the_true_probability_is_that_of_the_orders_and_popular_pairs_have_none() -> None:
    shop = Shop(Options(today=date(2026, 11, 22), seed=7, orders=12_000, products=60))
    total = sum(product.popularity for product in shop.catalogue.made)
    shares = [product.popularity / total for product in shop.catalogue.made]
    for pair in shop.plants.affinities:
        a, b = shop.catalogue.made[pair.a].gid, shop.catalogue.made[pair.b].gid
        forth, back, _ = conditionals(pair, shares)
        assert abs(_share(shop, a, b, shop.first_day) - forth) < 0.06
        assert abs(_share(shop, b, a, shop.first_day) - back) < 0.06
    planted = {frozenset((row["gid"], row["companion"])) for row in rules(shop)}
    popular = popular_pairs(shop)
    assert popular
    assert all(frozenset((row["a"], row["b"])) not in planted for row in popular)


def test_what_a_page_shows_is_taken_more_often_from_then_on() -> None:
    options = Options(today=date(2026, 11, 22), seed=7, orders=12_000, products=60)
    sold = []
    for shown in (False, True):
        shop = Shop(options)
        pair = shop.plants.affinities[0]
        a, b = shop.catalogue.made[pair.a], shop.catalogue.made[pair.b]
        object.__setattr__(pair, "lift", 1.0)  # so large that a short while tells
        if shown:
            value = products_text([b.gid])
            shop.write("metafieldsSet", a, {f"metafield.{NAMESPACE}.{COMPLEMENTARY.key}": value})
        shop.advance(60)
        sold.append(_share(shop, a.gid, b.gid, options.today))
    assert sold[1] > 1.5 * sold[0]
