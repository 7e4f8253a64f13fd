"""Plots of what is watched: the days so far, the weeks ahead with their interval, a change with the days it may
have begun on, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from growth_pipelines.console.figures import money, number
from growth_pipelines.console.plots.plot import Marks, Missing, Plot, Rows, marks
from growth_pipelines.console.plots.weeks import short
from growth_pipelines.monitoring.marks import Dated

# Days in the table below a plot, before and after today: a page holds several.
_TABLED = 7
_AHEAD = ("day", "mean", "low", "high")
# By what a unit is multiplied to be drawn, and what the axis then counts.
_DRAWN = {"ms": (0.001, "seconds"), "share": (100.0, "per cent")}


def figure(value: float | None, unit: str, currency: str) -> str:
    """A watched metric's value as it is read."""
    return money(value, currency) if unit == "money" and value is not None else number(value, unit)


def metric_plot(one: Mapping[str, Any], events: Sequence[Dated], currency: str) -> Plot | Missing:
    """A watched metric's newest days, and what is expected of the next ones."""
    days, ahead = _days(one["series"]), one["ahead"]
    if not days:
        return Missing(one["label"], one["note"] or "no data.")
    told = f"{len(days)} days to {_short(days[-1]['day'])}"
    level = one["level"]
    told += f", lately {figure(level, one['unit'], currency)} a day." if level is not None else "."
    if ahead:
        last = ahead[-1]
        told += (
            f" On {_short(last[0])} {figure(last[1], one['unit'], currency)} are expected, nine times in ten "
            f"between {figure(last[2], one['unit'], currency)} and {figure(last[3], one['unit'], currency)}."
        )
    marked = _marks(events, days, ahead)
    table = [(_short(row["day"]), figure(row["value"], one["unit"], currency), "") for row in days[-_TABLED:]]
    table += [
        (
            _short(day),
            figure(mean, one["unit"], currency),
            f"{figure(low, one['unit'], currency)} – {figure(high, one['unit'], currency)}",
        )
        for day, mean, low, high in ahead[:_TABLED]
    ]
    floor = [] if one["floor"] is None else [_level(ahead[0][0], ahead[-1][0], one["floor"])]
    scale, counted = _axis(one["unit"], currency)
    return Plot(
        "watched",
        one["label"],
        told + marked.told,
        ("Day", "Value or expected", "90 % interval"),
        table,
        {
            "days": _scaled(days, scale),
            "ahead": _scaled([dict(zip(_AHEAD, row, strict=True)) for row in ahead], scale),
            "span": [],
            "levels": _scaled(floor if ahead else [], scale),
            "events": marked.rows,
        },
        counted,
    )


def finding_plot(finding: Mapping[str, Any], title: str, events: Sequence[Dated], currency: str) -> Plot | Missing:
    """A finding's days with the level before and after, and the days on which it may have begun."""
    evidence = finding["evidence"]
    days, unit = _days(evidence.get("series", [])), evidence.get("unit", "")
    if not days:
        return Missing(title, "It is no series of days.")
    before, after = evidence["before"], evidence["after"]
    ahead = evidence.get("ahead", [])
    told = (
        f"{len(days)} points to {_short(days[-1]['day'])}: {figure(before, unit, currency)} before, "
        f"{figure(after, unit, currency)} {'expected' if ahead else 'since'}."
    )
    levels = [_level(days[0]["day"], finding["since"], before)]
    if not ahead:
        levels.append(_level(finding["since"], days[-1]["day"], after))
    span = [{"first": finding["first"], "last": str(date.fromisoformat(finding["last"]) + timedelta(days=1))}]
    marked, (scale, counted) = _marks(events, days, ahead), _axis(unit, currency)
    return Plot(
        "watched",
        title,
        told + marked.told,
        ("Day", "Value"),
        [(_short(row["day"]), figure(row["value"], unit, currency)) for row in days],
        {
            "days": _scaled(days, scale),
            "ahead": _scaled([dict(zip(_AHEAD, row, strict=True)) for row in ahead], scale),
            "span": span,
            "levels": _scaled(levels, scale),
            "events": marked.rows,
        },
        f"{counted} Shaded: the days on which it may have begun. Dashed: the levels before and after.".lstrip(),
    )


def _days(series: Sequence[Sequence[Any]]) -> Rows:
    return [{"day": day, "value": value} for day, value in series]


def _axis(unit: str, currency: str) -> tuple[float, str]:
    """What values are multiplied by to be drawn, and what the axis then counts (a sentence or nothing)."""
    scale, counted = _DRAWN.get(unit, (1.0, unit))
    counted = currency if unit == "money" else counted
    return scale, f"In {counted}." if counted else ""


def _scaled(rows: Rows, scale: float) -> Rows:
    """Milliseconds are drawn as seconds and shares as per cent, as they are read."""
    return [
        {name: value * scale if isinstance(value, int | float) else value for name, value in row.items()}
        for row in rows
    ]


def _level(first: str, last: str, value: float) -> dict[str, Any]:
    return {"from": first, "to": last, "value": value}


def _marks(events: Sequence[Dated], days: Rows, ahead: Sequence[Sequence[Any]]) -> Marks:
    first, last = (date.fromisoformat(days[place]["day"]) for place in (0, -1))
    return marks(events, first, last, date.fromisoformat(ahead[-1][0]) if ahead else last)


def _short(day: str) -> str:
    return short(date.fromisoformat(day))
