"""What a change is worth: worked figures, and intervals that hold the estimate."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from growth_pipelines.actions.scoring import score
from growth_pipelines.recommenders.money import extra_clicks, money, span, worth
from growth_pipelines.recommenders.vitals_worth import extra_sessions, multiplier


def _extra_clicks(impressions: float, ctr: float, target_ctr: float) -> float:
    return float(extra_clicks(*(pd.Series([value]) for value in (impressions, ctr, target_ctr)))[0])


def test_a_ctr_gap_of_two_points_on_a_thousand_impressions_is_worth_20_clicks_and_scores_32() -> None:
    clicks = _extra_clicks(impressions=1000, ctr=0.03, target_ctr=0.05)
    value = worth(clicks, 10, 30, conversion=0.02, order_value=100, orders_seen=50)
    assert value.visits == pytest.approx(20)
    assert value.revenue == pytest.approx(40)
    assert score(value.revenue, confidence=0.8, ease=1.0).value == pytest.approx(32)


def test_a_page_above_its_target_has_nothing_to_win() -> None:
    assert _extra_clicks(1000, 0.06, 0.05) == 0


def test_a_poor_lcp_on_7000_sessions_is_worth_420_sessions() -> None:
    sessions = extra_sessions(7000, "lcp", "poor", "needs-improvement")
    assert sessions == pytest.approx(420)
    assert worth(sessions, 210, 630, 0.021, 186.45, 50).revenue == pytest.approx(1644.49, abs=0.005)


@pytest.mark.parametrize(
    ("metric", "now", "goal", "share"),
    [
        ("lcp", "needs-improvement", "good", 0.11),
        ("inp", "poor", "needs-improvement", 0.04),
        ("inp", "needs-improvement", "good", 0.09),
        ("cls", "poor", "needs-improvement", 0.03),
        ("cls", "needs-improvement", "good", 0.07),
        ("lcp", "poor", "good", 0.17),
        ("lcp", "good", "good", 0.0),
    ],
)
def test_each_band_wins_its_share_of_sessions(metric: str, now: str, goal: str, share: float) -> None:
    assert multiplier(metric, now, goal) == pytest.approx(share)


def test_few_orders_widen_the_revenue_interval() -> None:
    few, many = (worth(100, 80, 120, 0.02, 50, orders) for orders in (4, 400))
    assert few.revenue_low < many.revenue_low < many.revenue < many.revenue_high < few.revenue_high


def test_money_and_dates_are_written_for_people() -> None:
    assert money(1644.49, "USD") == "$1,640"
    assert money(38.4, "EUR") == "€38"
    assert money(1200, "CHF") == "CHF 1,200"
    assert span(date(2026, 10, 23), date(2026, 11, 19)) == "23 Oct – 19 Nov 2026"
    assert span(date(2025, 12, 20), date(2026, 1, 16)) == "20 Dec 2025 – 16 Jan 2026"
