"""Signed-in browsers: how a session begins, whose it is, and how it ends.

Only hashes of tokens are stored. Cookie and CSRF token are random and of no meaning; everything about a session
is looked up here. Every log-in makes a new one and ends the one that the browser had.

A session lasts for hours, on a computer that others may come to. What weighs most (approving what is of high risk
or kept from chats, changing policies and operators, handing one's right to another) asks for a proof of who it is
that is no older than ``console.proof_minutes``: the session's own beginning, since each further proof begins a new
one. What a proxy says is no such proof: it says the same for whoever sits there.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from growth_pipelines.approvals.lockout import (
    LoginRefused,
    client_source,
    count_failure,
    forget_old_failures,
    forgive,
    name_source,
    refuse_locked,
)
from growth_pipelines.approvals.operators import hash_of
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ConsoleSession, OneTimeLink, Operator
from growth_pipelines.telemetry import logger

How = Literal["link", "password", "code", "proxy"]
# The deeds that weigh most ask for a proof of who it is that is no older, where settings say nothing else.
PROOF_LASTS = timedelta(minutes=15)
# A session's last request is stored once in so long.
SEEN_STEP = timedelta(minutes=1)


class NotFresh(GrowthError):
    """It is too long ago that the person proved who they are; ``back`` is where to go on, if not here."""

    def __init__(self, back: str = "") -> None:
        super().__init__("Prove once more that it is you.", "Open /again in the browser that is signed in.")
        self.back = back


class MayNotAdminister(GrowthError):
    """Only an admin may do this, and not to themselves."""


@dataclass(frozen=True)
class Browser:
    """Where a log-in comes from: the client's address, a browser in two words, the session that it had."""

    client: str = "local"
    agent: str = ""
    had: str = ""


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in. ``token`` is the cookie's secret, ``csrf`` goes into every form."""

    token: str
    csrf: str
    operator: str
    role: str
    expires_at: datetime
    how: str = "link"
    since: datetime | None = None
    seen_at: datetime | None = None
    behind_proxy: bool = False

    @property
    def may_decide(self) -> bool:
        return self.role in ("operator", "admin")

    def is_fresh(self, now: datetime, lasts: timedelta = PROOF_LASTS) -> bool:
        """Whether it was proved no longer ago than ``lasts``, to us and not to a proxy, who it is."""
        return self.how != "proxy" and self.since is not None and now - self.since < lasts


@dataclass(frozen=True)
class SignedInAdmin:
    """An admin at the console, by their session and a form of it."""

    token: str
    csrf: str
    now: datetime
    operator: str
    channel: str = "console"

    def name(self, session: Session) -> str:
        """Whose session it is. Raises ProofRefused or MayNotAdminister."""
        person = proven_session(session, self.token, self.csrf, self.now)
        if person.role != "admin":
            raise MayNotAdminister(f"{person.operator} is no admin.", "Ask an admin.")
        return person.operator

    def may_change(self, operator: str) -> None:
        """Anybody else: so the last admin stays."""
        if operator == self.operator:
            raise MayNotAdminister("Nobody removes themselves or changes their own role.", "Ask another admin.")


def log_in(
    store: Store,
    settings: Settings,
    link_token: str,
    now: datetime,
    browser: Browser | None = None,
    *,
    again: SignedIn | None = None,
) -> SignedIn:
    """Use up a one-time link; whoever is to prove themselves ``again`` can do so by their own only. A good link is
    never locked out.

    Raises LoginRefused (also for used and expired links) or LockedOut. Call it from a POST: a GET is fetched by
    previews and scanners, which would use the link up.
    """
    browser = browser or Browser()
    try:
        with store.session() as session:
            forget_old(session, now)
            operator = _use_link(session, link_token, now, again.operator if again else "")
            if operator is not None:
                forgive(session, name_source(session, operator.name))
                proxied = again is not None and again.behind_proxy
                return begin(session, settings, operator, "link", now, browser, behind_proxy=proxied)
            source = client_source(browser.client)
            refuse_locked(session, [source], now)
            count_failure(session, [source], now)
            if again is not None:
                note_unproved(session, again.operator, now)
    except LoginRefused as problem:
        logger("approvals").info("log-in refused", client=browser.client, why=problem.message)
        raise
    logger("approvals").info("log-in refused", client=browser.client, why="unknown link")
    raise LoginRefused(
        "This link is unknown, used or too old.", "Get another one with `growth operators link NAME`."
    )


def _use_link(session: Session, link_token: str, now: datetime, only: str) -> Operator | None:
    link = session.get(OneTimeLink, hash_of(link_token))
    if link is None or link.used_at is not None or link.expires_at <= now or only not in ("", link.operator):
        return None
    operator = session.get_one(Operator, link.operator)
    if not operator.active:
        return None
    link.used_at = now
    return operator


