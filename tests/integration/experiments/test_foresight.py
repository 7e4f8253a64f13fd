"""The planner asks the published warehouse how much units vary; nothing is kept of the question."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.experiments.declaration import BadExperiment
from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import experiments
from growth_pipelines.readouts.drawing import NotDrawn
from growth_pipelines.readouts.foresight import Foreseen, Question, foresee, undeclared
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from tests.experiment_marts import at, publish

from .test_customers_and_slices import BEGUN, CUSTOMERS, DAY, customers, orders_of
from .test_pages import BEGUN as PAGES_BEGUN
from .test_pages import marts

LETTER: dict[str, Any] = {
    "unit": "customer",
    "primary_metric": "revenue",
    "metric_kind": "mean",
    "baseline": 0.5,
    "minimum_effect": 0.1,
    "planned_days": 28,
    "coverage_goal": 1.0,
}


def asked(settings: Settings, now: Any = BEGUN, variance: float | None = None, **parts: Any) -> Foreseen:
    question = Question(undeclared((1.0, 1.0), **parts), variance=variance)
    found = foresee(Store.of(settings), settings, question, now)
    with Store.of(settings).read() as session:
        assert experiments(session) == [], "nothing is kept"
    return found


def month_ago(frame: pd.DataFrame) -> pd.DataFrame:
    """The same orders so much earlier that the outcome's 28 days are over on the day before DAY."""
    return frame.assign(date_day=frame["date_day"] - pd.Timedelta(days=29))


@pytest.fixture
def shop(machine: Settings) -> Settings:
    orders = month_ago(orders_of({}, 0.0))
    publish(machine, DAY - timedelta(days=1), **customers(), fct_orders=orders)
    return machine


def test_customers_are_planned_by_what_they_bought_lately(shop: Settings) -> None:
    plain = asked(shop, **LETTER)
    assert (plain.units, plain.days, plain.why) == (CUSTOMERS - 10, 28, "")
    # Everybody orders 0.9 times for 61.00, of which one order in twenty comes back.
    assert plain.baseline == pytest.approx(0.9 * 61 * 0.95, rel=0.06)
    assert plain.effect is not None
    assert 0.1 < plain.effect < 0.25
    assert plain.needed is not None
    assert plain.needed > plain.units
    known = asked(shop, **LETTER | {"metric_kind": "cuped"})
    assert known.effect is not None
    assert known.effect < plain.effect, "part of it is known beforehand"
    surely = asked(shop, **LETTER | {"power": 0.95})
    assert surely.effect is not None
    assert surely.effect > plain.effect
    capped = asked(shop, **LETTER | {"design": Design(cap_quantile=0.6)})
    assert capped.effect is not None
    assert capped.effect < plain.effect, "what is above the cap varies no more"
    buyers = asked(shop, **LETTER | {"primary_metric": "buyers", "metric_kind": "proportion"})
    assert buyers.baseline == pytest.approx(0.5, abs=0.1)


def test_a_variance_that_is_given_counts_instead(shop: Settings) -> None:
    few = asked(shop, variance=100.0, **LETTER | {"baseline": 40.0})
    many = asked(shop, variance=400.0, **LETTER | {"baseline": 40.0})
    assert (few.baseline, few.needed, many.needed) == (None, pytest.approx(many.needed / 4, rel=0.01), many.needed)


def test_what_the_past_does_not_say_is_not_made_up(machine: Settings) -> None:
    nobody = orders_of({}, 0.0).head(0)
    publish(machine, DAY - timedelta(days=1), **customers(), fct_orders=nobody)
    found = asked(machine, **LETTER)
    assert (found.units, found.effect, found.needed) == (CUSTOMERS - 10, None, None)
    assert "Too few had bought 28 days ago" in found.why
    with pytest.raises(BadExperiment) as wrong:
        asked(machine, variance=1.0, **LETTER | {"primary_metric": "buyers", "metric_kind": "proportion"})
    assert set(wrong.value.fields) == {"variance"}
    publish(machine, DAY - timedelta(days=1), dim_customers=customers()["dim_customers"].head(150))
    with pytest.raises(NotDrawn, match="customers"):
        asked(machine, **LETTER)


def test_days_are_planned_by_how_neighbours_differ(machine: Settings) -> None:
    days = [DAY - timedelta(days=number) for number in range(56, 0, -1)]
    sold = (500_000 * np.random.default_rng(8).normal(1, 0.08, 56)).astype("int64")
    frame = pd.DataFrame({"date_day": pd.to_datetime(days), "net_cents": sold, "orders": sold // 5000})
    frame = frame.assign(sessions=0, search_clicks=0, is_complete=True)
    publish(machine, DAY - timedelta(days=1), fct_shop_daily=frame)
    parts = LETTER | {"unit": "time_slice", "planned_days": 56, "minimum_effect": 0.03}
    found = asked(machine, **parts)
    # (2.05 + 0.84) × 0.08 × √2 ÷ √28, and a little for Student's t.
    assert found.effect == pytest.approx(0.065, rel=0.25)
    assert found.needed is not None
    assert found.needed > 200
    nothing = asked(machine, **parts | {"primary_metric": "sessions"})
    assert nothing.effect is None
    assert "does not say" in nothing.why


def test_pages_are_planned_by_how_pairs_drew_apart_when_nothing_was_done(machine: Settings) -> None:
    frames, until = marts(0.0, set()), date(2026, 3, 29)
    later = at(machine, PAGES_BEGUN + timedelta(days=31))
    publish(later, until, **frames)
    parts = LETTER | {"unit": "page", "primary_metric": "clicks", "planned_days": 21}
    found = asked(later, later.clock.now(), **parts)
    assert (found.units, found.needed) == (158, None)
    assert found.effect is not None
    assert 0.1 < found.effect < 0.6
    longer = asked(later, later.clock.now(), **parts | {"planned_days": 112})
    assert longer.effect is None
    assert "does not say" in longer.why, "no pairs of so long ago are known"
