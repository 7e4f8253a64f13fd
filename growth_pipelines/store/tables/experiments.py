"""Experiments, who or what takes part, what was counted and read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table, one_of

EXPERIMENT_STATUSES = ("draft", "running", "paused", "stopped", "decided")


EXPERIMENT_UNITS = ("visitor", "customer", "page", "time_slice")


class Experiment(Table):
    """A registered experiment: what was declared before the start never changes, only its progress does.

    ``guardrails`` are {metric, kind, margin, increase_is_good}; margins and ``minimum_effect`` are shares of
    control. ``coverage`` is the share of units that take part now, ``coverage_goal`` what the ramp leads to.
    ``design`` is what was declared for its kind of unit, ``drawn`` when its units were drawn, how many, how alike
    the arms were, and their digest (None for visitors: they come by themselves).
    ``decision`` is the reading it was decided on, with the digest of its data; ``promoted`` the arm that
    everybody gets, empty for none.
    """

    __tablename__ = "experiments"
    __table_args__ = (
        CheckConstraint(one_of("status", EXPERIMENT_STATUSES), name="status"),
        CheckConstraint(one_of("unit", EXPERIMENT_UNITS), name="unit"),
        UniqueConstraint("key"),
        Index(None, "status", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    shop_id: Mapped[str]
    hypothesis: Mapped[str]
    unit: Mapped[str] = mapped_column(String(20))
    primary_metric: Mapped[str]
    metric_kind: Mapped[str]
    increase_is_good: Mapped[bool]
    guardrails: Mapped[list[dict[str, Any]]]
    arms: Mapped[list[dict[str, Any]]]
    baseline: Mapped[float]
    minimum_effect: Mapped[float]
    power: Mapped[float]
    planned_units: Mapped[int] = mapped_column(BigInteger)
    planned_days: Mapped[int]
    pre_days: Mapped[int]
    outcome_days: Mapped[int]
    coverage: Mapped[float]
    coverage_goal: Mapped[float]
    coverage_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    decision: Mapped[dict[str, Any] | None]
    promoted: Mapped[str]
    design: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    drawn: Mapped[dict[str, Any] | None]


class ExperimentUnit(Table):
    """A page, customer or slice of time and its arm, drawn before the start and never moved after it.

    ``unit_id`` is the page's address, the customer's key, or the number of the day since the start, from 0 on;
    ``position`` its place in the list. ``pair`` is that of pages and of blocks of time, ``template`` and
    ``traffic`` (a day, before the draw) are those of pages.
    """

    __tablename__ = "experiment_units"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    arm: Mapped[str]
    pair: Mapped[int | None]
    template: Mapped[str]
    traffic: Mapped[float | None]


class ExperimentReading(Table):
    """What an experiment read on a ``day`` of the shop's, by the last look of that day.

    ``reading`` is the document of a reading; a look that found nothing new only moves ``at`` of the one before.
    """

    __tablename__ = "experiment_readings"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    reading: Mapped[dict[str, Any]]


class Exposure(Table):
    """The first time a unit met its arm. ``unit_id`` is a keyed hash; later times change nothing."""

    __tablename__ = "exposures"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    arm: Mapped[str]
    exposed_at: Mapped[datetime]


class UnitEvent(Table):
    """Something that a unit did on a ``day`` of the shop's, once however often it was sent.

    It counts for each experiment of the unit.
    """

    __tablename__ = "unit_events"

    unit_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    metric: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date]
    value: Mapped[float]
