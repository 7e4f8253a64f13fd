"""Every GraphQL document of the executors is valid against the pinned version of Shopify's real schema."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, TypeInfo, TypeInfoVisitor, Visitor, build_client_schema, parse, validate, visit

import growth_pipelines

PACKAGE = Path(growth_pipelines.__file__).parent
DOCUMENTS = sorted((PACKAGE / "actions" / "executors" / "documents").glob("*.graphql"))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    [file] = (PACKAGE / "sandbox" / "schema").glob("admin_*.introspection.json.gz")
    introspection: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return build_client_schema(introspection.get("data", introspection))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_is_valid_and_uses_nothing_deprecated(document: Path, schema: GraphQLSchema) -> None:
    parsed = parse(document.read_text())
    assert validate(schema, parsed) == []
    info, deprecated = TypeInfo(schema), list[str]()

    class Deprecations(Visitor):
        def enter_field(self, node: Any, *_: Any) -> None:
            definition = info.get_field_def()
            if definition is not None and definition.deprecation_reason:
                deprecated.append(node.name.value)

        def enter_argument(self, node: Any, *_: Any) -> None:
            argument = info.get_argument()
            if argument is not None and argument.deprecation_reason:
                deprecated.append(node.name.value)

    visit(parsed, TypeInfoVisitor(info, Deprecations()))
    assert deprecated == []


def test_there_are_documents() -> None:
    assert len(DOCUMENTS) >= 10
