"""The return on executed actions, from what the store has on record of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from growth_pipelines.actions.model import State
from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.actions.returns import executed_returns
from growth_pipelines.actions.transitions import transition
from growth_pipelines.cli import growth
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from tests.drafts import NOW, seo_draft, submitted

_STEPS: tuple[tuple[State, State], ...] = (
    ("pending", "approved"),
    ("approved", "executing"),
    ("executing", "executed"),
)
_NUMBERS = ("baseline", "observed", "counterfactual", "effect", "effect_low", "effect_high", "shared_error")


def executed(store: Store, count: int) -> list[Action]:
    actions = submitted(store, *(seo_draft(number) for number in range(1, count + 1)))
    with store.session() as session:
        for action in actions:
            for begin, end in _STEPS:
                assert transition(session, action.id, 1, begin, end, actor="ada", channel="console", now=NOW)
    return actions


def revenue(action: Action, numbers: tuple[float | None, ...], skipped: str = "") -> dict[str, Any]:
    return {
        "action_id": action.id,
        "metric": "revenue",
        "horizon_days": 28,
        "slug": "seo_ctr-p-20261122",
        "is_promised": False,
        "skipped": skipped,
        "outcome_class": None,
        **dict(zip(_NUMBERS, numbers, strict=True)),
        "estimate": 40.0,
        "controls": 60,
        "is_overlapping": False,
        "days": {},
    }


@pytest.fixture
def shop(store: Store, settings: Settings) -> Store:
    """Four executed actions: measured, not measurable, waiting, and rolled back before anything was known."""
    measured, impossible, _, undone = executed(store, 4)
    clicks = {"metric": "clicks", "is_promised": True, "outcome_class": "success"}
    gains = (100.0, 190.0, 100.0, 90.0, 60.0, 120.0, 5.0)
    rows = [
        revenue(measured, gains),
        {**revenue(measured, gains), **clicks},
        revenue(measured, (25.0, 25.0, 25.0, 0.0, -9.0, 9.0, 1.0)) | {"horizon_days": 7},
        revenue(impossible, (None,) * 7, "Only 3 untouched ones have comparable traffic."),
    ]
    with store.session() as session:
        record_outcomes(session, rows, NOW + timedelta(days=32))
        assert transition(
            session, undone.id, 1, "executed", "rolled_back", actor="ada", channel="console", now=NOW
        )
    return store


def test_each_executed_action_has_its_28_days_or_the_reason_why_not(shop: Store) -> None:
    with shop.read() as session:
        found = executed_returns(session, "America/Denver")
    assert sorted((one.effect is not None, one.reason, one.outcome_class) for one in found) == [
        (False, "", None),
        (False, "It was rolled back before 28 days were over.", None),
        (False, "Only 3 untouched ones have comparable traffic.", None),
        (True, "", "success"),
    ]
    assert [one.effect for one in found if one.effect] == [(90.0, 60.0, 120.0, 5.0)]


def test_the_command_tells_the_sum_and_what_it_does_not_know(
    shop: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROWTH_HOME", str(settings.home))
    monkeypatch.setenv("GROWTH_NOW", NOW.isoformat())
    monkeypatch.setenv("GROWTH_DATABASE_URL", settings.database_url.get_secret_value())
    told = json.loads(CliRunner().invoke(growth, ["outcomes", "--json"], catch_exceptions=False).stdout)
    [month] = told["by_month"]
    assert (month["month"], month["recommender"], month["actions"]) == ("2026-11", "seo_ctr", 4)
    whole = told["total"]
    assert (whole["measured"], whole["waiting"], whole["not_measurable"]) == (1, 1, 2)
    # The last of three looks is 95.27 % sure, a sum 95 %: 30 × 1.960 ÷ 1.984 to either side.
    assert (whole["realised"], whole["realised_low"], whole["realised_high"]) == pytest.approx(
        (90, 60.36, 119.64), abs=0.01
    )
    assert len(whole["not_known"]) == 3
    shown = CliRunner().invoke(growth, ["outcomes"], catch_exceptions=False).stdout
    assert "Not known: 1 action can't be told yet" in shown
