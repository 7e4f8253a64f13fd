"""What got worse: pages that lost search traffic for a reason of their own, pages whose vitals regressed.

The statistics are in ``growth_pipelines.monitoring``; here they get their frames and their findings a place.
"""

from collections import Counter
from typing import Any

import dagster as dg

from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import table
from growth_pipelines.defs.machine import Machine

SEARCH = dg.AssetKey("search_regressions")
VITALS = dg.AssetKey("vitals_regressions")


@dg.asset(
    key=SEARCH,
    deps=[PUBLISHED],
    group_name="monitoring",
    kinds={"python", "pandas"},
    owners=[OWNER],
    description="Pages that got worse in search in the last 28 days for a reason of their own: "
    "their position, their click-through rate or their demand.",
)
def search_regressions(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.monitoring import scan_pages
    from growth_pipelines.warehouse.frames import load_frames

    with machine.warehouse.read() as connection:
        pages = load_frames(connection, ["page_daily"], machine.today)["page_daily"]
    machine.on_progress("search", None)
    found = scan_pages(pages)
    rows: list[dict[str, Any]] = found.to_dict("records")
    causes = Counter(str(row["cause"]) for row in rows)
    return dg.MaterializeResult(
        metadata={
            "pages_scanned": int(pages["page"].nunique()) if len(pages) else 0,
            "regressions": len(rows),
            **{f"because_of_{cause}": count for cause, count in sorted(causes.items())},
            "worst": table(rows),
        }
    )


@dg.asset(
    key=VITALS,
    deps=[PUBLISHED],
    group_name="monitoring",
    kinds={"python", "pandas"},
    owners=[OWNER],
    description="Pages whose Core Web Vitals got worse for real visitors, since when and by how much. "
    "Each opens a row of the store's `regressions` and closes it when the page has recovered.",
)
def vitals_regressions(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.monitoring.vitals import find_regressions
    from growth_pipelines.store.regressions import record_regressions
    from growth_pipelines.warehouse.frames import load_frames

    with machine.warehouse.read() as connection:
        frames = load_frames(connection, ["vitals", "pages"], machine.today)
    machine.on_progress("web vitals", None)
    rows: list[dict[str, Any]] = find_regressions(frames["vitals"]).to_dict("records")
    urls = dict(zip(frames["pages"]["page_key"], frames["pages"]["url"], strict=True))
    with machine.store.session() as session:
        change = record_regressions(session, rows, urls, machine.now)
    return dg.MaterializeResult(
        metadata={
            "regressions": len(rows),
            "new": len(change.opened),
            "recovered": len(change.recovered),
            "worst": table(rows),
        }
    )
