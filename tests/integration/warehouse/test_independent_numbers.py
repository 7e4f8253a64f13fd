"""Cohorts, lifetime value, growth accounting, scores and days of customers equal an independent count of the raw
rows: whole numbers exactly, ratios to 1e-9. On a made-up shop on both engines, and on two months of a real
retailer that came in through the import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from growth_pipelines.ingestion.imports import import_paths
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build

from . import recount
from .raw_rows import TODAY, load, random_shop, settings_for

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("recount")
DATA = Path(__file__).parents[3] / "data" / "online_retail"
# Long enough after the second month for every customer's activity window to end.
REAL_TODAY = date(2010, 6, 15)
REAL = {
    "GROWTH_NOW": f"{REAL_TODAY}T18:00:00",
    "GROWTH_SHOP__DOMAIN": "online-retail.example",
    "GROWTH_SHOP__TIMEZONE": "Europe/London",
    "GROWTH_SHOP__CURRENCY": "GBP",
}
MARTS = [
    "fct_cohort_retention",
    "fct_cohort_channel",
    "fct_cohort_first_product",
    "fct_growth_accounting",
    "dim_customers",
    "fct_shop_daily",
    "fct_orders",
]


@dataclass(frozen=True)
class Shop:
    """The marts by name, and the raw rows that they were made from. Days are dates."""

    today: date
    marts: dict[str, pd.DataFrame]
    orders: pd.DataFrame
    refunds: pd.DataFrame
    lines: pd.DataFrame

    @property
    def last_day(self) -> date:
        return self.today - timedelta(days=1)


def made_up(home: Path, url: str = "") -> tuple[Settings, date]:
    settings = settings_for(home, url)
    load(settings, random_shop(seed=23))
    return settings, TODAY


def real(home: Path) -> tuple[Settings, date]:
    settings = load_settings({"GROWTH_HOME": str(home), **REAL})
    import_paths(settings, [DATA / f"orders_export_{month}.csv.gz" for month in ("2009-12", "2010-01")])
    return settings, REAL_TODAY


def counted(settings: Settings, today: date, *, tested: bool) -> Shop:
    """Whether the project's tests pass on a made-up shop is what test_marts asks."""
    result = build(settings) if tested else build(settings, [f"+{name}" for name in MARTS], data_tests=False)
    assert [(node.name, node.message) for node in result.failed] == []
    with Warehouse.of(settings).write() as connection:
        marts = {name: connection.frame(f"select * from marts.{name}") for name in MARTS}
        orders = recount.raw_orders(connection)
        refunds = connection.frame("select order_id, local_date, total_amount from raw.refunds")
        lines = connection.frame("select * from raw.order_lines")
    for frame in marts.values():
        for column in frame.select_dtypes("datetime"):
            if column != "created_at":
                frame[column] = frame[column].dt.date
    refunds = refunds[refunds["order_id"].isin(orders["order_id"])]
    refunds = refunds.assign(
        day=pd.to_datetime(refunds["local_date"]).dt.date, cents=refunds["total_amount"].map(recount.cents)
    )
    return Shop(today, marts, orders, refunds, lines)


# test_engines compares these marts of a shop made up in the same way row by row.
@pytest.fixture(
    scope="module",
    params=[
        "made-up",
        pytest.param("made-up on postgres", marks=[pytest.mark.postgres, pytest.mark.thorough]),
        "real",
    ],
)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("home")
    if request.param == "real":
        yield counted(*real(home), tested=True)
    else:
        url = request.getfixturevalue("module_postgres_url") if "postgres" in request.param else ""
        yield counted(*made_up(home, url), tested=False)


def quotient(above: float, below: float) -> float | None:
    return above / below if below else None


