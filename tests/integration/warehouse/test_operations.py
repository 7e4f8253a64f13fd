"""The machine's own work, from the store through the raw tables to the marts, recounted from the store's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import delete, select

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.lifecycle import expire_due
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.actions.returns import record_returns
from growth_pipelines.actions.rollback import roll_back
from growth_pipelines.approvals.decide import StaleDigest
from growth_pipelines.ingestion.state import prepared
from growth_pipelines.outcomes import classify
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, Execution
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from growth_pipelines.warehouse.operations import copy_operations
from growth_pipelines.warehouse.operations_queries import COPIES
from tests.drafts import NOW, decided, seo_draft, settings_in, submitted, task_draft, with_operator

from .raw_rows import Rows, load, shop_rows

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("operations")
ENGINES = ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)]
ZONE = "America/Denver"
# 23:30 in Denver on a Sunday: the next day, and the next week, in UTC.
START = datetime(2026, 11, 2, 6, 30, tzinfo=UTC)
NOTE = "Sounds like our competitor's Gary"


@dataclass
class Machine:
    settings: Settings

    @property
    def store(self) -> Store:
        return Store.of(self.settings)

    def actions(self) -> dict[str, Action]:
        with self.store.read() as session:
            found = {action.id: action for action in session.scalars(select(Action))}
            session.expunge_all()
        return found

    def events(self) -> list[AuditEvent]:
        with self.store.read() as session:
            found = list(session.scalars(select(AuditEvent).where(AuditEvent.action_id.is_not(None))))
            session.expunge_all()
        return sorted(found, key=lambda event: event.seq)

    def copy(self, zone: str = ZONE) -> dict[str, int]:
        with prepared(Warehouse.of(self.settings)) as connection:
            return copy_operations(self.settings, connection, zone)

    def rows(self, table: str, order: str) -> pd.DataFrame:
        with Warehouse.of(self.settings).write() as connection:
            return connection.frame(f"select * from {table} order by {order}")

    def copied(self) -> dict[str, list[dict[str, Any]]]:
        keys = {copy.table.name: ", ".join(copy.table.key) for copy in COPIES}
        return {name: self.rows(f"raw.{name}", key).to_dict("records") for name, key in keys.items()}

    def built(self) -> None:
        """The marts of the actions; test_engines runs the project's tests on the same work."""
        result = build(self.settings, ["+marts.actions"], data_tests=False)
        assert [(n.name, n.message) for n in result.results if n.status != "success"] == []

    def submit(self, *drafts: ActionDraft, at: datetime) -> list[Action]:
        return submitted(self.store, *drafts, now=at)

    def decide(self, action: Action, decision: str, at: datetime, **parts: Any) -> None:
        decided(self.store, self.settings, action, decision, now=at, **parts)

    def execute(self, action: Action, at: datetime) -> None:
        [result] = execute_approved(self.store, self.settings, only=[action.id], now=at)
        assert result.status == "executed", result.message


def machine_in(home: Path, url: str = "", **more: str) -> Machine:
    live = {"GROWTH_ACTIONS__MODE": "live", "GROWTH_SHOP__TIMEZONE": ZONE, **more}
    made = Machine(settings_in(home, url, **live))
    with_operator(made.store, made.settings)
    return made


def work(machine: Machine) -> None:
    """Three weeks of it: everything that can become of an action."""
    tone, changed, later, edited = machine.submit(*(seo_draft(n) for n in range(4)), at=START)
    done, undone, forgotten = machine.submit(*(task_draft(n) for n in range(10, 13)), at=START)
    machine.decide(tone, "reject", START + timedelta(hours=3), reason="tone", note=NOTE)
    machine.decide(changed, "request_changes", START + timedelta(hours=4), note=NOTE)
    machine.decide(later, "defer", START + timedelta(hours=5), until=date(2026, 12, 1))
    words = {"title": "AN-6 PTFE fuel line, 20 ft"}
    machine.decide(edited, "approve_with_edits", START + timedelta(hours=30), draft=words)
    for action, hours in ((done, 2), (undone, 49)):
        machine.decide(action, "approve", START + timedelta(hours=hours))
        machine.execute(action, START + timedelta(hours=hours + 1))
    machine.decide(undone, "rollback", START + timedelta(days=9), reason=NOTE)
    result = roll_back(machine.store, machine.settings, undone.id, now=START + timedelta(days=9, hours=1))
    assert result.status == "rolled_back", result.message
    assert forgotten.id in expire_due(machine.store, START + timedelta(days=8))
    [waiting] = machine.submit(seo_draft(5), at=NOW - timedelta(days=1))
    with pytest.raises(StaleDigest):
        machine.decide(waiting, "approve", NOW, digest="0" * 64)


