"""What is about to go wrong: a metric forecast below its floor, stock that ends before a delivery, stale data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.monitoring.findings import Finding
from growth_pipelines.monitoring.metrics import Metric
from growth_pipelines.monitoring.watching import Watched, series_of

if TYPE_CHECKING:
    from growth_pipelines.recommenders.demand import Demand

FloatArray = NDArray[np.float64]
HORIZON_DAYS, LEVEL = 28, 0.9
# The floor of a metric: this share of its mean over the last eight weeks, held against the mean of a week, since
# single days fall below by chance.
FLOOR_SHARE, _USUAL_DAYS, _WEEK = 0.8, 56, 7
# The interval of the days until stock ends: nine of ten.
_EARLY, _MIDDLE, _LATE = 0.05, 0.5, 0.95
_LEAST_READS = 8


@dataclass(frozen=True)
class Ahead:
    """A metric's forecast: ``mean``, ``low`` and ``high`` (90 %) by day, and its floor (NaN = none); ``note`` says
    why there is none."""

    metric: Metric
    days: NDArray[Any]
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    floor: float
    finding: Finding | None
    note: str = ""


def ahead(watched: Watched) -> Ahead:
    """The next 28 days of a metric; a finding where the mean of a week to come is under the floor.

    Nothing is foreseen for a metric that is worse already: that is an incident of its own.
    """
    from growth_pipelines.monitoring.forecasting import forecast

    nothing = np.zeros(0)
    if watched.state == "unknown":
        return Ahead(watched.metric, nothing, nothing, nothing, nothing, float("nan"), None, watched.note)
    try:
        made = forecast(watched.values, watched.days, HORIZON_DAYS + watched.metric.delay, LEVEL)
    except ValueError as error:
        return Ahead(watched.metric, nothing, nothing, nothing, nothing, float("nan"), None, str(error))
    usual = float(np.nanmean(watched.values[-_USUAL_DAYS:]))
    floor = FLOOR_SHARE * usual
    finding = None if watched.state == "worse" else _under_floor(watched, made, usual, floor)
    return Ahead(watched.metric, made.dates, made.mean, made.low, made.high, floor, finding)


def _under_floor(watched: Watched, made: Any, usual: float, floor: float) -> Finding | None:
    """The first week whose mean is under the floor, dated by its first day."""
    weeks = np.lib.stride_tricks.sliding_window_view(made.mean, _WEEK).mean(axis=1)
    under = np.flatnonzero(weeks < floor)
    if usual <= 0 or not under.size:
        return None
    metric, place = watched.metric, int(under[0])
    low, high = (float(part[place : place + _WEEK].mean()) / usual - 1 for part in (made.low, made.high))
    days = made.dates.astype("datetime64[D]")
    newest = watched.days[-1].astype(object)
    on: date = days[place].astype(object)
    return Finding(
        family=metric.family,
        metric=metric.name,
        level=metric.level,
        subject=metric.subject,
        direction="down",
        since=newest,
        first=on,
        last=on + timedelta(days=_WEEK - 1),
        size=float(weeks[place]) / usual - 1,
        low=low,
        high=high,
        cause="",
        severity="medium",
        expected_on=on,
        evidence={
            "series": series_of(watched.days, watched.values),
            "ahead": ahead_of(days, made.mean, made.low, made.high),
            "floor": floor,
            "unit": metric.unit,
            "before": usual,
            "after": float(weeks[place]),
        },
    )


def ahead_of(days: NDArray[Any], mean: FloatArray, low: FloatArray, high: FloatArray) -> list[list[Any]]:
    """A forecast as [day, mean, low, high], for a plot."""
    rows = zip(days, mean, low, high, strict=True)
    return [[str(day), *(round(float(value), 4) for value in values)] for day, *values in rows]


def days_until_out(demand: Demand, stock: FloatArray, first_weekday: int, horizon: int) -> NDArray[np.intp]:
    """Items × 3: after how many days stock is used up with 5, 50 and 95 % probability; ``horizon`` + 1 = later."""
    chances = np.array([demand.over(first_weekday, days).above(stock) for days in range(1, horizon + 1)]).T
    # Demand of exactly what is there uses it up too.
    reached = chances[:, None, :] >= np.array([_EARLY, _MIDDLE, _LATE])[None, :, None]
    first: NDArray[np.intp] = np.where(reached.any(axis=2), reached.argmax(axis=2) + 1, horizon + 1)
    return first


def stock_findings(
    items: pd.DataFrame, days: NDArray[np.intp], today: date, lead_days: int, least_sale_days: int
) -> list[Finding]:
    """Items that are more likely than not to be used up before an order of today arrives, the first first.

    ``items`` has subject, available, daily, sale_days and is_counted, a row for each of ``days`` (see
    :func:`days_until_out`). What is sold out already is no forecast, what is hardly ever sold has none.
    """
    short = items["is_counted"] & (items["available"] > 0) & (items["sale_days"] >= least_sale_days)
    rows = items.assign(early=days[:, 0], middle=days[:, 1], late=days[:, 2])[short & (days[:, 1] <= lead_days)]
    ordered = rows.sort_values(["middle", "early", "subject"], kind="stable")
    return [_out_of_stock(row, today, lead_days) for row in ordered.to_dict("records")]


def _out_of_stock(row: dict[str, Any], today: date, lead_days: int) -> Finding:
    early, middle, late = (today + timedelta(days=int(row[name])) for name in ("early", "middle", "late"))
    certain = row["late"] <= lead_days
    return Finding(
        family="stock",
        metric="stock",
        level="product",
        subject=str(row["subject"]),
        direction="down",
        since=today,
        first=early,
        last=late,
        size=-1.0,
        low=None,
        high=None,
        cause="stock",
        severity="high" if certain else "medium",
        expected_on=middle,
        evidence={
            "unit": "units",
            "available": float(row["available"]),
            "daily": float(row["daily"]),
            "days": [int(row[name]) for name in ("early", "middle", "late")],
            "lead_days": lead_days,
        },
    )


@dataclass(frozen=True)
class Arrival:
    """When a stream's next data are expected: between ``early`` and ``late`` (90 % of the waits so far)."""

    stream: str
    last: datetime
    early: datetime
    middle: datetime
    late: datetime


