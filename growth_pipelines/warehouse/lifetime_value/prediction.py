"""A shop's model of its customers, and what it expects of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.warehouse.lifetime_value.intervals import value_interval
from growth_pipelines.warehouse.lifetime_value.purchases import PurchaseModel, Records, fit_purchases
from growth_pipelines.warehouse.lifetime_value.spend import Spendings, SpendModel, fit_spend

FloatArray = NDArray[np.float64]

# Fewer customers who came back than this say too little about who leaves and when.
MIN_REPEATERS = 50
PREDICTED = ("customer_id", "expected_purchases", "expected_value", "low", "high", "p_alive")


@dataclass(frozen=True)
class CustomerModel:
    """``trusted`` is False where there was too little to fit: then everyone is near the average customer."""

    purchases: PurchaseModel
    spend: SpendModel
    trusted: bool
    repeaters: int

    @property
    def name(self) -> str:
        return f"{self.purchases.name} + Gamma-Gamma" if self.trusted else "average customer"

    def predict(
        self, customers: pd.DataFrame, horizon_days: float, level: float = 0.9, seed: int = 0
    ) -> pd.DataFrame:
        """``customers`` as :func:`~growth_pipelines.warehouse.lifetime_value.histories.histories` gives them.

        Returns :data:`PREDICTED`: purchases and value expected in the next ``horizon_days``, the predictive
        interval of the value at ``level``, and the probability that the customer will ever buy again.
        """
        x, t_x, age, total = (
            customers[name].to_numpy(dtype=float) for name in ("repeats", "recency", "age", "total")
        )
        if not len(customers):
            empty = {name: pd.Series(dtype=float) for name in PREDICTED[1:]}
            return pd.DataFrame({"customer_id": customers["customer_id"], **empty})
        active, rate = self.purchases.state(Records.of(x, t_x, age))
        count = (active * self._if_active(x, age, horizon_days)).sum(axis=0)
        scale = self.spend.scale(rate, total)
        low, high = value_interval(self.purchases, self.spend, x, age, active, horizon_days, level, seed)
        return pd.DataFrame(
            {
                "customer_id": customers["customer_id"].to_numpy(),
                "expected_purchases": count,
                "expected_value": count * self.spend.mean(scale, x + 1),
                "low": low * scale,
                "high": high * scale,
                "p_alive": np.clip(active.sum(axis=0), 0.0, 1.0),
            }
        )

    def _if_active(self, x: FloatArray, age: FloatArray, horizon: float) -> FloatArray:
        """Expected purchases by class; computed once for each pair of x and age."""
        width = int(age.max()) + 1
        pairs, place = np.unique((x * width + age).astype(np.int64), return_inverse=True)
        counts, ages = (part.astype(float) for part in divmod(pairs, width))
        expected = self.purchases.expected_by_class(counts, ages, horizon)
        return np.asarray(expected[:, place])


def fit_customers(customers: pd.DataFrame) -> CustomerModel:
    """Fit both models to :func:`~growth_pipelines.warehouse.lifetime_value.histories.histories`."""
    x, t_x, age, total = (customers[name].to_numpy(dtype=float) for name in ("repeats", "recency", "age", "total"))
    repeaters = int((x > 0).sum())
    if repeaters < MIN_REPEATERS:
        return CustomerModel(_average_purchases(x, age), _average_spend(x, total), False, repeaters)
    purchases = fit_purchases(x, t_x, age)
    _, rate = purchases.state(Records.of(x, t_x, age))
    paid, paid_total, logs = (
        customers[name].to_numpy(dtype=float) for name in ("paid", "paid_total", "paid_logs")
    )
    spend = fit_spend(Spendings(paid, paid_total, logs, rate))
    # Amounts are before later refunds; what is kept of them is taken off everyone's expectation alike.
    kept = total.sum() / paid_total.sum() if paid_total.sum() else 1.0
    return CustomerModel(purchases, replace(spend, gamma=spend.gamma * float(kept)), True, repeaters)


def _average_purchases(x: FloatArray, age: FloatArray) -> PurchaseModel:
    """Gamma-Poisson with the pooled rate and the usual spread of shops; few leave. Half a repeat purchase is
    added, so that a shop without any expects some."""
    r = 0.5
    alpha = r * max(float(age.sum()), 1.0) / (float(x.sum()) + 0.5)
    return PurchaseModel(((r, alpha),), (1.0,), a=0.5, b=4.5, customers=len(x))


def _average_spend(x: FloatArray, total: FloatArray) -> SpendModel:
    """The mean purchase of all customers, with a usual spread within and between them."""
    p, q = 3.0, 4.0
    mean = float(total.sum() / (x + 1).sum()) if len(x) else 0.0
    return SpendModel(p=p, q=q, gamma=mean * (q - 1) / p, power=0.0, rate=1.0)