# test_engines compares these marts of the same work row by row.
@pytest.fixture(
    scope="module", params=["duckdb", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])]
)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else ""
    made = machine_in(tmp_path_factory.mktemp("machine"), url)
    load(made.settings, shop_rows())
    work(made)
    made.built()
    yield made
    made.store.close()


def local_day(instant: datetime) -> pd.Timestamp:
    return pd.Timestamp(instant.astimezone(ZoneInfo(ZONE)).date())


def week(instant: datetime) -> pd.Timestamp:
    day = local_day(instant)
    return day - pd.Timedelta(days=day.weekday())


def naive(instant: datetime | None) -> Any:
    return None if instant is None else pd.Timestamp(instant.astimezone(UTC).replace(tzinfo=None))


def plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def test_every_action_is_in_its_mart_as_the_store_has_it(machine: Machine) -> None:
    rows = {row["action_id"]: row for row in machine.rows("marts.dim_actions", "action_id").to_dict("records")}
    actions = machine.actions()
    assert set(rows) == set(actions)
    states = {"rejected", "deferred", "approved", "executed", "rolled_back", "expired", "pending"}
    assert {action.state for action in actions.values()} == states
    for action_id, action in actions.items():
        row = rows[action_id]
        for name in (
            "shop_id",
            "ref",
            "kind",
            "subtype",
            "recommender",
            "version",
            "state",
            "resource_gid",
            "score",
        ):
            assert row[name] == getattr(action, name), name
        assert plain(row["executed_at"]) == naive(action.executed_at)
        assert (row["proposed_at"], row["proposed_on"]) == (naive(action.created_at), local_day(action.created_at))
        assert row["estimated_revenue_cents"] == round(100 * action.impact["revenue_28d"])
        assert row["page_key"] == f"/products/{action.target['handle']}"
        assert row["currency"] == "USD"


def test_the_decision_of_an_action_is_the_answer_to_its_request(machine: Machine) -> None:
    rows = machine.rows("marts.dim_actions", "action_id").set_index("action_id")
    with machine.store.read() as session:
        answered = list(session.scalars(select(ApprovalRequest).where(ApprovalRequest.decision.is_not(None))))
        session.expunge_all()
    assert len(answered) == 5
    for request in answered:
        row = rows.loc[request.action_id]
        assert (row["decision"], row["decided_by"], row["decision_channel"]) == (
            request.decision,
            request.decided_by,
            request.channel,
        )
        assert row["decided_at"] == naive(request.decided_at)
        assert (plain(row["reason_code"]) or "") == (request.reason or "")
    deferred = rows[rows["state"] == "deferred"].iloc[0]
    assert deferred["decision"] == "defer", "the question is put again, but the deferral was a decision"


def test_the_events_are_those_of_the_audit_chain(machine: Machine) -> None:
    rows = machine.rows("marts.fct_action_events", "seq").to_dict("records")
    events = machine.events()
    assert [row["event_id"] for row in rows] == [event.id for event in events]
    assert Counter(row["event"] for row in rows)["decision_refused"] == 1
    for row, event in zip(rows, events, strict=True):
        for name in ("seq", "action_id", "version", "event", "actor", "channel"):
            assert row[name] == getattr(event, name), name
        assert plain(row["from_state"]) == event.payload.get("from")
        assert plain(row["to_state"]) == event.payload.get("to")
        assert (row["occurred_at"], row["date_day"]) == (naive(event.at), local_day(event.at))
    assert rows[0]["date_day"] == pd.Timestamp("2026-11-01"), "the day is the shop's"


