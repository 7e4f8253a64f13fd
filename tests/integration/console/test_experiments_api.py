"""``/api/phase7/experiments``: what programs read of experiments, and what they may do with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from growth_pipelines.actions.experiments.registry import history
from growth_pipelines.console.experiment_documents import ExperimentInFull, ExperimentPage, PlanDocument
from growth_pipelines.store.readings import newest_readings
from growth_pipelines.store.tables import Action, Experiment
from tests.console_shop import NOW, ConsoleShop
from tests.experiments_declared import begun, declaration, fresh, looked_at, registered

from .conftest import Program, Visitor, told

KEY = "free-shipping-bar"
LIST = "/api/phase7/experiments"
ONE = f"{LIST}/{KEY}"
PLAN = f"{LIST}/plan"
BEGUN = NOW - timedelta(days=15)
DECLARED: dict[str, Any] = {
    "key": "bar-at-the-top",
    "hypothesis": "A bar at the top of the page is seen by more visitors.",
    "primary_metric": "conversions",
    "arms": [{"name": "control"}, {"name": "top", "weight": 2}],
    "guardrails": [{"metric": "sessions", "margin": 0.05}],
    "baseline": 0.03,
    "minimum_effect": 0.1,
    "planned_units": 214_000,
    "planned_days": 56,
}


def running(shop: ConsoleShop) -> Experiment:
    row = begun(shop.store, shop.settings, BEGUN, planned_units=40_000)
    looked_at(shop.store, row, 14, NOW)
    return fresh(shop.store, KEY)


def test_an_experiment_is_told_with_its_readings_ramp_and_history(either_console: ConsoleShop) -> None:
    row = running(either_console)
    program = Program(either_console)
    answer = program.http.get(ONE).raise_for_status()
    found = ExperimentInFull.model_validate(answer.json())
    assert found.experiment.reads is not None
    assert (found.experiment.reads.status, found.experiment.reads.winner) == ("ship", "bar")
    assert (found.ramp.coverage, found.ramp.goal) == (0.1, 1.0)
    assert found.ramp.widens_at == BEGUN + timedelta(days=1)
    assert found.reading is not None
    assert found.reading.arms[0].effect is not None
    newest = found.readings[-1].arms[0]
    assert (newest.arm, newest.diff) == ("bar", found.reading.arms[0].effect.diff)
    assert [look.day.day for look in found.readings] == list(range(9, 23))
    assert [one.event for one in found.history] == ["created", "started"]
    assert [one.state for one in found.asked] == ["executed"]
    assert program.http.get(f"{LIST}/{row.id}").json()["experiment"] == answer.json()["experiment"]
    assert told(program.http.get(f"{LIST}/none-such")) == (404, "no-such-experiment")


def test_what_has_not_changed_is_not_sent_again(console: ConsoleShop) -> None:
    running(console)
    program = Program(console)
    for path in (LIST, ONE):
        first = program.http.get(path)
        known = {"if-none-match": first.headers["etag"]}
        assert program.http.get(path, headers=known).status_code == 304
    stopped = program.http.post(f"{ONE}/move", json={"step": "stop", "reason": "it is enough"})
    assert stopped.json()["experiment"]["status"] == "stopped"
    assert program.http.get(ONE, headers=known).json()["experiment"]["looks"] == ["to_be_decided"]


def test_the_list_comes_in_pages_and_filters(either_console: ConsoleShop) -> None:
    for number in range(5):
        # Two of them in the same moment.
        registered(either_console.store, declaration(f"idea-{number}"), NOW - timedelta(days=max(number, 1)))
    running(either_console)
    program = Program(either_console)
    found: list[str] = []
    address: str | None = f"{LIST}?limit=2"
    while address:
        answer = program.http.get(address)
        page = ExperimentPage.model_validate(answer.json())
        found += [one.key for one in page.experiments]
        address = answer.links.get("next", {}).get("url")
    assert sorted(found) == sorted(["free-shipping-bar", *(f"idea-{number}" for number in range(5))])
    assert found[-1] == "free-shipping-bar", "the newest come first"
    drafts = program.http.get(LIST, params={"status": "draft", "unit": "visitor", "limit": 2}).json()
    assert len(drafts["experiments"]) == 2
    assert program.http.get(LIST, params={"unit": "page"}).json()["experiments"] == []
    other = program.http.get(LIST, params={"cursor": drafts["next"]})
    assert told(other) == (422, "bad-cursor")


def test_a_program_declares_once_however_often_it_sends(either_console: ConsoleShop) -> None:
    program = Program(either_console)
    key = {"idempotency-key": "first-idea"}
    made = program.http.post(LIST, json=DECLARED, headers=key)
    assert made.status_code == 201, made.text
    again = program.http.post(LIST, json=DECLARED, headers=key)
    assert (again.status_code, again.json()) == (201, made.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = program.http.post(LIST, json={**DECLARED, "baseline": 0.04}, headers=key)
    assert told(other) == (422, "key-reused")
    taken = program.http.post(LIST, json=DECLARED)
    assert told(taken) == (422, "bad-experiment")
    assert "already" in taken.json()["fields"]["key"]
    row = fresh(either_console.store, "bar-at-the-top")
    assert (row.created_by, row.metric_kind, row.guardrails[0]["kind"]) == ("maria", "proportion", "proportion")
    assert row.arms == [{"name": "control", "weight": 1.0}, {"name": "top", "weight": 2.0}]
    with either_console.store.read() as session:
        assert [one["channel"] for one in history(session, row)] == ["api"]
        assert session.scalar(select(func.count()).select_from(Experiment)) == 1


def test_a_bad_declaration_is_told_with_all_its_flaws_at_once(console: ConsoleShop) -> None:
    bad = {**DECLARED, "key": "Bar!", "baseline": 3.0, "arms": [{"name": "control"}], "planned_days": 0}
    answer = Program(console).http.post(LIST, json=bad)
    assert told(answer) == (422, "bad-experiment")
    assert set(answer.json()["fields"]) == {"key", "baseline", "arms", "planned_days"}
    pages = {**DECLARED, "unit": "page", "guardrails": []}
    assert set(Program(console).http.post(LIST, json=pages).json()["fields"]) == {"primary_metric", "arms"}


def test_a_program_pauses_resumes_stops_and_decides(console: ConsoleShop) -> None:
    row = running(console)
    program = Program(console)
    for step, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        answer = program.http.post(f"{ONE}/move", json={"step": step, "reason": "a look"})
        assert answer.json()["experiment"]["status"] == status
    twice = program.http.post(f"{ONE}/move", json={"step": "stop", "reason": "once more"})
    assert told(twice) == (409, "no-such-move")
    stale = program.http.post(f"{ONE}/decision", json={"data_digest": "0" * 64})
    assert told(stale) == (409, "read-since")
    with console.store.read() as session:
        digest = newest_readings(session, [row.id])[row.id].reading["data_digest"]
    done = program.http.post(f"{ONE}/decision", json={"data_digest": digest})
    assert done.json()["experiment"]["status"] == "decided"
    assert program.http.get(ONE).json()["decision"]["decided_by"] == "maria"
    asked = [program.http.post(f"{ONE}/promotion", json={"arm": "bar"}).json() for _ in range(2)]
    assert asked[0] == asked[1], "an open question is met, not doubled"
    unknown = program.http.post(f"{ONE}/promotion", json={"arm": "nobody"})
    assert told(unknown) == (409, "not-proposed")


def test_a_start_is_asked_for_and_not_made(console: ConsoleShop) -> None:
    registered(console.store, declaration(), NOW)
    asked = Program(console).http.post(f"{ONE}/start").raise_for_status().json()
    with console.store.read() as session:
        action = session.get_one(Action, asked["action"])
        assert (action.kind, action.state) == ("experiment", "pending")
    assert fresh(console.store, KEY).status == "draft"


def test_a_viewer_and_a_token_for_reading_change_nothing(console: ConsoleShop) -> None:
    running(console)
    vik = Visitor(console).sign_in("vik")
    headers = {"x-csrf-token": vik.csrf(), "accept": "application/json"}
    reader = Program(console, "read:metrics")
    for path, body in (
        ("", DECLARED),
        (f"/{KEY}/move", {"step": "stop", "reason": "because"}),
        (f"/{KEY}/decision", {"data_digest": "0" * 64}),
        (f"/{KEY}/start", None),
        (f"/{KEY}/promotion", {"arm": "bar"}),
    ):
        assert told(vik.http.post(LIST + path, json=body, headers=headers)) == (403, "may-not-experiment")
        assert told(reader.http.post(LIST + path, json=body)) == (403, "missing-scope")
    assert vik.http.get(ONE, headers=headers).status_code == 200
    assert fresh(console.store, KEY).status == "running"
    assert reader.http.get(LIST).json()["experiments"][0]["key"] == KEY


def test_a_program_asks_what_an_experiment_takes_and_nothing_is_kept(either_console: ConsoleShop) -> None:
    reader = Program(either_console, "read:metrics")
    asked: dict[str, Any] = {"baseline": 0.02, "minimum_effect": 0.1, "daily_units": 9000, "coverage_goal": 1}
    fixed = reader.http.get(PLAN, params={**asked, "fixed": True}).raise_for_status().json()
    found = PlanDocument.model_validate(fixed)
    assert (found.planned_units, found.needed_units, found.reason) == (2 * 80_682, 2 * 80_682, None)
    surely = reader.http.get(PLAN, params={**asked, "power": 0.95}).json()
    assert surely["planned_units"] > found.planned_units
    three = reader.http.get(PLAN, params={**asked, "fixed": True, "weights": [2, 1, 1]}).json()
    assert three["planned_units"] > found.planned_units
    mean = {
        **asked,
        "metric_kind": "ratio",
        "baseline": 50,
        "variance": 3600,
        "fixed": True,
        "minimum_effect": 0.05,
    }
    assert reader.http.get(PLAN, params=mean).json()["planned_units"] == 2 * 9042
    own = reader.http.get(PLAN).json()
    assert (own["baseline"], own["daily_units"]) == (0.02, 350), "the shop's own, where nothing is said"
    with either_console.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Experiment)) == 0


def test_what_can_t_be_planned_is_told_with_the_field_that_is_wrong(console: ConsoleShop) -> None:
    program = Program(console)
    asked: dict[str, Any] = {"baseline": 0.02, "minimum_effect": 0.1, "daily_units": 9000}
    for wrong, fields in (
        ({"baseline": None, "primary_metric": "carts"}, {"baseline"}),
        ({"baseline": None, "variance": 4, "metric_kind": "mean"}, {"baseline"}),
        ({"daily_units": 0}, {"daily_units"}),
        ({"power": 1}, {"power"}),
        ({"metric_kind": "mean"}, {"variance"}),
        ({"metric_kind": "ratio"}, {"variance"}),
        ({"variance": 2}, {"variance"}),
        ({"minimum_effect": 60, "baseline": 0.5}, {"minimum_effect"}),
        ({"unit": "time_slice", "primary_metric": "revenue", "block_days": 9}, {"planned_days"}),
        ({"unit": "page"}, {"primary_metric"}),
    ):
        sent = {name: one for name, one in (asked | wrong).items() if one is not None}
        answer = program.http.get(PLAN, params=sent)
        assert told(answer) == (422, "bad-experiment"), wrong
        assert set(answer.json()["fields"]) == fields, wrong
    customers = {"unit": "customer", "primary_metric": "revenue", "minimum_effect": 0.1}
    assert told(program.http.get(PLAN, params=customers)) == (409, "not-drawn")
    days = program.http.get(PLAN, params={**customers, "unit": "time_slice", "planned_days": 84}).json()
    assert (days["planned_units"], days["least_effect"]) == (84, None)
    assert "does not say how much they vary" in days["reason"] or "No orders" in days["reason"]
    taken = program.http.post(LIST, json={**DECLARED, "key": "plan"})
    assert set(taken.json()["fields"]) == {"key"}, "its address would be the planner's"
