"""Refused log-ins are counted by client and by the name that was tried; too many lock either out for a while.

The time doubles with each further failure and is forgotten after a day. It stops guessing, not people: a one-time
link, which can't be guessed, still signs in, so that no stranger keeps an operator out.
"""

from __future__ import annotations

import math
import uuid
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from growth_pipelines.approvals.operators import hash_of, is_name
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import LoginFailure, Operator

# An office may share one address, so a client may fail more often than a name.
ALLOWED = {"client": 10, "operator": 5}
FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)
REMEMBERED = timedelta(hours=24)


class LoginRefused(GrowthError):
    """Nobody is logged in by that."""


class LockedOut(LoginRefused):
    """Too many refused log-ins; ``until`` is when the next is looked at, in ``seconds`` from now."""

    def __init__(self, message: str, until: datetime, now: datetime) -> None:
        self.seconds = math.ceil((until - now).total_seconds())
        minutes = math.ceil(self.seconds / 60)
        wait = "1 minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(message, f"Wait {wait}, or sign in with a one-time link.")
        self.until = until


def client_source(address: str) -> str:
    """What a client is counted as: its address, or of IPv6 the /64 that it chooses its addresses from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"client:{address}"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return f"client:{ip_network((parsed, 64), strict=False)}"
        parsed = parsed.ipv4_mapped
    return f"client:{parsed}"


def name_source(session: Session, name: str) -> str:
    """What a name is counted as. Unknown ones are hashed: some are passwords in the wrong field."""
    known = is_name(name) and session.get(Operator, name) is not None
    return f"operator:{name if known else hash_of(name)[:32]}"


def refuse_locked(session: Session, sources: list[str], now: datetime) -> None:
    """Raise LockedOut while any of the sources has failed too often."""
    for source in sources:
        until = locked_until(session, source, now)
        if until is not None:
            here = source.startswith("client:")
            raise LockedOut(f"Too many failed log-ins {'from here' if here else 'by this name'}.", until, now)


def locked_until(session: Session, source: str, now: datetime) -> datetime | None:
    """When a source is heard again; None if it is heard now."""
    counted = select(func.count(), func.max(LoginFailure.at)).where(
        LoginFailure.client == source, LoginFailure.at > now - REMEMBERED
    )
    failures, newest = session.execute(counted).one()
    over = failures - ALLOWED[source.partition(":")[0]]
    if over < 0:
        return None
    until: datetime = newest + min(FIRST * 2 ** min(over, 10), LONGEST)
    return until if until > now else None


def count_failure(session: Session, sources: list[str], now: datetime) -> None:
    """Count one refused log-in. A lock that begins is audited, without the client's address: it is personal."""
    for source in sources:
        session.add(LoginFailure(id=str(uuid.uuid4()), client=source, at=now))
    session.flush()
    for source in sources:
        until = locked_until(session, source, now)
        if until is None:
            continue
        kind, _, name = source.partition(":")
        known = kind == "operator" and session.get(Operator, name) is not None
        append_event(
            session,
            event="login_locked",
            actor="unknown",
            channel="console",
            now=now,
            payload={"of": name if known else f"one {kind}", "until": until.isoformat()},
        )


def forgive(session: Session, source: str) -> None:
    """Forget a source's failures."""
    session.execute(delete(LoginFailure).where(LoginFailure.client == source))


def forget_old_failures(session: Session, now: datetime) -> None:
    session.execute(delete(LoginFailure).where(LoginFailure.at <= now - REMEMBERED))
