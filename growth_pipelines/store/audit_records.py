"""Events as plain records: how they are hashed, streamed, exported and judged where no store is.

A record is a mapping of all columns of an event; ``at`` is its ISO 8601 text with microseconds, as it is hashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVarTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import digest
from growth_pipelines.store.tables import Action, AuditEvent

Columns = TypeVarTuple("Columns")
COLUMNS = tuple(column.name for column in AuditEvent.__table__.columns)
_ROWS = tuple(AuditEvent.__table__.columns)
_AT_ONCE = 2000


@dataclass(frozen=True)
class EventFilter:
    """Which events are meant; None asks for nothing. ``since`` is included, ``until`` is not; ``action`` is an
    id or a ref."""

    since: datetime | None = None
    until: datetime | None = None
    action: str | None = None
    actor: str | None = None
    channel: str | None = None
    event: str | None = None

    def narrow(self, wanted: Select[*Columns]) -> Select[*Columns]:
        """The statement, for these events only."""
        if self.since is not None:
            wanted = wanted.where(AuditEvent.at >= self.since)
        if self.until is not None:
            wanted = wanted.where(AuditEvent.at < self.until)
        if self.action is not None:
            by_ref = select(Action.id).where(Action.ref == self.action)
            wanted = wanted.where((AuditEvent.action_id == self.action) | AuditEvent.action_id.in_(by_ref))
        for column in ("actor", "channel", "event"):
            value = getattr(self, column)
            if value is not None:
                wanted = wanted.where(getattr(AuditEvent, column) == value)
        return wanted


ALL = EventFilter()


def records(session: Session, chosen: EventFilter = ALL) -> Iterator[dict[str, Any]]:
    """The events in the order of the chain, a few thousand in memory at a time."""
    wanted = chosen.narrow(select(*_ROWS)).order_by(AuditEvent.seq)
    place = COLUMNS.index("at")
    for row in session.connection().execution_options(yield_per=_AT_ONCE).execute(wanted):
        values: list[Any] = list(row)
        values[place] = values[place].isoformat(timespec="microseconds")
        yield dict(zip(COLUMNS, values, strict=True))


def record_of(event: AuditEvent) -> dict[str, Any]:
    """One event as a record."""
    values = {name: getattr(event, name) for name in COLUMNS}
    return {**values, "at": event.at.isoformat(timespec="microseconds")}


def record_hash(record: Mapping[str, Any]) -> str:
    """What the record's ``hash`` must be: SHA-256 of the canonical JSON of everything else in it."""
    return digest({name: value for name, value in record.items() if name != "hash"})
