"""The pages of experiments: what they say in each state, and what their forms do."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from growth_pipelines.actions.experiments.registry import history, operator_move, ramp
from growth_pipelines.actions.queue import find
from growth_pipelines.store.readings import kept_readings
from growth_pipelines.store.tables import Action, Experiment
from tests.console_shop import NOW, ConsoleShop
from tests.experiments_declared import begun, declaration, find_experiment, fresh, looked_at, registered

from .conftest import Visitor
from .test_pages import text_of

KEY = "free-shipping-bar"
PAGE = f"/experiments/{KEY}"
BEGUN = NOW - timedelta(days=15)


def running(shop: ConsoleShop, days: int = 14, **more: Any) -> Experiment:
    """An experiment that began 15 days ago and was read on each of the last ``days``."""
    begun(shop.store, shop.settings, BEGUN, planned_units=40_000)
    with shop.store.session() as session:
        ramp(
            session,
            find_experiment(session, KEY),
            actor="monitor",
            channel="monitor",
            now=BEGUN + timedelta(days=1),
        )
    if days:
        looked_at(shop.store, fresh(shop.store, KEY), days, NOW, **more)
    return fresh(shop.store, KEY)


def shown(visitor: Visitor, path: str = PAGE) -> str:
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text).replace("&#39;", "'")


def send(visitor: Visitor, path: str, **fields: str) -> Any:
    return visitor.http.post(f"{PAGE}/{path}", data={"csrf": visitor.csrf(), **fields})


def test_before_the_first_experiment_the_list_says_how_one_begins(maria: Visitor) -> None:
    assert "No experiment yet" in shown(maria, "/experiments")
    assert maria.get("/experiments/nothing-of-this-name").status_code == 404


def test_a_draft_tells_its_plan_and_its_start_is_asked_for_once(maria: Visitor) -> None:
    registered(maria.shop.store, declaration(), NOW)
    page = shown(maria)
    for said in ("It has not started.", "control 50 %, bar 50 %", "4,000 units and 14 days", "less than 10 %"):
        assert said in page, said
    assert "Conversions: share of units that do it at least once, more is better" in page
    for _ in range(2):
        answer = send(maria, "start")
        assert "It is asked for." in answer.text
        assert "Start the experiment free-shipping-bar" in answer.text
    assert 'action="/experiments/free-shipping-bar/start"' not in maria.get(PAGE).text
    with maria.shop.store.read() as session:
        (asked,) = session.query(Action).filter(Action.kind == "experiment")
    start = text_of(maria.get(f"/actions/{asked.ref}").text)
    assert ("Not estimated" in start, "$0" in start) == (True, False)
    assert fresh(maria.shop.store, KEY).status == "draft", "asking is not starting"


def test_a_running_experiment_shows_interval_sizes_guardrails_and_history(maria: Visitor) -> None:
    row = running(maria.shop)
    listed = shown(maria, "/experiments")
    for said in ("running", "14 of 14", "40,000 of 40,000", "Stop and decide it."):
        assert said in listed, said
    page = shown(maria)
    for said in (
        "Better : bar",
        "+30.0 %",
        "They fit their weights",
        "bar: sessions",
        "Holds",
        "Experiment's ramp widened to 100 % of all units, by the machine itself",
        "Experiment started, by the executor",
        "Start the experiment free-shipping-bar executed",
    ):
        assert said in page, said
    assert row.status == "running"


def test_the_interval_of_every_look_is_drawn_and_the_page_stays_small(maria: Visitor) -> None:
    arms = (("control", 1.0), *((f"arm-{place}", 1.0) for place in range(9)))
    rails = declaration().guardrails * 3
    first = NOW - timedelta(days=200)
    row = begun(maria.shop.store, maria.shop.settings, first, arms=arms, guardrails=rails, planned_days=200)
    looked_at(maria.shop.store, row, 200, NOW)
    for _ in range(60):
        answer = maria.get(PAGE)
        if "being drawn" not in answer.text:
            break
        time.sleep(0.25)
    assert answer.text.count("<svg viewBox") == 3, "of nine treatments three are drawn"
    assert len(answer.content) < 60_000
    assert kept_days(maria.shop) <= 60


def kept_days(shop: ConsoleShop) -> int:
    """How many of the 200 looks the page reads."""
    with shop.store.read() as session:
        return len(kept_readings(session, find_experiment(session, KEY).id, 60))


def test_where_sizes_do_not_fit_nothing_else_is_read(maria: Visitor) -> None:
    running(maria.shop, counts=(21_000, 19_000))
    page = shown(maria)
    assert "Not readable" in page
    assert "They do not fit their weights" in page
    assert "Nothing else is read as long as the sizes" in page
    assert "Chance to be better" not in page
    assert "The sizes of the arms do not fit their weights." in shown(maria, "/experiments")


def test_what_was_not_read_for_a_day_says_so(maria: Visitor) -> None:
    running(maria.shop, days=0)
    assert "It was not read for more than a day" in shown(maria, "/experiments")
    page = shown(maria)
    assert "It was not read for more than a day" in page
    assert "Nothing is read yet." in page


def test_an_operator_pauses_resumes_stops_decides_and_asks_for_the_winner(maria: Visitor) -> None:
    running(maria.shop)
    store = maria.shop.store
    assert "Say why." in send(maria, "move", step="pause").text
    assert "Nobody may start" in send(maria, "move", step="start", reason="now").text
    for step, status, reason in (
        ("pause", "paused", "the bar covers the menu"),
        ("resume", "running", "it no longer does"),
        ("stop", "stopped", "the plan is reached"),
    ):
        answer = send(maria, "move", step=step, reason=reason)
        assert (answer.status_code, fresh(store, KEY).status) == (200, status)
        assert reason in text_of(answer.text)
    again = send(maria, "move", step="stop", reason="twice")
    assert (again.status_code, "can't stop" in text_of(again.text).replace("&#39;", "'")) == (409, True)
    digest = looked_at(store, fresh(store, KEY), 1, NOW)["data_digest"]
    stale = send(maria, "decide", data_digest="0" * 64)
    assert (stale.status_code, fresh(store, KEY).status) == (409, "stopped")
    done = send(maria, "decide", data_digest=digest)
    assert "It is decided." in done.text
    row = fresh(store, KEY)
    assert (row.decision["data_digest"], row.decision["decided_by"]) == (digest, "maria")
    asked = send(maria, "promote", arm="bar")
    assert "Give everybody bar of the experiment" in asked.text
    with store.read() as session:
        assert [one["channel"] for one in history(session, row)][-4:] == ["console"] * 4
        [promotion] = [one for one in session.query(Action) if one.draft == {"promoted": "bar"}]
        assert find(session, promotion.id).state == "pending"


@pytest.mark.parametrize("path", ["start", "promote", "decide", "move"])
def test_a_viewer_sees_everything_and_changes_nothing(maria: Visitor, path: str) -> None:
    digest = (
        running(maria.shop) and looked_at(maria.shop.store, fresh(maria.shop.store, KEY), 1, NOW)["data_digest"]
    )
    with maria.shop.store.session() as session:
        operator_move(session, KEY, "stop", actor="bo", channel="cli", now=NOW, reason="done")
    vik = Visitor(maria.shop).sign_in("vik")
    assert f'action="{PAGE}' not in vik.get(PAGE).text
    assert "History" in shown(vik)
    answer = send(vik, path, step="stop", reason="because", arm="bar", data_digest=digest)
    assert answer.status_code == 403
    assert fresh(maria.shop.store, KEY).status == "stopped"


def test_the_pages_work_on_both_engines(either_console: ConsoleShop) -> None:
    running(either_console)
    maria = Visitor(either_console).sign_in("maria")
    assert "Better" in shown(maria, "/experiments")
    assert "+30.0 %" in shown(maria)
    assert "It is paused." in send(maria, "move", step="pause", reason="a look").text
