"""What the machine tells others of itself: every figure against the store and the marts it comes from, or null."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select, update

from growth_pipelines import __version__
from growth_pipelines.actions.brake import pause
from growth_pipelines.console.approval_documents import CandidatesDocument, MeasuresDocument, StatusDocument
from growth_pipelines.store.schema import newest_revision
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditHead, OutboxCursor, OutboxEntry
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt_project import PROJECT
from tests.console_shop import NOW, ConsoleShop, judged

from .conftest import Program

LAST = date(2026, 11, 21)
GROWTH, OPS = "/api/phase7/growth/metrics", "/api/phase7/ops/metrics"


def create(connection: WarehouseConnection, mart: str) -> None:
    """An empty mart as its contract says: a figure that names a column of its own invention fails on it."""
    (file,) = Path(PROJECT).glob(f"models/marts/*/{mart}.yml")
    columns = yaml.safe_load(file.read_text(encoding="utf-8"))["models"][0]["columns"]
    types = ", ".join(f"{column['name']} {column['data_type']}" for column in columns)
    connection.execute(f"drop table if exists marts.{mart}")
    connection.execute(f"create table marts.{mart} ({types})")


def put(connection: WarehouseConnection, mart: str, **row: Any) -> None:
    places = ", ".join("?" for _ in row)
    connection.execute(f"insert into marts.{mart} ({', '.join(row)}) values ({places})", tuple(row.values()))


def build(shop: ConsoleShop) -> None:
    """56 days of sales and search: 2 orders of 100.00 and 100 visits a day in the first half, 3 in the second."""
    warehouse = Warehouse.of(shop.settings)
    with warehouse.write() as connection:
        for mart in ("fct_shop_daily", "fct_search_totals_daily", "fct_growth_accounting", "fct_web_vitals"):
            create(connection, mart)
        for back in range(57):
            orders = 3 if back < 28 else 2
            sold = {"orders": orders, "net_cents": orders * 10_000, "refund_cents": 500, "customers_new": 1}
            day = {"date_day": LAST - timedelta(days=back)}
            whole = {"is_complete": True, "sessions": 100}
            put(connection, "fct_shop_daily", shop_id="s", **day, **whole, **sold)
            day = {"date_day": LAST - timedelta(days=back + 2)}
            seen = {"property_clicks": 5, "property_impressions": 100}
            put(connection, "fct_search_totals_daily", shop_id="s", **day, **seen)
        today = {"date_day": LAST + timedelta(days=1), "is_complete": False, "orders": 99, "net_cents": 990_000}
        put(connection, "fct_shop_daily", shop_id="s", **today)
        month = {"shop_id": "s", "grain": "month", "is_complete": True}
        for start, end, new in (
            (date(2026, 9, 1), date(2026, 9, 30), 10),
            (date(2026, 10, 1), date(2026, 10, 31), 15),
        ):
            people = {"new_customers": new, "churned_customers": 0, "active_customers": new + 4}
            put(connection, "fct_growth_accounting", **month, period_start=start, period_end=end, **people)
        vital = {"scope": "origin", "form_factor": "phone", "is_latest": True, "metric": "lcp", "p75": 2310.0}
        dates = {"period_start": date(2026, 10, 18), "period_end": date(2026, 11, 14)}
        put(connection, "fct_web_vitals", shop_id="s", **vital, **dates)
    warehouse.publish()


@pytest.fixture
def program(either_console: ConsoleShop) -> Program:
    return Program(either_console, "read:metrics", "read:approvals")


def measures(program: Program, path: str) -> dict[str, dict[str, Any]]:
    """By name and labels; every one tells its age or why it is not known."""
    answer = program.http.get(path).raise_for_status()
    MeasuresDocument.model_validate(answer.json())
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
    assert answer.json()["generated_at"] == answer.headers["x-generated-at"] == NOW.isoformat()
    found = {}
    for one in answer.json()["metrics"]:
        assert (one["value"] is None) == (one["reason"] is not None) == (one["as_of"] is None), one
        found[" ".join([one["name"], *one["labels"].values()])] = one
    assert len(found) == len(answer.json()["metrics"])
    return found


def test_figures_of_growth_are_those_of_the_marts_with_their_window_and_age(program: Program):
    build(program.shop)
    found = measures(program, GROWTH)
    values = {name: (one["value"], one["before"]) for name, one in found.items()}
    assert values == {
        "net_sales_28d": (84 * 10_000, 56 * 10_000),
        "orders_28d": (84, 56),
        "order_value_28d": (10_000, 10_000),
        "refunds_28d": (28 * 500, 28 * 500),
        "new_customers_28d": (28, 28),
        "sessions_28d": (2800, 2800),
        "conversion_rate_28d": (0.03, 0.02),
        "customers_new": (15, 10),
        "customers_retained": (None, None),
        "customers_resurrected": (None, None),
        "customers_churned": (0, 0),
        "customers_active": (19, 14),
        "customers_quick_ratio": (None, None),
        "search_clicks_28d": (140, 140),
        "search_impressions_28d": (2800, 2800),
        "search_ctr_28d": (0.05, 0.05),
        "web_vitals_lcp_p75": (2310, None),
        "web_vitals_inp_p75": (None, None),
        "web_vitals_cls_p75": (None, None),
        "actions_executed_28d": (0, 0),
    }
    sales = found["net_sales_28d"]
    assert sales["window"] == {"from": "2026-10-25", "to": "2026-11-21"}
    assert (sales["change"], sales["unit"], sales["late"]) == (0.5, "minor units of USD", False)
    assert sales["age_seconds"] == (NOW.hour * 60 + NOW.minute) * 60
    assert found["search_clicks_28d"]["window"]["to"] == "2026-11-19"
    assert "Chrome" in found["web_vitals_inp_p75"]["reason"]


def test_what_is_not_built_is_null_with_the_reason_and_no_zero(program: Program):
    # The marts of the filled shop have one day and few columns, as those of an older version would.
    found = measures(program, GROWTH)
    known = {name for name, one in found.items() if one["value"] is not None}
    assert known == {"actions_executed_28d"}
    assert "growth run" in found["net_sales_28d"]["reason"] or "built" in found["net_sales_28d"]["reason"]
    candidates = CandidatesDocument.model_validate(program.http.get("/api/phase7/beta/candidates").json())
    assert (candidates.candidates, candidates.min_score) == ([], 0.8)
    assert candidates.reason


def test_figures_of_operation_are_those_of_the_store(program: Program):
    shop, store = program.shop, program.shop.store
    with store.session() as session:
        first = session.scalars(select(ApprovalRequest).order_by(ApprovalRequest.id)).first()
        assert first is not None
        first.created_at, first.due_at = NOW - timedelta(hours=5), NOW - timedelta(hours=1)
        told, next_one = OutboxEntry.seq <= 3, OutboxEntry.seq == 4
        session.execute(update(OutboxEntry).where(told).values(delivered_at=NOW))
        session.execute(update(OutboxEntry).where(next_one).values(created_at=NOW - timedelta(minutes=9)))
        session.add(OutboxCursor(listener="telegram", seq=6, updated_at=NOW))
    found = measures(program, OPS)
    with store.read() as session:
        entries = session.scalar(select(func.count()).select_from(OutboxEntry)) or 0
        head = session.get_one(AuditHead, 1)
        actions = dict(session.execute(select(Action.state, func.count()).group_by(Action.state)).all())
    assert actions == {"pending": 8}
    expected = {
        "actions pending": 8,
        "actions approved": 0,
        "approvals_waiting high": 2,
        "approvals_waiting medium": 6,
        "approvals_late": 1,
        "approvals_oldest_seconds": 5 * 3600,
        "approvals_expiry_rate_28d": None,
        "approval_seconds_28d 0.5": None,
        "outbox_waiting dagster": entries - 3,
        "outbox_lag_seconds dagster": 9 * 60,
        "outbox_waiting telegram": entries - 6,
        "audit_events": head.seq,
        "paused": 0,
        "tokens": 1,
        "program_up console": 1,
        "program_up dagster-daemon": 0,
        "quality_score": None,
        "stream_lag_seconds": None,
    }
    assert {name: found[name]["value"] for name in expected} == expected
    # Answered in the instant in which it was asked.
    action = next(one for one in Program(shop).actions() if one["id"] != first.action_id)
    Program(shop).decide(action).raise_for_status()
    judged(shop.settings)
    found = measures(program, OPS)
    assert found["approval_seconds_28d 0.5"]["value"] == 0
    assert found["approvals_by_channel_28d api"]["value"] == 1
    assert (found["actions approved"]["value"], found["approvals_expiry_rate_28d"]["value"]) == (1, 0)
    assert found["quality_score shopify"]["value"] is not None


@pytest.mark.parametrize("path", [GROWTH, OPS])
def test_prometheus_reads_the_same_figures(path: str, console: ConsoleShop):
    program = Program(console, "read:metrics")
    build(console)
    known = {name: one for name, one in measures(program, path).items() if one["value"] is not None}
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    text = program.http.get(path, headers={"accept": accept})
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = text.text.splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
    assert len(samples) == len(known)
    assert sorted(float(value) for _, value in samples) == sorted(one["value"] for one in known.values())
    names = [line.split(" ")[2] for line in lines if line.startswith("# TYPE")]
    assert len(set(names)) == len(names)
    assert {sample.split("{")[0] for sample, _ in samples} <= set(names)


def test_the_status_tells_the_version_the_schema_the_chain_and_each_part(program: Program):
    answer = program.http.get("/api/phase7/status").raise_for_status()
    status = StatusDocument.model_validate(answer.json())
    store = program.shop.store
    assert (status.version, status.mode, status.paused) == (__version__, "live", None)
    assert status.database.engine == store.engine
    assert status.database.schema_version == status.database.known_version == newest_revision()
    with store.read() as session:
        head = session.get_one(AuditHead, 1)
    assert status.audit is not None
    assert (status.audit.seq, status.audit.hash) == (head.seq, head.hash)
    parts = {one.name: one for one in status.components}
    assert (parts["console"].state, parts["dagster-daemon"].state) == ("running", "stopped")
    assert (parts["telegram"].enabled, parts["telegram"].state) == (False, "off")
    assert (parts["outbox:dagster"].state, parts["outbox:dagster"].lag_s) == ("current", 0)
    # The filled shop was never read: there are no streams to speak of, and the answer says so.
    assert status.reason
    pause(store, actor="bo", channel="cli", reason="a sale", now=NOW)
    again = program.http.get("/api/phase7/status").json()
    assert again["config_digest"] == status.config_digest
    assert again["paused"] == "All writes were paused by bo at 2026-11-22 08:04 MST: a sale."
