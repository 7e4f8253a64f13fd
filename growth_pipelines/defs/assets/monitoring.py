"""What got worse: pages that lost search traffic for a reason of their own, pages whose vitals regressed.

The statistics are in ``growth_pipelines.monitoring``; here they get their frames and their findings a place.
"""

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import change_percent, chart, days_in_words, table
from growth_pipelines.defs.happenings import marked
from growth_pipelines.defs.machine import Machine
from growth_pipelines.recommenders.money import WINDOW_DAYS

if TYPE_CHECKING:
    import pandas

    from growth_pipelines.monitoring.findings import Finding

SEARCH = dg.AssetKey("search_regressions")
VITALS = dg.AssetKey("vitals_regressions")
# Two windows and what came before them: enough to see whether the page ever was different.
_DAYS_DRAWN = 3 * WINDOW_DAYS


@dg.asset(
    key=SEARCH,
    deps=[PUBLISHED],
    group_name="monitoring",
    kinds={"python", "pandas"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="Pages that got worse in search in the last 28 days, against the 28 before and the rest of the "
    "shop, for a reason of their own: their position, their click-through rate or their demand. `change_percent` "
    "is what that reason alone did to the page's clicks.",
)
def search_regressions(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.monitoring import scan_pages
    from growth_pipelines.monitoring.page_findings import search_findings
    from growth_pipelines.warehouse.frames import load_frames

    with machine.warehouse.read() as connection:
        pages = load_frames(connection, ["page_daily"], machine.today)["page_daily"]
    machine.on_progress("search", None)
    found = scan_pages(pages)
    rows: list[dict[str, Any]] = sorted(found.to_dict("records"), key=lambda row: row["size"])
    _keep(machine, "search pages", search_findings(pages, rows))
    causes = Counter(str(row["cause"]) for row in rows)
    shown = [
        {"page": row["page"], "cause": row["cause"], "change_percent": change_percent(row["size"])} for row in rows
    ]
    return dg.MaterializeResult(
        metadata={
            **_search_window(pages),
            "pages_scanned": int(pages["page"].nunique()) if len(pages) else 0,
            "regressions": len(rows),
            **{f"because_of_{cause}": causes[cause] for cause in ("position", "ctr", "demand")},
            **({"worst_page": _page_days(machine, pages, rows[0]["page"])} if rows else {}),
            "worst": table(shown, ("page", "cause", "change_percent")),
        }
    )


def _page_days(machine: Machine, pages: "pandas.DataFrame", page: str) -> dg.MetadataValue:
    """The days of the page that lost most: what was shown, where, and what was clicked."""
    days = pages[pages["page"] == page].sort_values("date").tail(_DAYS_DRAWN)
    values = [
        {"measure": measure, "day": str(day)[:10], "value": None if value != value else float(value)}
        for measure in ("clicks", "impressions", "position")
        for day, value in zip(days["date"], days[measure], strict=True)
    ]
    return chart("daily_measures", f"Google search by day: {page}", marked(machine, values, page))


def _keep(machine: Machine, look: str, found: "list[Finding]") -> None:
    """What ``incidents`` is made of."""
    from growth_pipelines.monitoring.findings import as_document
    from growth_pipelines.store.looks import keep_look

    with machine.store.session() as session:
        keep_look(session, look, [], [as_document(one) for one in found], machine.now)


def _search_window(pages: "pandas.DataFrame") -> dict[str, str]:
    if not len(pages):
        return {}
    last = date.fromisoformat(str(pages["date"].max())[:10])
    before = last - timedelta(days=WINDOW_DAYS)
    return {
        "window": days_in_words(before + timedelta(days=1), last),
        "compared_with": days_in_words(before - timedelta(days=WINDOW_DAYS - 1), before),
    }


@dg.asset(
    key=VITALS,
    deps=[PUBLISHED],
    group_name="monitoring",
    kinds={"python", "pandas"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="Pages whose Core Web Vitals got worse for real visitors, since when (within a week) and by how "
    "much: p75 of 28 days, LCP and INP in milliseconds, CLS without a unit. They become incidents, which stay "
    "open until the page has recovered.",
)
def vitals_regressions(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.monitoring.page_findings import vitals_findings
    from growth_pipelines.monitoring.vitals import find_regressions
    from growth_pipelines.warehouse.frames import load_frames

    with machine.warehouse.read() as connection:
        vitals = load_frames(connection, ["vitals"], machine.today)["vitals"]
    machine.on_progress("web vitals", None)
    fdr = machine.settings.recommenders.cwv_repair.fdr
    rows: list[dict[str, Any]] = find_regressions(vitals, fdr=fdr).to_dict("records")
    _keep(machine, "vitals", vitals_findings(vitals, rows))
    return dg.MaterializeResult(
        metadata={
            "regressions": len(rows),
            **_vitals_window(vitals),
            **({"worst_page": _trend(machine, vitals, rows[0])} if rows else {}),
            "worst": table([*map(_vitals_row, rows)], _VITALS_COLUMNS),
        }
    )


def _vitals_window(vitals: "pandas.DataFrame") -> dict[str, str]:
    if not len(vitals):
        return {}
    first, last = (
        date.fromisoformat(str(day)[:10]) for day in (vitals["period_start"].min(), vitals["period_end"].max())
    )
    return {"window": days_in_words(first, last)}


_VITALS_COLUMNS = ("page", "device", "metric", "since", "p75", "change_percent", "severity")


def _vitals_row(row: dict[str, Any]) -> dict[str, Any]:
    before, now = row["before"], row["after"]
    p75 = f"{before:g} → {now:g}" if row["metric"] == "cls" else f"{before:,.0f} → {now:,.0f} ms"
    return {
        "page": row["page_key"],
        "device": row["form_factor"],
        "metric": str(row["metric"]).upper(),
        "since": str(row["since"])[:10],
        # On one line in the UI's narrow column.
        "p75": p75.replace(" ", "\N{NO-BREAK SPACE}"),
        "change_percent": round(change_percent(row["size"])),
        "severity": row["severity"],
    }


def _trend(machine: Machine, vitals: "pandas.DataFrame", worst: dict[str, Any]) -> dg.MetadataValue:
    """The history of the page that regressed most surely, with the thresholds of good and poor."""
    from growth_pipelines.monitoring.vitals import THRESHOLDS

    metric = str(worst["metric"])
    same = (
        vitals[["page_key", "form_factor", "metric"]] == [worst["page_key"], worst["form_factor"], metric]
    ).all(axis=1)
    series = vitals[same & vitals["p75"].notna()].drop_duplicates("period_end").sort_values("period_end")
    good, poor = THRESHOLDS[metric]
    unit = "" if metric == "cls" else ", ms"
    title = f"{metric.upper()} on {worst['form_factor']}{unit}: {worst['page_key']}"
    days = zip(series["period_end"], series["p75"], strict=True)
    values = [{"day": str(day)[:10], "value": float(p75), "good": good, "poor": poor} for day, p75 in days]
    return chart("vitals_trend", title, marked(machine, values, str(worst["page_key"])))
