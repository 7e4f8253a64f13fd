"""Tokens of the HTTP API: a program's key, on behalf of an operator, for the scopes that it names.

Only the token's hash is kept. A token does nothing that its operator may not do: a viewer's decides nothing,
and with the operator it is dead.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from growth_pipelines.approvals.operators import hash_of
from growth_pipelines.approvals.proofs import DecisionRequest, Person
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ApiToken, Operator

SCOPES = {
    "read:actions": "actions, exports, suppressions and the rules of cross-selling",
    "read:approvals": "requests: waiting, answered, and what became of them",
    "decide:approvals": "decide, decide in bulk, lift suppressions",
    "read:audit": "the audit chain",
    "read:metrics": "status, figures of growth and of operation, experiments and what they read, beta candidates",
    "run:experiments": "declare experiments, pause, resume, stop and decide them, ask for starts and promotions",
}
_CHANGING = {"decide:approvals", "run:experiments"}
PREFIX = "gm_"
CHANNEL = "api"
DAYS, MOST_DAYS = 90, 366
# A token in use writes this often that it is; every request would be a write transaction.
NOTED_EVERY = timedelta(hours=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class MissingScope(GrowthError):
    """The token is good, but not for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"The token has not the scope {scope}.", f"Make one with `growth tokens add NAME --scope {scope}`."
        )
        self.scope = scope


@dataclass(frozen=True)
class NewToken:
    """A token just made; it is shown now and never again."""

    id: str
    name: str
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Holder:
    """Whom a token speaks for, and what for."""

    id: str
    name: str
    operator: str
    role: str
    scopes: frozenset[str]
    expires_at: datetime
    last_used_at: datetime | None


def add_token(
    store: Store,
    settings: Settings,
    name: str,
    operator: str,
    scopes: Collection[str],
    days: int,
    now: datetime,
) -> NewToken:
    """Make a token of an active operator that ends after so many days (1 to 366).

    Raises GrowthError for a name that is none or in use, an unknown operator or scope, a viewer who would decide.
    """
    if not _NAME.fullmatch(name):
        raise GrowthError(
            f"{name!r} can't be a token's name.",
            "Use up to 64 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit.",
        )
    strange = sorted(set(scopes) - SCOPES.keys())
    if strange or not scopes:
        raise GrowthError(
            f"There is no scope {strange[0]}." if strange else "A token needs a scope.",
            f"Scopes: {', '.join(SCOPES)}.",
        )
    if not 1 <= days <= MOST_DAYS:
        raise GrowthError(f"A token lasts 1 to {MOST_DAYS} days.", f"Leave --days out for {DAYS}.")
    with store.session() as session:
        person = session.get(Operator, operator)
        if person is None or not person.active:
            raise GrowthError(f"There is no active operator {operator}.", "See `growth operators list`.")
        beyond = sorted(_CHANGING & set(scopes)) if person.role == "viewer" else []
        if beyond:
            raise GrowthError(
                f"{operator} is a viewer, who decides nothing.", f"Leave {' and '.join(beyond)} out."
            )
        in_use = select(ApiToken.id).where(
            ApiToken.name == name, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
        )
        if session.scalar(in_use):
            raise GrowthError(f"There is a token {name} already.", "Revoke it first, or choose another name.")
        return _make(session, settings, name, operator, sorted(set(scopes)), now + timedelta(days=days), now)


def _make(
    session: Session,
    settings: Settings,
    name: str,
    operator: str,
    scopes: list[str],
    expires_at: datetime,
    now: datetime,
) -> NewToken:
    new = NewToken(str(uuid.uuid4()), name, PREFIX + secrets.token_urlsafe(32), expires_at)
    session.add(
        ApiToken(
            id=new.id,
            token_hash=hash_of(new.token),
            name=name,
            operator=operator,
            scopes=scopes,
            created_at=now,
            expires_at=expires_at,
        )
    )
    told = {"token": new.id, "name": name, "operator": operator, "scopes": scopes, "expires_at": expires_at}
    _record(session, settings, "token_added", told, now)
    return new


def list_tokens(store: Store) -> list[ApiToken]:
    """All tokens, also those that are over, the newest first."""
    with store.read() as session:
        return list(session.scalars(select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.name)))


def revoke_token(store: Store, settings: Settings, id_or_name: str, now: datetime) -> ApiToken:
    """End a token at once. Raises GrowthError where none lives by this id or name."""
    with store.session() as session:
        found = session.scalar(
            select(ApiToken)
            .where(or_(ApiToken.id == id_or_name, ApiToken.name == id_or_name), ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.created_at.desc())
            .limit(1)
        )
        if found is None:
            raise GrowthError(f"There is no live token {id_or_name}.", "See `growth tokens list`.")
        found.revoked_at = now
        told = {"token": found.id, "name": found.name, "operator": found.operator}
        _record(session, settings, "token_revoked", told, now)
        return found


def state_of(token: ApiToken, now: datetime) -> str:
    """``live``, ``revoked`` or ``expired``."""
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.expires_at > now else "expired"


def holder_of(session: Session, token: str, now: datetime, zone: str = "UTC") -> Holder:
    """Whom the token speaks for. Raises ProofRefused (flaw ``no_token``) that says why it is none any more, and
    since when in ``zone``.
    """
    row = session.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(token)))
    if row is None:
        raise _dead("is unknown")
    if (state := state_of(row, now)) != "live":
        at = row.revoked_at or row.expires_at
        raise _dead(f"{row.name} {state} at {local_minute(at, zone)}")
    operator = session.get_one(Operator, row.operator)
    if not operator.active:
        raise _dead(f"{row.name} is of {row.operator}, who is no operator any more")
    scopes = frozenset(row.scopes)
    return Holder(row.id, row.name, operator.name, operator.role, scopes, row.expires_at, row.last_used_at)


def proven_token(session: Session, token: str, scope: str, now: datetime, zone: str = "UTC") -> Holder:
    """The same, for one purpose. Raises ProofRefused or MissingScope."""
    holder = holder_of(session, token, now, zone)
    if scope not in holder.scopes:
        raise MissingScope(scope)
    return holder


def is_noted(holder: Holder, now: datetime) -> bool:
    """Whether the store knows already that the token is in use."""
    return holder.last_used_at is not None and now - holder.last_used_at < NOTED_EVERY


def note_use(store: Store, token_id: str, now: datetime) -> None:
    """Store that the token is in use, if that was not noted within the last hour."""
    due = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - NOTED_EVERY)
    with store.session() as session:
        session.execute(update(ApiToken).where(ApiToken.id == token_id, due).values(last_used_at=now))


def _dead(why: str) -> ProofRefused:
    return ProofRefused("no_token", f"The token {why}.", "Make another one with `growth tokens add`.")


def _record(session: Session, settings: Settings, event: str, told: Mapping[str, object], now: datetime) -> None:
    append_event(session, event=event, actor=settings.operator or "host", channel="cli", now=now, payload=told)


@dataclass(frozen=True)
class TokenProof:
    """A program's token: decides on behalf of its operator, if it is made for that. ``zone``: in which a no tells
    times.
    """

    token: str
    zone: str = "UTC"
    channel: str = CHANNEL
    records_strangers: bool = False

    def prove(self, session: Session, request: DecisionRequest, now: datetime) -> Person:
        """Whose token it is."""
        holder = proven_token(session, self.token, "decide:approvals", now, self.zone)
        return Person(holder.operator, holder.role, self.channel)
