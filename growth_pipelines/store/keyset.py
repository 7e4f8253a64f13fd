"""Pages by key: each page starts after the last row of the one before it, however deep, and skips or repeats
nothing when rows come and go in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, tuple_

# Columns, largest first; together they are unique.
Columns = Sequence[Any]


def descending(columns: Columns) -> list[ColumnElement[Any]]:
    """What to ORDER BY."""
    return [column.desc() for column in columns]


def beyond(columns: Columns, values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition of rows that come after the row with these values."""
    return tuple_(*columns) < tuple_(*values)
