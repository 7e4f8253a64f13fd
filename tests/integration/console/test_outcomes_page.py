"""The page Outcomes, before anything was executed and after."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.actions.model import State
from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.actions.transitions import transition
from growth_pipelines.store.tables import Action
from tests.console_shop import NOW
from tests.outcomes_read import outcome_row

from .conftest import Visitor
from .test_pages import text_of

_STEPS: tuple[tuple[State, State], ...] = (
    ("pending", "approved"),
    ("approved", "executing"),
    ("executing", "executed"),
)


def _carry_out(maria: Visitor, *actions: dict[str, Any]) -> None:
    with maria.shop.store.session() as session:
        for action in actions:
            for begin, end in _STEPS:
                assert transition(session, action["id"], 1, begin, end, actor="bo", channel="cli", now=NOW)


def test_the_page_tells_what_was_realised_beside_what_was_promised_and_what_is_open(maria: Visitor) -> None:
    assert "Nothing was executed yet" in text_of(maria.get("/outcomes").text)
    first, second, *_ = maria.queue()
    _carry_out(maria, first, second)
    waiting = text_of(maria.get("/outcomes").text)
    assert "2 actions can't be told yet" in waiting.replace("&#39;", "'")
    assert "not known" in waiting
    row = {
        "action_id": first["id"],
        "horizon_days": 28,
        "slug": "a-b-20261122",
        "skipped": "",
        "baseline": 900.0,
        "observed": 1500.0,
        "counterfactual": 900.0,
        "estimate": 1184.0,
        "controls": 60,
        "effect": 600.0,
        "effect_low": 300.0,
        "effect_high": 900.0,
        "shared_error": 20.0,
        "is_overlapping": False,
        "days": {"first": "2026-10-25", "actual": [30.0] * 57, "expected": [30.0] * 57},
    }
    vital = {"is_promised": False, "outcome_class": None, "estimate": None, "observed": 2430.0}
    rows = [
        {**row, "metric": "revenue", "is_promised": False, "outcome_class": "partial"},
        {**row, "metric": "clicks", "is_promised": True, "outcome_class": "partial"},
        {**row, **vital, "metric": "lcp_phone", "effect": -420.0, "effect_low": -610.0, "effect_high": -200.0},
        {**row, **vital, "metric": "cls_desktop", "effect": 0.01, "effect_low": -0.04, "effect_high": 0.03},
    ]
    with maria.shop.store.session() as session:
        record_outcomes(session, rows, NOW)
    page = text_of(maria.get("/outcomes").text).replace("&#39;", "'")
    for shown in ("$600 $304 to $896", "1 × Better, by less than promised", "1 action can't be told yet"):
        assert shown in page, shown
    # The action itself, by what it had promised; the one that waits has nothing to tell.
    listed = page.partition("Action by action")[2]
    assert "+600 +300 to +900 +1,184 Better, by less than promised Search clicks, 28 days" in listed
    assert first["title"] in listed
    assert second["title"] not in listed
    single = text_of(maria.get(f"/actions/{first['ref']}").text)
    assert "it got 1,500, without it 900 were expected" in single
    assert "LCP on phones, 28 days it got 2.43 s" in single
    assert "−420 ms −610 ms to −200 ms – Better than without it" in single
    assert "+0.01 −0.04 to +0.03 – No difference shown" in single
    # Programs get the same figures, in the report and of the action.
    report = maria.get("/api/phase7/outcomes").json()
    assert (report["total"]["measured"], report["total"]["waiting"], report["total"]["realised"]) == (1, 1, 600.0)
    assert report["total"]["realised_low"] == pytest.approx(300, abs=5)
    assert report["by_month"][0]["not_known"] == report["total"]["not_known"]
    told = maria.get(f"/api/phase7/outcomes/{first['ref']}").json()
    assert told["judged_by"]["metric"] == "clicks"
    assert [(one["metric"], one["effect"]) for one in told["outcomes"]] == [
        ("clicks", 600.0),
        ("cls_desktop", 0.01),
        ("lcp_phone", -420.0),
        ("revenue", 600.0),
    ]
    assert maria.get(f"/api/phase7/outcomes/{second['ref']}").json()["outcomes"] == []
    assert maria.get("/api/phase7/outcomes/none-such").status_code == 404


def test_a_vital_that_reads_worse_says_that_the_page_had_just_regressed(maria: Visitor) -> None:
    first, second, *_ = maria.queue()
    _carry_out(maria, first, second)
    with maria.shop.store.session() as session:
        actions = [session.get_one(Action, one["id"]) for one in (first, second)]
        actions[0].labels = [*actions[0].labels, "regressed"]
        vital = {"metric": "inp_phone", "is_promised": False, "estimate": None}
        record_outcomes(session, [outcome_row(one, 28, 200.0, None, **vital) for one in actions], NOW)
    for one, warned in ((first, True), (second, False)):
        told = text_of(maria.get(f"/actions/{one['ref']}").text)
        assert "+200 ms +195 ms to +205 ms – Worse than without it" in told
        assert ("What was still to come of that is in this figure." in told) == warned
