"""Small tables and one-line plots."""

from __future__ import annotations

from growth_pipelines.defs.display import sparkline, table


def test_a_sparkline_spans_lowest_to_highest_and_leaves_gaps() -> None:
    assert sparkline([0, 7, None, float("nan"), 3.5]) == "▁█  ▅"


def test_a_sparkline_of_equal_values_is_flat_and_of_none_is_empty() -> None:
    assert sparkline([4, 4]) == "▁▁"
    assert sparkline([None]) == ""


def test_cells_that_a_table_cannot_hold_become_text() -> None:
    shown = table([{"page": "/a", "size": 2.5, "what": {"x": 1}, "missing": float("nan")}])
    record = shown.records[0].data
    assert record == {"page": "/a", "size": 2.5, "what": "{'x': 1}", "missing": None}
    assert {column.name: column.type for column in shown.schema.columns}["size"] == "float"


def test_an_empty_table_is_a_table() -> None:
    assert table([]).records == []
