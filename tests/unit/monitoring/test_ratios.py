"""Ratios of few things: days are added up until they say something; quiet shops open no incident of refunds."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from growth_pipelines.monitoring.metrics import metrics
from growth_pipelines.monitoring.ratios import judged_ratio
from growth_pipelines.monitoring.watching import Watched, shop_frame, watch

REFUNDS = [one for one in metrics() if one.name == "refund_share"]
LOOKS = 12


def shop(seed: int, days: int, since: int, rise: float = 1.0) -> pd.DataFrame:
    """2 to 60 orders a day, of which 2 to 10 % are refunded 3 to 42 days later, known from day ``since`` on.

    Of the orders of the last hundred days ``rise`` times as many are.
    """
    rng = np.random.default_rng([seed, 8])
    orders = rng.poisson(np.exp(rng.uniform(np.log(2), np.log(60))), days)
    spread, share = rng.uniform(0.4, 1.0), rng.uniform(0.02, 0.1)
    sales = np.array([rng.lognormal(4, spread, many).sum() for many in orders])
    refunds = np.zeros(days + 42)
    for day, many in enumerate(orders):
        count = rng.binomial(many, min(1.0, share * (rise if day >= days - 100 else 1.0)))
        np.add.at(refunds, day + rng.integers(3, 43, count), rng.lognormal(4, spread, count))
    unknown = dict.fromkeys(("sessions", "clicks", "impressions", "position"), np.nan)
    calendar = pd.date_range("2025-01-01", periods=days)
    frame = pd.DataFrame({"date_day": calendar, "orders": orders, "net_sales": sales, "refunds": refunds[:days]})
    return frame.assign(**unknown).iloc[since:]


def looks(frame: pd.DataFrame) -> list[Watched]:
    """Weekly ones, the last as of the day after the last."""
    whole = shop_frame(frame)
    ends = [whole.index[-1] - timedelta(days=7 * ago) for ago in reversed(range(LOOKS))]
    return [watch(whole.loc[:end], REFUNDS, (end + timedelta(days=1)).date())[0] for end in ends]


def test_quiet_shops_open_no_incident_of_refunds_though_some_days_have_none() -> None:
    """At 40 in 1,000, of 40 at most 4 with 98 % probability; half of them are seen from their first day on."""
    made = [looks(shop(seed, 300, 60 if seed % 2 else 0)) for seed in range(40)]
    assert sum(any(one.finding for one in found) for found in made) <= 4
    assert sum(found[-1].state == "unknown" for found in made) <= 20


def test_three_times_the_refunds_are_told_with_their_size() -> None:
    found = [looks(shop(seed, 340, 60, rise=3.0)) for seed in range(20)]
    judged = [one for one in found if one[-1].state != "unknown"]
    told = [next((look.finding for look in one if look.finding), None) for one in judged]
    assert sum(finding is not None for finding in told) >= 0.4 * len(judged)
    assert np.median([finding.size for finding in told if finding]) < 5


def test_days_are_added_up_until_nothing_is_rare_and_the_newest_day_ends_a_stretch() -> None:
    days = pd.date_range("2026-01-01", periods=100)
    dense = pd.Series(np.full(100, 2.0), days)
    thin = pd.Series(np.where(np.arange(100) % 3 == 0, 6.0, 0.0), days)
    daily = judged_ratio(dense, pd.Series(np.full(100, 10.0), days))
    assert daily is not None
    assert daily[1] == 1
    added = judged_ratio(thin, pd.Series(np.full(100, 10.0), days))
    assert added is not None
    ratio, length = added
    assert length == 3
    np.testing.assert_allclose(ratio, 0.2)
    assert ratio.index[-1] == days[-1] - timedelta(days=2)
    assert judged_ratio(thin * 0, dense) is None
    missing = judged_ratio(dense.where(np.arange(100) < 50), dense)
    assert missing is not None
    assert missing[0].notna().sum() == 50


def test_a_shop_with_too_few_refunds_is_said_to_have_too_few() -> None:
    frame = shop(1, 300, 0)
    frame["refunds"] = np.where(np.arange(300) % 90 == 0, 20.0, 0.0)
    look = looks(frame)[-1]
    assert (look.state, look.note) == ("unknown", "too few to judge")
