"""Experiments for tests, valid unless a test says otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.experiments.declaration import Declaration, Guardrail
from growth_pipelines.actions.experiments.registry import arm_names, create, find_experiment, operator_move, ramp
from growth_pipelines.actions.experiments.units import units_of
from growth_pipelines.actions.queue import find
from growth_pipelines.canonical import digest
from growth_pipelines.experiments.readout import read_out
from growth_pipelines.readouts.drawing import ask_for_start
from growth_pipelines.readouts.keeping import keep_readings
from growth_pipelines.readouts.reading import Reading, declared_of
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Experiment, ExperimentUnit
from tests.drafts import SHOP, decided, with_operator


def declaration(key: str = "free-shipping-bar", **other: Any) -> Declaration:
    parts: dict[str, Any] = {
        "key": key,
        "hypothesis": "A bar that says when shipping is free makes more visitors buy.",
        "primary_metric": "conversions",
        "arms": (("control", 1.0), ("bar", 1.0)),
        "minimum_effect": 0.2,
        "baseline": 0.1,
        "planned_units": 4000,
        "planned_days": 14,
        "outcome_days": 1,
        "coverage_goal": 1.0,
        "guardrails": (Guardrail("sessions", 0.1, kind="mean"),),
    }
    return Declaration(**(parts | other))


def registered(store: Store, one: Declaration, now: datetime, actor: str = "bo") -> Experiment:
    with store.session() as session:
        return create(session, one, shop_id=SHOP, actor=actor, channel="cli", now=now)


def started(store: Store, settings: Settings, row: Experiment, now: datetime) -> str:
    """What starts the experiment: asked for, approved and carried out; the action's id."""
    action_id = ask_for_start(store, settings, row, now)
    with store.read() as session:
        action = find(session, action_id)
        session.expunge_all()
    decided(store, settings, action, "approve", now=now)
    [result] = execute_approved(store, settings, only=[action_id], now=now)
    assert result.status == "executed", result.message
    return action_id


def begun(store: Store, settings: Settings, now: datetime, **other: Any) -> Experiment:
    """An experiment that has started ``now``."""
    row = registered(store, declaration(**other), now)
    started(store, settings, row, now)
    return fresh(store, row.key)


def some_experiments(store: Store, settings: Settings, now: datetime) -> None:
    """One that gets better, one that did harm and was stopped, and a draft, as a shop would have them."""
    with_operator(store, settings)
    begin = {
        "baseline": 0.03,
        "minimum_effect": 0.1,
        "planned_units": 120_000,
        "planned_days": 28,
        "outcome_days": 7,
    }
    better = begun(store, settings, now - timedelta(days=19), **begin, coverage_goal=0.5)
    with store.session() as session:
        at = now - timedelta(days=18)
        assert ramp(session, find_experiment(session, better.key), actor="monitor", channel="monitor", now=at)
    looked_at(store, better, 18, now - timedelta(hours=2), lift=0.16, counts=(42_310, 42_070))
    worse = begun(
        store,
        settings,
        now - timedelta(days=9),
        key="reviews-first",
        hypothesis="Reviews above the description answer questions sooner, and more visitors buy.",
        arms=(("control", 1.0), ("reviews", 1.0)),
        **begin,
    )
    looked_at(store, worse, 8, now - timedelta(days=1), lift=-0.22, counts=(19_870, 20_012))
    with store.session() as session:
        said = {"actor": "bo", "channel": "console", "now": now - timedelta(hours=20)}
        operator_move(session, worse.key, "stop", reason="fewer bought", **said)
    titles = declaration(
        "fitted-titles",
        unit="page",
        hypothesis="Titles that name the vehicles a part fits are clicked more often.",
        primary_metric="clicks",
        metric_kind="mean",
        arms=(("control", 1.0), ("fitted", 1.0)),
        baseline=1.0,
        planned_units=60,
        planned_days=28,
        guardrails=(),
    )
    registered(store, titles, now - timedelta(hours=3))


def begun_on_units(settings: Settings, key: str, parts: dict[str, Any], now: datetime) -> list[ExperimentUnit]:
    """The units of an experiment that has started ``now``: they were drawn from the published warehouse."""
    store = Store.of(settings)
    row = begun(store, settings, now, key=key, **parts)
    with store.read() as session:
        found = units_of(session, row)
        session.expunge_all()
    return found


def fresh(store: Store, key: str) -> Experiment:
    with store.read() as session:
        return find_experiment(session, key)


def looked_at(
    store: Store,
    row: Experiment,
    days: int,
    now: datetime,
    *,
    lift: float = 0.3,
    rail: float = 0.0,
    counts: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Kept readings of the ``days`` up to ``now``, of units that come evenly; the newest.

    ``lift`` and ``rail`` are what the treatments do to the primary metric and to guardrails, as shares of control;
    ``counts`` are the arms' sizes at the end, planned ones unless given.
    """
    reading = read_after(row, 1, days, lift=lift, rail=rail, counts=counts)
    for day in range(1, days + 1):
        reading = read_after(row, day, days, lift=lift, rail=rail, counts=counts)
        at = now - timedelta(days=days - day)
        with store.session() as session:
            keep_readings(session, [find_experiment(session, row.key)], {row.key: reading}, at.date(), at)
    return reading.document()


def read_after(
    row: Experiment,
    day: int,
    days: int = 0,
    *,
    lift: float = 0.3,
    rail: float = 0.0,
    counts: tuple[int, ...] = (),
) -> Reading:
    """The reading after ``day`` of ``days``, as :func:`looked_at` has it; of all units unless ``days`` is more."""
    ends = counts or tuple(row.planned_units // len(row.arms) for _ in row.arms)
    units = {arm: end * day // (days or day) for arm, end in zip(arm_names(row), ends, strict=True)}
    sums = [
        _sums(metric, arm, first, units[arm] // 2, share * (1 + effect * (arm != arm_names(row)[0])))
        for metric, share, effect in (
            (row.primary_metric, row.baseline, lift),
            *((one["metric"], 0.5, rail) for one in row.guardrails),
        )
        for arm in units
        for first in (True, False)
    ]
    return Reading(read_out(declared_of(row), units, sums, day), digest(sums))


def _sums(metric: str, arm: str, first_week: bool, n: int, share: float) -> dict[str, Any]:
    did = round(n * share)
    before = {"pre_sum": 0, "pre_sum_squares": 0, "xpre_sum": 0}
    counted = {"n": n, "converted": did, "sum": did, "sum_squares": did}
    return {"metric": metric, "variant": arm, "is_first_week": first_week, **counted, **before}
