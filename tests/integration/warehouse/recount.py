"""Customers' figures counted with pandas and sets from raw rows, period by period and customer by customer.

Written from the definitions in the marts' descriptions, on purpose in another way than the SQL: no running sums,
no joins of a period to the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from growth_pipelines.warehouse.connection import WarehouseConnection

WINDOW_DAYS = 90


def cents(amount: object) -> int:
    """Minor units of an amount with two decimals, halves away from zero; 0 for none."""
    if pd.isna(amount):
        return 0
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def raw_orders(connection: WarehouseConnection) -> pd.DataFrame:
    """The orders that count: order_id, customer (None for guests), day, created_at, net and refund in cents."""
    orders = connection.frame(
        "select * from raw.orders where cancelled_at is null and not coalesce(is_test, false)"
    )
    refunds = connection.frame("select order_id, total_amount from raw.refunds")
    refunded = refunds.assign(cents=refunds["total_amount"].map(cents)).groupby("order_id")["cents"].sum()
    own = orders["refunded_amount"].map(cents)
    return pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "customer": orders["customer_key"].where(orders["customer_key"].notna(), None),
            "day": pd.to_datetime(orders["local_date"]).dt.date,
            "created_at": orders["created_at"],
            "source": orders["source_name"],
            "net": orders["gross_amount"].map(cents) - orders["discount_amount"].map(cents),
            "refund": orders["order_id"].map(refunded).fillna(own).astype(int),
        }
    )


def known(orders: pd.DataFrame) -> pd.DataFrame:
    """Orders of customers that can be told apart, with ``first`` (the customer's first day) and ``number``."""
    mine = orders.dropna(subset="customer").sort_values(["day", "created_at", "order_id"])
    grouped = mine.groupby("customer")
    return mine.assign(first=grouped["day"].transform("min"), number=grouped.cumcount() + 1)


def month(day: date) -> date:
    return day.replace(day=1)


def month_after(day: date) -> date:
    return month(month(day) + timedelta(days=31))


def week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def periods(first: date, last: date, after: Callable[[date], date]) -> list[date]:
    """Starts of periods from that which starts on ``first`` to that with ``last`` in it."""
    found = [first]
    while after(found[-1]) <= last:
        found.append(after(found[-1]))
    return found


def cohorts(orders: pd.DataFrame, last_day: date) -> dict[tuple[date, int], tuple[Any, ...]]:
    """(cohort month, period) → size, active, orders, net, refund, net and refund up to then."""
    mine = known(orders)
    mine = mine.assign(cohort=mine["first"].map(month), month=mine["day"].map(month))
    found = {}
    for cohort, members in mine.groupby("cohort"):
        size, net, refund = members["customer"].nunique(), 0, 0
        for index, start in enumerate(periods(cohort, last_day, month_after)):
            here = members[members["month"] == start]
            net, refund = net + here["net"].sum(), refund + here["refund"].sum()
            counts = (here["customer"].nunique(), len(here), here["net"].sum(), here["refund"].sum())
            found[cohort, index] = (size, *counts, net, refund)
    return found


@dataclass(frozen=True)
class Grain:
    """``window`` are the first and the last day whose orders count in the period with this start."""

    name: str
    start: Callable[[date], date]
    after: Callable[[date], date]
    window: Callable[[date], tuple[date, date]]


def _end(start: date) -> date:
    return month_after(start) - timedelta(days=1)


GRAINS = (
    Grain("week", week, lambda day: day + timedelta(days=7), lambda day: (day, day + timedelta(days=6))),
    Grain("month", month, month_after, lambda day: (day, _end(day))),
    Grain("rolling", month, month_after, lambda day: (_end(day) - timedelta(days=WINDOW_DAYS - 1), _end(day))),
)


def growth(orders: pd.DataFrame, grain: Grain, last_day: date) -> dict[date, dict[str, int]]:
    """Start of the period → the columns of fct_growth_accounting by name, from who is active in it and before."""
    mine = known(orders)
    before: dict[str, int] = {}
    seen: set[str] = set()
    found = {}
    for start in periods(grain.start(mine["day"].min()), last_day, grain.after):
        first, last = grain.window(start)
        within = mine[(mine["day"] >= first) & (mine["day"] <= last)]
        active: dict[str, int] = within.groupby("customer")["net"].sum().to_dict()
        new = active.keys() - seen
        retained = active.keys() & before.keys()
        resurrected = active.keys() - new - retained
        churned = before.keys() - active.keys()
        changes = [active[customer] - before[customer] for customer in retained]
        found[start] = {
            "active_customers": len(active),
            "new_customers": len(new),
            "retained_customers": len(retained),
            "resurrected_customers": len(resurrected),
            "churned_customers": len(churned),
            "net_cents": sum(active.values()),
            "new_cents": sum(active[customer] for customer in new),
            "retained_cents": sum(active[customer] for customer in retained),
            "resurrected_cents": sum(active[customer] for customer in resurrected),
            "expansion_cents": sum(change for change in changes if change > 0),
            "contraction_cents": -sum(change for change in changes if change < 0),
            "churned_cents": sum(before[customer] for customer in churned),
        }
        before, seen = active, seen | active.keys()
    return found


def daily(orders: pd.DataFrame, refunds: pd.DataFrame, days: list[date]) -> list[tuple[int, ...]]:
    """A day's orders, new, returning and guests' orders, net of all, new and returning, refunds and their sum."""
    firsts = known(orders).groupby("customer")["first"].first()
    first = orders["customer"].map(firsts)
    found = []
    for day in days:
        here, made = orders[orders["day"] == day], refunds[refunds["day"] == day]
        new, old = here[first[here.index] == day], here[first[here.index] < day]
        people = (new["customer"].nunique(), old["customer"].nunique(), int(here["customer"].isna().sum()))
        money = (here["net"].sum(), new["net"].sum(), old["net"].sum())
        found.append((len(here), *people, *money, len(made), made["cents"].sum()))
    return found


def score(values: pd.Series) -> pd.Series:
    """1 to 5: one more than how many of the four thresholds a value exceeds, each the smallest value that so many
    fifths of all do not exceed."""
    ordered = sorted(values)
    thresholds = [ordered[-(-len(ordered) * fifths // 5) - 1] for fifths in (1, 2, 3, 4)]
    return values.map(lambda value: 1 + sum(value > threshold for threshold in thresholds))


def first_products(orders: pd.DataFrame, lines: pd.DataFrame, today: date, days: int) -> dict[str, list[int]]:
    """Product → all its first customers; of those whose first ``days`` are over: how many, repeaters, net."""
    mine = known(orders)
    early = mine[(pd.to_datetime(mine["day"]) - pd.to_datetime(mine["first"])).dt.days < days]
    people = mine[mine["number"] == 1].set_index("customer")
    people = people.assign(
        everyone=1,
        over=people["first"].map(lambda first: first + timedelta(days=days) <= today).astype(int),
        repeaters=(early.groupby("customer").size() > 1).astype(int),
        worth=early.groupby("customer")["net"].sum(),
    )
    people[["repeaters", "worth"]] = people[["repeaters", "worth"]].mul(people["over"], axis=0)
    goods = lines["product_id"].fillna(lines["sku"]).fillna(lines["title"])
    bought = pd.DataFrame({"order_id": lines["order_id"], "product": goods}).drop_duplicates()
    measures = ["everyone", "over", "repeaters", "worth"]
    sums = people.merge(bought, on="order_id").groupby("product")[measures].sum()
    return {str(product): row.tolist() for product, row in zip(sums.index, sums.to_numpy(), strict=True)}
