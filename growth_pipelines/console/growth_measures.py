"""How the shop grows: sales, customers, search and speed from the published marts, actions from the store.

Sales and search are of the newest 28 whole days against the 28 before, customers of the newest whole month against
the one before. What the data do not say is None with the reason, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.console.measures import Measure, Window, end_of, unknown
from growth_pipelines.console.observed import Observed, observe, rows_of_query
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from growth_pipelines.warehouse.database import Warehouse

DAYS = 28
_MINOR = "minor units of {}"
_NO_ORDERS = "No order is published."
_NO_VISITS = "No visits are read."
_NO_SEARCH = "No search data are published."
_NO_MONTH = "No whole month of customers is published."
_VITALS = {"lcp": "ms", "inp": "ms", "cls": "score"}


def growth_measures(settings: Settings, store: Store, now: datetime) -> list[Measure]:
    """All of them, also those that are not known."""
    warehouse, seen = Warehouse.of(settings), observe(settings, now)
    late = {source.label: source.stale if source.newest else None for source in seen.sources}
    parts: list[tuple[Callable[[Sequence[Any]], list[Measure]], str, str]] = [
        (lambda rows: _sales(rows, seen), "growth_sales.sql", "Orders"),
        (_customers, "growth_customers.sql", "Orders"),
        (_search, "growth_search.sql", "Search data"),
        (_vitals, "growth_vitals.sql", "Web vitals"),
    ]
    found: list[Measure] = []
    for measured, query, source in parts:
        found += _of_query(warehouse, query, measured, late.get(source))
    with store.read() as session:
        return found + _actions(session, now)


def _of_query(
    warehouse: Warehouse, query: str, measured: Callable[[Sequence[Any]], list[Measure]], late: bool | None
) -> list[Measure]:
    try:
        rows = rows_of_query(warehouse, query)
    except GrowthError as problem:
        return [unknown(one, problem.message) for one in measured([])]
    return [replace(one, late=late) if one.value is not None else one for one in measured(rows)]


@dataclass(frozen=True)
class _Pair:
    """The window's sums and those of the one before, which counts only if it is whole."""

    now: dict[str, Any]
    before: dict[str, Any]

    @classmethod
    def of(cls, rows: Sequence[Any], names: Sequence[str]) -> _Pair:
        found = {row[0]: dict(zip(("first", "last", "days", *names), row[1:], strict=True)) for row in rows}
        before = found.get(0, {})
        return cls(found.get(1, {}), before if before.get("days") == DAYS else {})

    def measure(
        self, name: str, help: str, unit: str, reason: str, value: Callable[[dict[str, Any]], float | None]
    ) -> Measure:
        found = value(self.now) if self.now else None
        if found is None:
            return Measure(name, help, unit, None, reason=reason)
        first, last = self.now["first"], self.now["last"]
        before = value(self.before) if self.before else None
        return Measure(name, help, unit, found, end_of(last), window=Window(first, last), before=before)


def _plain(name: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda row: _number(row[name])


def _ratio(upper: str, lower: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda row: float(row[upper]) / float(row[lower]) if row[lower] and row[upper] is not None else None


def _number(value: Any) -> float | int | None:
    """Sums come as decimals or doubles; whole ones are shown as such."""
    if value is None:
        return None
    plain = float(value)
    return int(plain) if plain.is_integer() else plain


def _sales(rows: Sequence[Any], seen: Observed) -> list[Measure]:
    sums = _Pair.of(rows, ("orders", "net_cents", "refund_cents", "customers_new", "sessions"))
    if seen.sources and not any(one.label == "Orders" and one.newest for one in seen.sources):
        sums = _Pair({}, {})
    money = _MINOR.format(seen.shop.currency or "the shop's currency")
    reason = _NO_ORDERS

    def visits(value: Callable[[dict[str, Any]], float | None]) -> Callable[[dict[str, Any]], float | None]:
        return lambda row: value(row) if row["sessions"] else None

    return [
        sums.measure("net_sales_28d", "Gross less discounts, before refunds", money, reason, _plain("net_cents")),
        sums.measure("orders_28d", "Orders that count", "orders", reason, _plain("orders")),
        sums.measure("order_value_28d", "Net sales an order", money, reason, _ratio("net_cents", "orders")),
        sums.measure("refunds_28d", "Refunds, by their own day", money, reason, _plain("refund_cents")),
        sums.measure(
            "new_customers_28d", "Customers with their first order", "customers", reason, _plain("customers_new")
        ),
        sums.measure("sessions_28d", "Visits of the store", "visits", _NO_VISITS, visits(_plain("sessions"))),
        sums.measure(
            "conversion_rate_28d", "Orders a visit", "ratio", _NO_VISITS, visits(_ratio("orders", "sessions"))
        ),
    ]


def _customers(rows: Sequence[Any]) -> list[Measure]:
    names = {
        "customers_new": "Active customers with their first order in the month",
        "customers_retained": "Customers active in the month and in the one before",
        "customers_resurrected": "Active customers who were away in the month before",
        "customers_churned": "Customers of the month before who did not come back",
        "customers_active": "Customers with an order in the month",
        "customers_quick_ratio": "New and resurrected customers for each one churned",
    }
    found = []
    for at, (name, help) in enumerate(names.items(), 2):
        unit = "ratio" if name.endswith("ratio") else "customers"
        value = _number(rows[0][at]) if rows else None
        if value is None:
            reason = "Nobody churned in the month." if rows else _NO_MONTH
            found.append(Measure(name, help, unit, None, reason=reason))
            continue
        start, end = rows[0][0], rows[0][1]
        before = _number(rows[1][at]) if len(rows) > 1 else None
        found.append(Measure(name, help, unit, value, end_of(end), window=Window(start, end), before=before))
    return found


def _search(rows: Sequence[Any]) -> list[Measure]:
    sums = _Pair.of(rows, ("clicks", "impressions"))
    return [
        sums.measure("search_clicks_28d", "Clicks from search", "clicks", _NO_SEARCH, _plain("clicks")),
        sums.measure(
            "search_impressions_28d", "Times shown in search", "impressions", _NO_SEARCH, _plain("impressions")
        ),
        sums.measure("search_ctr_28d", "Clicks a showing", "ratio", _NO_SEARCH, _ratio("clicks", "impressions")),
    ]


def _vitals(rows: Sequence[Any]) -> list[Measure]:
    known = {row[0]: row for row in rows}
    found = []
    for metric, unit in _VITALS.items():
        one = Measure(
            f"web_vitals_{metric}_p75",
            f"{metric.upper()} of the whole shop on phones, 75th percentile of 28 days",
            unit,
            None,
            reason="The Chrome UX Report has no figures of the whole shop.",
        )
        if metric in known:
            _, start, end, p75 = known[metric]
            one = replace(one, value=float(p75), as_of=end_of(end), window=Window(start, end), reason="")
        found.append(one)
    return found


def _actions(session: Session, now: datetime) -> list[Measure]:
    since = now - timedelta(days=DAYS)

    def executed(start: datetime, end: datetime) -> int:
        then = (Action.executed_at > start, Action.executed_at <= end)
        return session.scalar(select(func.count()).select_from(Action).where(*then)) or 0

    return [
        Measure(
            "actions_executed_28d",
            "Actions carried out in the last 28 days",
            "actions",
            executed(since, now),
            now,
            window=Window(since.date(), now.date()),
            before=executed(since - timedelta(days=DAYS), since),
            late=False,
        )
    ]
