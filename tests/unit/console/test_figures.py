"""Figures read the way an operator of a shop writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from growth_pipelines.console import figures

NOW = datetime(2026, 11, 22, 15, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1184.4, "USD", "$1,184"),
        (4.2, "USD", "$4.20"),
        (-61, "EUR", "−€61"),
        (5, "JPY", "¥5"),
        (250, "CHF", "CHF 250"),
        (0, "USD", "$0"),
        (-0.001, "USD", "$0.00"),
    ],
)
def test_money(amount: float, currency: str, shown: str):
    assert figures.money(amount, currency) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.041, "ratio", "4.1 %"),
        (0.0041, "ratio", "0.41 %"),
        (0.021, "orders per visit", "2.1 %"),
        (4180, "ms", "4.18 s"),
        (212, "ms", "212 ms"),
        (12130, "", "12,130"),
        (0.18, "", "0.18"),
        (-3.25, "", "−3.2"),
        (None, "", "–"),
    ],
)
def test_numbers_carry_their_unit(value: float | None, unit: str, shown: str):
    assert figures.number(value, unit) == shown


def test_a_window_names_its_year_once():
    assert figures.window(date(2026, 10, 23), date(2026, 11, 19)) == "23 Oct – 19 Nov 2026"
    assert figures.window(date(2025, 12, 25), date(2026, 1, 21)) == "25 Dec 2025 – 21 Jan 2026"


def test_times_are_the_shops():
    assert figures.moment(NOW, ZoneInfo("America/Denver")) == "22 Nov 2026, 08:04 MST"


def test_time_left_counts_whole_days_and_never_rounds_up_to_more_than_there_is():
    assert figures.time_left(NOW + timedelta(days=6, hours=23), NOW) == "6 days left"
    assert figures.time_left(NOW + timedelta(hours=5), NOW) == "5 h left"
    assert figures.time_left(NOW - timedelta(minutes=1), NOW) == "expired"


def test_intervals_of_a_page_share_one_axis_from_zero():
    small, large = figures.on_one_axis([(100, 200, 300), (0, 500, 1000)])
    assert small.high < large.middle < large.high == 98
    assert large.low == 2
    assert small.low < small.middle < small.high


def test_an_axis_reaches_below_zero_when_an_estimate_does():
    (only,) = figures.on_one_axis([(-50, 10, 60)])
    assert only.low == 2


def test_no_money_at_all_is_still_drawn():
    (only,) = figures.on_one_axis([(0, 0, 0)])
    assert only == figures.Range(2, 2, 2)


def test_a_half_per_cent_is_rounded_up():
    assert figures.percent(0.925) == "93 %"
    assert figures.percent(1) == "100 %"
    told = [figures.chance(one) for one in (1.0, 0.996, 0.99, 0.5, 0.01, 0.004)]
    assert told == ["over 99 %", "over 99 %", "99 %", "50 %", "1 %", "under 1 %"]
