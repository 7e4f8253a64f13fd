"""The audit chain and its published heads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table


class AuditEvent(Table):
    """One link of the audit chain; never changed, never removed (triggers refuse both)."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "action_id", "seq"), Index(None, "event", "seq"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    channel: Mapped[str]
    event: Mapped[str]
    action_id: Mapped[str | None]
    version: Mapped[int | None]
    before_digest: Mapped[str | None]
    after_digest: Mapped[str | None]
    trace_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class AuditHead(Table):
    """The last link of the chain (one row), so that cutting off its end is seen."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
