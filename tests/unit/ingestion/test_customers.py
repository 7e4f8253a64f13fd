"""Personal fields that no setting asks for are not even asked of the shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.streams.base import Asked, Job
from growth_pipelines.ingestion.streams.customers import CUSTOMERS
from growth_pipelines.settings import load_settings
from tests.unit.ingestion.test_shopify_client import Answer, Server, graphql_error

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIELDS = {"withEmail": "email", "withPhone": "phone", "withName": "name", "withAddress": "address"}


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.http.shutdown()


def job(server: Server, home: Path, fields: str) -> Job:
    environment = {
        "GROWTH_HOME": str(home),
        "GROWTH_SHOPIFY__BASE_URL": server.base_url,
        "GROWTH_SHOPIFY__ACCESS_TOKEN": "t",
        "GROWTH_PRIVACY__PERSONAL_FIELDS": fields,
    }
    settings, key = load_settings(environment), Pseudonyms(b"k" * 32)
    return Job(CUSTOMERS, settings, Shop("a.myshopify.com"), NOW, Asked(), None, Landing(home), key)


def answer(body: dict[str, Any]) -> Answer:
    if "customersCount" in body["query"]:
        return 200, {}, {"data": {"customersCount": {"count": 0}}}
    page = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    return 200, {}, {"data": {"customers": page}}


@pytest.mark.parametrize("fields", ["", "email", "phone", "name", "address", "email,name"])
def test_only_the_personal_fields_of_the_setting_are_asked_for(
    server: Server, tmp_path: Path, fields: str
) -> None:
    server.answers = [answer]
    list(CUSTOMERS.fetch(job(server, tmp_path, fields)))
    asked = server.asked[-1][2]["variables"]
    assert {kind for name, kind in FIELDS.items() if asked[name]} == set(filter(None, fields.split(",")))
    assert asked["withCountry"] is True


def test_an_app_that_may_not_read_addresses_reads_customers_without_country(
    server: Server, tmp_path: Path
) -> None:
    def refusing(body: dict[str, Any]) -> Answer:
        return graphql_error("ACCESS_DENIED") if body["variables"].get("withCountry") else answer(body)

    server.answers = [refusing]
    reading = job(server, tmp_path, "")
    (landed,) = CUSTOMERS.fetch(reading)
    assert landed.rows == 0
    assert "no country" in reading.meter.notes[0]
