"""Bulk operations: Shopify's rules for their queries, and results as JSON lines with ``__parentId``."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    OperationType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from growth_pipelines.sandbox.shopify.formats import timestamp
from growth_pipelines.sandbox.shopify.projection import ApiError, Projection, Selected
from growth_pipelines.sandbox.shopify.schema import operation_of

MAX_CONNECTIONS = 5
MAX_DEPTH = 2
MAX_RUNNING = 5
TYPE = "BulkOperation"


class BulkRecord(dict[str, Any]):
    """The state of an operation as the API shows it."""

    typename = TYPE

    @property
    def number(self) -> int:
        return int(self["id"].rsplit("/", 1)[1])


@dataclass(frozen=True)
class Fate:
    """What becomes of an operation: "" for success, or a kind of :meth:`BulkOperations.fail_next`."""

    kind: str = ""
    polls: int | None = None


@dataclass
class Stuck:
    """An operation that makes no progress, and what lets it end."""

    polls: int | None
    finish: Callable[[], None]

    def poll(self) -> bool:
        """Whether this poll is the one after the last that sees no progress."""
        if self.polls is None:
            return False
        self.polls -= 1
        return self.polls < 0


class BulkOperations:
    """All bulk operations of one shop. Each runs in a thread of its own; its result is kept as bytes."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._records: dict[str, BulkRecord] = {}
        self._results: dict[str, bytes] = {}
        self._fates: deque[Fate] = deque()
        self._stuck: dict[str, Stuck] = {}
        self.base_url = ""

    def fail_next(self, kind: str = "bulk_failure", polls: int | None = None) -> None:
        """What becomes of the next operation that starts:

        - ``bulk_failure``: it ends FAILED with only half of its lines, at ``partialDataUrl``;
        - ``bulk_stuck``: it makes no progress for ``polls`` polls, without polls until it is cancelled;
        - ``bulk_expired``: it is COMPLETED, but the address of its result has expired;
        - ``bulk_short``: its result lacks the last lines, though size and count tell the truth.
        """
        self._fates.append(Fate(kind, polls))

    def get(self, gid: str) -> BulkRecord | None:
        """The operation as a poll sees it."""
        record = self._records.get(gid)
        if record is None:
            return None
        stuck = self._stuck.get(gid)
        if stuck is not None and stuck.poll():
            self._stuck.pop(gid).finish()
        seen = BulkRecord(record)
        if record["status"] == "CANCELING":
            record.update(status="CANCELED", completedAt=timestamp(self._api.shop.now()))
        return seen

    def current(self) -> BulkRecord | None:
        newest = next(reversed(self._records), None)
        return None if newest is None else self.get(newest)

    def all(self) -> list[BulkRecord]:
        """Every operation there was, as a list shows them: looking at a list is no poll."""
        return [BulkRecord(record) for record in self._records.values()]

    def result(self, number: str) -> bytes | None:
        """The JSON lines of a finished operation."""
        return self._results.get(number)

    def start(self, text: str, context: Any) -> dict[str, Any]:
        """``bulkOperationRunQuery``: refuse what Shopify refuses, otherwise start."""
        running = sum(record["status"] in ("CREATED", "RUNNING") for record in self._records.values())
        if running >= MAX_RUNNING:
            return _refused("Too many bulk operations are running for this app and shop.", "LIMIT_REACHED")
        document, problems = self._api.documents.get(text)
        if document is None or problems:
            return _refused(f"Invalid bulk query: {problems[0].message}", "INVALID")
        operation = operation_of(document, None)
        if operation is None or operation.operation is not OperationType.QUERY:
            return _refused("Bulk queries must contain exactly one query operation.", "INVALID")
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        inner = self._api.context(bulk=True)
        projection = Projection(self._api.schema, self._api.find, fragments, {}, inner)
        try:
            root = projection.fields(self._api.schema.query_type, [operation.selection_set])
            stream = _stream(projection, root)
        except ApiError as error:
            return _refused(error.message, "INVALID")
        number = str(6_100_000_000_000 + len(self._records) + 1)
        record = BulkRecord(
            id=f"gid://shopify/BulkOperation/{number}",
            status="CREATED",
            errorCode=None,
            createdAt=timestamp(self._api.shop.now()),
            completedAt=None,
            objectCount="0",
            rootObjectCount="0",
            fileSize=None,
            url=None,
            partialDataUrl=None,
            query=text,
            type="QUERY",
        )
        self._records[record["id"]] = record
        created = BulkRecord(record)
        fate = self._fates.popleft() if self._fates else Fate()
        threading.Thread(target=self._work, args=(record, number, stream, fate), daemon=True).start()
        return {"bulkOperation": created, "userErrors": []}

    def cancel(self, gid: str) -> dict[str, Any]:
        record = self._records.get(gid)
        if record is None:
            return _refused("Bulk operation does not exist", "NOT_FOUND")
        if record["status"] in ("COMPLETED", "FAILED"):
            message = f"A bulk operation cannot be canceled when it is {record['status'].lower()}"
            return {"bulkOperation": record, "userErrors": [{"field": ["id"], "message": message}]}
        if record["status"] in ("CREATED", "RUNNING"):
            record["status"] = "CANCELING"
            self._stuck.pop(gid, None)
        return {"bulkOperation": BulkRecord(record), "userErrors": []}

    def _work(
        self, record: BulkRecord, number: str, stream: Callable[[], Iterator[tuple[bool, str]]], fate: Fate
    ) -> None:
        with self._api.shop.lock:  # a cancellation comes before or after, never in between
            if record["status"] != "CREATED":
                return
            record["status"] = "RUNNING"
            lines: list[str] = []
            roots = 0
            try:
                for is_root, line in stream():
                    lines.append(line)
                    roots += is_root
            except ApiError as error:
                denied = error.extensions.get("code") == "ACCESS_DENIED"
                record.update(status="FAILED", errorCode="ACCESS_DENIED" if denied else "INTERNAL_SERVER_ERROR")
                return
            if fate.kind == "bulk_stuck":
                record["objectCount"] = str(len(lines) // 2)
                self._stuck[record["id"]] = Stuck(fate.polls, lambda: self._finish(record, number, lines, roots))
                return
            self._finish(record, number, lines, roots, fate.kind)

    def _finish(self, record: BulkRecord, number: str, lines: list[str], roots: int, kind: str = "") -> None:
        size = sum(map(len, lines)) + len(lines)  # JSON is written in ASCII: a byte a character
        kept = {"bulk_failure": len(lines) // 2, "bulk_short": len(lines) - len(lines) // 10 - 1}
        served = lines[: max(0, kept.get(kind, len(lines)))]
        self._results[number] = "".join(line + "\n" for line in served).encode()
        signature = "expired" if kind == "bulk_expired" else "valid"
        url = f"{self.base_url}/_sandbox/bulk/{number}.jsonl?signature={signature}"
        if kind == "bulk_failure":
            partial = url if served else None
            record.update(status="FAILED", errorCode="INTERNAL_SERVER_ERROR", partialDataUrl=partial)
            return
        record.update(
            objectCount=str(len(lines)),
            rootObjectCount=str(roots),
            fileSize=str(size) if lines else None,
            url=url if lines else None,
            completedAt=timestamp(self._api.shop.now()),
            status="COMPLETED",
        )


def _refused(message: str, code: str) -> dict[str, Any]:
    return {"bulkOperation": None, "userErrors": [{"field": ["query"], "message": message, "code": code}]}


def _is_connection(selected: Selected) -> bool:
    return str(get_named_type(selected.return_type)).endswith("Connection")


def _node_fields(projection: Projection, selected: Selected) -> tuple[GraphQLObjectType, list[Selected]]:
    """The selection on a connection's nodes. Bulk queries go through edges; ``nodes`` is refused."""
    connection = get_named_type(selected.return_type)
    assert isinstance(connection, GraphQLObjectType)
    for part in projection.fields(connection, selected.selections):
        if part.name == "nodes":
            raise ApiError("Bulk queries cannot contain the 'nodes' field; use 'edges { node }'.")
        if part.name != "edges":
            continue
        edge = get_named_type(part.return_type)
        assert isinstance(edge, GraphQLObjectType)
        for inner in projection.fields(edge, part.selections):
            if inner.name == "node":
                node = get_named_type(inner.return_type)
                if not isinstance(node, GraphQLObjectType):
                    # Of each interface the sandbox has one type: every medium is an image.
                    concrete = "BasicEvent" if str(node) == "Event" else "MediaImage"
                    node = projection.schema.type_map[concrete]
                    assert isinstance(node, GraphQLObjectType)
                return node, projection.fields(node, inner.selections)
    raise ApiError("Bulk queries must select 'edges { node { … } }' in each connection.")


def _stream(projection: Projection, root: list[Selected]) -> Callable[[], Iterator[tuple[bool, str]]]:
    """Checks the rules and gives a function that yields (is a root object, JSON line)."""
    if len(root) != 1 or not _is_connection(root[0]):
        raise ApiError("Bulk queries must contain exactly one root field, and it must be a connection.")
    count = [0]
    emit = _emitter(projection, root[0], 0, count)
    if count[0] > MAX_CONNECTIONS:
        raise ApiError(f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections.")
    return lambda: emit(None, None)


Emit = Callable[[Any, str | None], Iterator[tuple[bool, str]]]


def _emitter(projection: Projection, selected: Selected, depth: int, count: list[int]) -> Emit:
    count[0] += 1
    if depth > MAX_DEPTH:
        raise ApiError(f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}.")
    _, fields = _node_fields(projection, selected)
    nested = [part for part in fields if _is_connection(part)]
    if nested and not any(part.name == "id" and part.key == "id" for part in fields):
        raise ApiError(
            "The parent 'node' field of a nested connection must select the 'id' field without an alias."
        )
    steps = [part for part in fields if not _is_connection(part)]
    for part in steps:
        _refuse_connection_in_list(projection, part, False)
    children = [_emitter(projection, part, depth + 1, count) for part in nested]
    context = projection.context

    def emit(parent: Any, parent_id: str | None) -> Iterator[tuple[bool, str]]:
        for record in selected.resolve(parent, selected.args, context).items:
            row: dict[str, Any] = {}
            for step in steps:
                value = step.resolve(record, step.args, context)
                row[step.key] = step.complete(value) if step.complete and value is not None else value
            if parent_id is not None:
                row["__parentId"] = parent_id
            yield parent_id is None, json.dumps(row, separators=(",", ":"))
            for child in children:
                yield from child(record, row["id"])

    return emit


def _refuse_connection_in_list(projection: Projection, selected: Selected, in_list: bool) -> None:
    """A connection inside a list field (orders.refunds.refundLineItems) cannot be read in bulk."""
    type_ = selected.return_type.of_type if is_non_null_type(selected.return_type) else selected.return_type
    in_list = in_list or is_list_type(type_)
    named = get_named_type(selected.return_type)
    if not isinstance(named, GraphQLObjectType):
        return
    for part in projection.fields(named, selected.selections):
        if _is_connection(part):
            raise ApiError(
                "Queries that contain a connection field within a list field are not currently supported."
                if in_list
                else "Bulk queries cannot contain a connection below a field that is not a connection."
            )
        _refuse_connection_in_list(projection, part, in_list)
