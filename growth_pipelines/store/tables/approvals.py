"""Questions to the operators, their answers, and the rules by which they are asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table, one_of

REQUEST_STATUSES = ("pending", "approved", "rejected", "expired", "superseded")


class ApprovalRequest(Table):
    """The question put to the operators about one version of one action, and the answer.

    ``terms`` says who may answer and how many must (:class:`growth_pipelines.policies.terms.Terms`), as the
    policy book of ``policy_version`` had it. ``remind_at`` and ``due_at`` are when someone is reminded and when
    the second contact is told, absolute from the start; ``reminded_at`` and ``escalated_at`` when that was done.
    """

    __tablename__ = "approval_requests"
    __table_args__ = (
        UniqueConstraint("action_id", "version"),
        CheckConstraint(one_of("status", REQUEST_STATUSES), name="status"),
        Index(None, "status", "due_at"),
        Index(None, "status", "remind_at"),
        Index(None, "status", "priority", "created_at", "id"),
        Index(None, "decided_at"),
        Index(None, "channel", "decided_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    version: Mapped[int]
    trace_id: Mapped[str]
    requester: Mapped[str]
    status: Mapped[str] = mapped_column(String(12))
    priority: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    channel: Mapped[str | None]
    reason: Mapped[str | None]
    comment: Mapped[str | None]
    terms: Mapped[dict[str, Any] | None]
    policy_version: Mapped[int] = mapped_column(server_default=text("0"))
    remind_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]


class ApprovalVote(Table):
    """One person's yes to a request that needs several; a new version is a new request without votes."""

    __tablename__ = "approval_votes"
    __table_args__ = (UniqueConstraint("request_id", "operator"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("approval_requests.id"))
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    digest: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime]
    audit_seq: Mapped[int] = mapped_column(BigInteger)


class PolicyVersion(Table):
    """One version of the whole policy book; the newest is in force, none is ever changed."""

    __tablename__ = "policy_versions"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    note: Mapped[str]


class Absence(Table):
    """A dated absence of an operator, whose part ``delegate`` takes meanwhile."""

    __tablename__ = "absences"
    __table_args__ = (Index(None, "operator", "begins_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    delegate: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class IdempotencyKey(Table):
    """The answer that a request with this key has had, for the operator who sends it again.

    ``request`` is the digest of what was asked, so that the key answers nothing else.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
