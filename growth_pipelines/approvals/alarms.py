"""What the reconciler found last, kept in the store: for those who ask, and told once to those who listen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.approvals.reconciliation import Alarm
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Flag, OutboxEntry

EVENT = "alarm.reconciler"
_FLAG = "reconciler"
# That nothing changed need not be written every minute.
_SAID_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Looked:
    """What was found when; ``alarms`` are documents with key, kind, recommender, ref, message, recovery, since."""

    at: datetime
    alarms: tuple[dict[str, Any], ...]


def newest_look(session: Session) -> Looked | None:
    """The newest comparison, or None before the first."""
    flag = session.get(Flag, _FLAG)
    return Looked(flag.updated_at, tuple(flag.value["alarms"])) if flag is not None else None


def note_alarms(store: Store, found: Sequence[Alarm], now: datetime) -> list[Alarm]:
    """Keep what was found in place of what was before; the alarms that are new, each also an outbox entry."""
    with store.read() as session:
        before = newest_look(session)
    if before and {a["key"] for a in before.alarms} == {a.key for a in found} and now - before.at < _SAID_AGAIN:
        return []
    with store.session() as session:
        flag = session.get(Flag, _FLAG, populate_existing=True)
        known = {alarm["key"]: alarm for alarm in flag.value["alarms"]} if flag is not None else {}
        alarms = [known.get(alarm.key) or _document(alarm, now) for alarm in found]
        new = [alarm for alarm in found if alarm.key not in known]
        session.add_all(OutboxEntry(event=EVENT, payload=_document(alarm, now), created_at=now) for alarm in new)
        session.merge(Flag(key=_FLAG, value={"alarms": alarms}, updated_at=now, updated_by="growth"))
    return new


def _document(alarm: Alarm, now: datetime) -> dict[str, Any]:
    return {
        "key": alarm.key,
        "kind": alarm.kind,
        "recommender": alarm.recommender,
        "ref": alarm.ref,
        "message": alarm.message,
        "recovery": alarm.recovery,
        "since": now.isoformat(),
    }
