"""What is said of a stream: how far it is behind in plain words, its days in their zone, and what keeps it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from growth_pipelines.ingestion.status import every_stream, lag_in_words, remarks, span_in_words, window_of_row
from growth_pipelines.ingestion.streams import STREAMS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def row(stream: str = "orders", **more: Any) -> dict[str, Any]:
    """A row of sql/status.sql of a stream that was read three hours ago."""
    return {
        "stream": stream,
        "status": "loaded",
        "covered_from": datetime(2024, 10, 23),
        "covered_to": datetime(2026, 11, 22, 9),
        "whole_at": None,
        "history_from": None,
        "history_reason": None,
        "succeeded_at": datetime(2026, 11, 22, 9),
        "unknown_fields": "{}",
        "throttled": 0,
        "retries": 0,
        "waited_seconds": 0.0,
        "notes": "",
        "failure": "",
        "last_error": None,
        "last_error_at": None,
        **more,
    }


def status(**more: Any) -> dict[str, Any]:
    given = row(**more)
    return next(known for known in every_stream([given], NOW) if known["stream"] == given["stream"])


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=20), "0 min"),
        (timedelta(minutes=40), "40 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=26), "26 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=4, hours=6), "4 d 6 h"),
    ],
)
def test_spans_are_said_as_exactly_as_it_matters(span: timedelta, words: str) -> None:
    assert span_in_words(span.total_seconds()) == words


def test_a_stream_is_late_when_it_misses_its_own_objective() -> None:
    assert lag_in_words(status()) == "3 h of 26 h"
    assert status()["state"] == "loaded"
    late = status(covered_to=datetime(2026, 11, 21, 9))
    assert (late["state"], lag_in_words(late)) == ("late", "27 h of 26 h")
    search = status(stream="search_page", covered_to=datetime(2026, 11, 20))
    assert (search["state"], lag_in_words(search)) == ("loaded", "60 h of 4 d 6 h")
    assert status(status="failed", covered_to=datetime(2026, 11, 1))["state"] == "failed"


def test_streams_that_were_never_read_are_listed_too() -> None:
    known = every_stream([row()], NOW)
    assert [one["stream"] for one in known] == list(STREAMS)
    assert {one["state"] for one in known if one["stream"] != "orders"} == {"never read"}


def test_imports_come_last() -> None:
    assert every_stream([row("order_export"), row()], NOW)[-1]["stream"] == "order_export"


def test_days_are_the_shop_s_and_search_console_s_say_that_they_are_pacific() -> None:
    evening = row(covered_to=datetime(2026, 11, 22, 2))
    assert window_of_row(evening, "America/Denver") == "2024-10-23 – 2026-11-21"
    search = row("search_page", covered_to=datetime(2026, 11, 20))
    assert window_of_row(search, "America/Denver") == "2024-10-23 – 2026-11-19 Pacific"
    assert window_of_row(row("pages", whole_at=datetime(2026, 11, 1)), "UTC") == "everything to 2026-11-22"


def test_a_short_history_is_said_once_with_its_reason() -> None:
    reason = "only the last 60 days of orders can be read"
    notes = f"no read_all_orders scope: {reason}; history starts on 2026-09-28; loaded 1 landing file(s)"
    said = remarks(status(history_from=date(2026, 9, 28), history_reason=reason, notes=notes), "Europe/Berlin")
    assert said == [f"history starts on 2026-09-28: {reason}", "loaded 1 landing file(s)"]


def test_the_last_error_is_told_with_its_time_also_after_it_is_over() -> None:
    error = {"last_error": "HTTP 500", "last_error_at": datetime(2026, 11, 20, 7, 30)}
    assert remarks(status(**error), "Europe/Berlin") == ["last failed on 2026-11-20 08:30 CET: HTTP 500"]
    assert remarks(status(status="failed", **error), "Europe/Berlin") == [
        "failed on 2026-11-20 08:30 CET: HTTP 500"
    ]


def test_pauses_are_told() -> None:
    said = remarks(status(throttled=3, retries=1, waited_seconds=12.4), "UTC")
    assert said == ["throttled 3 times, 1 calls tried again, 12 s waited"]