def test_the_ledger_is_in_the_action(machine: Machine) -> None:
    rows = machine.rows("marts.dim_actions", "action_id").set_index("action_id")
    with machine.store.read() as session:
        ledger = {row.action_id: (row.status, row.attempts) for row in session.scalars(select(Execution))}
    assert sorted(ledger.values()) == [("confirmed", 1), ("rolled_back", 1)]
    found = rows.loc[rows["execution_status"].notna(), ["execution_status", "attempts"]]
    assert {action_id: tuple(row) for action_id, row in zip(found.index, found.to_numpy(), strict=True)} == ledger


def test_feedback_is_decisions_and_edits_each_once(machine: Machine) -> None:
    rows = machine.rows("marts.fct_action_feedback", "occurred_at, feedback")
    assert Counter(rows["feedback"]) == Counter(
        ["reject", "request_changes", "defer", "edit", "approve_with_edits", "approve", "approve", "rollback"]
    )
    [edit] = rows[rows["feedback"] == "edit"].to_dict("records")
    # "AN-6 fuel line, 10 ft" → "AN-6 PTFE fuel line, 20 ft": one word added, one replaced.
    assert (edit["words_before"], edit["words_after"], edit["words_changed"]) == (5, 6, 2)
    assert edit["edit_distance"] == pytest.approx(2 / 6)
    codes = dict(zip(rows["feedback"], rows["reason_code"], strict=True))
    assert (codes["reject"], codes["rollback"]) == ("tone", "other")


def test_nothing_that_a_person_wrote_leaves_the_store(machine: Machine) -> None:
    kept = machine.store
    with kept.read() as session:
        written = [event.payload for event in session.scalars(select(AuditEvent))]
    assert sum(NOTE in str(payload) for payload in written) == 3, "the store does have it"
    copied = str(machine.copied())
    for text in (NOTE, "PTFE", "A better snippet", "Open the theme"):
        assert text not in copied


def test_the_weeks_of_the_operators_are_recounted_from_the_store(machine: Machine) -> None:
    actions, events = machine.actions(), machine.events()
    rows = machine.rows("marts.fct_operator_metrics_weekly", "date_week, recommender").to_dict("records")
    found = {(row["date_week"], row["recommender"], row["kind"]): row for row in rows}
    weeks: dict[tuple[Any, ...], Counter[str]] = {}
    waits: dict[tuple[Any, ...], list[float]] = {}
    for event in events:
        action = actions[str(event.action_id)]
        key = (week(event.at), action.recommender, action.kind)
        counted = weeks.setdefault(key, Counter())
        before, after = event.payload.get("from"), event.payload.get("to")
        counted["proposed"] += event.event == "created"
        counted["decided"] += event.payload.get("decision") not in (None, "rollback")
        if before and before != after:
            counted[str(after)] += 1
            if after == "approved":
                waits.setdefault(key, []).append((event.at - action.created_at).total_seconds() / 3600)
    assert set(found) == set(weeks)
    assert len({key[0] for key in weeks}) >= 3
    for key, counted in weeks.items():
        row = found[key]
        for name in ("proposed", "decided", "approved", "rejected", "changes_requested", "deferred", "expired"):
            assert row[name] == counted[name], (key, name)
        for name in ("executed", "failed", "rolled_back"):
            assert row[name] == counted[name], (key, name)
        answered = counted["approved"] + counted["rejected"]
        assert plain(row["acceptance_rate"]) == (counted["approved"] / answered if answered else None)
        assert plain(row["median_hours_to_approve"]) == (
            pytest.approx(median(waits[key])) if key in waits else None
        )
    assert sum(row["proposed"] for row in rows) == len(actions)


def test_windows_of_executed_actions_are_whole_weeks_around_the_day(machine: Machine) -> None:
    rows = machine.rows("marts.fct_action_windows", "action_id, horizon_days").to_dict("records")
    executed = {a.id: a for a in machine.actions().values() if a.executed_at is not None}
    undone_on = {
        event.action_id: local_day(event.at) for event in machine.events() if event.event == "rolled_back"
    }
    assert len(undone_on) == 1
    assert [(row["action_id"], row["horizon_days"]) for row in rows] == [
        (action_id, days) for action_id in sorted(executed) for days in (7, 14, 28)
    ]
    for row in rows:
        day = local_day(executed[row["action_id"]].executed_at)  # type: ignore[arg-type]
        length = pd.Timedelta(days=row["horizon_days"])
        assert (row["pre_start"], row["post_end"]) == (day - length, day + length)
        undone = undone_on.get(row["action_id"])
        assert row["is_rolled_back"] == (undone is not None and undone <= row["post_end"])


