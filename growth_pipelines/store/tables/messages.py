"""What is told to whom, and how far each reader has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table


class OutboxEntry(Table):
    """Something that others (Dagster, chat) must be told, written with what caused it and delivered later."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "delivered_at", "seq"),)

    # SQLite numbers rows by itself only for a plain INTEGER key.
    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class OutboxCursor(Table):
    """How far one listener has been told of the outbox; numbers are given in the order of commits."""

    __tablename__ = "outbox_cursors"

    listener: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]


class Delivery(Table):
    """A message about one version of an action that stands in someone's chat.

    ``shown`` is the state that it shows (pending with buttons, else the outcome without): when the action's own
    is another, the message is edited.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("channel", "chat_id", "message_id"), Index(None, "action_id", "shown"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    version: Mapped[int]
    channel: Mapped[str]
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger)
    shown: Mapped[str]
    sent_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
