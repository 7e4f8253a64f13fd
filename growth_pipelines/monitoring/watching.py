"""One metric of the shop, day by day: whether it has got worse for good, since when, by how much, and why.

Only whole days are judged, and none of the last ones where the source is late. A change counts as long as it
lasts: an equal one back ends it, and after 90 days the new level is the usual one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.monitoring.changes import Change, detect_changes
from growth_pipelines.monitoring.findings import Finding
from growth_pipelines.monitoring.metrics import Metric
from growth_pipelines.monitoring.ratios import judged_ratio
from growth_pipelines.monitoring.step_scan import SHORTEST

FloatArray = NDArray[np.float64]

# Days that are searched for changes; a change older than this is the new level.
SEARCHED_DAYS, LASTS_DAYS = 180, 90
# Smaller shifts are found but nobody need act on them; a change of which less than this is left has ended.
LEAST_CHANGE, LEAST_LEFT = 0.05, 0.5
# What is surely lost (the near end of the interval) makes a change of the whole shop high or critical.
HIGH, CRITICAL = 0.10, 0.20
_SHOWN_DAYS = 120
_LEAST_DAYS = 42
# Of stretches of days: what two levels need at the least.
_LEAST_STRETCHES = 2 * SHORTEST


@dataclass(frozen=True)
class Watched:
    """A metric at one look. ``state``: steady, worse, better or unknown (``note`` says why).

    ``days`` and ``values`` (NaN = missing) are those judged; of a thin ratio, by the first day of a stretch.
    ``level`` is the mean of the newest regime.
    """

    metric: Metric
    days: NDArray[Any]
    values: FloatArray
    state: str
    level: float
    since: date | None
    finding: Finding | None
    note: str = ""


def shop_frame(days: pd.DataFrame) -> pd.DataFrame:
    """``days`` (date_day, orders, net_sales, refunds, sessions, clicks, impressions, position; null = not known)
    on a whole calendar, with the ratios that are watched."""
    frame = days.assign(date_day=pd.to_datetime(days["date_day"])).set_index("date_day").sort_index()
    frame = frame.apply(pd.to_numeric, errors="coerce").astype(float)
    if len(frame):
        frame = frame.reindex(pd.date_range(frame.index.min(), frame.index.max(), freq="D"))
    positive = {
        name: frame[name].where(frame[name] > 0) for name in ("orders", "net_sales", "sessions", "impressions")
    }
    return frame.assign(
        order_value=frame["net_sales"] / positive["orders"],
        refund_share=(frame["refunds"] / positive["net_sales"]).clip(upper=1.0),
        conversion=(frame["orders"] / positive["sessions"]).clip(upper=1.0),
        ctr=frame["clicks"] / positive["impressions"],
    )


def watch(frame: pd.DataFrame, metrics: Sequence[Metric], today: date) -> list[Watched]:
    """Every metric of ``frame`` (see :func:`shop_frame`) as of ``today``, whose own day is not judged."""
    looks = [_watch_one(frame, metric, today) for metric in metrics]
    return [_with_cause(one, frame) for one in looks]


def _watch_one(frame: pd.DataFrame, metric: Metric, today: date) -> Watched:
    series = _judged_days(frame, metric, today)
    days, values = _days_and_values(series)
    known = np.isfinite(values)
    if known.sum() < _LEAST_DAYS or not np.nan_to_num(values).any():
        note = (
            "no data" if not known.any() or not np.nan_to_num(values).any() else f"only {known.sum()} days so far"
        )
        return Watched(metric, days, values, "unknown", float("nan"), None, None, note)
    stretch = 1
    if metric.of:
        ratio = judged_ratio(*(frame[name].loc[series.index] for name in metric.of))
        if ratio is None or ratio[0].notna().sum() < _LEAST_STRETCHES:
            return Watched(
                metric, days, values, "unknown", float(np.nanmean(values)), None, None, "too few to judge"
            )
        (days, values), stretch = _days_and_values(ratio[0]), ratio[1]
    changes = detect_changes(values, days, metric.kind)
    level = float(np.nanmean(values[changes[-1].index if changes else max(0, values.size - 28) :]))
    lasting = _lasting(changes, values, days, _day(series.index[-1]))
    if lasting is None:
        return Watched(metric, days, values, "steady", level, None, None)
    change, before = lasting
    worse = change.direction == metric.harm
    since = _day(days[change.index])
    finding = None
    if worse and metric.alone:
        finding = _finding(metric, change, before, days, values, stretch)
    return Watched(metric, days, values, "worse" if worse else "better", level, since, finding)


def _judged_days(frame: pd.DataFrame, metric: Metric, today: date) -> pd.Series:
    """The days of the metric that are complete and settled, from the first known one to the last."""
    if metric.name not in frame or not frame[metric.name].notna().any():
        return pd.Series(dtype=float)
    last = pd.Timestamp(today) - timedelta(days=1 + metric.delay)
    settled = frame[metric.name].first_valid_index() + timedelta(days=metric.settles)
    first = max(last - timedelta(days=SEARCHED_DAYS - 1), settled)
    series = frame[metric.name].loc[first:last]
    if not series.notna().any():
        return series[:0]
    return series.loc[series.first_valid_index() : series.last_valid_index()]


def _days_and_values(series: pd.Series) -> tuple[NDArray[Any], FloatArray]:
    return series.index.to_numpy().astype("datetime64[D]"), series.to_numpy(float)


def _lasting(
    changes: Sequence[Change], values: FloatArray, days: NDArray[Any], today: date
) -> tuple[Change, float] | None:
    """The newest change that still holds, and the level before it."""
    bounds = [0, *(one.index for one in changes), values.size]
    levels = [float(np.nanmean(values[a:b])) for a, b in pairwise(bounds)]
    for place in range(len(changes) - 1, -1, -1):
        before, now, own = levels[place], levels[-1], levels[place + 1]
        recent = (today - _day(days[changes[place].index])).days <= LASTS_DAYS
        if not recent or before == 0:
            continue
        left, size = now / before - 1, own / before - 1
        if abs(left) >= LEAST_CHANGE and left * size > 0 and abs(left) >= LEAST_LEFT * abs(size):
            return changes[place], before
    return None


def _finding(
    metric: Metric, change: Change, before: float, days: NDArray[Any], values: FloatArray, stretch: int
) -> Finding:
    low, high = sorted((max(-1.0, change.low / before), change.high / before))
    size = max(-1.0, change.size / before)
    nearest = min(abs(low), abs(high)) if low * high > 0 else 0.0
    return Finding(
        family=metric.family,
        metric=metric.name,
        level=metric.level,
        subject=metric.subject,
        direction=change.direction,
        since=_day(days[change.index]),
        first=_day(days[change.first]),
        # It may have begun on any day of its stretch.
        last=_day(days[change.last]) + timedelta(days=stretch - 1),
        size=size,
        low=low,
        high=high,
        cause="",
        severity="critical" if nearest >= CRITICAL else "high" if nearest >= HIGH else "medium",
        evidence={
            "series": series_of(days, values),
            "unit": metric.unit,
            "before": before,
            "after": before + change.size,
        },
    )


def series_of(days: NDArray[Any], values: FloatArray) -> list[list[Any]]:
    """The newest days as [day, value or None], for a plot."""
    newest = zip(days[-_SHOWN_DAYS:], values[-_SHOWN_DAYS:], strict=True)
    return [[str(day), None if not np.isfinite(value) else round(float(value), 4)] for day, value in newest]


def _with_cause(watched: Watched, frame: pd.DataFrame) -> Watched:
    from dataclasses import replace

    from growth_pipelines.monitoring.causes import cause_of

    found = watched.finding
    # Only the parts of the shop as a whole add up to one another.
    if found is None or found.level != "shop":
        return watched
    cause, parts = cause_of(found, frame)
    evidence = {**found.evidence, "parts": parts}
    return replace(watched, finding=replace(found, cause=cause, evidence=evidence))


def _day(value: Any) -> date:
    day: date = np.datetime64(value, "D").astype(object)
    return day
