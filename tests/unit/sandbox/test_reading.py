"""Reading the shop: search, paging, costs, scopes and analytics behave as Shopify's."""

from __future__ import annotations

import dataclasses

import pytest

from growth_pipelines.sandbox.shopify.cost import CostBucket

from .conftest import SMALL, Admin

ORDERS = "query ($q: String) { orders(first: 250, query: $q) { nodes { id updatedAt } pageInfo { hasNextPage } } }"


def test_a_quoted_time_filters_to_the_second(admin: Admin) -> None:
    at = admin.shop.sales.orders[200].updated_at
    wanted = {order.gid for order in admin.shop.sales.orders if order.updated_at >= at}
    found = admin.data(ORDERS, q=f"updated_at:>='{at.isoformat()}'")["orders"]["nodes"]
    assert len(wanted) < 250
    assert {node["id"] for node in found} == wanted


def test_an_unquoted_time_is_cut_to_its_day(admin: Admin) -> None:
    at = admin.shop.sales.orders[380].updated_at
    midnight = at.replace(hour=0, minute=0, second=0)
    found = admin.data(ORDERS, q=f"updated_at:>={at:%Y-%m-%dT%H:%M:%SZ}")["orders"]["nodes"]
    assert len(found) == sum(order.updated_at >= midnight for order in admin.shop.sales.orders)


def test_an_unknown_filter_is_ignored_with_a_warning(admin: Admin) -> None:
    answer = admin("{ productVariants(first: 250, query: \"created_at:>='2026-01-01'\") { nodes { id } } }")
    warning = answer["extensions"]["search"][0]
    assert warning["path"] == ["productVariants"]
    assert warning["warnings"][0] == {
        "field": "created_at",
        "message": "Invalid search field for this query.",
        "code": "invalid_field",
    }
    assert len(answer["data"]["productVariants"]["nodes"]) == min(250, len(admin.shop.catalogue.variants))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "you must provide one of first or last"),
        ("(first: 251)", "first must be between 1 and 250"),
        ('(first: 2, after: "no cursor")', "Invalid cursor for current pagination sort: no cursor."),
    ],
)
def test_wrong_page_arguments_are_refused(arguments: str, message: str, admin: Admin) -> None:
    answer = admin(f"{{ products{arguments} {{ nodes {{ id }} }} }}")
    assert answer["errors"][0]["message"] == message
    assert answer["data"] is None


def test_a_count_stops_at_its_limit(admin: Admin) -> None:
    data = admin.data(
        "{ all: ordersCount(limit: null) { count precision } some: ordersCount(limit: 10) { count precision } }"
    )
    assert data == {
        "all": {"count": 400, "precision": "EXACT"},
        "some": {"count": 10, "precision": "AT_LEAST"},
    }


def test_a_missing_scope_denies_the_field_only() -> None:
    admin = Admin(dataclasses.replace(SMALL, missing_scopes=("read_reports",)))
    answer = admin('{ shop { name } shopifyqlQuery(query: "FROM sessions") { parseErrors } }')
    assert answer["data"] == {"shop": {"name": "Hot Rod Parts"}, "shopifyqlQuery": None}
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    scopes = admin.data("{ currentAppInstallation { accessScopes { handle } } }")
    assert {"handle": "read_reports"} not in scopes["currentAppInstallation"]["accessScopes"]


def test_sessions_come_by_day_and_landing_page(admin: Admin) -> None:
    query = "FROM sessions SHOW sessions GROUP BY day, landing_page_path SINCE 2026-11-19 UNTIL 2026-11-30"
    table = admin.data(
        "query ($q: String!) { shopifyqlQuery(query: $q) { parseErrors tableData { columns { name } rows } } }",
        q=query,
    )
    rows = table["shopifyqlQuery"]["tableData"]["rows"]
    assert {row["day"] for row in rows} == {"2026-11-19", "2026-11-20", "2026-11-21"}
    assert all(int(row["sessions"]) > 0 and row["landing_page_path"].startswith("/") for row in rows)


def test_another_shopifyql_question_is_a_parse_error(admin: Admin) -> None:
    answer = admin.data(
        '{ shopifyqlQuery(query: "FROM sales SHOW total_sales") { tableData { rows } parseErrors } }'
    )
    assert answer["shopifyqlQuery"]["tableData"] is None
    assert answer["shopifyqlQuery"]["parseErrors"]


def test_the_real_limits_refuse_too_dear_queries_and_throttle_the_rest() -> None:
    admin = Admin(dataclasses.replace(SMALL, limits="real"))
    now = [0.0]
    admin.api.bucket = CostBucket(2000, 100, 1000, clock=lambda: now[0])
    dear = """{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { variant { product {
      variants(first: 250) { nodes { id } } } } } } } } }"""
    assert admin(dear)["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    page = "{ orders(first: 250) { nodes { lineItems(first: 50) { nodes { product { id } variant { id } } } } } }"
    answers = [admin(page) for _ in range(12)]
    throttled = [answer for answer in answers if "errors" in answer]
    assert throttled, "the bucket never ran dry"
    assert throttled[0]["errors"][0] == {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    cost = throttled[0]["extensions"]["cost"]
    assert cost["actualQueryCost"] is None
    now[0] += (cost["requestedQueryCost"] - cost["throttleStatus"]["currentlyAvailable"]) / 100
    assert "errors" not in admin(page), "after the wait that the cost block implies, the query passes"


def test_a_query_costs_its_objects_and_the_logarithm_of_its_pages(admin: Admin) -> None:
    product = admin.shop.catalogue.products[0].gid
    document = "query ($id: ID!) { product(id: $id) { variants(first: 250) { nodes { inventoryItem { id } } } } }"
    assert admin(document, id=product)["extensions"]["cost"]["requestedQueryCost"] == 25  # as a live shop reported
