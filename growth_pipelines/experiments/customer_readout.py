"""An experiment on customers at a planned look: all who were drawn, whether they saw anything or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from growth_pipelines.experiments.arms import Metric, UnusableSample, sufficient_statistics
from growth_pipelines.experiments.comparison import Comparison, compare_to_control
from growth_pipelines.experiments.planned_readout import Units, read_planned
from growth_pipelines.experiments.readout import Declared, Measure, Readout
from growth_pipelines.experiments.revenue import revenue_cap, winsorised

if TYPE_CHECKING:
    import pandas as pd

LEAST_CUSTOMERS = 100


@dataclass(frozen=True, eq=False)
class CustomerTest:
    """``customers``: variant, orders, revenue and buyers (0 or 1) of the days of the look, pre_orders and
    pre_revenue of as many days before the start; one row each. Revenue is capped at ``cap_quantile`` of what
    buyers paid before. ``measured`` whole days of outcomes are known.
    """

    customers: pd.DataFrame
    cap_quantile: float
    measured: int


def read_customers(declared: Declared, test: CustomerTest) -> Readout:
    """The reading at the newest planned look; intervals are relative to control, Fieller's."""
    counted = test.customers["variant"].value_counts()
    counts = tuple(int(counted.get(arm, 0)) for arm in declared.arms)

    def compared(measure: Measure, arm: str, alpha: float) -> Comparison | str:
        try:
            control, treatment = (_sums(test, measure, name) for name in (declared.arms[0], arm))
            return compare_to_control(control, treatment, cast(Metric, measure.kind), alpha)
        except UnusableSample as error:
            return error.message

    return read_planned(declared, Units(counts, LEAST_CUSTOMERS), test.measured, compared)


def past_sums(customers: pd.DataFrame, measure: Measure, cap_quantile: float) -> tuple[dict[str, float], Metric]:
    """The sums of ``measure`` over all ``customers`` (as in CustomerTest, without variant), and its kind."""
    whole = CustomerTest(customers.assign(variant=""), cap_quantile, 0)
    return _sums(whole, measure, ""), cast(Metric, measure.kind)


def _sums(test: CustomerTest, measure: Measure, arm: str) -> dict[str, float]:
    own = (test.customers["variant"] == arm).to_numpy()
    values = _values(test, measure.metric)[own]
    pre = _values(test, f"pre_{measure.metric}")[own] if measure.kind == "cuped" else None
    return sufficient_statistics(values, pre=pre)


def _values(test: CustomerTest, column: str) -> Any:
    values = test.customers[column].to_numpy(float)
    if not column.endswith("revenue"):
        return values
    return winsorised(values, revenue_cap(test.customers["pre_revenue"].to_numpy(float), test.cap_quantile))
