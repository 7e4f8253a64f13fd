"""Why a metric of the whole shop moved: the part of an identity that moved with it.

Clicks are impressions × click rate at the rank × what the rank wins; orders are sessions × conversion; sales are
orders × order value. On logarithms the parts add up, and what moved most in the same direction is the cause.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from growth_pipelines.monitoring.findings import Finding

# Whole weeks on both sides, so that no weekday weighs more on one of them.
_WEEKS = 4
# What the click rate is to the position where a shop's own is not fitted: inverse (fitted on sites: -1.0 to -0.1).
_RANK_EXPONENT = -1.0
# A fall of visits that less than this share of is seen in orders and clicks is one of counting.
_REAL_SHARE = 0.25


def cause_of(found: Finding, frame: pd.DataFrame) -> tuple[str, dict[str, float]]:
    """The cause's name (empty where none can be named) and every part as a relative change."""
    before, after = _windows(found, frame)
    if before is None or after is None:
        return "", {}
    parts = _parts(found.metric, before, after)
    known = {name: value for name, value in parts.items() if np.isfinite(value)}
    if found.metric == "sessions":
        return _of_sessions(found, known), {name: float(np.expm1(value)) for name, value in known.items()}
    sign = 1 if found.direction == "up" else -1
    moved = {name: sign * value for name, value in known.items() if sign * value > 0}
    cause = max(moved, key=lambda name: moved[name]) if moved else ""
    return cause, {name: float(np.expm1(value)) for name, value in known.items()}


def _windows(found: Finding, frame: pd.DataFrame) -> tuple[pd.Series | None, pd.Series | None]:
    """Sums of up to four whole weeks up to the change and from it on; position is weighted by impressions."""
    weighted = frame.assign(ranks=frame["position"] * frame["impressions"])
    start = pd.Timestamp(found.since)
    known = weighted.loc[: weighted[found.metric].last_valid_index()] if found.metric in weighted else weighted
    after = known.loc[start : start + timedelta(days=7 * _WEEKS - 1)]
    weeks = len(after) // 7
    if weeks == 0:
        return None, None
    after = after.iloc[: 7 * weeks]
    before = known.loc[start - timedelta(days=7 * weeks) : start - timedelta(days=1)]
    if len(before) < 7 * weeks:
        return None, None
    return before.sum(min_count=1), after.sum(min_count=1)


def _parts(metric: str, before: pd.Series, after: pd.Series) -> dict[str, float]:
    def moved(name: str) -> float:
        old, new = before.get(name, np.nan), after.get(name, np.nan)
        return float(np.log(new / old)) if old > 0 and new > 0 else float("nan")

    if metric in ("clicks", "impressions"):
        rank = _RANK_EXPONENT * (moved("ranks") - moved("impressions"))
        rate = moved("clicks") - moved("impressions")
        parts = {"demand": moved("impressions"), "position": rank, "ctr": rate - rank}
        return parts if metric == "clicks" else {"demand": parts["demand"], "position": rank}
    if metric == "orders":
        return {"traffic": moved("sessions"), "conversion": moved("orders") - moved("sessions")}
    if metric == "net_sales":
        return {"orders": moved("orders"), "order value": moved("net_sales") - moved("orders")}
    if metric == "sessions":
        return {"sessions": moved("sessions"), "search": moved("clicks"), "orders": moved("orders")}
    return {}


def _of_sessions(found: Finding, parts: dict[str, float]) -> str:
    fall = parts.get("sessions", 0.0)
    others = [parts[name] for name in ("search", "orders") if name in parts]
    if fall >= 0 or not others:
        return ""
    if all(value > _REAL_SHARE * fall for value in others):
        return "tracking"
    return "search" if parts.get("search", 0.0) <= fall / 2 else ""
