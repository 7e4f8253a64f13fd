"""What others must be told, in the order it happened; told at least once, so the listeners ignore repetitions.

``delivered_at`` belongs to Dagster; every other listener keeps a cursor of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from growth_pipelines.store.tables import OutboxCursor, OutboxEntry


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


def read_from(session: Session, listener: str, limit: int) -> list[OutboxEntry]:
    """The oldest entries beyond the listener's cursor; all of them for one that was never moved."""
    cursor = session.get(OutboxCursor, listener)
    beyond = OutboxEntry.seq > (cursor.seq if cursor else 0)
    return list(session.scalars(select(OutboxEntry).where(beyond).order_by(OutboxEntry.seq).limit(limit)))


def move_to(session: Session, listener: str, seq: int, now: datetime) -> None:
    """Note that the listener was told of everything up to ``seq``."""
    cursor = session.get(OutboxCursor, listener)
    if cursor is None:
        session.add(OutboxCursor(listener=listener, seq=seq, updated_at=now))
    else:
        cursor.seq, cursor.updated_at = seq, now
    session.flush()


def begin_at_end(session: Session, listener: str, now: datetime) -> None:
    """A listener without a cursor hears from now on; one that has a cursor goes on where it was."""
    if session.get(OutboxCursor, listener) is None:
        move_to(session, listener, session.scalar(select(func.max(OutboxEntry.seq))) or 0, now)
