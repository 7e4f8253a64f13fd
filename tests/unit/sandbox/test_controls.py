"""The sandbox's own controls and the bulk results, as requests without a socket."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.routes import Request, Response, Routes
from growth_pipelines.sandbox.world import Shop

from .conftest import SMALL

RUN = "mutation ($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"
POLL = "query ($id: ID!) { bulkOperation(id: $id) { status objectCount rootObjectCount url } }"


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    routes = Routes(Shop(SMALL), tmp_path / "truth.json")
    routes.write_truth()
    return routes


def _control(routes: Routes, name: str, body: dict[str, Any]) -> Response:
    return routes.answer(Request("POST", f"/_sandbox/{name}", {}, {}, json.dumps(body).encode()))


def _counts(routes: Routes) -> dict[str, Any]:
    assert routes.truth_file is not None
    counts: dict[str, Any] = json.loads(routes.truth_file.read_text())["counts"]
    return counts


def _ask(routes: Routes, document: str, **variables: Any) -> Any:
    body = json.dumps({"query": document, "variables": variables}).encode()
    headers = {"x-shopify-access-token": options.ACCESS_TOKEN}
    return json.loads(routes.answer(Request("POST", "/admin/api/2026-10/graphql.json", {}, headers, body)).body)[
        "data"
    ]


def test_delete_says_what_is_gone_and_rewrites_the_truth(routes: Routes) -> None:
    product = routes.shop.catalogue.products[0]
    gone = {product.gid, *(variant.gid for variant in product.variants)}
    answer = _control(routes, "delete", {"gid": product.gid})
    assert answer.status == 200
    assert set(json.loads(answer.body)["deleted"]) == gone
    assert _counts(routes)["products"] == 59
    assert _control(routes, "delete", {"gid": product.gid}).status == 400
    assert _control(routes, "delete", {}).status == 400


def test_touch_says_which_orders_and_rewrites_the_truth(routes: Routes) -> None:
    before = _counts(routes)
    answer = json.loads(_control(routes, "touch", {"orders": 3}).body)
    assert len(answer["touched"]) == 3
    assert _counts(routes)["refunds"] == before["refunds"] + 3
    assert _control(routes, "touch", {"orders": -1}).status == 400


def test_the_rest_of_a_bulk_result_can_be_asked_for(routes: Routes) -> None:
    query = """{ orders { edges { node { id transactions { id kind amountSet { shopMoney { amount } } }
      discountCodes lineItems { edges { node { id } } } } } } }"""
    gid = _ask(routes, RUN, q=query)["bulkOperationRunQuery"]["bulkOperation"]["id"]
    for _ in range(400):
        operation = _ask(routes, POLL, id=gid)["bulkOperation"]
        if operation["url"]:
            break
        time.sleep(0.01)
    path = operation["url"].split("?")[0]

    def get(**headers: str) -> Response:
        return routes.answer(Request("GET", path, {"signature": "valid"}, headers, b""))

    whole = get()
    assert isinstance(whole.body, bytes)
    assert (whole.status, len(whole.body.splitlines())) == (200, int(operation["objectCount"]))
    assert int(operation["rootObjectCount"]) == 400
    rest = get(range="bytes=1000-")
    assert (rest.status, rest.body) == (206, whole.body[1000:])
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(whole.body) - 1}/{len(whole.body)}"
    beyond = get(range=f"bytes={len(whole.body)}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole.body)}")
    refused = routes.answer(
        Request("GET", path, {"signature": "valid"}, {"range": "bytes=5-", "authorization": "x"}, b"")
    )
    assert refused.status == 400
    lines = [json.loads(line) for line in whole.body.splitlines()]
    orders = {order.gid: order for order in routes.shop.sales.orders}
    for line in lines:
        if "__parentId" not in line:
            order = orders[line["id"]]
            assert [one["kind"] for one in line["transactions"]] == ["SALE", *["REFUND"] * len(order.refunds)]
            assert line["discountCodes"] == ([order.discount_code] if order.discount_code else [])
