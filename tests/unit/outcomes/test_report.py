"""The return by recommender and month adds up what is known, and counts what is not."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.outcomes.report import Done, return_report


def done(recommender: str = "seo_ctr", month: str = "2026-11", **more: Any) -> Done:
    known = {"promised": 100.0, "outcome_class": "success", "revenue": (90.0, 40.0, 140.0, 0.0), "why_not": ""}
    return Done(recommender, month, **{**known, "hours_to_decide": 2.0, **more})


def test_what_is_not_known_is_neither_zero_nor_success() -> None:
    waits = done(outcome_class=None, revenue=None)
    never = done(outcome_class=None, revenue=None, why_not="It answers one shopper.")
    [line] = return_report([done(), done(), waits, never])
    assert (line.actions, line.measured, line.awaited, line.not_measurable) == (4, 2, 1, 1)
    assert line.realised is not None
    assert line.realised.effect == 180
    assert line.realised.high - line.realised.effect == pytest.approx(50 * 2**0.5)
    assert line.share_realised == pytest.approx(0.9)
    assert line.promised == 400
    assert line.reasons == {"It answers one shopper.": 1}
    assert line.classes == {"success": 2}


def test_lines_are_by_month_newest_first_and_recommender() -> None:
    lines = return_report(
        [done(month="2026-10"), done("cwv_repair"), done("seo_ctr"), done("cwv_repair", "2026-10")]
    )
    assert [(line.month, line.recommender) for line in lines] == [
        ("2026-11", "cwv_repair"),
        ("2026-11", "seo_ctr"),
        ("2026-10", "cwv_repair"),
        ("2026-10", "seo_ctr"),
    ]


def test_nothing_measured_is_said_to_be_not_known() -> None:
    [line] = return_report([done(revenue=None, outcome_class=None, hours_to_decide=None)])
    assert line.realised is None
    assert line.share_realised is None
    assert line.median_hours_to_decide is None
