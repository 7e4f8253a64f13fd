"""Pages by key: each page starts after the last row of the one before it, however deep, and skips or repeats
nothing when rows come and go in between.

A cursor is the key of a page's last row as an opaque text; it holds for one list only (``of``).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, literal, tuple_

from growth_pipelines.errors import GrowthError

# Columns, largest first; together they are unique.
Columns = Sequence[Any]
_LARGEST = 2**63 - 1


class BadCursor(GrowthError):
    """The cursor is none of ours, or of another list."""

    def __init__(self) -> None:
        super().__init__("The cursor is not one of this list.", "Start again without it, with the same filters.")


def descending(columns: Columns) -> list[ColumnElement[Any]]:
    """What to ORDER BY."""
    return [column.desc() for column in columns]


def beyond(columns: Columns, values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition of rows that come after the row with these values."""
    known = [literal(value, column.type) for column, value in zip(columns, values, strict=True)]
    return tuple_(*columns) < tuple_(*known)


def further(columns: Columns, values: Sequence[Any]) -> ColumnElement[bool]:
    """The same for columns in ascending order."""
    known = [literal(value, column.type) for column, value in zip(columns, values, strict=True)]
    return tuple_(*columns) > tuple_(*known)


def cursor_of(of: str, values: Sequence[float | int | str]) -> str:
    """The cursor after the row with these values, in the list named ``of``."""
    return base64.urlsafe_b64encode(json.dumps([of, *values]).encode()).decode().rstrip("=")


def values_of(cursor: str, of: str, types: Sequence[type]) -> list[Any]:
    """The values that a cursor stands for, each of its type. Raises BadCursor."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise BadCursor() from error
    if not isinstance(found, list) or len(found) != len(types) + 1 or found[0] != of:
        raise BadCursor()
    values = found[1:]
    if not all(_fits(value, kind) for value, kind in zip(values, types, strict=True)):
        raise BadCursor()
    return values


def _fits(value: Any, kind: type) -> bool:
    """Whether a database takes it: only finite numbers of 64 bits, only texts without control characters."""
    if kind is float:
        return isinstance(value, float) and math.isfinite(value)
    if kind is int:
        return type(value) is int and abs(value) <= _LARGEST
    return isinstance(value, str) and value.isprintable()
