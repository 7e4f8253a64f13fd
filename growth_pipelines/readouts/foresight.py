"""How long an experiment would take and how small a change it would show; nothing is kept of the question.

The form, the API and the command line ask here. Visitors are planned by how many come a day; of pages, customers
and days a draw is made as it would be now, and the same units' past says how much they vary by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from growth_pipelines.actions.experiments.declaration import BadExperiment, Declaration
from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import arm_names, drafted
from growth_pipelines.clock import local_date
from growth_pipelines.experiments import UnusableSample, minimum_detectable_effect, plan
from growth_pipelines.experiments.customer_readout import LEAST_CUSTOMERS, past_sums
from growth_pipelines.experiments.foresight import Foretold, Spread, of_days, of_pages, of_units, spread_of
from growth_pipelines.experiments.page_effects import placebo_throws
from growth_pipelines.experiments.planned_looks import planned_looks
from growth_pipelines.experiments.readout import Measure
from growth_pipelines.readouts.drawing import (
    PAGE_DAYS_BEFORE,
    NotDrawn,
    draw_on,
    drawn_now,
    last_sales_day,
    last_search_day,
    taken_by_others,
)
from growth_pipelines.readouts.pages import as_pairs
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Experiment
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.named_queries import query

# Eight whole weeks: what most shops are ready to wait, and enough pairs of days to see how they vary.
PATIENCE = 56
HOW_MANY = "How many new visitors come a day? A number above 0."
_VARIES = "How much does a unit vary? Give the variance of its value, a number above 0."
_PAST_SAYS = "Of pages and days the past says how much they vary: leave it out."


@dataclass(frozen=True)
class Question:
    """What is to be planned, as it would be declared; units and days there are ignored for visitors.

    ``daily_units`` new visitors come a day. ``variance`` of one unit's value, if it is not to be taken from the
    published warehouse, goes with the declared baseline. Visitors are read at any time if ``sequential``.
    """

    declared: Declaration
    daily_units: float | None = None
    variance: float | None = None
    sequential: bool = True


@dataclass(frozen=True)
class Foreseen:
    """``units`` of all arms and ``days`` to be declared: needed ones of visitors, else those that can be drawn.

    ``effect`` is the least relative one that ``effect_days`` would find; None, and ``why``, where that can't be
    said. ``needed`` units would find the effect asked for. ``baseline`` is control's mean as it was lately, money
    in major units; None where it was not measured. ``arms`` has the units an arm, control's first.
    """

    units: int
    days: int
    effect: float | None
    effect_days: int
    needed: int | None = None
    baseline: float | None = None
    why: str = ""
    arms: tuple[int, ...] = ()


def undeclared(weights: Sequence[float], **parts: Any) -> Declaration:
    """A declaration to plan with, of arms with these ``weights``, where only ``parts`` are said yet."""
    names = ["control", *(f"treatment-{number}" for number in range(1, len(weights)))]
    said = {"hypothesis": "What is planned is not declared yet.", "planned_units": 2, **parts}
    return Declaration(key="to-be-planned", arms=tuple(zip(names, weights, strict=True)), **said)


def foresee(store: Store, settings: Settings, asked: Question, now: datetime) -> Foreseen:
    """Units, days and the least effect found. Raises BadExperiment with the field that is wrong, NotDrawn."""
    row = drafted(asked.declared, shop_id=settings.shop.domain, actor="", now=now)
    _check(asked)
    try:
        if row.unit == "visitor":
            return _told(visitors(asked))
        drawn = drawn_now(store, settings, row, now)
        arms = tuple(sum(unit["arm"] == name for unit in drawn.units) for name in arm_names(row))
        found = Foreseen(len(drawn.units), row.planned_days, None, row.planned_days, arms=arms)
        with Warehouse.of(settings).read() as connection:
            past = _Past(connection, row, asked, taken_by_others(store, row), local_date(now, settings.zone))
            return _told(past.foretold(found))
    except UnusableSample as problem:
        raise BadExperiment(problem.message, problem.hint, {"minimum_effect": problem.message}) from problem


def _check(asked: Question) -> None:
    unit, kind = asked.declared.unit, asked.declared.metric_kind
    if unit == "visitor" and not (asked.daily_units and 0 < asked.daily_units < math.inf):
        raise BadExperiment(HOW_MANY, "", {"daily_units": HOW_MANY})
    if asked.variance is None:
        if unit == "visitor" and kind != "proportion":
            raise BadExperiment(_VARIES, "", {"variance": _VARIES})
    elif kind == "proportion" or not 0 < asked.variance < math.inf:
        why = "A share varies as its baseline says: leave it out." if kind == "proportion" else _VARIES
        raise BadExperiment(why, "", {"variance": why})
    elif unit in ("page", "time_slice"):
        raise BadExperiment(_PAST_SAYS, "", {"variance": _PAST_SAYS})


def _told(found: Foreseen) -> Foreseen:
    if found.effect is None or math.isfinite(found.effect):
        return found
    return replace(found, effect=None, why="With so few units no change is large enough to be found.")


def visitors(asked: Question) -> Foreseen:
    """Units and whole weeks for visitors, who come by themselves. Raises UnusableSample."""
    one, daily = asked.declared, asked.daily_units or 0.0
    weights = [weight for _, weight in one.arms]
    found = plan(
        one.baseline,
        one.minimum_effect,
        daily,
        weights,
        one.coverage_goal,
        variance=asked.variance,
        power=one.power,
        sequential=asked.sequential,
    )
    patient = PATIENCE * daily * one.coverage_goal * weights[0] / sum(weights)
    effect = minimum_detectable_effect(
        max(2.0, patient),
        one.baseline,
        variance=asked.variance,
        power=one.power,
        alpha=0.05 / (len(weights) - 1),
        treatment_per_control=min(weights[1:]) / weights[0],
        sequential=asked.sequential,
    )
    return Foreseen(sum(found.units), found.days, effect, PATIENCE, sum(found.units), arms=found.units)


@dataclass(frozen=True)
class _Past:
    """Where the past of an experiment's units is looked up; ``today`` is the first day that is not over."""

    connection: WarehouseConnection
    row: Experiment
    asked: Question
    taken: set[str]
    today: date

    @property
    def days(self) -> int:
        """Those of the planned end."""
        return planned_looks(self.row.planned_days)[-1].days

    def foretold(self, found: Foreseen) -> Foreseen:
        """``found`` with the least effect that what is drawn shows, or why it isn't known."""
        if self.row.unit == "customer":
            return self._customers(found)
        try:
            told = self._pages() if self.row.unit == "page" else self._days()
        except (UnusableSample, NotDrawn) as problem:
            return replace(found, why=f"The past does not say how much they vary: {problem.message}")
        return replace(found, effect=told.effect, needed=told.units)

    def _customers(self, found: Foreseen) -> Foreseen:
        if self.asked.variance is not None:
            spread = Spread(self.row.baseline, self.asked.variance)
        else:
            measured = self._measured()
            if isinstance(measured, str):
                return replace(found, why=measured)
            spread = measured
            found = replace(found, baseline=spread.mean / self._minor_units())
        told = of_units(found.arms, spread, self.row.minimum_effect, self.row.power)
        return replace(found, effect=told.effect, needed=told.units)

    def _measured(self) -> Spread | str:
        """How those vary who would have been drawn ``days`` ago, or why that is not known."""
        last = last_sales_day(self.connection, self.row.shop_id, self.today)
        if last is None:
            return "No orders are published yet."
        drawn_on, span = last - timedelta(days=self.days), timedelta(days=self.days)
        bounds = [self.row.shop_id, drawn_on - span, drawn_on, last]
        customers = self.connection.frame(query("experiment_customer_past"), bounds)
        measure = Measure(self.row.primary_metric, self.row.metric_kind)
        if len(customers) < LEAST_CUSTOMERS or not customers[measure.metric].sum() > 0:
            return f"Too few had bought {self.days} days ago to say how much customers vary."
        try:
            return spread_of(*past_sums(customers, measure, Design(**self.row.design).cap_quantile))
        except UnusableSample as problem:
            return f"The past does not say how much they vary: {problem.message}"

    def _minor_units(self) -> int:
        if self.row.primary_metric != "revenue":
            return 1
        [[_, minor_units]] = self.connection.execute(query("frames/complete_days")).fetchall()
        return int(minor_units or 100)

    def _days(self) -> Foretold:
        row, design = self.row, Design(**self.row.design)
        last = last_sales_day(self.connection, row.shop_id, self.today)
        if last is None:
            raise NotDrawn("No orders are published yet.")
        first = last - timedelta(days=max(PATIENCE, self.days) - 1)
        days = self.connection.frame(query("experiment_shop_days"), [row.shop_id, first, last])
        values = np.full((last - first).days + 1, np.nan)
        place = days["date"].to_numpy().astype("datetime64[D]") - np.datetime64(first, "D")
        values[place.astype(int)] = days[row.primary_metric].to_numpy(float)
        return of_days(values, design.block_days, design.carry_over_days, self.days, row.minimum_effect, row.power)

    def _pages(self) -> Foretold:
        """Drawn as it would have been so long ago that its days would be over now."""
        row, settle = self.row, Design(**self.row.design).settle_days
        last = last_search_day(self.connection, row.shop_id, self.today)
        if last is None:
            raise NotDrawn("The warehouse has no search data.")
        begun = last - timedelta(days=settle + self.days - 1)
        pairs = as_pairs(row, draw_on(self.connection, row, self.taken, begun).units)
        bounds = [row.shop_id, begun - timedelta(days=PAGE_DAYS_BEFORE), last, pairs["page"].tolist()]
        daily = self.connection.frame(query("experiment_page_days"), bounds)
        throws = placebo_throws(
            daily, pairs, np.datetime64(begun, "D"), seed=0, value=row.primary_metric, settle_days=settle
        )
        return of_pages(throws, row.power)
