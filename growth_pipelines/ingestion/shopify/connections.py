"""Records page by page: a connection at the root of a document, and connections nested in its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.windows import Window

Node = dict[str, Any]
MAX_PAGE = 250


def updated_filter(window: Window) -> str:
    """The search filter of a window. The times must be quoted: Shopify cuts an unquoted one to midnight."""
    return time_filter("updated_at", window)


def time_filter(field: str, window: Window) -> str:
    text = f"{field}:>='{_stamp(window.start)}'"
    return text if window.open_end else f"{text} AND {field}:<'{_stamp(window.end)}'"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def nodes(
    client: ShopifyClient, document: str, root: str, *, first: int = MAX_PAGE, **variables: Any
) -> Iterator[list[Node]]:
    """The nodes of ``data.{root}``, a page at a time."""
    after: str | None = None
    while True:
        connection, following = _page(client, document, {**variables, "first": first, "after": after}, (root,))
        yield connection["nodes"]
        if following is None:
            return
        after = following


def nested(client: ShopifyClient, parent: Node, field: str, document: str) -> list[Node]:
    """All nodes of ``parent[field]``: those already there, then the rest by ``document`` (node(id) { field })."""
    connection = _checked(parent[field], field)
    found = list(connection["nodes"])
    after = _next(connection, None)
    while after is not None:
        asked = {"id": parent["id"], "first": MAX_PAGE, "after": after}
        connection, after = _page(client, document, asked, ("node", field))
        found += connection["nodes"]
    return found


def count(client: ShopifyClient, document: str, query: str | None = None, **variables: Any) -> int:
    """How many records the API has, exactly: ``document`` asks for one Count without a limit.

    Raises TransientError when the answer has no number.
    """
    asked = variables | ({"query": query} if query else {})

    def once() -> int:
        answer = client.execute(document, asked)
        counted = next(iter(answer.values()), None)
        number = counted.get("count") if isinstance(counted, dict) else None
        if not isinstance(number, int):
            raise TransientError(f"Shopify answered {document} without a number.", "Try again later.")
        return number

    return client.retried(once)


def _page(
    client: ShopifyClient, document: str, asked: dict[str, Any], path: tuple[str, ...]
) -> tuple[Node, str | None]:
    """One page and the cursor of the next. A page whose cursor stands still is asked for again."""

    def once() -> tuple[Node, str | None]:
        found: Any = client.execute(document, asked)
        if path[0] == "node" and found.get("node", found) is None:
            # Deleted meanwhile; the next run sees its parent without it.
            return {"nodes": []}, None
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        connection = _checked(found, ".".join(path))
        return connection, _next(connection, asked["after"])

    return client.retried(once)


def _checked(connection: Any, name: str) -> Node:
    """``connection``, when it has the shape of one: null is no empty page."""
    found = connection if isinstance(connection, dict) else {}
    records = found.get("nodes")
    whole = isinstance(records, list) and all(isinstance(record, dict) for record in records)
    if not whole or not isinstance(found.get("pageInfo"), dict):
        raise TransientError(f"Shopify answered {name} with null or a part of a page.", "Try again later.")
    return found


def _next(connection: Node, after: str | None) -> str | None:
    """The cursor of the next page, or None at the end. A cursor that stands still would loop for ever."""
    page = connection["pageInfo"]
    if not page["hasNextPage"]:
        return None
    cursor = page["endCursor"]
    if not cursor or cursor == after:
        raise TransientError("Shopify's pages do not advance: the same cursor came twice.", "Try again later.")
    return str(cursor)
