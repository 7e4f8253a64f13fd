"""Failures as they are planned and drawn: where each kind may strike, how often, and that seeds repeat them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from growth_pipelines.sandbox.faults import KINDS, FaultPlanError, Faults
from growth_pipelines.sandbox.google.errors import BAD_DAYS
from growth_pipelines.sandbox.strikes import STRIKES
from growth_pipelines.sandbox.target import Target

GRAPHQL = "/admin/api/2026-10/graphql.json"
PAGE = "query ($after: String, $query: String) { orders(first: 5, after: $after, query: $query) { %s } }"
ORDERS = PAGE % "nodes { id } pageInfo { hasNextPage endCursor }"
BULK = "mutation ($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } } }"
SESSIONS = "query ($query: String!) { shopifyqlQuery(query: $query) { parseErrors } }"
PLAIN = {
    *("status_429_seconds", "status_429_fraction", "status_429_date", "status_429_bare"),
    *("status_500", "status_502", "status_503"),
    *("drop", "truncate", "delay", "broken_json", "cut_json", "empty"),
}
GOOGLE = PLAIN | {"quota_exceeded", "user_rate_limit", "resource_exhausted", "backend_error"}
GRAPHQL_KINDS = PLAIN | {"throttle", "graphql_error"}
STATIC, GRANTED = "shpat_sandbox", "shpat_granted"


def _graphql(document: str, token: str = STATIC, **variables: Any) -> Target:
    body = json.dumps({"query": document, "variables": variables}).encode()
    return Target(GRAPHQL, {"x-shopify-access-token": token}, body, {GRANTED})


def _get(url: str, **headers: str) -> Target:
    return Target(url, headers, b"", {GRANTED})


@pytest.mark.parametrize(
    ("target", "kinds"),
    [
        (_graphql("{ shop { id } }"), GRAPHQL_KINDS),
        (_graphql("{ shop { id } }", GRANTED), GRAPHQL_KINDS | {"expired_token"}),
        (_graphql(ORDERS), GRAPHQL_KINDS),
        (_graphql(ORDERS, after="x"), GRAPHQL_KINDS | {"repeated_cursor"}),
        (_graphql(ORDERS, query="updated_at:>'2026-01-01'"), GRAPHQL_KINDS | {"ignored_filter"}),
        (_graphql(SESSIONS, query="FROM sessions"), GRAPHQL_KINDS),
        (
            _graphql(BULK, query="{ orders { edges { node { id } } } }"),
            GRAPHQL_KINDS | {"bulk_failure", "bulk_stuck", "bulk_expired", "bulk_short"},
        ),
        (_get("/admin/oauth/access_token"), PLAIN),
        (_get("/_sandbox/bulk/1.jsonl?signature=valid"), PLAIN),
        (_get("/webmasters/v3/sites"), GOOGLE | {"load_quota"}),
        (
            _get("/webmasters/v3/sites", authorization=f"Bearer {GRANTED}"),
            GOOGLE | {"load_quota", "expired_token"},
        ),
        (_get("/v1/records:queryRecord?key=k"), GOOGLE),
        (_get("/pagespeedonline/v5/runPagespeed?key=k"), GOOGLE | {"lighthouse_error"}),
        (_get("/_sandbox/state"), set()),
    ],
    ids=lambda value: value.url[:40] if isinstance(value, Target) else "",
)
def test_each_kind_strikes_only_where_it_fits(target: Target, kinds: set[str]) -> None:
    faults = Faults([], rate=1.0, seed=3)
    struck = Counter(fault.kind for _ in range(1_000) if (fault := faults.next(target)))
    assert set(struck) == kinds
    assert dict(faults.struck) == dict(struck)
    if kinds:  # drawn evenly
        assert min(struck.values()) > 0.5 * 1_000 / len(kinds)


def test_every_kind_has_an_answer() -> None:
    bulk = {kind for kind in KINDS if kind.startswith("bulk_")}
    assert STRIKES.keys() | BAD_DAYS.keys() | bulk == KINDS.keys()


def test_a_tenth_is_hit_and_the_same_seed_hits_the_same() -> None:
    def drawn(seed: int) -> list[Any]:
        faults = Faults([], rate=0.1, seed=seed)
        return [faults.next(_graphql(ORDERS, after="x")) for _ in range(3_000)]

    first = drawn(7)
    assert first == drawn(7)
    assert first != drawn(8)
    hit = [fault for fault in first if fault]
    assert 240 < len(hit) < 360
    assert all(fault.seconds <= 0.3 for fault in hit)


def test_planned_failures_come_first_and_random_ones_can_end() -> None:
    faults = Faults([{"kind": "crash_after_write", "times": 2}], rate=1.0)
    drawn = [faults.next(_get("/v1/records:queryRecord")) for _ in range(3)]
    assert [fault.kind == "crash_after_write" for fault in drawn if fault] == [True, True, False]
    faults.at_random(0.0)
    assert faults.next(_get("/v1/records:queryRecord")) is None


def test_a_planned_failure_waits_for_a_request_that_it_fits() -> None:
    faults = Faults([{"match": "orders", "kind": "repeated_cursor"}])
    assert faults.next(_graphql(ORDERS)) is None
    fault = faults.next(_graphql(ORDERS, after="x"))
    assert fault is not None
    assert fault.kind == "repeated_cursor"


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_is_a_probability(rate: float) -> None:
    with pytest.raises(FaultPlanError, match="between 0 and 1"):
        Faults([], rate=rate)


@pytest.mark.parametrize("plan", [[{"kind": "meteor"}], [{"match": "orders"}], [{"kind": "drop", "how": "hard"}]])
def test_a_plan_that_means_nothing_is_refused(plan: list[dict[str, Any]]) -> None:
    with pytest.raises(FaultPlanError, match=r"fault \{"):
        Faults(plan)


def test_the_command_line_sets_the_odds(start_sandbox: Callable[..., Any]) -> None:
    odds = ("--fault-rate", "1", "--fault-seed", "7")
    shop = start_sandbox("--orders", "60", "--products", "60", "--months", "3", *odds)
    for _ in range(5):
        try:
            httpx.get(f"{shop.base_url}/v1/records:queryRecord?key=k", trust_env=False)
        except httpx.TransportError:
            continue
    assert sum(shop.state()["faults"]["struck"].values()) == 5


def test_impossible_odds_are_one_clear_line() -> None:
    command = [sys.executable, "-m", "growth_pipelines.sandbox", "--fault-rate", "10"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "fault rate 10" in result.stderr
