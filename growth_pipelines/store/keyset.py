"""Pages by key: each page starts after the last row of the one before it, however deep, and skips or repeats
nothing when rows come and go in between.

A cursor is the key of a page's last row as an opaque text; it holds for one list only (``of``).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import Session

from growth_pipelines.errors import GrowthError
from growth_pipelines.store.database import Store

Row = TypeVar("Row")

# Columns, largest first; together they are unique.
Columns = Sequence[Any]
Value = float | int | str | datetime
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


def page_of(
    session: Session,
    wanted: Select[*tuple[Any, ...]],
    columns: Columns,
    key: Callable[[Any], Sequence[Value]],
    of: str,
    limit: int,
    cursor: str | None,
) -> tuple[list[Any], str | None]:
    """The first ``limit`` rows of the list named ``of``, or those after ``cursor``, largest first by ``columns``.

    ``key`` are a row's values in them. With them the cursor of the rows that follow; None: there are none. Raises
    BadCursor.
    """
    wanted = wanted.order_by(*descending(columns)).limit(limit + 1)
    if cursor is not None:
        types = [column.type.python_type for column in columns]
        wanted = wanted.where(beyond(columns, values_of(cursor, of, types)))
    found = list(session.execute(wanted))
    following = cursor_of(of, key(found[limit - 1])) if len(found) > limit else None
    return found[:limit], following


def in_pages(store: Store, read: Callable[[Session, str | None], tuple[list[Row], str | None]]) -> Iterator[Row]:
    """Every row of a list. ``read`` gives a page and the next one's cursor; each page is a transaction of its own,
    so that a slow reader holds nothing open.
    """
    cursor: str | None = None
    while True:
        with store.read() as session:
            rows, cursor = read(session, cursor)
        yield from rows
        if cursor is None:
            return


def cursor_of(of: str, values: Sequence[Value]) -> str:
    """The cursor after the row with these values, in the list named ``of``."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in values]
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
    return [_value(value, kind) for value, kind in zip(found[1:], types, strict=True)]


def _value(value: Any, kind: type) -> Any:
    if kind is not datetime:
        if not _fits(value, kind):
            raise BadCursor()
        return value
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadCursor() from error
    raise BadCursor()


def _fits(value: Any, kind: type) -> bool:
    """Whether a database takes it: only finite numbers of 64 bits, only texts without control characters."""
    if kind is float:
        return isinstance(value, float) and math.isfinite(value)
    if kind is int:
        return type(value) is int and abs(value) <= _LARGEST
    return isinstance(value, str) and value.isprintable()
