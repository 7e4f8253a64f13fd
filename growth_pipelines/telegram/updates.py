"""How far Telegram's updates were worked off, so that none is worked off twice, also after a restart.

Numbers rise by one, but after a week without any Telegram may go on with a lower one; it keeps none longer than a
day. So the mark is forgotten after six days of silence.
"""

from __future__ import annotations

from datetime import timedelta

from growth_pipelines.store.outbox import move_to
from growth_pipelines.store.tables import OutboxCursor
from growth_pipelines.telegram.desk import Desk

MARK = "telegram-updates"
FORGOTTEN_AFTER = timedelta(days=6)


def last_update(desk: Desk) -> int:
    """The number of the last update that was worked off; 0 when none was, or long ago."""
    with desk.store.read() as session:
        cursor = session.get(OutboxCursor, MARK)
        if cursor is None or cursor.updated_at <= desk.now() - FORGOTTEN_AFTER:
            return 0
        return cursor.seq


def note_update(desk: Desk, number: int) -> None:
    """Note that everything up to this update was worked off."""
    with desk.store.session() as session:
        move_to(session, MARK, number, desk.now())
