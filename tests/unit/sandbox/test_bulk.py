"""Bulk operations: Shopify's rules are enforced, and the lines are the same records as pages give."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .conftest import Admin

RUN = """mutation ($q: String!) {
  bulkOperationRunQuery(query: $q) { bulkOperation { id status } userErrors { field message code } } }"""
POLL = """query ($id: ID!) {
  bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount url partialDataUrl } }"""


def _finished(admin: Admin, gid: str) -> dict[str, Any]:
    for _ in range(400):
        operation: dict[str, Any] = admin.data(POLL, id=gid)["bulkOperation"]
        if operation["status"] not in ("CREATED", "RUNNING"):
            return operation
        time.sleep(0.01)
    raise AssertionError("the bulk operation never ended")


def _lines(admin: Admin, operation: dict[str, Any]) -> list[dict[str, Any]]:
    number = operation["url"].rsplit("/", 1)[1].split(".")[0]
    body = admin.api.bulk_operations.result(number)
    assert body is not None
    return [json.loads(line) for line in body.decode().splitlines()]


def test_a_bulk_result_holds_every_order_and_line_with_its_parent(admin: Admin) -> None:
    query = "{ orders { edges { node { id name lineItems { edges { node { id quantity } } } } } } }"
    started = admin.data(RUN, q=query)["bulkOperationRunQuery"]
    assert started["userErrors"] == []
    operation = _finished(admin, started["bulkOperation"]["id"])
    assert operation["status"] == "COMPLETED"
    lines = _lines(admin, operation)
    orders = admin.shop.sales.orders
    assert int(operation["rootObjectCount"]) == len(orders) == sum("__parentId" not in line for line in lines)
    assert int(operation["objectCount"]) == len(lines)
    children = {line["id"]: line["__parentId"] for line in lines if "__parentId" in line}
    assert children == {line.gid: order.gid for order in orders for line in order.lines}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ orders { nodes { id } } }", "cannot contain the 'nodes' field"),
        ("{ shop { name } }", "exactly one root field"),
        (
            "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
            "must select the 'id' field",
        ),
        (
            "{ orders { edges { node { id refunds { id refundLineItems { edges { node { quantity } } } } } } } }",
            "connection field within a list field",
        ),
        (
            "{ products { edges { node { id featuredMedia { id } variants { edges { node { id product { id "
            "media { edges { node { id } } } } } } } } } } }",
            "connection below a field that is not a connection",
        ),
        ("{ orders { edges { node { idd } } } }", "Cannot query field 'idd'"),
    ],
)
def test_what_shopify_refuses_in_bulk_is_refused(query: str, reason: str, admin: Admin) -> None:
    answer = admin.data(RUN, q=query)["bulkOperationRunQuery"]
    assert answer["bulkOperation"] is None
    assert reason in answer["userErrors"][0]["message"]


def test_an_empty_result_has_no_url(admin: Admin) -> None:
    query = "{ orders(query: \"created_at:>='2099-01-01'\") { edges { node { id } } } }"
    operation = _finished(admin, admin.data(RUN, q=query)["bulkOperationRunQuery"]["bulkOperation"]["id"])
    assert (operation["status"], operation["url"], operation["objectCount"]) == ("COMPLETED", None, "0")


def test_a_failed_operation_offers_only_partial_data(admin: Admin) -> None:
    admin.api.bulk_operations.fail_next()
    query = "{ products { edges { node { id } } } }"
    operation = _finished(admin, admin.data(RUN, q=query)["bulkOperationRunQuery"]["bulkOperation"]["id"])
    assert (operation["status"], operation["url"]) == ("FAILED", None)
    assert operation["partialDataUrl"]
