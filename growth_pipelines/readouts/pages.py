"""A split test of pages, from its pairs in the store and the days in the marts to its reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import arm_names
from growth_pipelines.canonical import digest
from growth_pipelines.experiments.page_readout import SplitTest, read_pages
from growth_pipelines.experiments.planned_looks import newest_look
from growth_pipelines.experiments.readout import Declared, Readout
from growth_pipelines.readouts.drawing import PAGE_DAYS_BEFORE, last_search_day, seed_of
from growth_pipelines.store.tables import Experiment, ExperimentUnit
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query

if TYPE_CHECKING:
    import pandas as pd

_METRICS = ("clicks", "impressions", "sessions", "orders", "revenue")


def read_split_test(
    connection: WarehouseConnection,
    row: Experiment,
    declared: Declared,
    units: Sequence[ExperimentUnit],
    begun: date,
    today: date,
) -> tuple[Readout, str]:
    """The reading of an experiment on pages that began on the day ``begun``, and the SHA-256 of the days it read.

    ``today`` is the first day that does not count any more: the present one, or that of its end.
    """
    design, last = Design(**row.design), last_search_day(connection, row.shop_id, today)
    first_outcome = begun + timedelta(days=design.settle_days)
    measured = 0 if last is None else max(0, (min(last, today - timedelta(days=1)) - first_outcome).days + 1)
    look = newest_look(declared.planned_days, measured)
    end = first_outcome + timedelta(days=look.days if look else 0)
    bounds = [begun - timedelta(days=PAGE_DAYS_BEFORE), end - timedelta(days=1)]
    pages = [unit.unit_id for unit in units]
    daily = connection.frame(query("experiment_page_days"), [row.shop_id, *bounds, pages])
    kept = [{name: getattr(unit, name) for name in ("unit_id", "pair", "arm", "template")} for unit in units]
    pairs = as_pairs(row, kept)
    start = np.datetime64(begun, "D")
    test = SplitTest(pairs, daily, start, design.settle_days, measured, seed_of(row.key))
    return read_pages(declared, test), _digest_of(daily, units)


def as_pairs(row: Experiment, units: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The pages of ``row`` as the statistics take them: page, pair, arm (0 control, 1 treatment) and template."""
    import pandas as pd

    treatment = arm_names(row)[1]
    return pd.DataFrame(
        [(unit["unit_id"], unit["pair"], int(unit["arm"] == treatment), unit["template"]) for unit in units],
        columns=["page", "pair", "arm", "template"],
    )


def _digest_of(daily: pd.DataFrame, units: Sequence[ExperimentUnit]) -> str:
    """Of each page's days as they were read, and of the arms."""
    numbers = daily[list(_METRICS)].astype("int64")
    days = [daily["page"].tolist(), daily["date"].dt.strftime("%Y-%m-%d").tolist(), numbers.to_numpy().tolist()]
    return digest({"units": [[unit.unit_id, unit.arm, unit.pair] for unit in units], "days": days})
