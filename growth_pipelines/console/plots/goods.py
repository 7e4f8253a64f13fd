"""Plots of goods: how long stock lasts, what is sold by week, where people buy, what goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from growth_pipelines.console.figures import number
from growth_pipelines.console.plots.plot import Missing, Plot, Rows, Subject
from growth_pipelines.console.plots.search import interval
from growth_pipelines.console.plots.weeks import by_week, course, short
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.warehouse.series import Series

_AFTER_DELIVERY_DAYS, _GROUPS = 7, 8


def _names(subtype: str) -> Mapping[str, str]:
    names: Mapping[str, str] = phrases("merch_playbook")[subtype]["evidence"]
    return names


def stock_outlook(subject: Subject, series: Series) -> Plot | Missing:
    """What is left of the stock at the expected daily sales, up to when a delivery ordered today arrives."""
    title, names = "How long the stock lasts", _names("reorder")
    stock, cover, daily = (subject.row(names[name]) for name in ("available", "cover", "daily"))
    if stock is None or cover is None or daily is None or not cover["baseline"]:
        return Missing(title, "The action's evidence has no stock and daily sales.")
    on_hand, rate, lead = max(0.0, stock["value"]), daily["value"], round(cover["baseline"])
    out = on_hand / rate if rate > 0 else None
    turns = sorted({0.0, float(lead + _AFTER_DELIVERY_DAYS), *([out] if out and out < lead + 7 else [])})
    rows: Rows = [{"day": day, "units": max(0.0, on_hand - rate * day)} for day in turns]
    point = subject.row(names["point"])
    limits = [{"units": point["value"], "text": f"order from {number(point['value'])}"}] if point else []
    lasts = f"{number(out)} days" if out is not None else "for ever"
    told = (
        f"{number(on_hand)} units last {lasts} at {number(rate)} a day; an order of today arrives in {lead} days."
        + (f" The reorder point is {number(point['value'])} units." if point else "")
    )
    table = [(f"{day}", number(max(0.0, on_hand - rate * day))) for day in range(lead + _AFTER_DELIVERY_DAYS + 1)]
    return Plot(
        "stock_outlook",
        title,
        told,
        ("Days from now", "Units left"),
        table,
        {"stock": rows, "limits": limits, "delivery": [{"day": lead, "text": "an order of today arrives"}]},
    )


def units_weeks(subject: Subject, series: Series) -> Plot | Missing:
    """Units of the product by week, with what was done to it."""
    title = "Units sold, week by week"
    end = subject.sales_end
    days = series.rows("product_days", subject.gid, end, end)
    if days is None:
        return Missing(title, "Sales by day are not published.")
    if not days:
        return Missing(title, "Nothing of it was sold in the last 16 weeks.")
    weeks = [(week, value) for week, (value,) in by_week(days, end)]
    marks = subject.marks(weeks[0][0] - timedelta(days=6), end)
    told = f"{len(weeks)} weeks to {short(end)}. Units: {course([value for _, value in weeks])}."
    return Plot(
        "weeks",
        title,
        told + marks.told,
        ("Week to", "Units"),
        [(short(week), number(value)) for week, value in weeks],
        {
            "weeks": [{"week": week.isoformat(), "value": value} for week, value in weeks],
            "events": marks.rows,
        },
    )


def places(subject: Subject, series: Series) -> Plot | Missing:
    """Orders per visit of a collection's products by their place, as they stand and as they would."""
    title = "Where in the collection people buy"
    days = (subject.sales_end,) * 4
    rates = {row[0]: row[1:] for row in series.rows("collection_rates", subject.gid, *days) or ()}
    if not rates:
        return Missing(title, "Visits and orders of its products are not published.")
    now, then = _grouped(subject.before, rates), _grouped(subject.after, rates)
    first, last = now[0], now[-1]
    told = (
        f"As it stands, the places {first['group']} sell in {number(first['rate'], 'ratio')} of visits to their "
        f"products and the places {last['group']} in {number(last['rate'], 'ratio')}; in the proposed order it is "
        f"{number(then[0]['rate'], 'ratio')} and {number(then[-1]['rate'], 'ratio')}."
    )
    table = [
        (one["group"], number(one["rate"], "ratio"), number(two["rate"], "ratio"))
        for one, two in zip(now, then, strict=True)
    ]
    return Plot(
        "places",
        title,
        told,
        ("Places", "Now", "Proposed"),
        table,
        {"now": now, "next": then},
        "Left: now, with 95 % intervals. Right: the same products in the proposed order. Both of 84 days.",
    )


