"""The published warehouse: the one barrier between writing and reading.

Everything before it writes the warehouse, everything after it (recommenders, console, command line) reads what it
published. It runs only when every blocking test of the models passed, so nothing is proposed on red data.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import sparkline, table
from growth_pipelines.defs.machine import Machine, freshness_label, query

PUBLISHED = dg.AssetKey("published_warehouse")


def published_warehouse(marts: Sequence[dg.AssetKey], kind: str) -> dg.AssetsDefinition:
    """The asset, which depends on every mart."""

    @dg.asset(
        key=PUBLISHED,
        deps=list(marts),
        group_name="published",
        kinds={kind},
        owners=[OWNER],
        pool="warehouse",
        freshness_policy=dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=30), fail_window=timedelta(hours=54)
        ),
        description="What readers see: a copy of the warehouse, swapped in at once, that no run ever locks.",
    )
    def publish(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
        path = machine.warehouse.publish()
        machine.remember_shop()
        return dg.MaterializeResult(
            metadata={
                **({"file": dg.MetadataValue.path(path), "bytes": path.stat().st_size} if path else {}),
                **snapshot_metadata(machine),
            }
        )

    return publish


def snapshot_metadata(machine: Machine) -> dict[str, Any]:
    """The age of each source, and the shop's last eight weeks as curves and figures."""
    days = machine.newest_days()
    with machine.warehouse.read() as connection:
        trend = connection.frame(query("shop_trend")).iloc[::-1]
    recent = trend.tail(28)
    return {
        "freshness": freshness_label(days) or "no data yet",
        "newest_days": table(
            [{"source": s, "newest": d, "days_ago": (machine.today - d).days} for s, d in days.items()]
        ),
        "orders_8_weeks": sparkline(trend["orders"]),
        "sessions_8_weeks": sparkline(trend["sessions"]),
        "search_clicks_8_weeks": sparkline(trend["search_clicks"]),
        "orders_28d": int(recent["orders"].fillna(0).sum()),
        "net_28d": round(float(recent["net_cents"].fillna(0).sum()) / 100, 2),
    }
