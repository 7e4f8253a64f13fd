"""``shopifyqlQuery``: sessions by day and landing page, the one ShopifyQL question the sandbox answers."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

_KNOWN = re.compile(
    r"^\s*FROM\s+sessions\s+SHOW\s+(?P<show>[\w,\s]+?)\s+(?:(?:GROUP\s+BY|BY)\s+(?P<group>[\w,\s]+?)\s+)"
    r"SINCE\s+(?P<since>\S+)(?:\s+UNTIL\s+(?P<until>\S+))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>[\w,\s]+?))?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*$",
    re.IGNORECASE,
)
_TYPES = {"day": "DAY_TIMESTAMP", "landing_page_path": "STRING", "sessions": "INTEGER"}


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


def shopifyql(shop: Any, query: str) -> dict[str, Any]:
    """The table of a query, or its parse errors. Both ends of the range are included; values are text."""
    match = _KNOWN.match(" ".join(query.split()))
    if not match:
        return _failed("Only FROM sessions SHOW sessions GROUP BY … SINCE … UNTIL … is answered here.")
    groups = [name.strip().lower() for name in match["group"].split(",")]
    if not set(groups) <= {"day", "landing_page_path"}:
        return _failed(f"Column not found: {', '.join(sorted(set(groups) - set(_TYPES)))}.")
    since, until = _day(match["since"], shop.today), _day(match["until"] or "today", shop.today)
    if since is None or until is None:
        return _failed("SINCE and UNTIL need a date.")
    totals: dict[tuple[str, ...], int] = {}
    for day in shop.days(since, until):
        for path, sessions in shop.traffic.sessions(day):
            identity = tuple(day.isoformat() if name == "day" else path for name in groups)
            totals[identity] = totals.get(identity, 0) + sessions
    rows = [
        dict(zip(groups, identity, strict=True)) | {"sessions": str(sessions)}
        for identity, sessions in totals.items()
    ]
    if match["limit"]:
        rows = rows[: int(match["limit"])]
    columns = [
        {"name": name, "dataType": _TYPES[name], "displayName": name.replace("_", " ").capitalize()}
        for name in [*groups, "sessions"]
    ]
    return {"tableData": {"columns": columns, "rows": rows}, "parseErrors": []}
