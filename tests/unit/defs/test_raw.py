"""What is said of a read: its window, and whether it reaches far enough."""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg
import pytest

from growth_pipelines.defs.assets.raw import stream_metadata
from growth_pipelines.defs.assets.raw_checks import arrival
from growth_pipelines.ingestion.results import StreamResult

ORDERS = dg.AssetKey(["raw", "orders"])
TODAY = date(2026, 11, 22)


def _arrival(end: datetime | None, delay_days: int = 0) -> dg.AssetCheckResult:
    return arrival(ORDERS, StreamResult("orders", window_end=end), TODAY, "America/Denver", delay_days=delay_days)


def test_an_evening_in_the_shop_is_not_tomorrow() -> None:
    result = _arrival(datetime(2026, 11, 23, 2, 15))
    assert result.description == "The newest day is 2026-11-22."
    assert result.metadata["days_late"].value == 0


@pytest.mark.parametrize(
    ("end", "delay_days", "passed"),
    [
        (datetime(2026, 11, 18), 3, True),
        (datetime(2026, 11, 17), 3, False),
        (datetime(2026, 11, 17), 4, True),
        (datetime(2026, 11, 21), 0, True),
        (datetime(2026, 11, 20), 0, False),
    ],
)
def test_a_source_may_be_as_late_as_its_data_are_by_nature(end: datetime, delay_days: int, passed: bool) -> None:
    result = _arrival(end, delay_days)
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN


def test_a_source_without_a_window_is_as_it_is_now() -> None:
    assert _arrival(None).passed
    assert stream_metadata(StreamResult("shop", rows={"shops": 1}), "shops", "UTC")["window"] == "as it is now"