def outcome(
    action: Action, horizon: int, effect: float, estimate: float = 40.0, reach: float = 5
) -> dict[str, Any]:
    low, high = effect - reach, effect + reach
    return {
        "action_id": action.id,
        "metric": "revenue",
        "horizon_days": horizon,
        "slug": "task",
        "is_promised": True,
        "skipped": "",
        "outcome_class": classify(effect, low, high, estimate),
        **dict.fromkeys(("baseline", "observed", "counterfactual", "shared_error", "controls")),
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "estimate": estimate,
        "is_overlapping": False,
        "days": {},
    }


RETURN: dict[str, Any] = {
    "month": date(2026, 11, 1),
    "recommender": "seo_ctr",
    "actions": 3,
    "measured": 1,
    "waiting": 1,
    "not_measurable": 1,
    "overlapping": 0,
    "promised": 40.0,
    "promised_in_all": 90.0,
    "realised": 50.0,
    "realised_low": -10.0,
    "realised_high": 110.0,
}
NOTHING = {"measured": 0, "waiting": 2, "realised": None, "realised_low": None, "realised_high": None}


def not_known(metric: str) -> dict[str, Any]:
    figures = ("outcome_class", "effect", "effect_low", "effect_high")
    return {"metric": metric, "is_promised": False, "skipped": "Why it is not known.", **dict.fromkeys(figures)}


