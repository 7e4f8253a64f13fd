"""Whatever is sent to the API, it keeps to its OpenAPI document and never fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from growth_pipelines.store.tables import Action
from tests.console_shop import ConsoleShop, fill, serve

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = {
    "decide",
    "decideInBulk",
    "exportActions",
    "getAction",
    "getSession",
    "liftSuppression",
    "listActions",
    "listSuppressions",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleShop]:
    with serve(fill(tmp_path_factory.mktemp("api") / "home")) as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(shop: ConsoleShop) -> dict[str, str]:
    """The headers of a signed-in program."""
    import httpx

    with httpx.Client(base_url=shop.base_url, trust_env=False) as http:
        http.post("/login", data={"token": shop.link().rsplit("token=", 1)[1]})
        csrf = http.get("/api/session").json()["csrf"]
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        return {"cookie": cookie, "x-csrf-token": csrf}


@pytest.mark.slow
@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_no_request_makes_the_api_fail_or_break_its_word(
    shop: ConsoleShop, signed_in: dict[str, str], operation_id: str
) -> None:
    schema = schemathesis.openapi.from_url(f"{shop.base_url}/api/openapi.json", headers=signed_in)
    operation = schema.find_operation_by_id(operation_id)

    with shop.store.read() as session:
        refs = list(session.scalars(select(Action.ref)))
    seen: set[int] = set()

    @given(case=operation.as_strategy(), ref=st.sampled_from([None, *refs]))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def ask(case: schemathesis.Case, ref: str | None) -> None:
        if ref and "id_or_ref" in case.path_parameters:
            case.path_parameters["id_or_ref"] = ref
        answer = case.call(headers=signed_in)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
    print(operation_id, seen)
    assert 401 not in seen, "the requests were nobody's"


def test_every_operation_is_asked(shop: ConsoleShop, signed_in: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{shop.base_url}/api/openapi.json", headers=signed_in)
    operations = [result.ok() for result in schema.get_all_operations()]
    ours = ("/api/actions", "/api/approvals", "/api/session")
    assert {one.definition.raw["operationId"] for one in operations if one.path.startswith(ours)} == OPERATIONS
