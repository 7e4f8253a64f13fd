"""The published warehouse: the one barrier between writing and reading.

Everything before it writes the warehouse, everything after it (recommenders, console, command line) reads what it
published. It runs only when every blocking test of the models passed, so nothing is proposed on red data.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.automation import on_new_data
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import chart, sparkline, table
from growth_pipelines.defs.happenings import marked
from growth_pipelines.defs.machine import Machine, query

if TYPE_CHECKING:
    import pandas

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
        automation_condition=on_new_data(),
        freshness_policy=DAILY,
        description="What readers see: a copy of the warehouse, swapped in at once, that no run ever locks. "
        "Recommenders, console and terminal read nothing else, and it is made only from models whose blocking "
        "tests passed.",
    )
    def publish(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
        path = machine.warehouse.publish()
        machine.remember_shop()
        return dg.MaterializeResult(
            metadata={
                **({"file": dg.MetadataValue.path(path), "bytes": path.stat().st_size} if path else {}),
                **snapshot_metadata(machine),
                **quality_metadata(machine),
            }
        )

    return publish


def quality_metadata(machine: Machine) -> dict[str, Any]:
    """The score of each source as a number, for its curve, and all grades in one table."""
    from growth_pipelines.quality.report import by_source, read_report

    report = read_report(machine.settings)
    found = by_source(report, machine.now) if report else []
    if not found:
        return {}
    rows = [{"source": s.title, "grade": s.quality.grade, "failing": len(s.failing)} for s in found]
    return {**{f"quality_{s.source}": s.quality.score for s in found}, "quality": table(rows)}


def snapshot_metadata(machine: Machine) -> dict[str, Any]:
    """The age of each source, and the shop's last weeks as curves and figures."""
    days = machine.newest_days()
    with machine.warehouse.read() as connection:
        trend = connection.frame(query("shop_trend")).iloc[::-1]
    # Search days that Google has not given yet are no fall to zero.
    trend["search_clicks"] = trend["search_clicks"].where(
        [days.get("search") is not None and str(day)[:10] <= str(days["search"]) for day in trend["date_day"]]
    )
    recent = trend.tail(28)
    currency = machine.settings.currency
    return {
        "freshness": machine.freshness() or "no data yet",
        "newest_days": table(
            [{"source": s, "newest": d, "days_ago": (machine.today - d).days} for s, d in days.items()]
        ),
        "orders_28d": int(recent["orders"].fillna(0).sum()),
        "net_sales_28d": round(float(recent["net_sales"].fillna(0).sum()), 2),
        **({"currency": currency} if currency else {}),
        "orders_by_day": sparkline(recent["orders"]),
        "sessions_by_day": sparkline(recent["sessions"]),
        "search_clicks_by_day": sparkline(recent["search_clicks"]),
        **({"last_8_weeks": _curves(machine, trend, currency)} if len(trend) else {}),
    }


def _curves(machine: Machine, trend: "pandas.DataFrame", currency: str) -> dg.MetadataValue:
    named = trend.rename(
        columns={"net_sales": f"Net sales, {currency or 'shop currency'}", "search_clicks": "Search clicks"}
        | {"orders": "Orders", "sessions": "Sessions"}
    )
    values = [
        {"day": str(row["date_day"])[:10], "measure": measure, "value": float(row[measure])}
        for measure in named.columns.drop("date_day")
        for row in named.to_dict("records")
        if row[measure] == row[measure] and row[measure] is not None
    ]
    return chart("daily_measures", "The shop by day, last 8 weeks", marked(machine, values))