def test_every_cell_of_the_cohort_triangle(shop: Shop) -> None:
    triangle = shop.marts["fct_cohort_retention"].set_index(["cohort_month", "period_index"])
    expected = recount.cohorts(shop.orders, shop.last_day)
    assert set(triangle.index) == set(expected)
    columns = ["cohort_size", "active_customers", "orders", "net_cents", "refund_cents"]
    for key, figures in expected.items():
        row = triangle.loc[key]
        assert tuple(row[[*columns, "cumulative_net_cents", "cumulative_refund_cents"]]) == figures, key
        size, active, net, cumulative = figures[0], figures[1], figures[3], figures[5]
        assert row["retention_rate"] == pytest.approx(active / size, abs=1e-9)
        assert row["net_retention_rate"] == pytest.approx(net / expected[key[0], 0][3], abs=1e-9)
        assert row["ltv_cents"] == pytest.approx(cumulative / size, rel=1e-9)
        assert row["is_mature"] == row["is_complete"] == (recount.month_after(row["date_month"]) <= shop.today)


def test_channels_add_up_to_the_cohorts_and_follow_the_first_order(shop: Shop) -> None:
    channels = shop.marts["fct_cohort_channel"]
    mine = recount.known(shop.orders)
    first = mine[mine["number"] == 1].set_index("customer")["source"].fillna("unknown")
    mine = mine.assign(source=mine["customer"].map(first), cohort=mine["first"].map(recount.month))
    measured = mine.assign(month=mine["day"].map(recount.month)).groupby(["cohort", "source", "month"])
    expected = measured.agg(net=("net", "sum"), active=("customer", "nunique"))
    found = channels.groupby(["cohort_month", "first_source_name", "date_month"])[
        ["net_cents", "active_customers"]
    ].sum()
    found = found[found["active_customers"] > 0]
    assert found.index.tolist() == expected.index.tolist()
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()


@pytest.mark.parametrize("grain", recount.GRAINS, ids=lambda grain: grain.name)
def test_growth_accounts_of_every_period(shop: Shop, grain: recount.Grain) -> None:
    accounts = shop.marts["fct_growth_accounting"]
    accounts = accounts[accounts["grain"] == grain.name].set_index("period_start").sort_index()
    expected = recount.growth(shop.orders, grain, shop.last_day)
    assert accounts.index.tolist() == list(expected)
    assert sum(figures["churned_customers"] for figures in expected.values()) > 0
    for start, figures in expected.items():
        row = accounts.loc[start]
        assert {name: row[name] for name in figures} == figures, start
        gained = figures["new_customers"] + figures["resurrected_customers"]
        money = figures["new_cents"] + figures["resurrected_cents"] + figures["expansion_cents"]
        ratios = [
            quotient(gained, figures["churned_customers"]),
            quotient(money, figures["contraction_cents"] + figures["churned_cents"]),
        ]
        for column, ratio in zip(["quick_ratio_customers", "quick_ratio_revenue"], ratios, strict=True):
            if ratio is None:
                assert pd.isna(row[column])
            else:
                assert row[column] == pytest.approx(ratio, rel=1e-9)
        assert row["is_complete"] == (grain.after(start) <= shop.today)
        assert row["period_end"] == grain.after(start) - timedelta(days=1)


def test_what_customers_are_worth_by_day_of_their_lives(shop: Shop) -> None:
    customers = shop.marts["dim_customers"].set_index("customer_key")
    mine = recount.known(shop.orders)
    age = (pd.to_datetime(mine["day"]) - pd.to_datetime(mine["first"])).dt.days
    for days in (30, 90, 180, 365):
        expected = mine[age < days].groupby("customer")["net"].sum().reindex(customers.index, fill_value=0)
        assert customers[f"net_cents_{days}d"].tolist() == expected.tolist()
        buyers = customers[customers["orders"] > 0]
        over = [first + timedelta(days=days) <= shop.today for first in buyers["first_order_date"]]
        assert buyers[f"is_mature_{days}d"].astype(bool).tolist() == over
    totals = mine.groupby("customer").agg(orders=("net", "size"), net=("net", "sum"), refund=("refund", "sum"))
    totals = totals.reindex(customers.index, fill_value=0)
    assert customers[["orders", "net_cents", "refund_cents"]].to_numpy().tolist() == totals.to_numpy().tolist()
    second = mine[mine["number"] == 2].set_index("customer")
    gaps = customers["days_to_second_order"].dropna()
    assert gaps.to_dict() == {key: (row["day"] - row["first"]).days for key, row in second.iterrows()}


