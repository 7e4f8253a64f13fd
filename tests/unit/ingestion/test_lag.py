"""How far a stream is behind, and when that is too far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from growth_pipelines.ingestion.status import stream_status
from growth_pipelines.ingestion.streams import STREAMS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAIVE = datetime(2026, 11, 22, 12)
HOUR = timedelta(hours=1)


def shown(stream: str, covered: timedelta | None, succeeded: timedelta | None = None) -> dict[str, Any]:
    """The status of a stream that covers all up to ``covered`` ago and last succeeded ``succeeded`` ago."""
    row = {
        "stream": stream,
        "status": "loaded",
        "covered_to": None if covered is None else NAIVE - covered,
        "succeeded_at": None if succeeded is None else NAIVE - succeeded,
        "unknown_fields": None,
    }
    return stream_status(row, NOW)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_is_late_when_it_is_further_behind_than_its_objective(stream: str) -> None:
    objective = STREAMS[stream].objective
    on_time, late = shown(stream, objective), shown(stream, objective + timedelta(seconds=1))
    assert (on_time["late"], late["late"]) == (False, True)
    assert late["lag_seconds"] == late["objective_seconds"] + 1 == objective.total_seconds() + 1


def test_a_stream_that_was_never_read_has_no_lag_and_is_not_late() -> None:
    assert (shown("orders", None)["lag_seconds"], shown("orders", None)["late"]) == (None, False)


def test_lag_is_what_is_missing_and_not_when_a_run_last_succeeded() -> None:
    assert shown("orders", 30 * HOUR, HOUR)["lag_seconds"] == 30 * 3600


def test_what_is_asked_about_only_when_there_is_news_is_as_fresh_as_the_asking() -> None:
    weeks = timedelta(days=20)
    assert (shown("crux_history", weeks, HOUR)["lag_seconds"], shown("crux_history", weeks, HOUR)["late"]) == (
        3600,
        False,
    )
    assert shown("crux_history", weeks, weeks)["late"] is True


def test_a_window_that_ends_in_the_future_is_no_negative_lag() -> None:
    assert shown("orders", -5 * HOUR)["lag_seconds"] == 0


def test_an_import_has_neither_lag_nor_objective() -> None:
    row = shown("order_export", 900 * HOUR)
    assert (row["lag_seconds"], row["objective_seconds"], row["late"]) == (None, None, False)


def test_unknown_fields_are_told_by_name() -> None:
    row = {
        "stream": "orders",
        "status": "loaded",
        "covered_to": None,
        "succeeded_at": None,
        "unknown_fields": '{"gift":3}',
    }
    assert stream_status(row, NOW)["unknown_fields"] == {"gift": 3}
