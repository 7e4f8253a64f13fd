"""The real Admin schema, and documents parsed and validated against it once each."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from threading import Lock

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_client_schema,
    parse,
    validate,
)

API_VERSION = "2026-10"
_FILE = Path(__file__).parent.parent / "schema" / f"admin_{API_VERSION}.introspection.json.gz"


@cache
def admin_schema() -> GraphQLSchema:
    """Shopify's schema of the pinned version, built from its introspection (about half a second)."""
    document = json.loads(gzip.decompress(_FILE.read_bytes()))
    return build_client_schema(document.get("data", document), assume_valid=True)


class DocumentCache:
    """Parses and validates each distinct document once: a client sends the same few all day long."""

    def __init__(self, size: int = 512) -> None:
        self._known: dict[str, tuple[DocumentNode | None, list[GraphQLError]]] = {}
        self._size = size
        self._lock = Lock()

    def get(self, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
        """The parsed document (None when it cannot be parsed) and what the schema has against it."""
        known = self._known.get(text)
        if known is None:
            known = self._examine(text)
            with self._lock:
                if len(self._known) >= self._size:
                    self._known.clear()
                self._known[text] = known
        return known

    @staticmethod
    def _examine(text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
        try:
            document = parse(text)
        except GraphQLError as error:
            return None, [error]
        return document, validate(admin_schema(), document, max_errors=5)


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """The operation to run: the named one, or the only one."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name:
        operations = [node for node in operations if node.name and node.name.value == name]
    return operations[0] if len(operations) == 1 else None
