"""How well the model would have done: fitted without the last days, judged on them, beside two naive forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.warehouse.lifetime_value.histories import daily, histories, outcomes
from growth_pipelines.warehouse.lifetime_value.prediction import CustomerModel, fit_customers

FloatArray = NDArray[np.float64]

_GROUPS = 10


@dataclass(frozen=True)
class BackTest:
    """``scores``: one row a forecast (model, mean_rate, last_period) × measure (purchases, value) with actual,
    expected, total_error (share of the actual), mae, rmse, rank_correlation, top_decile (share of the actual in
    the tenth of customers that the forecast puts first).
    ``deciles``: customers in ten groups by expected value, with mean expected and actual value.
    ``coverage``: share of customers whose value was inside the interval of ``level``; ``coverage_of_active`` of
    those who bought anything."""

    start: date
    end: date
    level: float
    model: CustomerModel
    scores: pd.DataFrame
    deciles: pd.DataFrame
    coverage: float
    coverage_of_active: float

    def score(self, forecast: str, measure: str, name: str) -> float:
        found = self.scores[(self.scores["forecast"] == forecast) & (self.scores["measure"] == measure)]
        return float(found[name].iloc[0])


def back_test(
    transactions: pd.DataFrame,
    calibration_end: date | str | pd.Timestamp,
    holdout_days: int,
    level: float = 0.9,
    seed: int = 0,
) -> BackTest:
    """``transactions``: customer_id, date, amount. Customers of up to ``calibration_end`` are judged on the
    ``holdout_days`` after it. Raises ValueError when there are none."""
    days = daily(transactions)
    start = pd.Timestamp(calibration_end).tz_localize(None).normalize()
    end = start + pd.Timedelta(days=holdout_days)
    customers = histories(days, start)
    if customers.empty:
        raise ValueError(f"no customer bought anything up to {start:%Y-%m-%d}")
    actual = outcomes(days, customers["customer_id"], start, end)
    model = fit_customers(customers)
    predicted = model.predict(customers, holdout_days, level, seed)
    forecasts = {
        "model": (predicted["expected_purchases"], predicted["expected_value"]),
        "mean_rate": _mean_rate(customers, holdout_days),
        "last_period": _last_period(days, customers, start, holdout_days),
    }
    scores = [
        {"forecast": name, "measure": measure, **_errors(np.asarray(values), actual[measure].to_numpy())}
        for name, of_measure in forecasts.items()
        for measure, values in zip(("purchases", "value"), of_measure, strict=True)
    ]
    value = actual["value"].to_numpy()
    inside = (predicted["low"].to_numpy() <= value) & (value <= predicted["high"].to_numpy())
    bought = actual["purchases"].to_numpy() > 0
    return BackTest(
        start=(start + pd.Timedelta(days=1)).date(),
        end=end.date(),
        level=level,
        model=model,
        scores=pd.DataFrame(scores),
        deciles=_deciles(predicted["expected_value"].to_numpy(), value),
        coverage=float(inside.mean()),
        coverage_of_active=float(inside[bought].mean()) if bought.any() else float("nan"),
    )


def _mean_rate(customers: pd.DataFrame, holdout_days: int) -> tuple[FloatArray, FloatArray]:
    """Naive: repeat purchases go on at the customer's past rate, at their past mean value."""
    repeats, age = customers["repeats"].to_numpy(), customers["age"].to_numpy()
    count = repeats / np.maximum(age, 1.0) * holdout_days
    return count, count * customers["total"].to_numpy() / (repeats + 1)


def _last_period(
    days: pd.DataFrame, customers: pd.DataFrame, start: pd.Timestamp, holdout_days: int
) -> tuple[FloatArray, FloatArray]:
    """Naive: the same again as in the equally long time before."""
    before = outcomes(days, customers["customer_id"], start - pd.Timedelta(days=holdout_days), start)
    return before["purchases"].to_numpy(), before["value"].to_numpy()


def _errors(expected: FloatArray, actual: FloatArray) -> dict[str, float]:
    total = float(actual.sum())
    miss = expected - actual
    first = np.argsort(-expected, kind="stable")[: max(1, len(actual) // _GROUPS)]
    return {
        "actual": total,
        "expected": float(expected.sum()),
        "total_error": float(expected.sum()) / total - 1 if total else float("nan"),
        "mae": float(np.abs(miss).mean()),
        "rmse": float(np.sqrt((miss**2).mean())),
        "rank_correlation": _rank_correlation(expected, actual),
        "top_decile": float(actual[first].sum()) / total if total else float("nan"),
    }


def _rank_correlation(left: FloatArray, right: FloatArray) -> float:
    """Spearman's, ties at their mean rank; NaN when one side is constant."""
    a, b = (pd.Series(values).rank().to_numpy() for values in (left, right))
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _deciles(expected: FloatArray, actual: FloatArray) -> pd.DataFrame:
    """decile 1 (least) to 10, customers, mean expected and mean actual value."""
    order = np.argsort(expected, kind="stable")
    decile = np.empty(len(expected), dtype=int)
    decile[order] = np.arange(len(expected)) * _GROUPS // len(expected) + 1
    frame = pd.DataFrame({"decile": decile, "expected": expected, "actual": actual})
    groups = frame.groupby("decile")
    return groups.mean().assign(customers=groups.size()).reset_index()
