"""Every document that ingestion sends is valid in Shopify's real schema and uses nothing deprecated."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from importlib import resources
from typing import Any

import pytest
from graphql import NoDeprecatedCustomRule, build_client_schema, parse, specified_rules, validate

FOLDER = resources.files("growth_pipelines.ingestion.shopify").joinpath("documents")
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.name.endswith(".graphql"))
# A customer's address book is protected data; the default address's country is all that is read of it.
PERSONAL = ("email", "phone", "firstName", "lastName", "displayName", "address1", "shippingAddress", "note")


@lru_cache(maxsize=1)
def schema() -> Any:
    vendored = resources.files("growth_pipelines").joinpath("sandbox/schema/admin_2026-10.introspection.json.gz")
    document = json.loads(gzip.decompress(vendored.read_bytes()))
    return build_client_schema(document.get("data", document))


@pytest.mark.parametrize("name", NAMES)
def test_the_document_is_valid_and_uses_nothing_deprecated(name: str) -> None:
    text = FOLDER.joinpath(name).read_text()
    assert validate(schema(), parse(text), [*specified_rules, NoDeprecatedCustomRule]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_document_selects_no_personal_field(name: str) -> None:
    words = FOLDER.joinpath(name).read_text().split()
    assert not set(words) & set(PERSONAL)
