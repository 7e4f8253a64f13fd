"""Small tables, plots, and windows and money as a reader sees them."""

from __future__ import annotations

import base64
from datetime import date, datetime

from growth_pipelines.defs.display import amount, chart, sparkline, table, window_in_words
from growth_pipelines.defs.machine import freshness_label


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


def test_a_window_of_whole_days_ends_with_its_last_day() -> None:
    words = window_in_words(datetime(2026, 10, 23), datetime(2026, 11, 20), "America/Denver")
    assert words == "23 Oct – 19 Nov 2026"


def test_a_window_up_to_now_ends_with_the_time_where_the_shop_is() -> None:
    words = window_in_words(datetime(2024, 10, 24), datetime(2026, 11, 23, 2, 15, 14, 114560), "America/Denver")
    assert words == "24 Oct 2024 – 22 Nov 2026, 19:15 (America/Denver)"
    words = window_in_words(datetime(2026, 11, 23, 2, 5), datetime(2026, 11, 23, 2, 15), "America/Denver")
    assert words == "22 Nov 2026, 19:05 – 22 Nov 2026, 19:15 (America/Denver)"


def test_money_names_its_currency() -> None:
    assert amount(2028.19, "JPY") == "2,028 JPY"
    assert amount(2028.19, "") == "2,028"


def test_a_chart_is_a_picture_with_its_title_and_the_days_as_they_are_written() -> None:
    values = [{"day": f"2026-11-0{n}", "value": n, "good": 2, "poor": 4} for n in range(1, 6)]
    text = str(chart("vitals_trend", "LCP on phone", values).value)
    head, picture = text.rstrip(")").split("base64,")
    assert head == "![LCP on phone](data:image/svg+xml;"
    drawn = base64.b64decode(picture).decode()
    assert drawn.startswith("<svg")
    assert "p75 of real visitors" in drawn
    assert "1 Nov" in drawn


def test_the_age_of_data_says_where_a_short_history_starts() -> None:
    days = {"search": date(2026, 11, 19), "orders": date(2026, 11, 21)}
    notes = {"orders": "history starts on 2026-09-23: only the last 60 days of orders can be read"}
    assert freshness_label(days, {}) == "orders to 2026-11-21, search to 2026-11-19"
    assert freshness_label(days, notes) == (
        "orders to 2026-11-21 (history starts on 2026-09-23: only the last 60 days of orders can be read), "
        "search to 2026-11-19"
    )
