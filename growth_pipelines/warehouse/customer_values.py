"""The mart ``fct_customer_lifetime_value``: read the orders, ask the model, replace the table in one transaction.

It is the one mart that no SQL makes; dbt documents it as a source of the schema ``marts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query

if TYPE_CHECKING:
    import pandas

    from growth_pipelines.warehouse.lifetime_value import BackTest, CustomerModel

TABLE = "fct_customer_lifetime_value"
COLUMNS: Mapping[str, str] = {
    "shop_id": "varchar",
    "customer_key": "varchar",
    "as_of": "date",
    "horizon_days": "bigint",
    "expected_purchases": "double precision",
    "expected_value_cents": "bigint",
    "low_cents": "bigint",
    "high_cents": "bigint",
    "p_alive": "double precision",
    "model": "varchar",
    "currency": "varchar",
}
LEVEL = 0.9
# A hold-out shorter than this, or taken from less than four times as much, judges nothing.
_LONGEST_HOLDOUT, _SHORTEST_HOLDOUT = 90, 14


@dataclass(frozen=True)
class ShopValues:
    """One shop's customers: ``values`` as the mart has them; ``back_test`` is None without enough history."""

    shop_id: str
    as_of: date
    currency: str
    model: CustomerModel
    values: pandas.DataFrame
    back_test: BackTest | None


def value_customers(connection: WarehouseConnection, today: date, horizon_days: int) -> list[ShopValues]:
    """Every shop's customers as of its last complete day; ``today`` is never one. Reads marts, writes nothing."""
    purchases = connection.frame(query("customer_purchases"))
    known = connection.frame(query("orders_known_to"))
    found = []
    for row in known.itertuples():
        of_shop = purchases[purchases["shop_id"] == row.shop_id]
        as_of = _last_complete_day(row.last_order, row.covered_to, today)
        if len(of_shop):
            found.append(_value_shop(str(row.shop_id), of_shop, as_of, horizon_days))
    return found


def _last_complete_day(last_order: Any, covered_to: Any, today: date) -> date:
    """Silence of a source that was not read is not silence of customers."""
    last = date.fromisoformat(str(last_order)[:10])
    if covered_to is not None and covered_to == covered_to:
        last = max(last, date.fromisoformat(str(covered_to)[:10]) - timedelta(days=1))
    return min(last, today - timedelta(days=1))


def _value_shop(shop_id: str, purchases: pandas.DataFrame, as_of: date, horizon_days: int) -> ShopValues:
    from growth_pipelines.warehouse.lifetime_value import daily, fit_customers, histories

    customers = histories(daily(purchases), as_of)
    model = fit_customers(customers)
    predicted = model.predict(customers, horizon_days, LEVEL)
    currency = str(purchases["currency"].iloc[0])
    values = predicted.rename(columns={"customer_id": "customer_key"}).assign(
        shop_id=shop_id, as_of=as_of, horizon_days=horizon_days, model=model.name, currency=currency
    )
    for name, cents in (("expected_value", "expected_value_cents"), ("low", "low_cents"), ("high", "high_cents")):
        values[cents] = values[name].round().astype("int64")
    return ShopValues(shop_id, as_of, currency, model, values[list(COLUMNS)], _back_test(purchases, as_of))


def _back_test(purchases: pandas.DataFrame, as_of: date) -> BackTest | None:
    """On the last 90 days, or the last quarter of a shorter history."""
    from growth_pipelines.warehouse.lifetime_value import back_test

    first = date.fromisoformat(str(purchases["date"].min())[:10])
    days = min(_LONGEST_HOLDOUT, ((as_of - first).days + 1) // 4)
    if days < _SHORTEST_HOLDOUT:
        return None
    return back_test(purchases, as_of - timedelta(days=days), days, LEVEL)


def replace_values(connection: WarehouseConnection, shops: list[ShopValues]) -> int:
    """Put the rows of all shops in place of the table's; call it inside a transaction. Returns their number."""
    import pyarrow as pa

    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"drop table if exists marts.{TABLE}")
    connection.execute(f"create table marts.{TABLE} ({columns})")
    tables = [pa.Table.from_pandas(shop.values, preserve_index=False) for shop in shops if len(shop.values)]
    return sum(connection.insert(f"marts.{TABLE}", list(COLUMNS), table.to_reader()) for table in tables)
