"""Experiments on customers and on slices of time, from the draw to the reading, with effects that are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.experiments.declaration import BadExperiment
from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import experiments, operator_move
from growth_pipelines.actions.experiments.units import arm_of_day, paired_units
from growth_pipelines.clock import local_date
from growth_pipelines.readouts.drawing import NotDrawn
from growth_pipelines.readouts.reading import Reading, readings
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ExperimentUnit, Exposure
from growth_pipelines.warehouse.database import Warehouse
from tests.experiment_marts import at, publish
from tests.experiments_declared import begun_on_units, declaration, fresh, registered

BEGUN = datetime(2026, 3, 2, 14, tzinfo=UTC)
DAY = BEGUN.date()
CUSTOMERS = 3000
MAIL: dict[str, Any] = {
    "unit": "customer",
    "hypothesis": "A letter that reminds of refills brings customers back.",
    "primary_metric": "revenue",
    "metric_kind": "cuped",
    "arms": (("control", 1.0), ("letter", 1.0)),
    "guardrails": (),
    "planned_days": 28,
    "planned_units": 2_500,
}
SORTED: dict[str, Any] = MAIL | {
    "unit": "time_slice",
    "hypothesis": "Sorting collections by margin earns the shop more a day.",
    "metric_kind": "mean",
    "planned_days": 56,
    "planned_units": 56,
}


def begun(settings: Settings, key: str, parts: dict[str, Any]) -> list[ExperimentUnit]:
    return begun_on_units(settings, key, parts, BEGUN)


def read(settings: Settings, days: int) -> dict[str, Reading]:
    later = at(settings, BEGUN + timedelta(days=days))
    with Store.of(later).read() as session:
        rows, units = experiments(session), paired_units(session)
        session.expunge_all()
    with Warehouse.of(later).read() as connection:
        return readings(connection, rows, units, local_date(later.clock.now(), later.zone), later.zone)


def orders_of(arms: dict[str, str], lift: float) -> pd.DataFrame:
    """Orders of 30 days before and after: each customer has a rate of its own; a letter raises it by ``lift``."""
    rng = np.random.default_rng(3)
    rate = rng.gamma(1.5, 0.6, CUSTOMERS)
    lifted = np.array([1 + lift * (arms.get(f"c{number:05}") == "letter") for number in range(CUSTOMERS)])
    parts = []
    for first, mean in ((DAY - timedelta(days=30), rate), (DAY + timedelta(days=1), rate * lifted)):
        who = np.repeat(np.arange(CUSTOMERS), rng.poisson(mean))
        days = pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, 28, who.size), unit="D")
        parts.append(pd.DataFrame({"customer_key": [f"c{one:05}" for one in who], "date_day": days}))
    found = pd.concat(parts, ignore_index=True)
    paid = rng.gamma(4, 1500, len(found)).astype("int64") + 100
    return found.assign(net_cents=paid, refund_cents=np.where(rng.random(len(found)) < 0.05, paid, 0))


def customers() -> dict[str, pd.DataFrame]:
    keys = [f"c{number:05}" for number in range(CUSTOMERS)]
    since = pd.to_datetime(["2025-11-01"] * (CUSTOMERS - 10) + [f"{DAY}"] * 10)
    return {"dim_customers": pd.DataFrame({"customer_key": keys, "first_order_date": since})}


def exposed(settings: Settings, key: str) -> pd.DataFrame:
    """What a build makes of the log of exposures."""
    store = Store.of(settings)
    with store.read() as session:
        logged = session.query(Exposure).filter_by(experiment_id=fresh(store, key).id)
        rows = [(one.experiment_id, one.unit_id, one.arm, True) for one in logged]
    return pd.DataFrame(rows, columns=["experiment_id", "unit_id", "variant", "is_valid"])


@pytest.mark.parametrize(("lift", "status"), [(0.3, "ship"), (0.0, "inconclusive")])
def test_customers_read_their_planted_lift(machine: Settings, lift: float, status: str) -> None:
    publish(machine, DAY - timedelta(days=1), **customers())
    units = begun(machine, "refill-letter", MAIL | {"coverage_goal": 1.0})
    assert len(units) == CUSTOMERS - 10, "who bought first on the day of the draw is no customer yet"
    arms = {unit.unit_id: unit.arm for unit in units}
    marts = {"fct_orders": orders_of(arms, lift), "fct_experiment_exposures": exposed(machine, "refill-letter")}
    publish(machine, DAY + timedelta(days=40), **customers(), **marts)
    early = read(machine, 5)["refill-letter"].readout
    assert (early.status, early.arms[0].effect) == ("too early", None)
    found = read(machine, 40)["refill-letter"].readout
    [arm] = found.arms
    assert found.healthy
    assert arm.effect is not None
    assert arm.effect.ci_low < lift < arm.effect.ci_high
    assert found.status == status
    again = read(machine, 41)["refill-letter"]
    assert again.readout.arms == found.arms, "after the planned end nothing is added"


def test_too_few_customers_are_told_before_anything_is_asked(machine: Settings) -> None:
    few = customers()["dim_customers"].head(150)
    publish(machine, DAY - timedelta(days=1), dim_customers=few)
    with pytest.raises(NotDrawn, match="customers"):
        begun(machine, "refill-letter", MAIL)


def shop_days(units: list[ExperimentUnit], lift: float) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    week = np.array([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.4])
    first = DAY + timedelta(days=1)
    days = [first + timedelta(days=number) for number in range(len(units))]
    treated = np.array([unit.arm == "letter" for unit in units])
    mean = 500_000 * week[[day.weekday() for day in days]] * np.where(treated, 1 + lift, 1.0)
    sold = (mean * rng.normal(1, 0.08, len(days))).astype("int64")
    frame = pd.DataFrame({"date_day": pd.to_datetime(days), "net_cents": sold, "orders": sold // 5000})
    return frame.assign(sessions=0, search_clicks=0, is_complete=True)


@pytest.mark.parametrize(("lift", "status"), [(0.4, "ship"), (0.0, "inconclusive")])
def test_a_switchback_reads_its_planted_lift(machine: Settings, lift: float, status: str) -> None:
    publish(machine, DAY - timedelta(days=1))
    units = begun(machine, "margin-first", SORTED)
    assert len(units) == 56
    pairs = pd.DataFrame([(unit.pair, unit.arm) for unit in units]).groupby(0)[1]
    assert (pairs.nunique() == 2).all()
    publish(machine, DAY + timedelta(days=56), fct_shop_daily=shop_days(units, lift))
    found = read(machine, 57)["margin-first"].readout
    [arm] = found.arms
    assert arm.effect is not None
    assert arm.effect.ci_low < lift < arm.effect.ci_high
    assert found.status == status


def test_the_whole_shop_has_the_arm_of_the_day(machine: Settings) -> None:
    publish(machine, DAY - timedelta(days=1))
    units = begun(machine, "margin-first", SORTED)
    store = Store.of(machine)

    def arm_on(day: date) -> str:
        with store.read() as session:
            return arm_of_day(session, fresh(store, "margin-first"), day, machine.zone)

    first = DAY + timedelta(days=1)
    assert [arm_on(first + timedelta(days=place)) for place in range(56)] == [unit.arm for unit in units]
    assert {arm_on(DAY), arm_on(first + timedelta(days=56))} == {"control"}, "before and afterwards"
    with store.session() as session:
        operator_move(session, "margin-first", "pause", actor="bo", channel="cli", now=BEGUN, reason="a sale")
    assert {arm_on(first + timedelta(days=place)) for place in range(56)} == {"control"}
    with pytest.raises(NotDrawn, match="under way"):
        begun(machine, "another", SORTED)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (MAIL | {"planned_units": 2_991}, "plan has 2,991 customers, and 2,990 can be drawn"),
        (MAIL | {"coverage_goal": 0.5}, "plan has 2,500 customers"),
        (SORTED | {"planned_units": 57}, "plan has 57 days, and 56 can be drawn"),
    ],
)
def test_fewer_units_than_planned_are_not_drawn(machine: Settings, parts: dict[str, Any], why: str) -> None:
    publish(machine, DAY - timedelta(days=1), **customers())
    with pytest.raises(NotDrawn, match=why):
        begun(machine, "too-few", parts)
    row = fresh(Store.of(machine), "too-few")
    assert (row.status, row.drawn) == ("draft", None), "nothing was asked for"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (SORTED | {"primary_metric": "conversions"}, "are read"),
        (SORTED | {"arms": (("control", 1.0), ("letter", 2.0))}, "one weight"),
        (SORTED | {"design": Design(block_days=2, carry_over_days=2)}, "carry-over"),
        (MAIL | {"planned_days": 10}, "two whole weeks"),
        (MAIL | {"metric_kind": "proportion"}, "revenue of a customer is a"),
    ],
)
def test_what_cannot_be_read_is_not_registered(machine: Settings, parts: dict[str, Any], why: str) -> None:
    with pytest.raises(BadExperiment, match=why):
        registered(Store.of(machine), declaration("odd", **parts), BEGUN)
