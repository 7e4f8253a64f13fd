"""What is said of a read: its window, and whether it reaches far enough."""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg
import pytest

from growth_pipelines.defs.assets.raw import arrival, stream_metadata
from growth_pipelines.ingestion.results import StreamResult

CHECK = dg.AssetCheckKey(dg.AssetKey(["raw", "orders"]), "arrived_in_time")
TODAY = date(2026, 11, 22)


def _arrival(end: datetime | None, source: str = "shopify") -> dg.AssetCheckResult:
    return arrival(CHECK, source, StreamResult("orders", window_end=end), TODAY, "America/Denver")


def test_an_evening_in_the_shop_is_not_tomorrow() -> None:
    result = _arrival(datetime(2026, 11, 23, 2, 15))
    assert result.description == "The newest day is 2026-11-22."
    assert result.metadata["days_late"].value == 0


@pytest.mark.parametrize(("end", "passed"), [(datetime(2026, 11, 18), True), (datetime(2026, 11, 17), False)])
def test_a_source_may_be_as_late_as_it_documents(end: datetime, passed: bool) -> None:
    result = _arrival(end, "search_console")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN


def test_a_source_without_a_window_is_as_it_is_now() -> None:
    assert _arrival(None).passed
    assert stream_metadata(StreamResult("shop", rows={"shops": 1}), "shops", "UTC")["window"] == "as it is now"
