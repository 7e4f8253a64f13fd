"""Whether two engines made the same mart: every row and every column of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt_project import manifest

if TYPE_CHECKING:
    import pyarrow as pa

RELATIVE = 1e-9


def keys_of_marts(settings: Settings) -> dict[str, list[str]]:
    """The columns of each mart's tested key, by the name of the mart."""
    nodes = manifest(settings)["nodes"]
    names = {uid: node["name"] for uid, node in nodes.items() if node["schema"] == "marts"}
    return {
        names[node["attached_node"]]: node["test_metadata"]["kwargs"]["columns"]
        for node in nodes.values()
        if node["resource_type"] == "test"
        and node["test_metadata"]["name"] == "key"
        and node["attached_node"] in names
    }


def read_mart(settings: Settings, name: str, key: list[str]) -> pa.Table:
    """A mart as Arrow, its rows in the order of its key."""
    with Warehouse.of(settings).read() as connection:
        table = connection.arrow(f"select * from marts.{name}")
    return table.sort_by([(column, "ascending") for column in key]).combine_chunks()


def differences(one: pa.Table, other: pa.Table) -> list[str]:
    """What is not the same, in words. Doubles may differ by a billionth of themselves, all else by nothing."""
    if one.column_names != other.column_names or len(one) != len(other):
        return [f"{len(one)} rows of {one.column_names}, {len(other)} of {other.column_names}"]
    found = []
    for name in one.column_names:
        left, right = one[name], other[name].cast(one.schema.field(name).type)
        rows = np.flatnonzero(~_same(left, right))
        if rows.size:
            first = int(rows[0])
            shown = f"{one.slice(first, 1).to_pylist()[0]}: {left[first]} ≠ {right[first]}"
            found.append(f"{name} in {rows.size} of {len(one)} rows, first in {shown}")
    return found


def _same(left: pa.ChunkedArray, right: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    import pyarrow as pa

    if pa.types.is_floating(left.type):
        pair = [column.to_numpy().astype(float) for column in (left, right)]
        return np.isclose(*pair, rtol=RELATIVE, atol=0, equal_nan=True)
    return np.array([a == b for a, b in zip(left.to_pylist(), right.to_pylist(), strict=True)], dtype=bool)
