"""What the shop's own numbers say of an experiment that is not registered yet: nothing is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from growth_pipelines.actions.experiments.declaration import Declaration
from growth_pipelines.actions.experiments.registry import arm_weights, drafted
from growth_pipelines.clock import local_date
from growth_pipelines.experiments import minimum_detectable_effect, plan
from growth_pipelines.readouts.drawing import drawn_now
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query

DAYS = 28
# Eight whole weeks: what most shops are ready to wait.
_PATIENCE = 56


@dataclass(frozen=True)
class Late:
    """Of the shop's last whole days (``days``, 28 at most): ``sessions`` a day, and ``orders`` of each session."""

    days: int
    sessions: float
    orders: float


@dataclass(frozen=True)
class Foreseen:
    """``units`` of all arms and ``days``; ``effect`` is the least one that eight weeks would find, None where that
    can't be said beforehand."""

    units: int
    days: int
    effect: float | None = None


def of_late(connection: WarehouseConnection, shop_id: str, today: date) -> Late | None:
    """The shop's last 28 days before ``today``, as far as they are complete; None where it had no session."""
    bounds = [shop_id, today - timedelta(days=DAYS), today - timedelta(days=1)]
    days = connection.frame(query("experiment_shop_days"), bounds).dropna(subset=["sessions", "orders"])
    sessions, orders = float(days["sessions"].sum()), float(days["orders"].sum())
    return Late(len(days), sessions / len(days), orders / sessions) if sessions > 0 else None


def foresee_visitors(one: Declaration, daily_visitors: float) -> Foreseen:
    """Units and whole weeks for a share of visitors, read at any time. Raises UnusableSample."""
    weights = [weight for _, weight in one.arms]
    found = plan(
        one.baseline,
        one.minimum_effect,
        daily_visitors,
        weights,
        one.coverage_goal,
        power=one.power,
        sequential=True,
    )
    patient = _PATIENCE * daily_visitors * one.coverage_goal * weights[0] / sum(weights)
    effect = minimum_detectable_effect(
        max(2.0, patient),
        one.baseline,
        power=one.power,
        alpha=0.05 / (len(weights) - 1),
        treatment_per_control=min(weights[1:]) / weights[0],
        sequential=True,
    )
    return Foreseen(sum(found.units), found.days, effect)


def foresee_drawn(store: Store, settings: Settings, one: Declaration, now: datetime) -> Foreseen:
    """How many units a draw would give now, for the days declared. Raises NotDrawn."""
    row = drafted(one, shop_id=settings.shop.domain, actor="", now=now)
    assert len(arm_weights(row)) > 1
    return Foreseen(len(drawn_now(store, settings, row, now).units), one.planned_days)


def last_days(settings: Settings, connection: WarehouseConnection, now: datetime) -> Late | None:
    """:func:`of_late`, as of ``now`` in the shop's zone."""
    return of_late(connection, settings.shop.domain, local_date(now, settings.zone))