# test_engines compares these marts of the same rows, and what the project's tests warn of.
@pytest.mark.parametrize(
    "engine", ["duckdb", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])]
)
def test_what_the_store_does_not_keep_yet_comes_from_its_raw_tables(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Experiments, rewards, campaigns, tenants and outcomes: whoever fills their tables has their marts."""
    machine = machine_in(tmp_path, request.getfixturevalue("postgres_url") if engine == "postgres" else "")
    [action] = machine.submit(task_draft(1), at=START)
    machine.decide(action, "approve", START + timedelta(hours=1))
    machine.execute(action, START + timedelta(hours=2))
    readings = [outcome(action, 7, 35.5), outcome(action, 14, 10, reach=30), outcome(action, 28, 50)]
    with machine.store.session() as session:
        change = record_outcomes(session, [*readings, {**outcome(action, 28, 0), **not_known("orders")}], NOW)
        record_returns(session, action.shop_id, [RETURN, {**RETURN, "recommender": "cwv_repair", **NOTHING}], NOW)
    assert change.final == (action.ref,)
    load(machine.settings, {**shop_rows(), **rows_of_others(action)})
    result = build(machine.settings)
    assert {n.name: n.message for n in result.results if n.status not in ("success", "pass")} == {
        # what should be seen is, and stops nothing
        "dim_experiments__no_sample_ratio_mismatch": "Got 1 result, configured to warn if != 0",
        "fct_experiment_exposures__one_variant_a_unit": "Got 1 result, configured to warn if != 0",
    }
    outcomes = machine.rows("marts.fct_action_outcomes", "horizon_days")
    judged = outcomes[["horizon_days", "is_mature", "outcome_class"]].to_dict("records")
    assert [tuple(map(plain, row.values())) for row in judged] == [
        (7, True, "success"),
        (14, True, "inconclusive"),
        (28, False, None),
    ]
    assert outcomes["realised_revenue_cents"].tolist()[:2] == [3550, 1000]
    sums = machine.rows("marts.fct_action_returns", "recommender")
    assert sums["month_start"].astype(str).str[:10].tolist() == ["2026-11-01"] * 2
    [unknown, known] = sums.to_dict("records")
    assert (known["promised_cents"], known["realised_cents"], known["realised_low_cents"]) == (4000, 5000, -1000)
    assert bool(known["holds_zero"])
    assert pd.isna(unknown["realised_cents"])
    assert pd.isna(unknown["promised_cents"])
    [experiment] = machine.rows("marts.dim_experiments", "experiment_id").to_dict("records")
    assert (experiment["units"], experiment["valid_units"], experiment["has_sample_ratio_mismatch"]) == (
        21,
        20,
        True,
    )
    values = machine.rows("marts.fct_experiment_outcomes", "unit_id")
    assert len(values) == 21
    assert values["outcome_value"].sum() == 7
    [balance] = machine.rows("marts.fct_reward_balances", "member_id").to_dict("records")
    assert (balance["events"], balance["balance"]) == (2, 30)
    [campaign] = machine.rows("marts.fct_campaign_results", "campaign_id").to_dict("records")
    assert (campaign["sent"], campaign["incremental_conversions"]) == (90, pytest.approx(9 - 90 / 10))
    health = machine.rows("marts.fct_tenant_health_weekly", "date_week")
    assert health["logins"].tolist()[-1] == 3
    assert health["activity_score"].tolist()[-1] == pytest.approx(0.4 * 3 / 30 + 0.2 * 28 / 30)
    days = machine.rows("marts.fct_tenant_activity_daily", "date_day")
    assert len(days) == (date(2026, 11, 22) - date(2026, 11, 10)).days
    machine.store.close()


def rows_of_others(action: Action) -> Rows:
    stamp = datetime(2026, 11, 12, 12)
    event = {"experiment_id": "x", "exposed_at": stamp, "local_date": stamp.date()}
    exposures = [{**event, "exposure_id": f"e{n}", "unit_id": f"u{n:02}", "variant": "a"} for n in range(21)]
    exposures.append({**event, "exposure_id": "again", "unit_id": "u00", "variant": "b"})
    arm = {"campaign_id": "c", "segment": "at_risk", "date": stamp.date(), "bounced": 0, "complained": 0}
    return {
        "growth_experiments": [
            {"experiment_id": "x", "experiment_key": "x", "unit_type": "visitor", "status": "running"}
            | {"pre_days": 7, "outcome_days": 7, "started_at": datetime(2026, 11, 10)}
        ],
        "growth_experiment_variants": [
            {"experiment_id": "x", "variant": name, "weight": 1.0, "is_control": name == "a"} for name in "ab"
        ],
        "growth_exposures": exposures,
        "growth_experiment_metrics": [
            {"experiment_id": "x", "unit_id": "u03", "metric": "orders", "date": stamp.date(), "value": 7.0}
        ],
        "growth_rewards": [{"reward_id": "r", "trigger_event": "first_order", "reward_type": "points"}],
        "growth_reward_events": [
            {"event_id": f"r{n}", "event_key": key, "member_id": "m", "reward_id": "r", "event_type": kind}
            | {"points": points, "occurred_at": stamp, "local_date": stamp.date()}
            for n, (key, kind, points) in enumerate(
                [("k", "granted", 50), ("k", "granted", 50), ("l", "redeemed", -20)]
            )
        ],
        "growth_campaigns": [{"campaign_id": "c", "action_id": action.id, "status": "done"}],
        "growth_campaign_results": [
            {**arm, "arm": "treated", "assigned": 90, "sent": 90, "delivered": 90, "converted": 9},
            {**arm, "arm": "holdout", "assigned": 10, "sent": 0, "delivered": 0, "converted": 1},
        ],
        "growth_tenants": [{"tenant_id": "t", "status": "candidate", "created_date": date(2026, 11, 10)}],
        "growth_tenant_events": [
            {"event_id": f"t{n}", "tenant_id": "t", "event_type": "login", "occurred_at": stamp}
            | {"local_date": date(2026, 11, 17 + n)}
            for n in range(3)
        ],
    }


def whole(machine: Machine) -> dict[str, list[dict[str, Any]]]:
    """The copy, made once more from the beginning."""
    with Warehouse.of(machine.settings).write() as connection:
        connection.execute("delete from raw._store_copied")
    machine.copy()
    return machine.copied()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_added_copy_by_copy_is_what_one_copy_finds(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    machine = machine_in(tmp_path, request.getfixturevalue("postgres_url") if engine == "postgres" else "")
    assert machine.copy()["growth_actions"] == 0
    work(machine)
    assert machine.copy()["growth_actions"] == 8
    assert machine.copy() == {
        "growth_actions": 3,  # open: they can change without an event
        "growth_action_events": 0,
        "growth_executions": 0,
        "growth_feedback": 0,
        "growth_action_outcomes": 0,
        "growth_action_returns": 0,
        "growth_experiments": 0,
        "growth_experiment_variants": 0,
        "growth_exposures": 0,
        "growth_experiment_metrics": 0,
    }
    [action] = machine.submit(seo_draft(20), at=NOW)
    machine.copy()
    # Fresher evidence, same draft: no event tells of it.
    fresher = seo_draft(20, confidence=0.9, score=36.0)
    machine.submit(fresher, at=NOW)
    machine.copy()
    rows = machine.rows("raw.growth_actions", "action_id").set_index("action_id")
    assert rows.loc[action.id, "confidence"] == 0.9
    machine.decide(action, "reject", NOW, reason="incorrect")
    machine.copy()
    by_steps = machine.copied()
    assert str(by_steps) == str(whole(machine))
    assert len(by_steps["growth_actions"]) == 9
    machine.store.close()


def test_an_action_that_is_gone_from_the_store_is_gone_from_the_copy(tmp_path: Path) -> None:
    machine = machine_in(tmp_path)
    kept, gone = machine.submit(seo_draft(1), seo_draft(2), at=START)
    machine.copy()
    with machine.store.session() as session:
        session.execute(delete(ApprovalRequest).where(ApprovalRequest.action_id == gone.id))
        session.execute(delete(Action).where(Action.id == gone.id))
    machine.copy()
    assert machine.rows("raw.growth_actions", "action_id")["action_id"].tolist() == [kept.id]
    assert set(machine.rows("raw.growth_action_events", "seq")["action_id"]) == {kept.id}


def test_another_store_in_the_same_place_is_copied_from_its_beginning(tmp_path: Path) -> None:
    old = machine_in(tmp_path)
    old.submit(seo_draft(1), seo_draft(2), at=START)
    old.copy()
    old.store.close()
    for file in tmp_path.glob("store.sqlite*"):
        file.unlink()
    old.store.migrate()
    new = machine_in(tmp_path)
    [action] = new.submit(seo_draft(3), at=START)
    new.copy()
    assert new.rows("raw.growth_actions", "action_id")["action_id"].tolist() == [action.id]


def test_a_zone_that_became_known_moves_the_days_of_what_was_copied(tmp_path: Path) -> None:
    machine = machine_in(tmp_path)
    machine.submit(seo_draft(1), at=START)
    machine.copy("UTC")
    assert machine.rows("raw.growth_actions", "action_id")["created_date"].tolist() == [pd.Timestamp("2026-11-02")]
    machine.copy(ZONE)
    assert machine.rows("raw.growth_actions", "action_id")["created_date"].tolist() == [pd.Timestamp("2026-11-01")]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_home_without_a_store_gets_none_from_a_build(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    machine = Machine(settings_in(tmp_path, url))
    assert machine.copy() == {}
    assert not (tmp_path / "store.sqlite").exists()
    if url:
        with Warehouse.of(machine.settings).write() as connection:
            schemas = connection.execute("select schema_name from information_schema.schemata").fetchall()
        assert ("growth",) not in schemas
    assert machine.rows("raw.growth_actions", "action_id").empty


def test_a_step_that_the_lifecycle_does_not_have_is_found(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    stamp = {"action_id": "a", "occurred_at": datetime(2026, 11, 1), "local_date": date(2026, 11, 1), "version": 1}
    events = [("created", None, "pending"), ("executed", "pending", "executed")]
    rows: Rows = {
        **shop_rows(),
        "growth_action_events": [
            {**stamp, "event_id": f"e{n}", "seq": n, "event": event, "from_state": before, "to_state": after}
            for n, (event, before, after) in enumerate(events)
        ],
    }
    load(settings, rows)
    assert build(settings, ["+marts.actions"], data_tests=False).ok
    result = build(settings, ["fct_action_events"])
    assert [(node.name, node.failures) for node in result.failed] == [
        ("fct_action_events__only_allowed_transitions", 1)
    ]
