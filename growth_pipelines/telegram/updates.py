"""How far Telegram's updates were worked off, so that none is worked off twice, also after a restart.

Numbers rise by one, but after a week without any Telegram may go on with a lower one; it keeps none longer than a
day. So the mark is forgotten after six days of silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from growth_pipelines.store.outbox import move_to
from growth_pipelines.store.tables import OutboxCursor
from growth_pipelines.telegram.desk import Desk

MARK = "telegram-updates"
FORGOTTEN_AFTER = timedelta(days=6)


@dataclass(frozen=True)
class Mark:
    """The last update that was worked off, and when."""

    number: int
    at: datetime

    def offset(self, now: datetime) -> int | None:
        """From which number on to ask; None for whatever there is."""
        return self.number + 1 if now - self.at < FORGOTTEN_AFTER else None

    def covers(self, number: int, now: datetime) -> bool:
        """Whether that update was worked off before."""
        return number < (self.offset(now) or 0)


def last_mark(desk: Desk) -> Mark | None:
    """The mark as it was left, or None where no update was ever worked off."""
    with desk.store.read() as session:
        cursor = session.get(OutboxCursor, MARK)
        return Mark(cursor.seq, cursor.updated_at) if cursor else None


def note_mark(desk: Desk, mark: Mark) -> None:
    """Keep the mark."""
    with desk.store.session() as session:
        move_to(session, MARK, mark.number, mark.at)