def arrivals(runs: pd.DataFrame) -> list[Arrival]:
    """The next arrival of every stream in ``runs`` (stream, finished_at) that was read at least eight times."""
    found = []
    for stream, part in runs.groupby("stream", sort=True):
        times = pd.to_datetime(part["finished_at"]).sort_values()
        if len(times) < _LEAST_READS:
            continue
        last = times.iloc[-1].to_pydatetime()
        waits = times.diff().dropna().dt.total_seconds().to_numpy(float)
        early, middle, late = (
            last + timedelta(seconds=float(np.quantile(waits, share))) for share in (_EARLY, _MIDDLE, _LATE)
        )
        found.append(Arrival(str(stream), last, early, middle, late))
    return found


def freshness_findings(
    expected: Sequence[Arrival], deadlines: dict[str, datetime], now: datetime, zone: tzinfo = UTC
) -> list[Finding]:
    """Streams whose data are overdue by their own custom and will be too old by ``deadlines`` (naive UTC), a
    forecast, or have been so since then.

    Days of the findings are those of ``zone``.
    """
    due = [one for one in expected if one.stream in deadlines]
    late = [one for one in due if one.late < now or deadlines[one.stream] <= now]
    return [_too_old(one, deadlines[one.stream], now, zone) for one in late]


def _too_old(one: Arrival, deadline: datetime, now: datetime, zone: tzinfo) -> Finding:
    today, ends = (moment.replace(tzinfo=UTC).astimezone(zone).date() for moment in (now, deadline))
    is_over = deadline <= now
    return Finding(
        family="data",
        metric="freshness",
        level="stream",
        subject=one.stream,
        direction="up",
        since=ends if is_over else today,
        first=ends,
        last=ends,
        size=(now - one.last) / max(one.middle - one.last, timedelta(minutes=1)) - 1,
        low=None,
        high=None,
        cause="data",
        severity="high" if is_over else "medium",
        expected_on=None if is_over else ends,
        evidence={
            "unit": "",
            "last": one.last.isoformat(timespec="minutes"),
            "expected": one.middle.isoformat(timespec="minutes"),
            "latest": one.late.isoformat(timespec="minutes"),
        },
    )
