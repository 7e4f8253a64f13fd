"""The experiment's way by the command line: planned, registered, asked for, stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from growth_pipelines.cli import growth
from tests.drafts import settings_in, with_operator
from tests.new_stores import new_store

DECLARED = [
    *("experiments", "create", "sticky-cart", "--hypothesis", "A cart that stays in view is used more often."),
    *("--metric", "conversions", "--arm", "control", "--arm", "sticky:2", "--guardrail", "sessions:0.1"),
    *("--baseline", "0.03", "--effect", "0.1", "--units", "100000", "--days", "28"),
]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = settings_in(tmp_path)
    store = new_store(settings)
    with_operator(store, settings)
    for name, value in (("HOME", str(tmp_path)), ("OPERATOR", "bo"), ("NOW", "2026-11-22T14:00:00Z")):
        monkeypatch.setenv(f"GROWTH_{name}", value)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(growth, [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def test_the_plan_is_the_one_of_the_closed_form(said: Any) -> None:
    found = said(
        *("experiments", "plan", "--baseline", "0.02", "--effect", "0.1", "--daily-units", "9000", "--fixed")
    )
    assert found["units"] == [80_682, 80_682]


def test_means_and_ratios_are_planned_with_their_variance_and_any_power(said: Any) -> None:
    asked = ("experiments", "plan", "--baseline", "50", "--effect", "0.05", "--daily-units", "9000")
    mean = said(*asked, "--variance", "3600", "--fixed", "--coverage", "1")
    assert (mean["units"], mean["planned_days"], mean["reason"]) == ([9_042, 9_042], 14, None)
    assert said(*asked, "--variance", "3600", "--fixed", "--kind", "ratio")["units"] == mean["units"]
    surely = said(*asked, "--variance", "3600", "--fixed", "--power", "0.95")
    assert surely["planned_units"] > mean["planned_units"]
    always = said(*asked, "--variance", "3600")
    assert always["planned_units"] > mean["planned_units"], "read at any time it takes more"
    assert 0 < always["least_effect"] < 0.05


def test_a_declared_experiment_waits_for_its_approval_and_keeps_its_history(said: Any) -> None:
    made = said(*DECLARED)
    assert (made["status"], made["arms"][1]) == ("draft", {"name": "sticky", "weight": 2.0})
    asked = said("experiments", "start", "sticky-cart")
    [waiting] = said("actions", "list", "--kind", "experiment")
    assert (waiting["id"], waiting["state"]) == (asked["action_id"], "pending")
    shown = said("experiments", "show", "sticky-cart")
    assert [event["event"] for event in shown["history"]] == ["created"]
    assert [row["key"] for row in said("experiments", "list")] == ["sticky-cart"]
