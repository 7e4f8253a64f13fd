"""What decisions and edits taught, what was shown, and which ranking is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table, one_of


class FeedbackSignal(Table):
    """One decision or edit to learn from, once (``source`` is its request or audit event); no person is in it.

    ``reason`` is a code; ``words`` of an edit are those that came and went, and how many there were.
    """

    __tablename__ = "feedback_signals"
    __table_args__ = (Index(None, "at"),)

    source: Mapped[str] = mapped_column(String(48), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(20))
    by_policy: Mapped[bool]
    hours_to_decide: Mapped[float | None]
    category: Mapped[str | None] = mapped_column(String(12))
    distance: Mapped[float | None]
    words: Mapped[dict[str, Any] | None]


class Showing(Table):
    """What the queue showed at one time: ``shown`` in order with rank and propensity (1 where the score decides).

    ``explored`` is the one in the place kept for trying things, drawn from ``pool``: the actions it could
    have been, with their scores and propensities.
    """

    __tablename__ = "showings"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime]
    ranking_version: Mapped[str]
    shown: Mapped[list[dict[str, Any]]]
    explored: Mapped[str | None] = mapped_column(String(36))
    pool: Mapped[list[dict[str, Any]]]


class RankingVersion(Table):
    """A way to rank, whether it is in force, and what the off-policy gate said of it."""

    __tablename__ = "ranking_versions"
    __table_args__ = (CheckConstraint(one_of("status", ("proposed", "active", "retired")), name="status"),)

    version: Mapped[str] = mapped_column(String(48), primary_key=True)
    status: Mapped[str] = mapped_column(String(12))
    gate: Mapped[dict[str, Any] | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
