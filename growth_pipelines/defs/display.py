"""How results look in the Dagster UI: small tables, one-line plots and text for the person who reads them.

Only presentation. Numbers that should become a curve over time go into the metadata as int or float instead.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from dagster import MetadataValue, TableColumn, TableRecord, TableSchema

_BARS = "▁▂▃▄▅▆▇█"
ROWS_SHOWN = 25


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
    records = [TableRecord({name: _cell(row.get(name)) for name in names}) for row in rows[:ROWS_SHOWN]]
    schema = TableSchema(columns=[TableColumn(name, type=_column_type(records, name)) for name in names])
    return MetadataValue.table(records=records, schema=schema)


def chart(name: str, title: str, values: Sequence[Mapping[str, Any]]) -> MetadataValue:
    """The chart ``charts/NAME.json`` of ``values``, as a picture that the UI opens."""
    import vl_convert

    text = files("growth_pipelines.defs").joinpath(f"charts/{name}.json").read_text(encoding="utf-8")
    spec = json.loads(text) | {"title": title, "background": "white", "data": {"values": list(values)}}
    picture = base64.b64encode(vl_convert.vegalite_to_svg(spec).encode()).decode()
    return MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{picture})")


def days_in_words(first: date, last: date) -> str:
    """Both days included: "23 Oct – 19 Nov 2026"."""
    from growth_pipelines.recommenders.money import span

    return span(first, last)


def window_in_words(start: datetime, end: datetime, zone: str) -> str:
    """[start, end), naive UTC, for a reader: whole days as days, moments as time in ``zone``."""
    if end.time() == datetime.min.time():
        return days_in_words(start.date(), max(start.date(), (end - timedelta(days=1)).date()))
    return f"{_moment(start, zone)} – {_moment(end, zone)} ({zone})"


def _moment(instant: datetime, zone: str) -> str:
    from growth_pipelines.recommenders.money import day

    if instant.time() == datetime.min.time():
        return day(instant.date())
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return f"{day(local.date())}, {local:%H:%M}"


def some_of(texts: Sequence[str], shown: int = 5) -> str:
    """The first texts, a line each in Markdown, and how many more there are."""
    more = len(texts) - shown
    return "  \n".join([*texts[:shown], *([f"and {more:,} more"] if more > 0 else [])])


def amount(value: float, currency: str) -> str:
    """Money in the shop's currency: "2,028 USD"."""
    return f"{value:,.0f} {currency}".strip()


def change_percent(share: float) -> float:
    """A relative change in per cent, as many digits as say something: -40.9."""
    return round(100 * float(share), 1)


def _cell(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | bool | int | float):
        return None if value != value else value
    return str(value)


def _column_type(records: Sequence[TableRecord], name: str) -> str:
    values = [record.data[name] for record in records if record.data[name] is not None]
    if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "float" if any(isinstance(value, float) for value in values) else "int"
    return "string"
