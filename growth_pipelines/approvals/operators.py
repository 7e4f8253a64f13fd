"""Who may look and who may decide, and the keys and links that prove it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import SUBTYPES
from growth_pipelines.approvals.signatures import key_file
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import (
    ROLES,
    ApiToken,
    AuditEvent,
    ChatLink,
    ConsoleSession,
    LinkCode,
    OneTimeLink,
    Operator,
)

LINK_LASTS = timedelta(hours=24)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
# Names that stand for parts of the machine in the audit chain.
_RESERVED = {"clock", "growth", "recommender", "host", "unknown", "policy", *SUBTYPES}


@dataclass(frozen=True)
class NewLink:
    """A console link that logs in once; the token is shown now and never again."""

    link_token: str
    link_url: str
    expires_at: datetime


@dataclass(frozen=True)
class NewOperator:
    """An operator just added: the link to sign in with and the file that the command line signs with."""

    name: str
    role: str
    link_token: str
    link_url: str
    key_file: Path


def hash_of(token: str) -> str:
    """What the store keeps of a secret token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Authority(Protocol):
    """On whose behalf operators are changed; asked within the transaction of the change."""

    @property
    def channel(self) -> str: ...

    def name(self, session: Session) -> str:
        """Who it is. Raises when they may not."""

    def may_change(self, operator: str) -> None:
        """Raise when this operator is not theirs to remove or to give another role."""


@dataclass(frozen=True)
class Host:
    """Whoever runs commands on this machine: they hold its files, so nothing is refused."""

    settings: Settings
    channel: str = "cli"

    def name(self, session: Session) -> str:
        """As the settings call them."""
        return self.settings.operator or "host"

    def may_change(self, operator: str) -> None:
        """Anybody."""


def add_operator(
    store: Store, settings: Settings, name: str, role: str, now: datetime, by: Authority | None = None
) -> NewOperator:
    """Add an operator (role viewer, operator or admin) with a key file (0600) and a one-time console link.

    A removed operator may be added again and gets new keys. Raises GrowthError for a bad name, an unknown role
    or a name in use.
    """
    if not is_name(name) or name in _RESERVED:
        raise GrowthError(
            f"{name!r} can't be an operator's name.",
            "Use up to 32 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit.",
        )
    _check_role(role)
    with store.session() as session:
        record = _recorder(session, by or Host(settings), now)
        known = session.get(Operator, name)
        if known is not None and known.active:
            raise GrowthError(f"{name} is an operator already.", "Remove them first, or choose another name.")
        # The file comes first: a crash before the commit leaves a key that nothing trusts.
        public_key = _write_keys(settings, name)
        operator = known or Operator(name=name, created_at=now)
        operator.role, operator.public_key, operator.active = role, public_key, True
        session.add(operator)
        session.flush()
        record("operator_added", {"operator": name, "role": role, "public_key": public_key})
        link = _link(session, settings, name, now)
    return NewOperator(name, role, link.link_token, link.link_url, key_file(settings, name))


def list_operators(store: Store) -> list[Operator]:
    """All operators, also removed ones, by name."""
    with store.read() as session:
        return list(session.scalars(select(Operator).order_by(Operator.name)))


def change_role(
    store: Store, settings: Settings, name: str, role: str, now: datetime, by: Authority | None = None
) -> None:
    """Give an operator another role; it holds from their next request on. Raises GrowthError."""
    _check_role(role)
    with store.session() as session:
        authority = by or Host(settings)
        record = _recorder(session, authority, now)
        authority.may_change(name)
        operator = _active(session, name)
        if operator.role == role:
            return
        record("operator_role_changed", {"operator": name, "role": role, "before": operator.role})
        operator.role = role


def remove_operator(
    store: Store, settings: Settings, name: str, now: datetime, by: Authority | None = None
) -> None:
    """End all that an operator can prove themselves by: sessions, links, password, codes, chats, tokens, key.

    What they decided stays on record but is no longer executed.
    """
    with store.session() as session:
        authority = by or Host(settings)
        record = _recorder(session, authority, now)
        authority.may_change(name)
        operator = _active(session, name)
        operator.active = False
        _forget_secrets(session, operator)
        for table in (ChatLink, LinkCode):
            session.execute(delete(table).where(table.operator == name))
        alive = update(ApiToken).where(ApiToken.operator == name, ApiToken.revoked_at.is_(None))
        session.execute(alive.values(revoked_at=now))
        record("operator_removed", {"operator": name})
    key_file(settings, name).unlink(missing_ok=True)


def reset_operator(
    store: Store, settings: Settings, name: str, now: datetime, by: Authority | None = None
) -> NewLink:
    """End an operator's sessions and links, forget their password and codes, and let them in by a new link."""
    with store.session() as session:
        record = _recorder(session, by or Host(settings), now)
        _forget_secrets(session, _active(session, name))
        record("operator_reset", {"operator": name})
        return _link(session, settings, name, now)


def new_link(store: Store, settings: Settings, name: str, now: datetime, by: Authority | None = None) -> NewLink:
    """Another one-time console link for an active operator."""
    with store.session() as session:
        record = _recorder(session, by or Host(settings), now)
        _active(session, name)
        record("link_made", {"operator": name})
        return _link(session, settings, name, now)


def is_name(text: str) -> bool:
    """Whether an operator may be called so."""
    return _NAME.fullmatch(text) is not None


def _active(session: Session, name: str) -> Operator:
    operator = session.get(Operator, name) if is_name(name) else None
    if operator is None or not operator.active:
        raise GrowthError(f"There is no active operator {name}.", "See `growth operators list`.")
    return operator


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise GrowthError(f"There is no role {role}.", f"Use one of {', '.join(ROLES)}.")


def _forget_secrets(session: Session, operator: Operator) -> None:
    operator.password_hash = operator.totp_secret = operator.totp_step = None
    for table in (ConsoleSession, OneTimeLink):
        session.execute(delete(table).where(table.operator == operator.name))


def _recorder(session: Session, by: Authority, now: datetime) -> Callable[[str, dict[str, Any]], AuditEvent]:
    """Writes audit events in the name of ``by``, who is asked first."""
    actor = by.name(session)

    def record(event: str, payload: dict[str, Any]) -> AuditEvent:
        return append_event(session, event=event, actor=actor, channel=by.channel, now=now, payload=payload)

    return record


def _link(session: Session, settings: Settings, name: str, now: datetime) -> NewLink:
    token = secrets.token_urlsafe(32)
    expires_at = now + LINK_LASTS
    session.add(OneTimeLink(token_hash=hash_of(token), operator=name, created_at=now, expires_at=expires_at))
    return NewLink(token, f"{settings.console_url}/login?token={token}", expires_at)


def _write_keys(settings: Settings, name: str) -> str:
    """Make a key pair; the private key in a file that only its owner can read. Returns the public key."""
    private = Ed25519PrivateKey.generate()
    file = key_file(settings, name)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.unlink(missing_ok=True)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(pem)
    public = private.public_key()
    file.with_suffix(".pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
