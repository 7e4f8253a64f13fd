"""Actions, what was carried out of them, and what people have to do by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table, one_of

ACTION_STATES = (
    "pending",
    "approved",
    "executing",
    "executed",
    "measured",
    "deferred",
    "changes_requested",
    "rejected",
    "expired",
    "superseded",
    "failed",
    "rolled_back",
)


EXECUTION_STATUSES = ("started", "written", "confirmed", "failed", "undone", "rolled_back", "dry_run")


_EXECUTED = text("executed_at IS NOT NULL")


class Action(Table):
    """One proposed change of the world, with all that is needed to decide it, do it and undo it.

    ``fields`` are the diff's field paths, ``tie_break`` orders actions of equal score, ``state_at`` is when the
    present state began, ``expires_at`` the end of the present wait: for an answer while pending or deferred, for
    the execution once approved. ``page_visits`` (in 28 days) and ``page_position`` (mean, in search) are of
    the page it is about when it was drafted last, None where they are not known.
    """

    __tablename__ = "actions"
    __table_args__ = (
        CheckConstraint(one_of("state", ACTION_STATES), name="state"),
        Index(None, "state", "recommender", "score", "tie_break", "id"),
        Index(None, "state", "score", "tie_break", "id"),
        Index(None, "kind", "score", "tie_break", "id"),
        Index(None, "score", "tie_break", "id"),
        Index(None, "state", "expires_at"),
        Index(None, "state", "updated_at", "id"),
        Index(None, "updated_at", "id"),
        Index(None, "decided_at"),
        Index(None, "decided_channel", "kind", "decided_at"),
        Index(None, "resource_gid", "state"),
        Index(None, "resource_gid", "kind"),
        Index(None, "recommender", "created_at"),
        Index(None, "executed_at", sqlite_where=_EXECUTED, postgresql_where=_EXECUTED),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    ref: Mapped[str] = mapped_column(String(12), unique=True)
    trace_id: Mapped[str]
    shop_id: Mapped[str]
    kind: Mapped[str]
    subtype: Mapped[str]
    recommender: Mapped[str]
    source: Mapped[str]
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    state_at: Mapped[datetime]
    title: Mapped[str]
    rationale: Mapped[str]
    why_now: Mapped[str]
    target: Mapped[dict[str, Any]]
    resource_gid: Mapped[str]
    fields: Mapped[list[str]]
    draft: Mapped[dict[str, Any]]
    diff: Mapped[list[dict[str, Any]]]
    evidence: Mapped[list[dict[str, Any]]]
    checks: Mapped[list[dict[str, Any]]]
    freshness: Mapped[str]
    confidence: Mapped[float]
    ease: Mapped[float]
    impact: Mapped[dict[str, Any]]
    score: Mapped[float]
    tie_break: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    factors: Mapped[dict[str, Any]]
    page_visits: Mapped[float | None]
    page_position: Mapped[float | None]
    ranking_version: Mapped[str]
    risk_tier: Mapped[str]
    priority: Mapped[str]
    rollback_plan: Mapped[str]
    labels: Mapped[list[str]]
    auto_approvable: Mapped[bool]
    auto_approvable_why: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    batch_digest: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    deferred_until: Mapped[datetime | None]
    executed_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_channel: Mapped[str | None]


_RISK_RANK = {"low": 2, "medium": 1, "high": 0}


def tie_break(evidence: Sequence[Mapping[str, Any]], risk_tier: str, created_at: datetime) -> int:
    """One number for the order among equal scores, the higher first: later evidence, lower risk, older action.

    Packed in decimal digits: 7 of the evidence's last day, 1 of the risk, 11 of the age in seconds.
    """
    day = max(date.fromisoformat(row["end"]) for row in evidence).toordinal()
    return (day * 10 + _RISK_RANK.get(risk_tier, 0)) * 10**11 - int(created_at.timestamp())


class Execution(Table):
    """The ledger of writes: one row per (action, version), made before the write it stands for.

    ``snapshot`` holds the prior values that a rollback writes back, ``written`` what was sent, ``read_back``
    what the shop said afterwards.
    """

    __tablename__ = "executions"
    __table_args__ = (CheckConstraint(one_of("status", EXECUTION_STATUSES), name="status"),)

    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int]
    started_at: Mapped[datetime]
    snapshot: Mapped[dict[str, Any] | None]
    written: Mapped[dict[str, Any] | None]
    read_back: Mapped[dict[str, Any] | None]
    request_ids: Mapped[list[str]]
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class TaskCard(Table):
    """Work that a person does by hand: the exact steps of a repair that nothing can automate."""

    __tablename__ = "task_cards"
    __table_args__ = (UniqueConstraint("action_id", "version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    version: Mapped[int]
    title: Mapped[str]
    steps: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class Batch(Table):
    """What one recommender handed in at one time; ``digest`` is the data version shown in Dagster."""

    __tablename__ = "batches"
    __table_args__ = (Index(None, "recommender", "created_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    recommender: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str]
    created_at: Mapped[datetime]
    action_ids: Mapped[list[str]]
    refused: Mapped[list[dict[str, Any]]]


class Flag(Table):
    """A switch that every process sees at once, e.g. ``paused``."""

    __tablename__ = "flags"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]
