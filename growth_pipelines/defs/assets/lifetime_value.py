"""What each customer will be worth, after the marts and before they are published.

The model is in ``growth_pipelines.warehouse.lifetime_value``; here it gets its orders, and its back-test a place.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.automation import on_new_data
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import amount, chart, days_in_words, table
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.warehouse.customer_values import ShopValues
    from growth_pipelines.warehouse.lifetime_value import BackTest, CustomerModel

LIFETIME_VALUE = dg.AssetKey(["marts", "fct_customer_lifetime_value"])
FORESEEN = dg.AssetCheckKey(LIFETIME_VALUE, "back_test_in_bounds")
_READS = [dg.AssetKey(["marts", "fct_orders"]), dg.AssetKey(["marts", "dim_data_coverage"])]
# A total further off than this, fewer actual values inside the intervals, or an error of single customers this
# much above that of the better naive forecast, and the figures deserve no trust. A season alone moves the total
# of 90 days by a third.
_TOTAL_ERROR, _COVERAGE, _WORSE_THAN_NAIVE = 0.5, 0.8, 1.1
_NAIVE = ("mean_rate", "last_period")


def lifetime_value(description: str, columns: dg.TableSchema, kind: str) -> dg.AssetsDefinition:
    """The asset with its check. ``description`` and ``columns`` are those that dbt documents."""

    @dg.asset(
        key=LIFETIME_VALUE,
        deps=_READS,
        group_name="marts",
        kinds={"python", "pandas", kind},
        owners=[OWNER],
        pool="warehouse",
        freshness_policy=DAILY,
        automation_condition=on_new_data(),
        description=description,
        metadata={"dagster/column_schema": columns},
        check_specs=[
            dg.AssetCheckSpec(
                FORESEEN.name,
                asset=LIFETIME_VALUE,
                description=f"On days that were kept from the model, its total is off by at most "
                f"{_TOTAL_ERROR:.0%}, at least {_COVERAGE:.0%} of customers are inside their interval, and single "
                "customers are met about as well as by the better of two naive forecasts.",
            )
        ],
    )
    def customer_lifetime_value(machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
        from growth_pipelines.warehouse.customer_values import replace_values, value_customers

        machine.on_progress("lifetime value", None)
        with machine.warehouse.writer() as connection:
            shops = value_customers(connection, machine.today, machine.settings.warehouse.lifetime_value_days)
            with connection.transaction():
                rows = replace_values(connection, shops)
        shop = max(shops, key=lambda values: len(values.values), default=None)
        yield dg.MaterializeResult(metadata={"dagster/row_count": rows, **(_metadata(shop) if shop else {})})
        yield _judged(shop.back_test if shop else None)

    return customer_lifetime_value


def _metadata(shop: "ShopValues") -> dict[str, Any]:
    values = shop.values
    return {
        "as_of": shop.as_of.isoformat(),
        "customers": len(values),
        "repeaters": shop.model.repeaters,
        "model": shop.model.name,
        "expected_purchases": round(float(values["expected_purchases"].sum()), 1),
        "expected_value": amount(values["expected_value_cents"].sum() / 100, shop.currency),
        "parameters": table(_parameters(shop.model)),
        **(_tested(shop.back_test) if shop.back_test else {"back_test": "The history is too short for one."}),
    }


def _parameters(model: "CustomerModel") -> list[dict[str, Any]]:
    purchases, spend = model.purchases, model.spend
    classes = zip(purchases.rates, purchases.weights, strict=True)
    named = [
        entry
        for number, ((r, alpha), share) in enumerate(classes, start=1)
        for entry in (
            (f"r of class {number}", r, "shape of the purchase rates"),
            (f"alpha of class {number}", alpha, "their scale, days: r / alpha purchases a day on average"),
            (f"share of class {number}", share, "of customers"),
        )
    ]
    named += [
        ("a", purchases.a, "chance to leave after a purchase: a / (a + b) on average"),
        ("b", purchases.b, ""),
        ("p", spend.p, "how alike a customer's purchases are"),
        ("q", spend.q, "how alike customers are"),
        ("gamma", spend.gamma, "scale of purchases, minor units"),
        ("beta", spend.power, "how purchases grow with the rate; 0: not at all"),
    ]
    return [
        {"parameter": name, "value": float(f"{value:.4g}"), "meaning": meaning} for name, value, meaning in named
    ]


def _tested(back_test: "BackTest") -> dict[str, Any]:
    """The back-test as a table of forecasts, a calibration plot and its coverage."""
    shown = back_test.scores.assign(
        mae=back_test.scores["mae"].round(2),
        rmse=back_test.scores["rmse"].round(2),
        **{
            name: (100 * back_test.scores[name]).round(1)
            for name in ("total_error", "rank_correlation", "top_decile")
        },
    ).rename(columns={name: f"{name}_percent" for name in ("total_error", "rank_correlation", "top_decile")})
    deciles = back_test.deciles.assign(
        expected=back_test.deciles["expected"] / 100, actual=back_test.deciles["actual"] / 100
    )
    return {
        "back_test_window": days_in_words(back_test.start, back_test.end),
        "back_test": table(shown.drop(columns=["actual", "expected"]).to_dict("records")),
        "back_test_total_error": round(back_test.score("model", "value", "total_error"), 4),
        "coverage_of_90_percent_intervals": round(back_test.coverage, 4),
        "calibration": chart(
            "lifetime_calibration",
            "Customers in ten groups by expected value: expected and actual",
            deciles[["decile", "expected", "actual"]].to_dict("records"),
        ),
    }


def _judged(back_test: "BackTest | None") -> dg.AssetCheckResult:
    if back_test is None:
        return _result(True, "The history is too short to keep days from the model.", {})
    naive = min(back_test.score(name, "value", "rmse") for name in _NAIVE)
    figures = {
        "total_error": back_test.score("model", "value", "total_error"),
        "coverage": back_test.coverage,
        "rmse_against_naive": back_test.score("model", "value", "rmse") / naive if naive else 1.0,
    }
    passed = (
        abs(figures["total_error"]) <= _TOTAL_ERROR
        and figures["coverage"] >= _COVERAGE
        and figures["rmse_against_naive"] <= _WORSE_THAN_NAIVE
    )
    return _result(passed, "", {name: round(value, 4) for name, value in figures.items()})


def _result(passed: bool, description: str, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=bool(passed),
        asset_key=LIFETIME_VALUE,
        check_name=FORESEEN.name,
        severity=dg.AssetCheckSeverity.WARN,
        description=description or None,
        metadata=metadata
        | ({} if passed else {"recovery": "See docs/lifetime-value.md, “When not to trust it”."}),
    )
