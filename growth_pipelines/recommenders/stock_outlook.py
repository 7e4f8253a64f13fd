"""Stock and demand of every variant side by side, the common ground of merchandising."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.demand import Demand, estimate
from growth_pipelines.recommenders.economics import minor_units
from growth_pipelines.recommenders.stock import abc_class, days_of_cover, urgency

HISTORY_DAYS = 84


@dataclass(frozen=True)
class StockOutlook:
    """``rows`` are those of ``stock`` with units and sale_days (of the last 84), days_out, daily, daily_sd, cover,
    urgency, is_counted, price (major units), and its product's abc class by revenue and turnover (units a year ÷
    stock; NaN without stock); ``demand`` has the same order."""

    rows: pd.DataFrame
    demand: Demand


def stock_outlook(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: MerchPlaybookConfig
) -> StockOutlook:
    """The outlook as of the context's day; days from then on are ignored."""
    rows = frames["stock"].reset_index(drop=True).copy()
    start = pd.Timestamp(context.as_of - timedelta(days=HISTORY_DAYS))
    units = _matrix(frames["variant_days"], rows["variant_id"], start, "units")
    out = _matrix(frames["days_out"].assign(out=1), rows["variant_id"], start, "out") > 0
    demand = estimate(units, out, start.weekday())
    rows["units"], rows["sale_days"], rows["days_out"] = (
        units.sum(axis=1),
        (units > 0).sum(axis=1),
        out.sum(axis=1),
    )
    rows["daily"], rows["daily_sd"] = demand.rate, demand.daily_sd
    for name in ("available", "incoming", "price_cents", "cost_cents"):
        rows[name] = pd.to_numeric(rows[name], errors="coerce").astype(float)
    # What isn't counted can't run out; a stock that isn't known is not taken for empty.
    tracked = rows["is_tracked"].astype("boolean").fillna(True).astype(bool)
    rows["is_counted"] = tracked & rows["available"].notna()
    rows["available"], rows["incoming"] = rows["available"].fillna(0.0), rows["incoming"].fillna(0.0)
    rows["cover"] = days_of_cover(rows["available"], rows["daily"])
    limits = (config.critical_days, config.high_days, config.medium_days)
    rows["urgency"] = urgency(rows["available"], rows["cover"], limits)
    rows["price"] = rows["price_cents"] / minor_units(frames["shop"])
    product = rows["product_id"]
    revenue = (rows["units"] * rows["price"]).groupby(product).sum()
    rows["abc"] = product.map(pd.Series(abc_class(revenue), index=revenue.index, dtype=object))
    sold, held = rows["units"].groupby(product).sum(), rows["available"].clip(lower=0).groupby(product).sum()
    rows["turnover"] = product.map(sold * (365 / HISTORY_DAYS) / held.where(held > 0)).astype(float)
    return StockOutlook(rows, demand)


def _matrix(rows: pd.DataFrame, items: pd.Series, start: pd.Timestamp, value: str) -> np.ndarray:
    """Items × days; rows of other items and days are left out."""
    found = np.zeros((len(items), HISTORY_DAYS))
    if not len(rows):
        return found
    item = pd.Index(items).get_indexer(pd.Index(rows["variant_id"]))
    day = ((pd.to_datetime(rows["date_day"]) - start).dt.days).to_numpy()
    kept = (item >= 0) & (day >= 0) & (day < HISTORY_DAYS)
    np.add.at(found, (item[kept], day[kept]), rows[value].to_numpy(float)[kept])
    return found
