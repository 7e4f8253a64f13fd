"""A switchback, from its days in the store and the shop's in the marts to its reading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.canonical import digest
from growth_pipelines.experiments.planned_looks import newest_look
from growth_pipelines.experiments.readout import Declared, Readout
from growth_pipelines.experiments.slice_readout import Switchback, read_slices
from growth_pipelines.readouts.drawing import last_sales_day
from growth_pipelines.store.tables import Experiment, ExperimentUnit
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query

_METRICS = ("orders", "revenue", "sessions", "clicks")


def read_switchback(
    connection: WarehouseConnection,
    row: Experiment,
    declared: Declared,
    units: Sequence[ExperimentUnit],
    begun: date,
    today: date,
) -> tuple[Readout, str]:
    """The reading of a switchback that began on the day ``begun``, and the SHA-256 of the days it read.

    Its first day is the one after; ``today`` is the first day that does not count any more.
    """
    design, first = Design(**row.design), begun + timedelta(days=1)
    last = last_sales_day(connection, row.shop_id, today)
    measured = 0 if last is None else max(0, (last - first).days + 1)
    look = newest_look(declared.planned_days, measured)
    known = look.days if look else 0
    end = first + timedelta(days=known - 1)
    days = connection.frame(query("experiment_shop_days"), [row.shop_id, first, end])
    place = (days["date"].to_numpy().astype("datetime64[D]") - np.datetime64(first, "D")).astype(int)
    values = {metric: np.full(known, np.nan) for metric in _METRICS}
    for metric in _METRICS:
        values[metric][place] = days[metric].to_numpy(float)
    arms = np.array([declared.arms.index(unit.arm) for unit in units])
    test = Switchback(arms, values, design.block_days, design.carry_over_days, measured)
    read = days[list(_METRICS)].to_numpy(float).tolist()
    return read_slices(declared, test), digest({"arms": arms.tolist(), "first": place.tolist(), "days": read})