def test_scores_and_the_risk_that_customers_are_lost(shop: Shop) -> None:
    customers = shop.marts["dim_customers"].set_index("customer_key")
    customers = customers[customers["orders"] > 0]
    mine = (
        recount.known(shop.orders)
        .groupby("customer")
        .agg(first=("day", "min"), last=("day", "max"), orders=("net", "size"), net=("net", "sum"))
    )
    mine = mine.reindex(customers.index)
    recency = mine["last"].map(lambda day: (shop.today - day).days)
    assert customers["rfm_recency"].tolist() == (6 - recount.score(recency)).tolist()
    assert customers["rfm_frequency"].tolist() == recount.score(mine["orders"]).tolist()
    assert customers["rfm_monetary"].tolist() == recount.score(mine["net"]).tolist()
    gaps = sorted(customers["days_to_second_order"].dropna())
    median = gaps[(len(gaps) + 1) // 2 - 1]
    span = (pd.to_datetime(mine["last"]) - pd.to_datetime(mine["first"])).dt.days
    own = (span / (mine["orders"] - 1)).where(mine["orders"] >= 3, median).clip(lower=1)
    assert customers["churn_risk"].tolist() == pytest.approx((recency / (recency + own)).tolist(), abs=1e-9)
    assert set(customers["rfm_recency"]) == {1, 2, 3, 4, 5}
    late = (recency > own).astype(int) + (recency > 3 * own)
    assert customers["churn_class"].tolist() == late.map(["low", "medium", "high"].__getitem__).tolist()


def test_every_day_of_the_shop_and_its_means(shop: Shop) -> None:
    frame = shop.marts["fct_shop_daily"].sort_values("date_day")
    days = frame["date_day"].tolist()
    columns = ["orders", "customers_new", "customers_returning", "guest_orders"]
    columns += ["net_cents", "new_net_cents", "returning_net_cents", "refunds", "refund_cents"]
    expected = recount.daily(shop.orders, shop.refunds, days)
    assert [tuple(row) for row in frame[columns].to_numpy()] == expected
    assert sum(row[0] for row in expected) == len(shop.orders)
    for length in (7, 28):
        for column, measure in {"net_cents": 4, "orders": 0}.items():
            means = frame[f"{column}_mean_{length}d"].tolist()
            values = [row[measure] for row in expected]
            assert all(pd.isna(mean) for mean in means[: length - 1])
            exact = [sum(values[n - length + 1 : n + 1]) / length for n in range(length - 1, len(values))]
            assert means[length - 1 :] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("days", [30, 90, 180, 365])
def test_first_products_and_who_came_back(shop: Shop, days: int) -> None:
    products = shop.marts["fct_cohort_first_product"]
    products = products[products["period_days"] == days].set_index("product_key")
    expected = recount.first_products(shop.orders, shop.lines, shop.today, days)
    columns = ["customers_ever", "customers", "repeat_customers", "net_cents"]
    assert dict(zip(products.index, products[columns].to_numpy().tolist(), strict=True)) == expected
    for key, (_, customers, repeaters, net) in expected.items():
        if customers:
            assert products.loc[key, "repeat_rate"] == pytest.approx(repeaters / customers, abs=1e-9)
            assert products.loc[key, "ltv_cents"] == pytest.approx(net / customers, rel=1e-9)


def test_orders_carry_what_their_lines_add_up_to(shop: Shop) -> None:
    orders = shop.marts["fct_orders"].set_index("order_id")
    lines = shop.lines
    net = lines["gross_amount"].map(recount.cents) - lines["discount_amount"].map(recount.cents)
    sums = net.groupby(lines["order_id"]).sum().reindex(orders.index, fill_value=0)
    assert orders["lines_net_cents"].tolist() == sums.tolist()
    units = lines["quantity"].groupby(lines["order_id"]).sum().reindex(orders.index, fill_value=0)
    assert orders["units"].tolist() == units.tolist()
