"""Whatever is sent to the API, by a browser's session or a program's token, it keeps to its OpenAPI document and
never fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from growth_pipelines.approvals.tokens import SCOPES, add_token
from growth_pipelines.store.tables import Action
from tests import loopback
from tests.console_shop import NOW, ConsoleShop, fill, serve
from tests.experiments_declared import begun, looked_at

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What changes something is asked most; reading has fewer ways to go wrong, least of all without parameters.
EXAMPLES = {"POST": 40, "GET": 15}
# Who asks is said below: made-up credentials would only be refused.
CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
OPERATIONS = {
    "askForPromotion",
    "askForStart",
    "decide",
    "decideExperiment",
    "decideInBulk",
    "declareExperiment",
    "exportActions",
    "getAction",
    "getActionOutcomes",
    "getApproval",
    "getCrossSell",
    "getExperiment",
    "getGrowthMetrics",
    "getOpsMetrics",
    "getReturns",
    "getSession",
    "getStatus",
    "liftSuppression",
    "listTasks",
    "markTaskDone",
    "listActions",
    "listApprovals",
    "listAuditEvents",
    "listBetaCandidates",
    "listExperiments",
    "listPastApprovals",
    "listPendingApprovals",
    "listSuppressions",
    "moveExperiment",
    "planExperiment",
}
# Parameters of these names mean the shop's own experiment, half of the time.
NAMED = ("key", "experiment")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleShop]:
    filled = fill(tmp_path_factory.mktemp("api") / "home")
    looked_at(filled.store, begun(filled.store, filled.settings, NOW), 3, NOW)
    with serve(filled) as running:
        yield running


@pytest.fixture(scope="module")
def callers(shop: ConsoleShop) -> dict[str, dict[str, str]]:
    """The headers of a signed-in browser's script, and of a program."""
    with loopback.client(shop.base_url) as http:
        http.post("/login", data={"token": shop.link().rsplit("token=", 1)[1]})
        csrf = http.get("/api/session").json()["csrf"]
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    token = add_token(shop.store, shop.settings, "contract", "maria", tuple(SCOPES), 1, NOW).token
    return {
        "session": {"cookie": cookie, "x-csrf-token": csrf},
        "token": {"authorization": f"Bearer {token}"},
    }


@pytest.mark.slow
@pytest.mark.parametrize("caller", ["session", "token"])
@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_no_request_makes_the_api_fail_or_break_its_word(
    shop: ConsoleShop, callers: dict[str, dict[str, str]], operation_id: str, caller: str
) -> None:
    document = f"{shop.base_url}/api/openapi.json"
    schema = schemathesis.openapi.from_url(document, config=CONFIG, headers=callers[caller])
    operation = schema.find_operation_by_id(operation_id)

    with shop.store.read() as session:
        refs = list(session.scalars(select(Action.ref)))
    seen: set[int] = set()

    @given(case=operation.as_strategy(), ref=st.sampled_from([None, *refs]))
    @settings(
        max_examples=EXAMPLES[operation.method.upper()] if operation.query or operation.path_parameters else 3,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def ask(case: schemathesis.Case, ref: str | None) -> None:
        if ref and "id_or_ref" in case.path_parameters:
            case.path_parameters["id_or_ref"] = ref
        for name in NAMED:
            if ref and name in case.path_parameters:
                case.path_parameters[name] = "free-shipping-bar"
        answer = case.call(headers=callers[caller])
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)
        assert answer.headers["x-trace-id"]
        assert answer.headers["x-generated-at"]

    ask()
    print(operation_id, caller, seen)
    assert 401 not in seen, "the requests were nobody's"


def test_every_operation_is_asked_and_says_who_may_and_how_it_fails(
    shop: ConsoleShop, callers: dict[str, dict[str, str]]
) -> None:
    document = f"{shop.base_url}/api/openapi.json"
    schema = schemathesis.openapi.from_url(document, config=CONFIG, headers=callers["token"])
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {one.definition.raw["operationId"] for one in operations} == OPERATIONS
    for one in operations:
        raw: dict[str, Any] = one.definition.raw
        (session,), (token,) = (way.items() for way in raw["security"])
        assert (session[0], token[0]) == ("session", "token")
        assert set(token[1]) <= SCOPES.keys()
        assert token[1] or raw["operationId"] == "getSession"
        assert {"400", "401", "403", "429", "500", "503"} <= raw["responses"].keys()
        assert raw["summary"]
        assert raw["description"]
    # Every scope opens something.
    assert {scope for one in operations for scope in one.definition.raw["security"][1]["token"]} == SCOPES.keys()
