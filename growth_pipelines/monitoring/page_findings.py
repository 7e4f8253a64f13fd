"""Pages that lost search traffic or got slower, as findings: dated, sized, with their share of the shop's loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.monitoring.changes import detect_changes
from growth_pipelines.monitoring.findings import Finding, interval_of
from growth_pipelines.monitoring.watching import series_of

_WINDOW, _SEARCHED = 28, 112
# Of each cause, the column that it shows in, what its numbers are, and the direction that is worse.
_SHOWS_IN = {
    "position": ("position", "duration", "up"),
    "ctr": ("ctr", "rate", "down"),
    "demand": ("impressions", "count", "down"),
}
# A page that is so much of the clicks that the whole shop lost matters to all of it.
_HIGH_SHARE = 0.05
# CrUX's points are weeks apart: a beginning is known to a week.
_WEEK = timedelta(days=7)


def search_findings(pages: pd.DataFrame, regressions: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The rows of ``scan_pages`` over ``pages`` (page, date, clicks, impressions, position) as findings."""
    if not regressions:
        return []
    rows = pages.assign(day=pd.to_datetime(pages["date"]))
    end = rows["day"].max()
    lost = _lost(rows, end)
    total = float(lost.clip(lower=0).sum())
    own = rows[
        rows["page"].isin([row["page"] for row in regressions]) & (rows["day"] > end - timedelta(days=_SEARCHED))
    ]
    by_page = {page: part.set_index("day").sort_index() for page, part in own.groupby("page")}
    calendar = pd.date_range(end - timedelta(days=_SEARCHED - 1), end, freq="D")
    return [
        _search_finding(row, by_page[row["page"]].reindex(calendar), float(lost.get(row["page"], 0.0)), total)
        for row in regressions
        if row["page"] in by_page
    ]


def _lost(rows: pd.DataFrame, end: pd.Timestamp) -> pd.Series:
    """Clicks of the 28 days before the last 28, minus those of the last 28, by page."""
    ago = (end - rows["day"]).dt.days
    now = rows[ago < _WINDOW].groupby("page")["clicks"].sum()
    before = rows[(ago >= _WINDOW) & (ago < 2 * _WINDOW)].groupby("page")["clicks"].sum()
    return before.sub(now, fill_value=0)


def _search_finding(row: Mapping[str, Any], days: pd.DataFrame, lost: float, total: float) -> Finding:
    column, kind, worse = _SHOWS_IN[row["cause"]]
    seen = days["impressions"].fillna(0).to_numpy(float)
    clicks = days["clicks"].fillna(0).to_numpy(float)
    shown = {
        "impressions": seen,
        "position": days["position"].to_numpy(float),
        "ctr": np.divide(clicks, seen, out=np.full(seen.size, np.nan), where=seen > 0),
    }[column]
    calendar = days.index.to_numpy().astype("datetime64[D]")
    since, first, last = _beginning(shown, calendar, kind, worse)
    low, high = interval_of(row["size"], row["p_value"])
    share = max(0.0, lost) / total if total > 0 else 0.0
    return Finding(
        family="search",
        metric="page_clicks",
        level="page",
        subject=str(row["page"]),
        direction="down",
        since=since,
        first=first,
        last=last,
        size=float(row["size"]),
        low=low,
        high=high,
        cause=str(row["cause"]),
        severity="high" if share >= _HIGH_SHARE else "medium",
        evidence={
            "series": series_of(calendar, clicks),
            "unit": "",
            "lost": lost,
            "share_of_loss": share,
            "before": float(clicks[-2 * _WINDOW : -_WINDOW].mean()),
            "after": float(clicks[-_WINDOW:].mean()),
        },
    )


def _beginning(values: Any, calendar: Any, kind: Any, worse: str) -> tuple[date, date, date]:
    """When it began: the newest change in that direction, else somewhere in the two windows that were compared."""
    found = [one for one in detect_changes(values, calendar, kind) if one.direction == worse]
    days = [day.astype(object) for day in calendar]
    if found and found[-1].index >= len(days) - 2 * _WINDOW:
        change = found[-1]
        return days[change.index], days[change.first], days[change.last]
    return days[-_WINDOW], days[-2 * _WINDOW], days[-1]


def vitals_findings(vitals: pd.DataFrame, regressions: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The rows of ``find_regressions`` over ``vitals`` as findings."""
    keys = ["page_key", "form_factor", "metric"]
    if not regressions:
        return []
    known = vitals[vitals["p75"].notna()].sort_values("period_end")
    series = dict(iter(known.groupby(keys, sort=False)))
    return [_vitals_finding(row, series[tuple(row[name] for name in keys)]) for row in regressions]


def _vitals_finding(row: Mapping[str, Any], weeks: pd.DataFrame) -> Finding:
    since = date.fromisoformat(str(row["since"])[:10])
    low, high = interval_of(row["size"], row["p_value"])
    points = zip(weeks["period_end"], weeks["p75"], strict=True)
    return Finding(
        family="vitals",
        metric=f"{row['metric']} {row['form_factor']}",
        level="page",
        subject=str(row["page_key"]),
        direction="up",
        since=since,
        first=since - _WEEK,
        last=since + _WEEK,
        size=float(row["size"]),
        low=low,
        high=high,
        cause="vitals",
        severity=str(row["severity"]),
        evidence={
            "series": [[str(day)[:10], float(value)] for day, value in points],
            "unit": "" if row["metric"] == "cls" else "ms",
            "before": float(row["before"]),
            "after": float(row["after"]),
        },
    )
