"""The brake: one switch that stops every write to the outside world within one action.

It is a flag in the store, so every process sees it, asked for before each single write. Pulling it is always
allowed; releasing it takes an operator. Pulling and releasing are audit events, and a flag that was changed
behind the audit chain's back counts as pulled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, Flag, Operator, OutboxEntry

FLAG = "paused"
# Asked for around every page and before every write: put together once, and without whole rows.
_SWITCH = select(Flag.value, Flag.updated_at, Flag.updated_by).where(Flag.key == FLAG)
_LAST = (
    select(AuditEvent.event, AuditEvent.actor, AuditEvent.at, AuditEvent.payload)
    .where(AuditEvent.event.in_(("paused", "resumed")))
    .order_by(AuditEvent.seq.desc())
    .limit(1)
)


class Paused(GrowthError):
    """The brake is on; nothing is written until an operator resumes."""


@dataclass(frozen=True)
class Brake:
    """Who stopped all writes, when and why."""

    by: str
    at: datetime
    reason: str

    def told(self, zone: str) -> str:
        """The brake in a sentence, its time in an IANA zone."""
        at = local_minute(self.at, zone)
        return f"All writes were paused by {self.by} at {at}: {self.reason or 'no reason'}."


def brake(session: Session) -> Brake | None:
    """The brake in force, or None while writes are allowed."""
    flag = session.execute(_SWITCH).one_or_none()
    if flag is not None and flag.value.get("paused"):
        return Brake(flag.updated_by, flag.updated_at, flag.value.get("reason", ""))
    last = session.execute(_LAST).one_or_none()
    if last is not None and last.event == "paused":
        return Brake(last.actor, last.at, last.payload.get("reason", ""))
    return None


def is_paused(session: Session) -> bool:
    """Whether all writes are stopped."""
    return brake(session) is not None


def check_brake(session: Session, zone: str) -> None:
    """Raises Paused, its time in ``zone``, while the brake is on. Executors call this before each write."""
    pulled = brake(session)
    if pulled is not None:
        raise Paused(pulled.told(zone), "Release it with `growth resume --reason TEXT`.")


def pause(store: Store, *, actor: str, channel: str, reason: str, now: datetime) -> bool:
    """Stop all writes. Anybody may; returns False when they were stopped already."""
    with store.session() as session:
        if is_paused(session):
            return False
        _set(session, True, actor, channel, reason, now)
    return True


def resume(store: Store, *, actor: str, channel: str, reason: str, now: datetime) -> bool:
    """Allow writes again. Returns False when they were allowed; the caller has proved who ``actor`` is.

    Raises GrowthError unless ``actor`` is an active operator and says why.
    """
    if not reason.strip():
        raise GrowthError("Resuming needs a reason.", "Give one, e.g. `growth resume --reason 'prices checked'`.")
    with store.session() as session:
        person = session.get(Operator, actor)
        if person is None or not person.active or person.role not in ("operator", "admin"):
            raise GrowthError(
                f"{actor or 'Nobody'} may not resume: not an active operator.",
                "Set GROWTH_OPERATOR to a name from `growth operators list` with the role operator or admin.",
            )
        if not is_paused(session):
            return False
        _set(session, False, actor, channel, reason, now)
    return True


def _set(session: Session, paused: bool, actor: str, channel: str, reason: str, now: datetime) -> None:
    value = {"paused": paused, "reason": reason.strip()}
    flag = session.get(Flag, FLAG)
    if flag is None:
        session.add(Flag(key=FLAG, value=value, updated_at=now, updated_by=actor))
    else:
        flag.value, flag.updated_at, flag.updated_by = value, now, actor
    event = "paused" if paused else "resumed"
    link = append_event(
        session, event=event, actor=actor, channel=channel, now=now, payload={"reason": reason.strip()}
    )
    told = {"actor": actor, "channel": channel, "reason": reason.strip(), "at": now.isoformat()}
    session.add(OutboxEntry(event=f"brake.{event}", payload={**told, "audit_seq": link.seq}, created_at=now))
