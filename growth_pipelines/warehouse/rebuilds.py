"""Which days of the large date facts a build counts anew, and what it remembers for the next one.

Each build sums up what every day of the raw tables holds (a hash over the columns that count, a third of a second
at ten million order lines). A day whose sum differs from the one that a model was built on has changed: rows that
came late, were restated, moved to another day or went, whole days included. The model is rebuilt from the first
such day on. What was built is remembered after it succeeded, so a build that fails loses nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query, statements

_PAGE_DAYS = ("search_page_daily", "sessions_daily", "web_vitals_beacons", "orders")
# Model → the raw tables whose days it counts.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "fct_search_query_page_daily": ("search_page_query_daily",),
    "int_page_days": _PAGE_DAYS,
    "fct_page_daily": _PAGE_DAYS,
    "fct_search_hidden_daily": ("search_page_query_daily", "search_page_daily"),
}
# Once a week all is built anew, whatever is remembered.
FULL_EVERY = timedelta(days=7)
# Below so many rows, and above such a share of them, building anew is as fast.
SMALL = 500_000
LARGE_SHARE = 0.4


@dataclass(frozen=True)
class Plan:
    """What a build is to do: ``why_full`` says why everything is built anew, or is empty; then ``since`` has the
    first day to count of each incremental model. ``basis`` is what the build rests on."""

    basis: str
    as_of: date
    since: Mapping[str, date]
    why_full: str = ""

    def __str__(self) -> str:
        days = sorted(set(self.since.values()))
        return f"in full: {self.why_full}" if self.why_full else f"since {', '.join(map(str, days))}"


def plan(
    connection: WarehouseConnection,
    project: str,
    now: datetime,
    *,
    full_refresh: bool | None,
    since: date | None = None,
) -> Plan:
    """Decide what the next build counts anew, and write it where the models read it.

    ``project`` is the state of the models, ``now`` naive UTC. ``full_refresh``: None decides by what has changed,
    False builds in full only where it must. ``since`` is a day from which to count in any case.
    """
    for statement in statements("rebuild_state"):
        connection.execute(statement)
    connection.execute(query(f"days_{connection.engine}"))
    as_of = connection.execute("select max(as_of) from raw._build").fetchone()[0]
    basis = _basis(connection, project)
    built = {
        row[0]: row[1:]
        for row in connection.execute("select model, basis, as_of, full_at from raw._built").fetchall()
    }
    days = {
        model: min(_changed(connection, model), built[model][1], since or date.max)
        for model in SOURCES
        if model in built
    }
    reason = "asked for" if full_refresh else _why_full(built, basis, now, weekly=full_refresh is None)
    if not reason and full_refresh is None:
        reason = _as_fast(connection, days)
    for model, day in days.items():
        connection.execute("insert into raw._rebuilt_from values (?, ?)", [model, day])
    return Plan(basis, as_of, days, reason)


def remember(connection: WarehouseConnection, plan: Plan, models: Collection[str], now: datetime) -> None:
    """Note that these models, and all above them, were built by ``plan``, and what each address meant to them."""
    for model in sorted(models):
        full_at = now
        if not plan.why_full:
            full_at = connection.execute(
                "select max(full_at) from raw._built where model = ?", [model]
            ).fetchone()[0]
        connection.execute("delete from raw._built where model = ?", [model])
        connection.execute("delete from raw._built_day where model = ?", [model])
        connection.execute("insert into raw._built values (?, ?, ?, ?)", [model, plan.basis, plan.as_of, full_at])
        for source in SOURCES[model]:
            connection.execute(
                "insert into raw._built_day select cast(? as varchar), source, date_day, content from raw._day "
                "where source = ?",
                [model, source],
            )
    if set(models) == set(SOURCES):
        # Otherwise the old ones stay, and whatever was not built finds the difference the next time.
        connection.execute("delete from raw._built_url")
        connection.execute(
            "insert into raw._built_url select shop_id, raw_url, page_key from intermediate.int_page_urls"
        )


def _basis(connection: WarehouseConnection, project: str) -> str:
    rows = connection.execute(query("rebuild_basis")).fetchall()
    version = connection.execute("select version()").fetchone()[0]
    text = json.dumps([project, version, sorted(map(str, rows))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sources(model: str) -> str:
    return ", ".join(f"'{source}'" for source in SOURCES[model])


def _changed(connection: WarehouseConnection, model: str) -> date:
    sql = query("changed_since").format(sources=_sources(model))
    found: date | None = connection.execute(sql, [model]).fetchone()[0]
    return found or date.max


def _why_full(built: Mapping[str, Any], basis: str, now: datetime, *, weekly: bool) -> str:
    if missing := sorted(set(SOURCES) - set(built)):
        return f"{missing[0]} was never built"
    if any(row[0] != basis for row in built.values()):
        return "models, brand words or currencies are not what they were"
    if weekly and any(now - row[2] >= FULL_EVERY for row in built.values()):
        return "the last time is a week ago"
    return ""


def _as_fast(connection: WarehouseConnection, days: Mapping[str, date]) -> str:
    """Why nothing would be saved, over all models together; empty where something would."""
    changed = total = 0
    for model, day in days.items():
        sql = query("rows_since").format(sources=_sources(model))
        some, every = connection.execute(sql, [day]).fetchone()
        changed, total = changed + int(some), total + int(every)
    if total < SMALL:
        return "there are few rows"
    return "most days have changed" if changed > LARGE_SHARE * total else ""
