"""``shopifyqlQuery``: sessions and their way to an order by day, landing page and device, the one ShopifyQL
question that the sandbox answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np

from growth_pipelines.sandbox.traffic import DEVICES, METRICS

_KNOWN = re.compile(
    r"^\s*FROM\s+sessions\s+SHOW\s+(?P<show>[\w,\s]+?)\s+"
    r"(?:WHERE\s+session_device_type\s+=\s+'(?P<device>\w+)'\s+)?(?:(?:GROUP\s+BY|BY)\s+(?P<group>[\w,\s]+?)\s+)?"
    r"SINCE\s+(?P<since>\S+)(?:\s+UNTIL\s+(?P<until>\S+))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>\w+)(?:\s+(?P<direction>ASC|DESC))?)?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*$",
    re.IGNORECASE,
)
_GROUPS = {"day": "DAY_TIMESTAMP", "landing_page_path": "STRING", "session_device_type": "STRING"}
_TYPES = _GROUPS | dict.fromkeys(METRICS, "INTEGER")


def _failed(message: str) -> dict[str, Any]:
    return {"tableData": None, "parseErrors": [message]}


def _day(text: str, today: date) -> date | None:
    """A date, ``today``, ``yesterday`` or a relative ``-30d``."""
    text = text.strip("'\"").lower()
    if text in {"today", "yesterday"}:
        return today - timedelta(days=text == "yesterday")
    if match := re.fullmatch(r"-(\d+)d", text):
        return today - timedelta(days=int(match[1]))
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _names(text: str | None) -> list[str]:
    return [name.strip().lower() for name in text.split(",")] if text else []


def shopifyql(shop: Any, query: str) -> dict[str, Any]:
    """The table of a query, or its parse errors. Both ends of the range are included; values are text."""
    match = _KNOWN.match(" ".join(query.split()))
    if not match:
        return _failed(
            "Only FROM sessions SHOW … WHERE … GROUP BY … SINCE … UNTIL … ORDER BY … LIMIT … is answered here."
        )
    shown, groups, order = _names(match["show"]), _names(match["group"]), _names(match["order"])
    unknown = [*set(shown) - set(METRICS), *set(groups) - set(_GROUPS), *set(order) - {*shown, *groups}]
    if unknown:
        return _failed(f"Column not found: {', '.join(sorted(unknown))}.")
    since, until = _day(match["since"], shop.today), _day(match["until"] or "today", shop.today)
    if since is None or until is None:
        return _failed("SINCE and UNTIL need a date.")
    rows = _rows(shop, since, until, shown, groups, match["device"])
    if order:
        number = order[0] in METRICS
        descending = (match["direction"] or "").upper() == "DESC"
        rows.sort(key=lambda row: int(row[order[0]]) if number else row[order[0]], reverse=descending)
    if match["limit"]:
        rows = rows[: int(match["limit"])]
    columns = [
        {"name": name, "dataType": _TYPES[name], "displayName": name.replace("_", " ").capitalize()}
        for name in [*groups, *shown]
    ]
    return {"tableData": {"columns": columns, "rows": rows}, "parseErrors": []}


def _rows(
    shop: Any, since: date, until: date, shown: list[str], groups: list[str], device: str | None
) -> list[dict[str, str]]:
    """One row a group that had sessions, in the order of days, pages and devices."""
    totals: dict[tuple[str, ...], np.ndarray] = {}
    asked = np.array([device in (None, name) for name in DEVICES])[None, :, None]
    for day in shop.days(since, until):
        for place, steps in _cells(shop.traffic.funnel(day) * asked, groups):
            words = {"day": day.isoformat()}
            if "landing_page_path" in groups:
                words["landing_page_path"] = shop.traffic.paths[place[0]]
            if "session_device_type" in groups:
                words["session_device_type"] = DEVICES[place[1]]
            identity = tuple(words[name] for name in groups)
            totals[identity] = totals[identity] + steps if identity in totals else steps
    places = [METRICS.index(name) for name in shown]
    return [
        dict(zip(groups, identity, strict=True))
        | {name: str(steps[place]) for name, place in zip(shown, places, strict=True)}
        for identity, steps in totals.items()
    ]


def _cells(funnel: np.ndarray, groups: list[str]) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """((page, device), steps) of a day, summed over what is not asked for; empty cells are absent."""
    if "landing_page_path" not in groups:
        funnel = funnel.sum(axis=0, keepdims=True)
    if "session_device_type" not in groups:
        funnel = funnel.sum(axis=1, keepdims=True)
    for page, device in np.argwhere(funnel[:, :, 0]):
        yield (int(page), int(device)), funnel[page, device]
