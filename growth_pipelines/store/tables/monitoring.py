"""What got worse, and what is known to have happened."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table, one_of

INCIDENT_STATES = ("open", "escalated", "closed")


SEVERITIES = ("medium", "high", "critical")


EVENT_KINDS = ("deploy", "campaign", "holiday", "outage", "price", "other")


class Incident(Table):
    """Something that got worse, or is forecast to: kept open until it has recovered.

    ``findings`` are what was found, by metric and subject; those that began together and share a cause or a family
    are one incident. The columns describe its leading finding; sizes are relative to the level before. ``until_…``
    and ``reason`` are an operator's silence, ``explained_by`` the known event that accounts for it.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(one_of("state", INCIDENT_STATES), name="state"),
        CheckConstraint(one_of("level", ("shop", "template", "page", "product", "stream")), name="level"),
        CheckConstraint(one_of("severity", SEVERITIES), name="severity"),
        Index(None, "state", "opened_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str]
    state: Mapped[str] = mapped_column(String(12))
    family: Mapped[str] = mapped_column(String(24))
    metric: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str]
    direction: Mapped[str] = mapped_column(String(4))
    cause: Mapped[str] = mapped_column(String(24))
    severity: Mapped[str] = mapped_column(String(12))
    since: Mapped[date]
    since_first: Mapped[date]
    since_last: Mapped[date]
    size: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    # Of a forecast: the day on which it is expected to happen.
    expected_on: Mapped[date | None]
    findings: Mapped[list[dict[str, Any]]]
    suspects: Mapped[list[dict[str, Any]]]
    history: Mapped[list[dict[str, Any]]]
    explained_by: Mapped[str] = mapped_column(Text)
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None] = mapped_column(String(64))
    silence_reason: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class KnownEvent(Table):
    """Something that people know of and figures don't: a deploy, a campaign, a holiday, an outage; whole days."""

    __tablename__ = "known_events"
    __table_args__ = (
        CheckConstraint(one_of("kind", EVENT_KINDS), name="kind"),
        Index(None, "ends_on"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(200))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