def _grouped(handles: Sequence[str], rates: Mapping[str, Sequence[int]]) -> Rows:
    """Runs of places with the orders per visit of what stands there; at most eight runs."""
    count = min(_GROUPS, len(handles))
    starts = [round(place * len(handles) / count) for place in range(count + 1)]
    groups = []
    for start, end in pairwise(starts):
        run = handles[start:end]
        visits, orders = (sum(int(rates.get(handle, (0, 0))[place]) for handle in run) for place in (0, 1))
        low, high = interval(min(orders, visits), visits) if visits else (0.0, 0.0)
        name = f"{start + 1}–{start + len(run)}" if len(run) > 1 else f"{start + 1}"
        groups.append({"group": name, "rate": orders / visits if visits else 0.0, "low": low, "high": high})
    return groups


def shares(subject: Subject, series: Series) -> Plot | Missing:
    """How often what goes with it is in the same order, against how often it is in any."""
    title = "Bought together, against by chance"
    pairs = [
        row
        for row in subject.evidence
        if row["unit"] == "share" and row["baseline"] is not None and row["value"] is not None
    ]
    if not pairs:
        return Missing(title, "The action's evidence has no share of orders with both.")
    rows: Rows = []
    for row in pairs:
        name = _quoted(row["name"])
        rows += [
            {"name": f"{name} with", "value": row["value"], "ink": "line", "text": _short(name, row["value"])},
            {
                "name": f"{name} any",
                "value": row["baseline"],
                "ink": "bar",
                "text": f"in any order: {number(row['baseline'], 'ratio')}",
            },
        ]
    told = " ".join(
        f"{number(row['value'], 'ratio')} of the orders with it hold “{_quoted(row['name'])}”, "
        f"{number(row['baseline'], 'ratio')} of all orders do."
        for row in pairs
    )
    table = [
        (_quoted(row["name"]), number(row["value"], "ratio"), number(row["baseline"], "ratio")) for row in pairs
    ]
    return Plot("compared", title, told, ("Product", "In orders with it", "In any order"), table, {"rows": rows})


def _quoted(name: str) -> str:
    return name.partition("“")[2].rpartition("”")[0] or name


def _short(name: str, share: float) -> str:
    cut = name if len(name) <= 34 else f"{name[:33]}…"
    return f"{cut}: {number(share, 'ratio')}"


def compared(subject: Subject, series: Series) -> Plot | Missing:
    """Orders per visit beside what they are compared with."""
    title = "Orders per visit, compared"
    found = [row for row in subject.evidence if row["unit"].startswith("orders per")]
    pairs = [row for row in found if row["baseline"] is not None and row["value"] is not None]
    if not pairs:
        return Missing(title, "The action's evidence compares no orders per visit.")
    rows: Rows = []
    for row in pairs:
        rows += _pair(row)
    told = " ".join(
        f"{row['name']}: {number(row['value'], 'ratio')} against {number(row['baseline'], 'ratio')}."
        for row in pairs
    )
    table = [(row["name"], number(row["value"], "ratio"), number(row["baseline"], "ratio")) for row in pairs]
    return Plot("compared", title, told, ("What was seen", "Value", "Compared with"), table, {"rows": rows})


def _pair(row: Mapping[str, Any]) -> Rows:
    name = row["name"]
    return [
        {"name": name, "value": row["value"], "ink": "line", "text": _short(name, row["value"])},
        {
            "name": f"{name} against",
            "value": row["baseline"],
            "ink": "bar",
            "text": f"compared with {number(row['baseline'], 'ratio')}",
        },
    ]
