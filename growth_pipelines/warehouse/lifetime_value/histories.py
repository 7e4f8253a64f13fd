"""What a customer did, in the few numbers that the models need: one row a customer.

A purchase is a day on which a customer's rows sum to more than zero, or on which all of them are zero (a gift).
Refunds are negative amounts: one of the same day is netted with it, one of another day lowers the customer's
total and never the number of purchases. Rows without a customer (guests) are left out, and so are customers who
only ever got money back.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

COLUMNS = ("customer_id", "date", "amount")


def daily(transactions: pd.DataFrame) -> pd.DataFrame:
    """One row a customer × day: customer_id, date (midnight, no zone), amount (net), purchase (bool).

    Raises ValueError when one of customer_id, date, amount is missing.
    """
    missing = [name for name in COLUMNS if name not in transactions.columns]
    if missing:
        raise ValueError(f"transactions have no column {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
    amounts = transactions["amount"].to_numpy(dtype=float, na_value=0.0)
    rows = pd.DataFrame(
        {
            "customer_id": transactions["customer_id"].to_numpy(),
            "date": _days(transactions["date"]),
            "amount": amounts,
            "is_refund": amounts < 0,
        }
    )
    grouped = rows.dropna(subset=["customer_id", "date"]).groupby(["customer_id", "date"], sort=True)
    days = grouped.agg(amount=("amount", "sum"), is_refund=("is_refund", "any")).reset_index()
    days["purchase"] = (days["amount"] > 0) | ((days["amount"] == 0) & ~days.pop("is_refund"))
    return days


def _days(values: pd.Series) -> pd.Series:
    """Midnights without a zone; a moment with a zone counts on the day of that zone."""
    moments = pd.to_datetime(values)
    if moments.dt.tz is not None:
        moments = moments.dt.tz_localize(None)
    return pd.Series(moments.dt.normalize().to_numpy())


def histories(days: pd.DataFrame, calibration_end: date | str | pd.Timestamp) -> pd.DataFrame:
    """:func:`daily` rows up to and including ``calibration_end`` as one row a customer.

    Columns: customer_id; repeats (purchase days after the first); recency (days from the first to the last
    purchase); age (days from the first purchase to ``calibration_end``); total (net of refunds, at least 0); and
    of the purchases that were not free: paid (how many), paid_total, paid_logs (sum of the amounts' logarithms).
    """
    end = pd.Timestamp(calibration_end).tz_localize(None).normalize()
    known = days[days["date"] <= end]
    bought = known[known["purchase"]].groupby("customer_id", sort=True)["date"].agg(["min", "max", "size"])
    total = known.groupby("customer_id", sort=True)["amount"].sum().reindex(bought.index)
    paid = known[known["amount"] > 0]
    paid = (
        paid.assign(log=np.log(paid["amount"]))
        .groupby("customer_id")
        .agg(paid=("amount", "size"), paid_total=("amount", "sum"), paid_logs=("log", "sum"))
    )
    paid = paid.reindex(bought.index).fillna(0.0).astype(float)
    return pd.DataFrame(
        {
            "customer_id": bought.index.to_numpy(),
            "repeats": bought["size"].to_numpy(dtype=float) - 1,
            "recency": _whole_days(bought["max"] - bought["min"]),
            "age": _whole_days(end - bought["min"]),
            "total": np.maximum(total.to_numpy(dtype=float), 0.0),
            **{name: paid[name].to_numpy() for name in paid},
        }
    )


def _whole_days(spans: pd.Series) -> np.ndarray:
    return spans.dt.days.to_numpy(dtype=float)


def outcomes(days: pd.DataFrame, customers: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Purchases and net value of ``customers`` in the days after ``start`` up to and including ``end``."""
    inside = days[(days["date"] > start) & (days["date"] <= end)]
    found = inside.groupby("customer_id").agg(purchases=("purchase", "sum"), value=("amount", "sum"))
    return found.reindex(customers.to_numpy()).fillna(0.0).astype(float).reset_index(drop=True)
