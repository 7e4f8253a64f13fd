"""A small shop in this process: no server, no clock."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.shopify.api import AdminApi
from growth_pipelines.sandbox.world import Shop

TODAY = date(2026, 11, 22)
SMALL = Options(TODAY, orders=400, products=60, months=12)


class Admin:
    """The GraphQL endpoint without HTTP."""

    def __init__(self, options: Options) -> None:
        self.shop = Shop(options)
        self.api = AdminApi(self.shop, options)

    def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        return self.api.answer({"query": document, "variables": variables})

    def data(self, document: str, **variables: Any) -> Any:
        answer = self(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@pytest.fixture(scope="session")
def admin() -> Admin:
    """Shared: for tests that only read."""
    return Admin(SMALL)


@pytest.fixture
def fresh_admin() -> Admin:
    """Its own: for tests that write."""
    return Admin(SMALL)
