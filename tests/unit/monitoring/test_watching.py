"""The shop's metrics as a look judges them: what counts as worse, since when, why; and what is about to be."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.monitoring.breaches import (
    Arrival,
    ahead,
    arrivals,
    days_until_out,
    freshness_findings,
    stock_findings,
)
from growth_pipelines.monitoring.findings import merged
from growth_pipelines.monitoring.metrics import metrics, volume_of
from growth_pipelines.monitoring.watching import Watched, shop_frame, watch
from growth_pipelines.monitoring.wording import title_of
from growth_pipelines.recommenders.demand import Demand

TODAY = date(2026, 11, 20)
DAYS = 200


def shop(seed: int = 1, traffic: Any = 1.0, conversion: Any = 1.0, search: Any = 1.0) -> pd.DataFrame:
    """Days of a shop with a weekly pattern; the factors (a number or one a day) move a part of it."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(end=pd.Timestamp(TODAY) - timedelta(days=1), periods=DAYS, freq="D")
    week = 1 + 0.2 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    sessions = rng.poisson(4000 * week * traffic)
    orders = rng.poisson(sessions * 0.02 * conversion)
    impressions = rng.poisson(40_000 * week * search)
    return pd.DataFrame(
        {
            "date_day": days,
            "orders": orders,
            "net_sales": orders * rng.normal(80, 2, DAYS),
            "refunds": orders * 2.0,
            "sessions": sessions,
            "clicks": rng.binomial(impressions, 0.06),
            "impressions": impressions,
            "position": rng.normal(7, 0.05, DAYS),
        }
    )


def from_day(ago: int, factor: float, until: int = 0) -> np.ndarray:
    """1, and ``factor`` from so many days before the last one on (up to ``until`` days before it)."""
    day = np.arange(DAYS)
    return np.where((day >= DAYS - ago) & (day < DAYS - until), factor, 1.0)


def looked(frame: pd.DataFrame) -> dict[str, Watched]:
    return {one.metric.name: one for one in watch(shop_frame(frame), metrics(), TODAY)}


def test_a_quiet_shop_is_steady_at_nearly_every_look() -> None:
    states = [one.state for seed in range(6) for one in looked(shop(seed)).values()]
    assert states.count("steady") >= 0.95 * len(states)


def test_fewer_visits_are_found_dated_sized_and_named_as_the_cause_of_fewer_orders() -> None:
    since = TODAY - timedelta(days=30)
    found = looked(shop(traffic=from_day(30, 0.7)))
    for name in ("sessions", "orders", "net_sales"):
        finding = found[name].finding
        assert finding is not None, name
        assert abs((finding.since - since).days) <= 3
        assert finding.low is not None
        assert finding.high is not None
        assert finding.low < -0.3 < finding.high
    assert found["orders"].finding is not None
    assert found["orders"].finding.cause == "traffic"
    assert found["net_sales"].finding is not None
    assert found["net_sales"].finding.cause == "orders"
    assert found["conversion"].finding is None
    assert found["clicks"].finding is None


def test_fewer_buyers_are_not_fewer_visits_and_broken_counting_is_neither() -> None:
    orders = looked(shop(conversion=from_day(30, 0.7)))["orders"].finding
    assert orders is not None
    assert orders.cause == "conversion"
    broken = shop()
    broken["sessions"] = (broken["sessions"] * from_day(25, 0.5)).round()
    sessions = looked(broken)["sessions"].finding
    assert sessions is not None
    assert sessions.cause == "tracking"


def test_less_demand_in_search_is_named_and_click_rate_alone_opens_nothing() -> None:
    clicks = looked(shop(search=from_day(30, 0.7)))["clicks"].finding
    assert clicks is not None
    assert clicks.cause == "demand"
    mixed = shop()
    mixed["impressions"] = (mixed["impressions"] * from_day(30, 1.6)).round()
    found = looked(mixed)
    assert found["ctr"].state == "worse"
    assert found["ctr"].finding is None
    assert found["impressions"].state == "better"


def test_what_recovered_is_over_and_the_last_days_of_search_are_not_judged() -> None:
    assert looked(shop(traffic=from_day(60, 0.7, until=25)))["sessions"].finding is None
    late = shop()
    late.loc[late.index[-3:], ["clicks", "impressions"]] = 0
    found = looked(late)
    assert found["clicks"].state == "steady"
    assert found["clicks"].days[-1] == np.datetime64(TODAY) - 4


def test_without_data_and_with_too_few_days_it_is_said_so() -> None:
    frame = shop().assign(sessions=np.nan)
    frame.loc[frame.index[:-20], "clicks"] = np.nan
    found = looked(frame)
    assert (found["sessions"].state, found["sessions"].note) == ("unknown", "no data")
    assert "days so far" in found["clicks"].note
    assert ahead(found["sessions"]).note == "no data"
    assert watch(shop_frame(shop()[:0]), metrics(), TODAY)[0].state == "unknown"


