"""ShopifyQL sessions: devices and steps to an order are parts of the sessions by day and page."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.sandbox.traffic import METRICS

from .conftest import Admin

ASK = """query ($q: String!) { shopifyqlQuery(query: $q) {
    parseErrors tableData { columns { name dataType } rows } } }"""
RANGE = "SINCE 2026-11-10 UNTIL 2026-11-12"


def _table(admin: Admin, query: str) -> dict[str, Any]:
    answer = admin.data(ASK, q=query)["shopifyqlQuery"]
    assert answer["parseErrors"] == []
    table: dict[str, Any] = answer["tableData"]
    return table


def _full(admin: Admin) -> list[dict[str, str]]:
    query = f"FROM sessions SHOW {', '.join(METRICS)} GROUP BY day, landing_page_path, session_device_type {RANGE}"
    rows: list[dict[str, str]] = _table(admin, f"{query} ORDER BY day LIMIT 100000")["rows"]
    return rows


def test_devices_add_up_to_the_sessions_of_a_page(admin: Admin) -> None:
    plain = _table(admin, f"FROM sessions SHOW sessions GROUP BY day, landing_page_path {RANGE} ORDER BY day")
    totals = {(row["day"], row["landing_page_path"]): int(row["sessions"]) for row in plain["rows"]}
    days = [*admin.shop.days(*(admin.shop.today.replace(day=day) for day in (10, 12)))]
    assert totals == {
        (day.isoformat(), path): count for day in days for path, count in admin.shop.traffic.sessions(day)
    }
    parts: dict[tuple[str, str], int] = {}
    for row in _full(admin):
        place = (row["day"], row["landing_page_path"])
        parts[place] = parts.get(place, 0) + int(row["sessions"])
    assert parts == totals
    assert {row["session_device_type"] for row in _full(admin)} == {"mobile", "desktop", "tablet"}


def test_the_way_to_an_order_only_narrows(admin: Admin) -> None:
    rows = _full(admin)
    for row in rows:
        steps = [int(row[name]) for name in METRICS]
        assert steps == sorted(steps, reverse=True)
        assert steps[0] > 0
    query = f"FROM sessions SHOW {', '.join(METRICS)} SINCE -300d UNTIL yesterday"
    (total,) = _table(admin, query)["rows"]
    steps = [int(total[name]) for name in METRICS]
    assert steps[0] > steps[1] > steps[2] > steps[3] > 0
    orders = sum(
        order.created_at.date() >= admin.shop.days(admin.shop.first_day, admin.shop.today)[-300]
        for order in admin.shop.sales.orders
    )
    assert 0.6 < steps[3] / orders < 1.6, "about as many sessions end with an order as there are orders"


@pytest.mark.parametrize(
    ("shown", "groups"),
    [
        ("sessions", "session_device_type"),
        ("sessions_that_completed_checkout, sessions", "day"),
        ("sessions_with_cart_additions", "day, session_device_type"),
        ("sessions_that_reached_checkout", "landing_page_path"),
    ],
)
def test_any_part_of_the_table_agrees_with_the_whole(shown: str, groups: str, admin: Admin) -> None:
    names, by = shown.split(", "), groups.split(", ")
    table = _table(admin, f"FROM sessions SHOW {shown} GROUP BY {groups} {RANGE}")
    assert [column["name"] for column in table["columns"]] == [*by, *names]
    wanted: dict[tuple[str, ...], list[int]] = {}
    for row in _full(admin):
        sums = wanted.setdefault(tuple(row[name] for name in by), [0] * len(names))
        for place, name in enumerate(names):
            sums[place] += int(row[name])
    found = {tuple(row[name] for name in by): [int(row[name]) for name in names] for row in table["rows"]}
    assert found == wanted


def test_rows_are_ordered_and_limited(admin: Admin) -> None:
    query = f"FROM sessions SHOW sessions GROUP BY day, landing_page_path {RANGE}"
    by_day = _table(admin, f"{query} ORDER BY day DESC LIMIT 5")["rows"]
    assert [row["day"] for row in by_day] == ["2026-11-12"] * 5
    by_size = [int(row["sessions"]) for row in _table(admin, f"{query} ORDER BY sessions DESC")["rows"]]
    assert by_size == sorted(by_size, reverse=True)


@pytest.mark.parametrize("column", ["bounce_rate", "day"])
def test_an_unknown_metric_is_a_parse_error(column: str, admin: Admin) -> None:
    answer = admin.data(ASK, q=f"FROM sessions SHOW {column} GROUP BY day {RANGE}")["shopifyqlQuery"]
    assert answer["tableData"] is None
    assert answer["parseErrors"] == [f"Column not found: {column}."]


def test_the_past_stays_when_the_clock_moves(fresh_admin: Admin) -> None:
    before = _full(fresh_admin)
    fresh_admin.shop.advance(5)
    assert _full(fresh_admin) == before
