"""Every document that ingestion sends is valid in Shopify's real schema and uses nothing deprecated."""

from __future__ import annotations

import gzip
import json
import re
from functools import lru_cache
from importlib import resources
from typing import Any

import pytest
from graphql import NoDeprecatedCustomRule, build_client_schema, parse, specified_rules, validate

FOLDER = resources.files("growth_pipelines.ingestion.shopify").joinpath("documents")
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.name.endswith(".graphql"))
# Protected data of customers. The default address's country is all that is read of an address by default.
PERSONAL = (
    *("email", "phone", "defaultEmailAddress", "defaultPhoneNumber", "firstName", "lastName", "displayName"),
    *("address1", "city", "zip", "shippingAddress", "billingAddress", "note", "abandonedCheckoutUrl"),
)


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
def test_the_document_selects_personal_fields_only_where_a_variable_asks_for_them(name: str) -> None:
    for line in FOLDER.joinpath(name).read_text().splitlines():
        if set(line.split()) & set(PERSONAL) and line.strip() != "label: displayName":  # a metaobject's
            assert re.search(r"@include\(if: \$with(Email|Phone|Name|Address)\)", line), line
