"""Signed-in browsers: a one-time link becomes a session, a session proves who decides on the console.

Only hashes of tokens are stored. Cookie and CSRF token are random and of no meaning; everything about a session
is looked up here. Failed log-ins are counted per client and lock it out for a while.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from growth_pipelines.approvals.operators import hash_of
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ConsoleSession, LoginFailure, OneTimeLink, Operator
from growth_pipelines.telemetry import logger

FAILURES_ALLOWED = 10
LOCKED_FOR = timedelta(minutes=15)


class LoginRefused(GrowthError):
    """The link doesn't log anyone in."""


class LockedOut(LoginRefused):
    """Too many refused log-ins from this client."""


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in. ``token`` is the cookie's secret, ``csrf`` goes into every form."""

    token: str
    csrf: str
    operator: str
    role: str
    expires_at: datetime

    @property
    def may_decide(self) -> bool:
        return self.role in ("operator", "admin")


def log_in(store: Store, settings: Settings, link_token: str, now: datetime, client: str = "local") -> SignedIn:
    """Use up a one-time link. Raises LoginRefused (also for used and expired links) or LockedOut.

    Call it from a POST: a GET is fetched by previews and scanners, which would use the link up.
    """
    with store.session() as session:
        _forget_old(session, now)
        if _failures(session, client) >= FAILURES_ALLOWED:
            refusal: LoginRefused = LockedOut(
                "Too many failed log-ins from here.", f"Wait {LOCKED_FOR.seconds // 60} minutes."
            )
        else:
            signed_in = _use_link(session, settings, link_token, now)
            if signed_in is not None:
                return signed_in
            session.add(LoginFailure(id=str(uuid.uuid4()), client=client, at=now))
            refusal = LoginRefused(
                "This link is unknown, used or too old.", "Get another one with `growth operators link NAME`."
            )
    logger("approvals").info("log-in refused", client=client, why=refusal.message)
    raise refusal


def _use_link(session: Session, settings: Settings, link_token: str, now: datetime) -> SignedIn | None:
    link = session.get(OneTimeLink, hash_of(link_token))
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    operator = session.get_one(Operator, link.operator)
    if not operator.active:
        return None
    link.used_at = now
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=settings.console.session_hours)
    session.add(
        ConsoleSession(
            token_hash=hash_of(token), operator=operator.name, csrf=csrf, created_at=now, expires_at=expires_at
        )
    )
    append_event(session, event="logged_in", actor=operator.name, channel="console", now=now)
    return SignedIn(token, csrf, operator.name, operator.role, expires_at)


def _failures(session: Session, client: str) -> int:
    return session.scalar(select(func.count()).select_from(LoginFailure).where(LoginFailure.client == client)) or 0


def _forget_old(session: Session, now: datetime) -> None:
    session.execute(delete(LoginFailure).where(LoginFailure.at <= now - LOCKED_FOR))
    session.execute(delete(ConsoleSession).where(ConsoleSession.expires_at <= now))


def signed_in(store: Store, token: str, now: datetime) -> SignedIn | None:
    """Who the cookie's token stands for, or None."""
    with store.read() as session:
        return who_is(session, token, now)


def who_is(session: Session, token: str, now: datetime) -> SignedIn | None:
    """The same, within a transaction."""
    row = session.get(ConsoleSession, hash_of(token)) if token else None
    if row is None or row.expires_at <= now:
        return None
    operator = session.get_one(Operator, row.operator)
    if not operator.active:
        return None
    return SignedIn(token, row.csrf, operator.name, operator.role, row.expires_at)


def csrf_fits(person: SignedIn, csrf: str) -> bool:
    """Whether a form was made for this session; compared in constant time."""
    return hmac.compare_digest(person.csrf.encode(), csrf.encode())


def proven_session(session: Session, token: str, csrf: str, now: datetime) -> SignedIn:
    """Who decides on the console. Raises ProofRefused."""
    person = who_is(session, token, now)
    if person is None:
        raise ProofRefused("no_session", "Nobody is signed in here.", "Sign in with a one-time link.")
    if not csrf_fits(person, csrf):
        raise ProofRefused("csrf", "This form is from another session.", "Reload the page and decide again.")
    return person


def log_out(store: Store, token: str, now: datetime) -> None:
    """End a session; unknown ones are ended already."""
    with store.session() as session:
        row = session.get(ConsoleSession, hash_of(token))
        if row is not None:
            append_event(session, event="logged_out", actor=row.operator, channel="console", now=now)
            session.delete(row)
