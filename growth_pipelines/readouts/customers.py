"""An experiment on customers, from the orders in the marts to its reading."""

from __future__ import annotations

from datetime import date, timedelta

from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.canonical import digest
from growth_pipelines.experiments.customer_readout import CustomerTest, read_customers
from growth_pipelines.experiments.planned_looks import newest_look
from growth_pipelines.experiments.readout import Declared, Readout
from growth_pipelines.readouts.drawing import last_sales_day
from growth_pipelines.store.tables import Experiment
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query


def read_customer_test(
    connection: WarehouseConnection, row: Experiment, declared: Declared, begun: date, today: date
) -> tuple[Readout, str]:
    """The reading of an experiment on customers that began on the day ``begun``, and the SHA-256 of what it read.

    Outcomes are those from the day after ``begun`` on; ``today`` is the first day that does not count any more.
    """
    last, first = last_sales_day(connection, row.shop_id, today), begun + timedelta(days=1)
    measured = 0 if last is None else max(0, (last - first).days + 1)
    look = newest_look(declared.planned_days, measured)
    span = timedelta(days=look.days if look else 0)
    bounds = [begun - span, begun, first, first + span - timedelta(days=1)]
    customers = connection.frame(query("experiment_customer_orders"), [*bounds, row.id])
    test = CustomerTest(customers, Design(**row.design).cap_quantile, measured)
    return read_customers(declared, test), digest(customers.to_numpy(object).tolist())
