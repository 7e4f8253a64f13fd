"""What each customer will be worth: expected purchases and value over a horizon, with intervals and a back-test.

Pure: frames in, frames out, no database. Read ``docs/lifetime-value.md`` for what the numbers mean.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from growth_pipelines.warehouse.lifetime_value.backtest import BackTest, back_test
from growth_pipelines.warehouse.lifetime_value.histories import daily, histories
from growth_pipelines.warehouse.lifetime_value.prediction import CustomerModel, fit_customers

__all__ = ["BackTest", "CustomerModel", "back_test", "daily", "fit_customers", "histories", "lifetime_value"]


def lifetime_value(
    transactions: pd.DataFrame,
    calibration_end: date | str | pd.Timestamp,
    horizon_days: int,
    *,
    level: float = 0.9,
    seed: int = 0,
) -> pd.DataFrame:
    """What every customer who bought up to ``calibration_end`` (included) will buy in the ``horizon_days`` after.

    ``transactions``: customer_id, date, amount (any unit; refunds negative), one or many rows a purchase; later
    rows are ignored. Returns customer_id, expected_purchases (days with a purchase), expected_value, low, high:
    the equal-tailed interval that holds the customer's actual value with probability ``level``, in the unit of the
    amounts. The same input gives the same output. Raises ValueError for missing columns or a horizon under a day.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days is {horizon_days}; it must be at least 1")
    customers = histories(daily(transactions), calibration_end)
    predicted = fit_customers(customers).predict(customers, horizon_days, level, seed)
    return predicted[["customer_id", "expected_purchases", "expected_value", "low", "high"]]
