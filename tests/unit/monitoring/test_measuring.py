"""find_tracking_losses: what was not counted is told apart from what did not happen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from growth_pipelines.monitoring import find_tracking_losses

DAYS = pd.date_range("2026-01-05", periods=90)


def shop(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    week = np.array([1.2, 1.1, 1.1, 1.0, 0.9, 0.5, 0.6])[np.arange(90) % 7]
    return pd.DataFrame(
        {
            "date": DAYS,
            "clicks": rng.poisson(300 * week),
            "sessions": rng.poisson(800 * week),
            "orders": rng.poisson(40 * week),
        }
    )


def test_orders_that_vanish_while_clicks_hold_are_a_loss_of_tracking() -> None:
    frame = shop()
    frame.loc[80:82, ["orders", "sessions"]] = 0
    found = find_tracking_losses(frame)
    assert set(found["date"]) == set(DAYS[80:83])
    assert set(found["metric"]) == {"orders", "sessions"}
    assert (found["cause"] == "tracking").all()
    assert found["evidence"].iloc[0].startswith("orders at 0% of usual while clicks are at")


def test_a_quiet_shop_a_real_fall_and_a_holiday_are_none() -> None:
    for seed in range(20):
        assert find_tracking_losses(shop(seed)).empty
    halved = shop()
    halved.loc[60:, "orders"] //= 3
    assert find_tracking_losses(halved).empty
    closed = shop()
    closed.loc[70, ["clicks", "sessions", "orders"]] = 0
    assert find_tracking_losses(closed).empty


def test_pages_that_are_all_at_zero_on_one_day_are_a_missing_source() -> None:
    rng = np.random.default_rng(3)
    clicks = rng.poisson(8, (40, 90))
    clicks[:, 85] = 0
    clicks[:10, 70] = 0
    pages = pd.DataFrame(
        {
            "page": np.repeat([f"/p/{page}" for page in range(40)], 90),
            "date": np.tile(DAYS, 40),
            "clicks": clicks.ravel(),
        }
    )
    found = find_tracking_losses(shop().iloc[:0], pages)
    assert found["date"].tolist() == [DAYS[85]]
    assert "40 of 40 pages" in found["evidence"].iloc[0]


def test_small_counts_and_empty_frames_say_nothing() -> None:
    assert find_tracking_losses(shop().iloc[:0]).empty
    thin = shop().assign(orders=lambda frame: frame["orders"] // 20)
    assert find_tracking_losses(thin).empty
