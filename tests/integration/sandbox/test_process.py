"""The sandbox as its clients meet it: a process, real HTTP, credentials, limits, failures, a clock that moves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import loopback
from tests.conftest import SandboxShop

TODAY = "2026-11-22"
SMALL = ("--orders", "300", "--products", "60", "--months", "6", "--today", TODAY)
GRAPHQL = "/admin/api/2026-10/graphql.json"
SEARCH = "/webmasters/v3/sites/sc-domain%3Ahotrodparts.example/searchAnalytics/query"
TOKEN = {"X-Shopify-Access-Token": "shpat_sandbox"}
BEARER = {"Authorization": "Bearer sandbox-google"}


def _client(shop: SandboxShop) -> httpx.Client:
    return loopback.client(shop.base_url, timeout=30)


def _ask(shop: SandboxShop, document: str, variables: dict[str, Any] | None = None) -> httpx.Response:
    with _client(shop) as client:
        return client.post(GRAPHQL, json={"query": document, "variables": variables or {}}, headers=TOKEN)


def _fault(shop: SandboxShop, **fault: Any) -> None:
    with _client(shop) as client:
        client.post("/_sandbox/faults", json={"faults": [fault]}).raise_for_status()


@pytest.fixture(scope="module")
def shop(start_sandbox: Callable[..., SandboxShop]) -> SandboxShop:
    return start_sandbox(*SMALL)


def test_reading_everything_adds_up_to_the_truth(shop: SandboxShop) -> None:
    document = """query ($after: String) { orders(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
      nodes { id test cancelledAt totalRefundedSet { shopMoney { amount } }
        lineItems(first: 250) { nodes { quantity originalUnitPriceSet { shopMoney { amount } }
          discountAllocations { allocatedAmountSet { shopMoney { amount } } } } } } } }"""
    orders: list[dict[str, Any]] = []
    after = None
    while True:
        page = _ask(shop, document, {"after": after}).json()["data"]["orders"]
        orders += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    counted = [order for order in orders if not order["test"] and not order["cancelledAt"]]
    lines = [line for order in counted for line in order["lineItems"]["nodes"]]
    gross = sum(line["quantity"] * float(line["originalUnitPriceSet"]["shopMoney"]["amount"]) for line in lines)
    discounts = sum(
        float(part["allocatedAmountSet"]["shopMoney"]["amount"])
        for line in lines
        for part in line["discountAllocations"]
    )
    counts = shop.truth["counts"]
    assert len({order["id"] for order in orders}) == counts["orders"] == 300
    assert len(counted) == counts["orders_counted"]
    assert gross == pytest.approx(float(counts["gross"]))
    assert discounts == pytest.approx(float(counts["discounts"]))
    refunded = sum(float(order["totalRefundedSet"]["shopMoney"]["amount"]) for order in counted)
    assert refunded == pytest.approx(float(counts["refunded"]))


def test_an_expired_version_falls_forward_and_only_the_header_tells(shop: SandboxShop) -> None:
    with _client(shop) as client:
        for asked, served in (("2026-10", "2026-10"), ("2024-01", "2026-01")):
            response = client.post(
                f"/admin/api/{asked}/graphql.json", json={"query": "{ shop { id } }"}, headers=TOKEN
            )
            assert response.status_code == 200
            assert response.headers["X-Shopify-API-Version"] == served


def test_a_token_is_granted_for_client_credentials_and_can_expire(
    start_sandbox: Callable[..., SandboxShop],
) -> None:
    shop = start_sandbox(*SMALL)
    grant = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    with _client(shop) as client:
        refused = client.post("/admin/oauth/access_token", json=grant | {"client_secret": "wrong"})
        assert refused.status_code == 401
        for body in ({"json": grant}, {"data": grant}):
            answer = client.post("/admin/oauth/access_token", **body).json()  # type: ignore[arg-type]
            assert answer["expires_in"] == 86_399
        headers = {"X-Shopify-Access-Token": answer["access_token"]}
        assert client.post(GRAPHQL, json={"query": "{ shop { id } }"}, headers=headers).status_code == 200
        client.post("/_sandbox/expire_tokens", json={}).raise_for_status()
        assert client.post(GRAPHQL, json={"query": "{ shop { id } }"}, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", GRAPHQL, {"X-Shopify-Access-Token": "wrong"}, 401),
        ("POST", SEARCH, {"Authorization": "Bearer wrong"}, 401),
        ("POST", "/v1/records:queryRecord", {}, 403),
        ("GET", "/pagespeedonline/v5/runPagespeed?url=x", {}, 403),
        ("GET", "/nowhere", {}, 404),
    ],
)
def test_requests_without_the_right_credential_are_refused(
    method: str, path: str, headers: dict[str, str], status: int, shop: SandboxShop
) -> None:
    with _client(shop) as client:
        body = {"json": {"query": "{ shop { id } }"}} if method == "POST" else {}
        assert client.request(method, path, headers=headers, **body).status_code == status  # type: ignore[arg-type]


def test_search_console_answers_over_http(shop: SandboxShop) -> None:
    body = {"startDate": "2026-11-18", "endDate": "2026-11-19", "dimensions": ["date", "page"], "rowLimit": 5}
    with _client(shop) as client:
        rows = client.post(SEARCH, json=body, headers=BEARER).json()["rows"]
        assert (
            client.get("/webmasters/v3/sites", headers=BEARER)
            .json()["siteEntry"][0]["siteUrl"]
            .startswith("sc-domain:")
        )
    assert len(rows) == 5
    assert rows[0]["keys"][1].startswith("https://www.hotrodparts.example/")


def test_a_bulk_result_is_fetched_from_a_signed_url_without_the_token(shop: SandboxShop) -> None:
    run = "mutation ($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"
    gid = _ask(shop, run, {"q": "{ products { edges { node { id } } } }"}).json()["data"]["bulkOperationRunQuery"][
        "bulkOperation"
    ]["id"]
    deadline = time.monotonic() + 10
    url = None
    while url is None and time.monotonic() < deadline:
        url = _ask(
            shop, "query ($id: ID!) { node(id: $id) { ... on BulkOperation { url } } }", {"id": gid}
        ).json()["data"]["node"]["url"]
    assert url is not None
    assert httpx.get(url, headers=TOKEN, trust_env=False).status_code == 400
    assert httpx.get(url.split("?")[0], trust_env=False).status_code == 403
    assert len(httpx.get(url, trust_env=False).text.splitlines()) == 60


def test_planned_failures_strike_once_each_and_as_planned(
    start_sandbox: Callable[..., SandboxShop], tmp_path: Path
) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text(json.dumps([{"match": "graphql", "kind": "status", "status": 429, "retry_after": 2.0}]))
    shop = start_sandbox(*SMALL, "--faults", str(plan))
    question = "{ shop { name } }"
    first = _ask(shop, question)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "2.0")
    assert _ask(shop, question).status_code == 200
    _fault(shop, match="shop { name }", kind="throttle")
    assert _ask(shop, "{ shop { id } }").json()["data"], "only matching requests are hit"
    assert _ask(shop, question).json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    _fault(shop, match="shop", kind="broken_json", skip=1)
    assert _ask(shop, question).json()["data"]
    with pytest.raises(json.JSONDecodeError):
        _ask(shop, question).json()
    _fault(shop, match="shop", kind="graphql_error")
    assert "data" not in _ask(shop, question).json()
    for kind in ("drop", "truncate"):
        _fault(shop, match="shop", kind=kind)
        with pytest.raises(httpx.RemoteProtocolError):
            _ask(shop, question)
    _fault(shop, match="shop", kind="delay", seconds=0.3)
    started = time.monotonic()
    assert _ask(shop, question).status_code == 200
    assert time.monotonic() - started >= 0.3
    assert shop.state()["throttled"] == 1


def test_a_crash_after_a_write_leaves_the_write_done(start_sandbox: Callable[..., SandboxShop]) -> None:
    shop = start_sandbox(*SMALL)
    gid = next(row["gid"] for row in shop.truth["snippets"] if row["page_type"] == "product")
    _fault(shop, match="productUpdate", kind="crash_after_write")
    write = """mutation ($p: ProductUpdateInput!) {
      productUpdate(product: $p) { product { id } userErrors { message } } }"""
    with pytest.raises(httpx.RemoteProtocolError):
        _ask(shop, write, {"p": {"id": gid, "seo": {"title": "Written"}}})
    state = shop.state()
    assert [(row["gid"], row["after"]) for row in state["writes"]] == [(gid, "Written")]
    assert state["resources"][gid]["seo_title"] == "Written"


def test_a_person_can_edit_the_shop_between_two_reads(start_sandbox: Callable[..., SandboxShop]) -> None:
    shop = start_sandbox(*SMALL)
    gid = next(row["gid"] for row in shop.truth["snippets"] if row["page_type"] == "product")
    with _client(shop) as client:
        client.post(
            "/_sandbox/edit", json={"gid": gid, "field": "seo.title", "value": "By hand"}
        ).raise_for_status()
        unknown = client.post("/_sandbox/edit", json={"gid": gid, "field": "price", "value": "1"})
    assert unknown.status_code == 400
    read = _ask(shop, "query ($id: ID!) { product(id: $id) { seo { title } } }", {"id": gid}).json()
    assert read["data"]["product"]["seo"]["title"] == "By hand"
    assert shop.state()["writes"][0]["operation"] == "edit"


def test_the_clock_moves_on_request_and_the_truth_with_it(start_sandbox: Callable[..., SandboxShop]) -> None:
    shop = start_sandbox(*SMALL)
    before = shop.truth["counts"]["orders"]
    shop.advance(14)
    assert shop.state()["today"] == shop.truth["today"] == "2026-12-06"
    assert shop.truth["counts"]["orders"] > before
    with _client(shop) as client:
        assert client.post("/_sandbox/advance", json={"days": -1}).status_code == 400
    body = {"startDate": "2026-12-03", "endDate": "2026-12-03", "dimensions": ["date"]}
    with _client(shop) as client:
        assert client.post(SEARCH, json=body, headers=BEARER).json()["rows"][0]["impressions"] > 0


def test_the_real_limits_slow_a_hasty_client_down(start_sandbox: Callable[..., SandboxShop]) -> None:
    shop = start_sandbox(*SMALL, "--limits", "real")
    with _client(shop) as client:
        answers = [
            client.post("/v1/records:queryRecord?key=k", json={"origin": "https://www.hotrodparts.example"})
            for _ in range(151)
        ]
    assert [answer.status_code for answer in answers].count(429) == 1
    assert 0 < float(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"
    cost = _ask(shop, "{ shop { name } }").json()["extensions"]["cost"]
    assert cost["throttleStatus"]["maximumAvailable"] == 2000
    assert cost["throttleStatus"]["restoreRate"] == 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--without-scope", "read_minds"), "--without-scope read_minds"),
        (("--faults", "/nowhere/faults.json"), "/nowhere/faults.json"),
    ],
)
def test_wrong_options_are_one_clear_line(options: tuple[str, ...], message: str) -> None:
    command = [sys.executable, "-m", "growth_pipelines.sandbox", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_it_stops_cleanly_when_told(start_sandbox: Callable[..., SandboxShop]) -> None:
    shop = start_sandbox(*SMALL)
    shop.process.send_signal(signal.SIGTERM)
    assert shop.process.wait(timeout=10) == 0
