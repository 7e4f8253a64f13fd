"""Plots of search: the page against the shop's click rate by position, its weeks, and what was typed."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from growth_pipelines.console.figures import number
from growth_pipelines.console.plots.plot import Missing, Plot, Subject
from growth_pipelines.console.plots.weeks import by_week, course, short
from growth_pipelines.warehouse.series import Series

# The evidence that these plots read, by the names that the recommenders give it.
CTR, CLICKS, IMPRESSIONS, POSITION = "CTR", "Clicks without brand queries", "Impressions", "Average position"
_SEARCHED = re.compile(r"Impressions of “(.+)”")
_Z = 1.959964  # of a 95 % interval
_LAST_PLACES = 10


def ctr_curve(subject: Subject, series: Series) -> Plot | Missing:
    """The page's click rate with its 95 % interval (Wilson 1927) against the shop's at every position."""
    title = "Click rate against what its rank wins"
    ctr, clicks, shown, place = (subject.row(name) for name in (CTR, CLICKS, IMPRESSIONS, POSITION))
    if ctr is None or clicks is None or shown is None or place is None or not shown["value"]:
        return Missing(title, "The action's evidence has no click rate and position.")
    curve = series.rows("ctr_curve")
    if not curve:
        return Missing(title, "The shop's click rates by position are not published.")
    at, rate = place["value"], ctr["value"]
    low, high = interval(clicks["value"], shown["value"])
    last = max(_LAST_PLACES, math.ceil(at) + 2)
    usual = [{"position": bucket, "ctr": value} for bucket, value in curve if bucket <= last]
    expected = [{"position": at, "ctr": ctr["baseline"]}] if ctr["baseline"] is not None else []
    page = {"position": at, "ctr": rate, "low": low, "high": high}
    names = [{"position": at, "ctr": rate, "text": f"this page {number(rate, 'ratio')}"}]
    names += [{**one, "text": f"expected {number(one['ctr'], 'ratio')}"} for one in expected]
    against = f"; {number(ctr['baseline'], 'ratio')} is expected of its queries" if expected else ""
    told = (
        f"At an average position of {number(at)} the page wins {number(rate, 'ratio')} of its impressions "
        f"(95 % interval {number(low, 'ratio')} to {number(high, 'ratio')}){against}."
    )
    table = [(str(one["position"]), number(one["ctr"], "ratio")) for one in usual]
    table.append((f"{number(at)} (this page)", number(rate, "ratio")))
    return Plot(
        "ctr_curve",
        title,
        told,
        ("Position", "Click rate"),
        table,
        {"curve": usual, "page": [page], "expected": expected, "names": names},
        "The line is the shop's usual rate at each position, brand queries left out.",
    )


def interval(successes: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a share: Wilson's score interval."""
    share, z2 = successes / trials, _Z**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def search_weeks(subject: Subject, series: Series) -> Plot | Missing:
    """Impressions and clicks of the page by week, with what was done to it."""
    title = "Search, week by week"
    days = series.rows("page_days", subject.page_key)
    if not days:
        return Missing(title, "No search data of this page are published.")
    end = days[0][-1]
    weeks = by_week([(row[0], row[1], row[2]) for row in days], end)
    marks = subject.marks(weeks[0][0] - timedelta(days=6), end)
    rows = [
        {"week": week.isoformat(), "impressions": impressions, "clicks": clicks}
        for week, (impressions, clicks) in weeks
    ]
    told = (
        f"{len(weeks)} weeks to {short(end)}. Clicks: {course([clicks for _, (_, clicks) in weeks])}. "
        f"Impressions: {course([seen for _, (seen, _) in weeks])}.{marks.told}"
    )
    table = [(short(week), number(seen), number(clicks)) for week, (seen, clicks) in weeks]
    return Plot(
        "search_weeks",
        title,
        told,
        ("Week to", "Impressions", "Clicks"),
        table,
        {"weeks": rows, "events": marks.rows},
        "All queries, brand included.",
    )


def visits_weeks(subject: Subject, series: Series) -> Plot | Missing:
    """Visits of the page by week."""
    title = "Visits, week by week"
    days = series.rows("page_days", subject.page_key)
    if not days or all(row[3] is None for row in days):
        return Missing(title, "No visits of this page are published.")
    end = days[0][-1]
    weeks = [(week, value) for week, (value,) in by_week([(row[0], row[3]) for row in days], end)]
    marks = subject.marks(weeks[0][0] - timedelta(days=6), end)
    told = f"{len(weeks)} weeks to {short(end)}. Visits: {course([value for _, value in weeks])}."
    return Plot(
        "weeks",
        title,
        told + marks.told,
        ("Week to", "Visits"),
        [(short(week), number(value)) for week, value in weeks],
        {
            "weeks": [{"week": week.isoformat(), "value": value} for week, value in weeks],
            "events": marks.rows,
        },
    )


def searches(subject: Subject, series: Series) -> Plot | Missing:
    """What people typed, from the evidence itself."""
    title = "What people searched for"
    found = [(match[1], row["value"]) for row in subject.evidence if (match := _SEARCHED.fullmatch(row["name"]))]
    if not found:
        return Missing(title, "The action's evidence names no searches.")
    rows = [
        {"name": query, "value": seen, "text": f"{query}: {number(seen)}", "ink": "bar"} for query, seen in found
    ]
    told = "Impressions in 28 days: " + "; ".join(f"“{query}” {number(seen)}" for query, seen in found) + "."
    table = [(query, number(seen)) for query, seen in found]
    return Plot("compared", title, told, ("Search", "Impressions"), table, {"rows": rows})
