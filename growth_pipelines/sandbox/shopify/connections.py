"""Cursor pagination over sorted records, with Shopify's argument rules and cursors."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from growth_pipelines.sandbox.shopify.projection import ApiError

MAX_PAGE = 250


@dataclass(frozen=True, slots=True)
class Slice:
    """What a connection returns: its records of this page, and whether there are more on either side."""

    items: Sequence[Any]
    has_next: bool
    has_previous: bool
    cursor_of: Callable[[Any], str]


def cursor(value: Any, number: int) -> str:
    """An opaque cursor: it survives inserts, since it names a place in the order and not an index."""
    text = json.dumps({"last_id": number, "last_value": value}, separators=(",", ":"), default=str)
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> tuple[str, int]:
    try:
        content = json.loads(base64.b64decode(text, validate=True))
        return str(content["last_value"]), int(content["last_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise ApiError(f"Invalid cursor for current pagination sort: {text}.", "BAD_REQUEST") from error


def size_of(args: Mapping[str, Any]) -> tuple[int, bool]:
    """The page size and whether it counts from the end. Raises as Shopify does on missing or too large sizes."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise ApiError("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise ApiError("providing both first and last is not supported", "BAD_REQUEST")
    size = first if first is not None else last
    assert size is not None
    if not 1 <= size <= MAX_PAGE:
        raise ApiError(
            f"{'first' if first is not None else 'last'} must be between 1 and {MAX_PAGE}", "BAD_REQUEST"
        )
    return size, first is None


def paginate(
    records: Sequence[Any],
    args: Mapping[str, Any],
    sort_value: Callable[[Any], Any],
    *,
    presorted: bool = False,
    everything: bool = False,
) -> Slice:
    """A page of ``records`` in the order of (``sort_value``, number); ``everything`` for bulk operations."""

    def place(record: Any) -> tuple[str, int]:
        value = sort_value(record)
        return (f"{value:020d}" if isinstance(value, int) else str(value), record.number)

    def cursor_of(record: Any) -> str:
        value, number = place(record)
        return cursor(value, number)

    ordered = records if presorted else sorted(records, key=place)
    if everything:
        return Slice(ordered, False, False, cursor_of)
    size, backwards = size_of(args)
    if args.get("reverse"):
        return _reversed(ordered, args, size, backwards, place, cursor_of)
    low, high = 0, len(ordered)
    if args.get("after"):
        low = bisect_right(ordered, _decode(args["after"]), key=place)
    if args.get("before"):
        high = bisect_left(ordered, _decode(args["before"]), key=place)
    start, stop = (max(low, high - size), high) if backwards else (low, min(low + size, high))
    return Slice(ordered[start:stop], stop < len(ordered), start > 0, cursor_of)


def _reversed(
    ordered: Sequence[Any],
    args: Mapping[str, Any],
    size: int,
    backwards: bool,
    place: Callable[[Any], tuple[str, int]],
    cursor_of: Callable[[Any], str],
) -> Slice:
    """Pages from the end of the order: ``after`` a cursor means before it in the ascending order."""
    low, high = 0, len(ordered)
    if args.get("after"):
        high = bisect_left(ordered, _decode(args["after"]), key=place)
    if args.get("before"):
        low = bisect_right(ordered, _decode(args["before"]), key=place)
    start, stop = (low, min(low + size, high)) if backwards else (max(low, high - size), high)
    return Slice(list(reversed(ordered[start:stop])), start > 0, stop < len(ordered), cursor_of)
