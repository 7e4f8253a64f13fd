"""The plot of an outcome: what a page or product got by week, beside what untouched ones say it would have got."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from growth_pipelines.console.figures import money, number
from growth_pipelines.console.plots.plot import Plot, Rows, marks
from growth_pipelines.console.plots.weeks import short
from growth_pipelines.monitoring.marks import Dated, Event

# What is told of the execution itself.
WRITTEN = "written"


def outcome_plot(
    days: dict[str, Any], metric: str, executed: date, title: str, currency: str, events: Sequence[Dated] = ()
) -> Plot:
    """``days``: the first day, and what was got and expected on it and each one after, as outcomes keep them;
    ``events`` are marked beside the execution."""
    rows = _weeks(days, executed)

    def figure(value: float) -> str:
        return money(value, currency) if metric == "revenue" else number(value)

    others = [one for one in events if (one.day, one.what) != (executed, WRITTEN)]
    first, last = date.fromisoformat(days["first"]), date.fromisoformat(rows[-1]["week"]) if rows else executed
    marked = marks([Event(executed, WRITTEN), *others], first, last)
    after = [row for row in rows if date.fromisoformat(row["week"]) > executed]
    got, expected = (sum(row[name] for row in after) for name in ("got", "expected"))
    return Plot(
        "outcome",
        title,
        f"{figure(got)} in the weeks since {short(executed)}, where {figure(expected)} were expected."
        + (marked.told if others else ""),
        ("Week to", "It got", "Expected"),
        [(short(date.fromisoformat(row["week"])), figure(row["got"]), figure(row["expected"])) for row in rows],
        {"weeks": rows, "events": marked.rows},
        "Dashed: what untouched ones say it would have got without the action.",
    )


def _weeks(days: dict[str, Any], executed: date) -> Rows:
    """Sums of whole weeks up to the day before the execution and from the day after it on."""
    first, rows = date.fromisoformat(days["first"]), []
    before = (executed - first).days
    for start in (*range(before % 7, before, 7), *range(before + 1, len(days["actual"]) - 6, 7)):
        week = {"week": (first + timedelta(days=start + 6)).isoformat()}
        sums = {
            name: round(sum(days[kept][start : start + 7]), 2)
            for name, kept in (("got", "actual"), ("expected", "expected"))
        }
        rows.append({**week, **sums})
    return rows
