"""Detectors survive anything: results are in range, deterministic, and the input is left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.monitoring import detect_changes, scan_pages
from growth_pipelines.monitoring.changes import KINDS

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), max_size=90)


@settings(max_examples=80, deadline=None)
@given(VALUES, st.sampled_from(KINDS), st.booleans())
def test_changes_are_in_range_and_in_order(values: list[float], kind: str, dated: bool) -> None:
    series = np.array(values)
    before = series.copy()
    dates = np.datetime64("2026-01-01") + np.arange(series.size) if dated else None
    found = detect_changes(series, dates, kind)  # type: ignore[arg-type]
    np.testing.assert_array_equal(series, before)
    assert [change.index for change in found] == sorted({change.index for change in found})
    for change in found:
        assert 0 < change.index < series.size
        assert 0 <= change.p_value <= 1
        assert change.direction in ("up", "down")
        assert change.low <= change.size <= change.high
    assert detect_changes(series, dates, kind) == found  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 90))
def test_scanning_any_small_site_gives_losses_only(seed: int, pages: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    size = pages * days
    frame = pd.DataFrame(
        {
            "page": np.repeat([f"/p{page}" for page in range(pages)], days),
            "date": np.tile(pd.date_range("2026-01-01", periods=days), pages),
            "impressions": rng.integers(0, 300, size),
            "position": np.where(rng.random(size) < 0.1, np.nan, rng.uniform(1, 50, size)),
        }
    )
    frame["clicks"] = rng.binomial(frame["impressions"], 0.1)
    found = scan_pages(frame)
    assert (found["size"] < 0).all()
    assert found["p_value"].between(0, 1).all()
