"""Conditions that rows are filtered by and never looked up by."""

from __future__ import annotations

from sqlalchemy import ColumnElement, case
from sqlalchemy.orm import InstrumentedAttribute


def unindexed(condition: ColumnElement[bool] | InstrumentedAttribute[bool]) -> ColumnElement[bool]:
    """The condition in a form that draws no planner away from the index that holds the order.

    PostgreSQL guesses that a case differs from a value in nearly every row, but equals one in one row of 200:
    with ``= 1`` it would read and sort all rows instead of stopping at the first few.
    """
    return case((condition, 1), else_=0) != 0
