"""Experiments on customers and on whole days of the made-up shop, from the declaration to the decision.

Nothing is done to either arm; what is read are orders that the shop itself made. One draw in 25 finds a difference
that is not there, and the machine stops an experiment that seems to do harm; so every run draws the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from numpy.typing import NDArray

from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import operator_move
from growth_pipelines.defs.assets.experiment_readouts import experiment_readouts
from growth_pipelines.defs.machine import Machine
from growth_pipelines.experiments import (
    revenue_cap,
    switchback_effect,
    switchback_schedule,
    winsorised,
)
from growth_pipelines.experiments.arms import Metric, UnusableSample
from growth_pipelines.experiments.comparison import compare_to_control
from growth_pipelines.experiments.planned_looks import END_ALPHA, HARM_ALPHA, Look, planned_looks
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.readouts.keeping import decide_on_kept
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.readings import newest_readings
from growth_pipelines.store.tables import Experiment
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from growth_pipelines.warehouse.named_queries import query
from tests.conftest import SandboxShop
from tests.drafts import with_operator
from tests.experiments_declared import begun_on_units, fresh

pytestmark = pytest.mark.slow
Floats = NDArray[np.float64]
Sums = dict[str, float]
BEGUN, DAYS = date(2026, 9, 20), 28
STREAMS = ("shop", "products", "customers", "orders")
MODELS = ["+fct_orders", "+dim_customers", "+dim_shops", "+fct_shop_daily", "+marts.experiments"]
COMMON: dict[str, Any] = {
    "primary_metric": "revenue",
    "guardrails": (),
    "planned_days": DAYS,
    "metric_kind": "mean",
}
LETTER = COMMON | {
    "unit": "customer",
    "hypothesis": "A letter that is never sent changes what customers buy.",
    "arms": (("control", 1.0), ("letter", 1.0)),
    "planned_units": 1000,
}
SORTED = COMMON | {
    "unit": "time_slice",
    "hypothesis": "A way of sorting that nobody switches on changes what the shop sells.",
    "arms": (("control", 1.0), ("sorted", 1.0)),
    "planned_units": DAYS,
}


def machine(shop: SandboxShop, home: Path, day: date) -> Settings:
    """The settings of a machine on ``day``, with the orders and the marts of that day."""
    noon = datetime.combine(day, time(18), UTC)
    more = {
        "GROWTH_NOW": noon.isoformat(),
        "GROWTH_OPERATOR": "bo",
        "GROWTH_ACTIONS__MODE": "live",
        # Customers are drawn by their pseudonyms, which a machine's own random key makes otherwise.
        "GROWTH_PRIVACY__PSEUDONYM_KEY": "the same key in every run of this file",
    }
    settings = shop.settings(home, **more, GROWTH_INGESTION__HISTORY_DAYS="300")
    ingest(settings, STREAMS)
    assert build(settings, MODELS, data_tests=False).ok
    Warehouse.of(settings).publish()
    return settings


@pytest.fixture(scope="module")
def lived(
    start_sandbox: Callable[..., SandboxShop], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Store]:
    """Both drawn, approved and begun on one day; looked at by the asset when their planned days are over."""
    shop = start_sandbox("--seed", "11", "--orders", "9000", "--products", "40", "--today", f"{BEGUN}")
    home = tmp_path_factory.mktemp("lived") / "home"
    settings = machine(shop, home, BEGUN)
    with_operator(Store.of(settings), settings)
    assert len(begun_on_units(settings, "unsent-letter", LETTER, settings.clock.now())) >= LETTER["planned_units"]
    assert len(begun_on_units(settings, "unseen-order", SORTED, settings.clock.now())) == DAYS
    shop.advance(DAYS + 4)
    later = machine(shop, home, BEGUN + timedelta(days=DAYS + 4))
    assert dg.materialize([experiment_readouts], resources={"machine": Machine(later)}).success
    return later, Store.of(later)


def newest(store: Store, row: Experiment) -> dict[str, Any]:
    with store.read() as session:
        return newest_readings(session, [row.id])[row.id].reading


@pytest.mark.parametrize("key", ["unsent-letter", "unseen-order"])
def test_the_planned_end_is_read_and_decided_on(lived: tuple[Settings, Store], key: str) -> None:
    settings, store = lived
    reading = newest(store, fresh(store, key))
    assert reading["look"]["week"] == reading["look"]["weeks"] == DAYS // 7, "the planned end was read"
    assert reading["healthy"]
    [arm] = reading["arms"]
    effect = arm["effect"]
    assert effect["ci_low"] < effect["diff"] < effect["ci_high"]
    claims = effect["ci_low"] > 0 or effect["ci_high"] < 0
    assert (reading["status"] == "inconclusive") is not claims
    now = settings.clock.now()
    with store.session() as session:
        operator_move(session, key, "stop", actor="bo", channel="cli", now=now, reason="its days are over")
        decide_on_kept(session, key, reading["data_digest"], actor="bo", channel="cli", now=now)
    row = fresh(store, key)
    assert row.decision is not None
    assert (row.status, row.decision["data_digest"]) == ("decided", reading["data_digest"])


def test_of_days_on_which_nothing_was_done_as_many_draws_claim_something_as_is_said(
    lived: tuple[Settings, Store],
) -> None:
    """One draw in 25 finds what is not there: which one it is is the luck of its key, so all are counted."""
    settings, store = lived
    row = fresh(store, "unseen-order")
    first, last = BEGUN + timedelta(days=1), BEGUN + timedelta(days=DAYS)
    with Warehouse.of(settings).read() as connection:
        days = connection.frame(query("experiment_shop_days"), [row.shop_id, first, last])
    revenue = days["revenue"].to_numpy(float)
    assert len(revenue) == DAYS
    drawn = [switchback_schedule(DAYS, 1, seed) for seed in range(1000)]
    found = [switchback_effect(revenue, arms, 1, alpha=END_ALPHA, relative=True) for arms in drawn]
    wrong = sum(not one.ci_low < 0 < one.ci_high for one in found) / len(found)
    assert wrong <= END_ALPHA + 3 * (END_ALPHA * (1 - END_ALPHA) / len(found)) ** 0.5


@pytest.mark.parametrize("kind", ["mean", "cuped"])
def test_of_customers_to_whom_nothing_was_sent_as_many_draws_claim_something_as_is_said(
    lived: tuple[Settings, Store], kind: Metric
) -> None:
    """Who got which arm is drawn anew over the same orders; each draw is read at every planned look."""
    settings, store = lived
    row, draws = fresh(store, "unsent-letter"), 2000
    claims = np.zeros(draws, dtype=bool)
    for look in planned_looks(DAYS):
        values, before = capped_revenue(settings, row, look)
        # The same draws at each look: customers are in one order.
        treated = np.random.default_rng(12).random((draws, values.size)) < 0.5
        for place, (control, treatment) in enumerate(arms_of(values, before, treated)):
            try:
                found = compare_to_control(control, treatment, kind, look.alpha)
            except UnusableSample:
                # Too few of control had bought by then: nothing is told, so nothing is claimed.
                continue
            claims[place] |= found.ci_high < 0 or (look.is_last and found.ci_low > 0)
    said = HARM_ALPHA + END_ALPHA
    assert 0 < claims.mean() <= said + 3 * (said * (1 - said) / draws) ** 0.5


def capped_revenue(settings: Settings, row: Experiment, look: Look) -> tuple[Floats, Floats]:
    """What each customer who was drawn bought in the days of ``look``, and in as many before the start."""
    first, span = BEGUN + timedelta(days=1), timedelta(days=look.days)
    bounds = [BEGUN - span, BEGUN, first, first + span - timedelta(days=1)]
    with Warehouse.of(settings).read() as connection:
        customers = connection.frame(query("experiment_customer_orders"), [*bounds, row.id])
    before = customers["pre_revenue"].to_numpy(float)
    cap = revenue_cap(before, Design().cap_quantile)
    return winsorised(customers["revenue"].to_numpy(float), cap), winsorised(before, cap)


def arms_of(values: Floats, before: Floats, treated: NDArray[np.bool_]) -> Iterator[tuple[Sums, Sums]]:
    """The sums of both arms of each draw (draw × customer)."""
    columns = {
        "n": np.ones_like(values),
        "sum": values,
        "sum_squares": values**2,
        "pre_sum": before,
        "pre_sum_squares": before**2,
        "xpre_sum": values * before,
    }
    whole = np.column_stack(list(columns.values()))
    of_treated = treated.astype(float) @ whole
    for one in of_treated:
        pair = whole.sum(axis=0) - one, one
        control, treatment = (dict(zip(columns, arm.tolist(), strict=True)) for arm in pair)
        yield control, treatment


def test_customers_count_from_the_day_after_the_start_whether_they_bought_or_not(
    lived: tuple[Settings, Store],
) -> None:
    store = lived[1]
    row = fresh(store, "unsent-letter")
    assert row.drawn is not None
    reading = newest(store, row)
    assert sum(reading["units"]) == row.drawn["units"]
