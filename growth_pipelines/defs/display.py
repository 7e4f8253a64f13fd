"""How results look in the Dagster UI: small tables, one-line plots and text for the person who reads them.

Only presentation. Numbers that should become a curve over time go into the metadata as int or float instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster import MetadataValue, TableColumn, TableRecord, TableSchema

_BARS = "▁▂▃▄▅▆▇█"
_ROWS_SHOWN = 25


def sparkline(values: Iterable[float | None]) -> str:
    """A plot on one line, lowest value to highest; a gap where a value is missing."""
    series = [None if value is None or value != value else float(value) for value in values]
    known = [value for value in series if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    top = len(_BARS) - 1
    return "".join(" " if v is None else _BARS[round((v - low) / span * top) if span else 0] for v in series)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> MetadataValue:
    """The first rows as a table of the UI. Cells that it can't hold become text."""
    names = list(columns) if columns is not None else list(rows[0]) if rows else ["empty"]
    records = [TableRecord({name: _cell(row.get(name)) for name in names}) for row in rows[:_ROWS_SHOWN]]
    schema = TableSchema(columns=[TableColumn(name, type=_column_type(records, name)) for name in names])
    return MetadataValue.table(records=records, schema=schema)


def _cell(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | bool | int | float):
        return None if value != value else value
    return str(value)


def _column_type(records: Sequence[TableRecord], name: str) -> str:
    values = [record.data[name] for record in records if record.data[name] is not None]
    if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "float" if any(isinstance(value, float) for value in values) else "int"
    return "string"