def note_unproved(session: Session, operator: str, now: datetime) -> None:
    """Put on record that somebody in an operator's session failed to prove that it is they."""
    append_event(session, event="proof_failed", actor=operator, channel="console", now=now)


def log_in_by_proxy(store: Store, settings: Settings, name: str, now: datetime, browser: Browser) -> SignedIn:
    """A session for whom a trusted proxy names. Raises LoginRefused unless it is an active operator."""
    with store.session() as session:
        forget_old(session, now)
        operator = session.get(Operator, name)
        if operator is None or not operator.active:
            raise LoginRefused(f"There is no active operator {name}.", "Ask an admin to add them.")
        return begin(session, settings, operator, "proxy", now, browser, behind_proxy=True)


def begin(
    session: Session,
    settings: Settings,
    operator: Operator,
    how: How,
    now: datetime,
    browser: Browser,
    *,
    is_login: bool = True,
    behind_proxy: bool = False,
) -> SignedIn:
    """A new session, in the caller's transaction. What the browser had ends: its token may be known to others.

    ``behind_proxy``: it ends when the proxy no longer names the operator, whatever else they proved themselves by.
    """
    end(session, browser.had)
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=settings.console.session_hours)
    session.add(
        ConsoleSession(
            token_hash=hash_of(token),
            operator=operator.name,
            csrf=csrf,
            created_at=now,
            expires_at=expires_at,
            how=how,
            agent=browser.agent,
            seen_at=now,
            behind_proxy=behind_proxy,
        )
    )
    operator.seen_at = now
    if is_login:
        append_event(
            session, event="logged_in", actor=operator.name, channel="console", now=now, payload={"how": how}
        )
    return SignedIn(token, csrf, operator.name, operator.role, expires_at, how, now, now, behind_proxy)


def end(session: Session, token: str) -> None:
    """End a session in the caller's transaction; unknown ones are ended already."""
    if token:
        session.execute(delete(ConsoleSession).where(ConsoleSession.token_hash == hash_of(token)))


def forget_old(session: Session, now: datetime) -> None:
    """Delete what counts no more: failures of more than a day ago, sessions that ended."""
    forget_old_failures(session, now)
    session.execute(delete(ConsoleSession).where(ConsoleSession.expires_at <= now))


def signed_in(store: Store, token: str, now: datetime, idle: timedelta | None = None) -> SignedIn | None:
    """Who the cookie's token stands for, or None."""
    with store.read() as session:
        return who_is(session, token, now, idle)


def who_is(session: Session, token: str, now: datetime, idle: timedelta | None = None) -> SignedIn | None:
    """The same, within a transaction. ``idle``: how long a session lasts without a request."""
    row = session.get(ConsoleSession, hash_of(token)) if token else None
    if row is None or row.expires_at <= now:
        return None
    seen_at = row.seen_at or row.created_at
    if idle is not None and now - seen_at > idle:
        return None
    operator = session.get_one(Operator, row.operator)
    if not operator.active:
        return None
    return SignedIn(
        token,
        row.csrf,
        operator.name,
        operator.role,
        row.expires_at,
        row.how,
        row.created_at,
        seen_at,
        row.behind_proxy,
    )


def seen(store: Store, token: str, now: datetime) -> None:
    """Keep when a session was last used."""
    with store.session() as session:
        row = session.get(ConsoleSession, hash_of(token))
        if row is not None:
            row.seen_at = now
            session.execute(update(Operator).where(Operator.name == row.operator).values(seen_at=now))


def csrf_fits(person: SignedIn, csrf: str) -> bool:
    """Whether a form was made for this session; compared in constant time."""
    return hmac.compare_digest(person.csrf.encode(), csrf.encode("utf-8", "replace"))


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


def sessions_of(session: Session, operator: str, now: datetime) -> list[ConsoleSession]:
    """An operator's sessions, the newest first."""
    alive = select(ConsoleSession).where(ConsoleSession.operator == operator, ConsoleSession.expires_at > now)
    return list(session.scalars(alive.order_by(ConsoleSession.created_at.desc())))


def log_out_others(session: Session, person: SignedIn, now: datetime) -> int:
    """End an operator's other sessions. Returns how many there were."""
    own = hash_of(person.token)
    others = [row for row in sessions_of(session, person.operator, now) if row.token_hash != own]
    for row in others:
        session.delete(row)
    if others:
        append_event(
            session,
            event="sessions_ended",
            actor=person.operator,
            channel="console",
            now=now,
            payload={"sessions": len(others)},
        )
    return len(others)
