"""What others must be told, in the order it happened; told at least once, so the listeners ignore repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from growth_pipelines.store.tables import OutboxEntry


def undelivered(session: Session, limit: int) -> list[OutboxEntry]:
    """The oldest entries that nobody was told of yet."""
    wanted = select(OutboxEntry).where(OutboxEntry.delivered_at.is_(None)).order_by(OutboxEntry.seq).limit(limit)
    return list(session.scalars(wanted))


def mark_delivered(session: Session, entries: Sequence[OutboxEntry], now: datetime) -> None:
    """Note that these were told; an entry keeps the time of its first delivery."""
    numbers = [entry.seq for entry in entries]
    session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.seq.in_(numbers), OutboxEntry.delivered_at.is_(None))
        .values(delivered_at=now)
    )
