"""What executed actions did, and what that is worth by month."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table


class ActionOutcome(Table):
    """What an executed action did to one metric after 7, 14 or 28 days, or in ``skipped`` why that is not known.

    ``effect`` is observed less counterfactual; money in major units. ``shared_error`` is the part of the standard
    error that comes from the controls, ``estimate`` what was promised for the same days, ``is_promised`` whether
    the metric is the promised one (else it is the revenue). ``days`` holds first, actual and expected by day.
    """

    __tablename__ = "action_outcomes"
    __table_args__ = (Index(None, "is_promised", "outcome_class"),)

    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    metric: Mapped[str] = mapped_column(String(16), primary_key=True)
    horizon_days: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str]
    is_promised: Mapped[bool]
    skipped: Mapped[str] = mapped_column(server_default=text("''"))
    outcome_class: Mapped[str | None] = mapped_column(String(12))
    baseline: Mapped[float | None]
    observed: Mapped[float | None]
    counterfactual: Mapped[float | None]
    effect: Mapped[float | None]
    effect_low: Mapped[float | None]
    effect_high: Mapped[float | None]
    shared_error: Mapped[float | None]
    estimate: Mapped[float | None]
    controls: Mapped[int | None]
    is_overlapping: Mapped[bool] = mapped_column(server_default=text("false"))
    days: Mapped[dict[str, Any]]
    measured_at: Mapped[datetime]


class ActionReturn(Table):
    """The sum of what a recommender's actions executed in a month brought, as it was last counted.

    ``month`` is its first day. Promised and realised money (with its 95 % interval; null while nothing is
    measured) are of the measured actions over 28 days, major units; intervals of sums don't add up any further.
    """

    __tablename__ = "action_returns"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    recommender: Mapped[str] = mapped_column(primary_key=True)
    actions: Mapped[int]
    measured: Mapped[int]
    waiting: Mapped[int]
    not_measurable: Mapped[int]
    overlapping: Mapped[int]
    promised: Mapped[float]
    promised_in_all: Mapped[float]
    realised: Mapped[float | None]
    realised_low: Mapped[float | None]
    realised_high: Mapped[float | None]
    counted_at: Mapped[datetime]
