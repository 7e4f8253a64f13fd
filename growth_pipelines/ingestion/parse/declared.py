"""The parse of a stream whose table says itself where each column stands in a record: no .sql file is needed."""

from __future__ import annotations

from typing import Any

from growth_pipelines.warehouse.raw_tables import Column, RawTable

# What a value is read as; times come with a zone and are kept as UTC.
_READ_AS = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "money": "DECIMAL(18,4)",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "json": "JSON",
}


def landed_statement(table: RawTable) -> str:
    """Read the file at the variable ``path`` with the columns that ``table`` takes values from."""
    tree: dict[str, Any] = {}
    for column in table.columns:
        node = tree
        *outer, leaf = column.at.split(".")
        for name in outer:
            node = node.setdefault(name, {})
        node[leaf] = _READ_AS[column.type]
    columns = ", ".join(f"'{name}': '{_type(inner)}'" for name, inner in tree.items())
    return (
        "select row_number() over () as _line, * from read_json(getvariable('path'), "  # noqa: S608 - declared names
        f"format = 'newline_delimited', columns = {{{columns}}})"
    )


def table_statement(table: RawTable) -> str:
    """The rows of ``table`` out of the relation ``landed``."""
    columns = ", ".join(f"{_value(column)} as {column.name}" for column in table.columns)
    return f"select _line, {columns} from landed"  # noqa: S608 - declared names


def _type(inner: Any) -> str:
    if isinstance(inner, str):
        return inner
    return "STRUCT(" + ", ".join(f'"{name}" {_type(below)}' for name, below in inner.items()) + ")"


def _value(column: Column) -> str:
    path = ".".join(f'"{name}"' for name in column.at.split("."))
    if column.type == "timestamp":
        return f"timezone('UTC', {path})"
    return f"{path}::varchar" if column.type == "json" else path