def test_a_slow_decline_is_foreseen_below_the_floor_and_a_steady_metric_is_not() -> None:
    steady = ahead(looked(shop())["orders"])
    assert steady.finding is None
    assert (steady.low <= steady.mean).all()
    assert steady.mean.size == 28
    values = np.r_[np.full(DAYS - 90, 130.0), np.linspace(130, 62, 90)]
    days = np.datetime64(TODAY) - DAYS + np.arange(DAYS)
    metric = next(one for one in metrics() if one.name == "orders")
    sinking = Watched(metric, days, values + np.tile([0, 1, -1, 0.5], DAYS // 4), "steady", 70.0, None, None)
    finding = ahead(sinking).finding
    assert finding is not None
    assert finding.expected_on is not None
    assert finding.expected_on >= TODAY
    assert ahead(Watched(metric, days, values, "worse", 80.0, None, None)).finding is None


def test_stock_ends_when_demand_says_so_and_only_what_ends_before_a_delivery_is_told() -> None:
    demand = Demand(np.array([2.0, 2.0, 0.1]), np.array([0.1, 0.1, 0.05]), np.array([1.5, 1.5, 1.0]), np.ones(7))
    stock = np.array([20.0, 200.0, 20.0])
    days = days_until_out(demand, stock, 0, 28)
    # Simulated: the first day on which more than the stock was wanted, of negative binomial days.
    rng = np.random.default_rng(3)
    rate = rng.normal(2.0, 0.1, 4000).clip(0.1)
    wanted = rng.negative_binomial((rate / 0.5)[:, None], 1 / 1.5, (4000, 28)).cumsum(axis=1)
    out = (wanted > 20).argmax(axis=1) + 1
    assert np.abs(days[0] - np.quantile(out, [0.05, 0.5, 0.95])).max() <= 1
    assert (days[1:] == 29).all()
    items = pd.DataFrame(
        {
            "subject": ["hose", "pump", "cap"],
            "available": stock,
            "daily": demand.rate,
            "sale_days": 30,
            "is_counted": True,
        }
    )
    [found] = stock_findings(items, days, TODAY, 14, 3)
    assert found.subject == "hose"
    assert found.first <= (found.expected_on or TODAY) <= found.last
    assert stock_findings(items, days, TODAY, 5, 3) == []
    assert stock_findings(items.assign(available=0.0), days, TODAY, 14, 3) == []


@pytest.mark.parametrize(("hours", "told"), [(20, None), (34, "expected"), (48, "is"), (60, "is")])
def test_data_that_are_later_than_usual_are_told_to_become_too_old_and_to_be_so_once_they_are(
    hours: int, told: str | None
) -> None:
    last = datetime(2026, 11, 19, 6)
    rng = np.random.default_rng(5)
    times = [last - timedelta(hours=24 * n + float(rng.uniform(-1, 1)) * (n > 0)) for n in range(20)]
    [expected] = arrivals(pd.DataFrame({"stream": "orders", "finished_at": times}))
    assert abs((expected.middle - last) - timedelta(hours=24)) < timedelta(hours=1)
    deadline = {"orders": last + timedelta(hours=48)}
    found = freshness_findings([expected], deadline, last + timedelta(hours=hours))
    assert [("expected" if one.expected_on else "is") for one in found] == ([told] if told else [])
    if told == "is":
        assert (found[0].since, found[0].severity) == (date(2026, 11, 21), "high")
        [whole] = merged(found)
        assert title_of(whole) == "The data of orders have been too old since 21 Nov 2026"
    assert arrivals(pd.DataFrame({"stream": "orders", "finished_at": times[:5]})) == []


def test_days_of_late_data_are_the_shops_own() -> None:
    last = datetime(2026, 11, 19, 6)
    expected = Arrival("orders", last, *[last + timedelta(hours=hours) for hours in (23, 24, 25)])
    ends = {"orders": datetime(2026, 11, 20, 20)}
    [found] = freshness_findings([expected], ends, datetime(2026, 11, 20, 15), ZoneInfo("Australia/Sydney"))
    assert (found.since, found.expected_on) == (date(2026, 11, 21), date(2026, 11, 21))


def test_fewer_rows_of_a_stream_are_a_finding_of_the_stream() -> None:
    rng = np.random.default_rng(6)
    days = pd.date_range(end=pd.Timestamp(TODAY) - timedelta(days=1), periods=DAYS, freq="D")
    frame = pd.DataFrame({"sessions": rng.poisson(500 * from_day(12, 0.5)).astype(float)}, index=days)
    [found] = watch(frame, [volume_of("sessions")], TODAY)
    assert found.finding is not None
    assert (found.finding.level, found.finding.subject) == ("stream", "sessions")
