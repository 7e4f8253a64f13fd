"""People and programs that may sign in, and how they prove who they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from growth_pipelines.store.tables.columns import Table, one_of

ROLES = ("viewer", "operator", "admin")


class Operator(Table):
    """A person who may look or decide; ``public_key`` is the raw ed25519 key in base64.

    ``password_hash`` (argon2id) and ``totp_secret`` (encrypted) are set by those who want to sign in without a
    link; ``totp_step`` is the last time step that signed in, so that a code counts once. ``seen_at`` is the newest
    request to the console, to the minute.
    """

    __tablename__ = "operators"
    __table_args__ = (CheckConstraint(one_of("role", ROLES), name="role"),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(12))
    public_key: Mapped[str]
    active: Mapped[bool]
    created_at: Mapped[datetime]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    seen_at: Mapped[datetime | None]


class ApiToken(Table):
    """A program's key to the HTTP API, on behalf of its operator; only the token's hash is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ChatLink(Table):
    """A chat account that speaks for an operator, since they typed in the code that the console showed them."""

    __tablename__ = "chat_links"
    __table_args__ = (Index(None, "operator"),)

    # Telegram's numbers have up to 52 bits.
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    linked_at: Mapped[datetime]
    muted_until: Mapped[datetime | None]


class LinkCode(Table):
    """A code that links a chat to an operator once; only its hash is kept."""

    __tablename__ = "link_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OneTimeLink(Table):
    """A console link that logs its operator in once; only the token's hash is kept."""

    __tablename__ = "one_time_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ConsoleSession(Table):
    """A signed-in browser; only the cookie's hash is kept.

    ``how`` it was signed in: link, password, code or proxy. ``behind_proxy``: it holds only as long as the proxy
    that began it names the same person. ``agent`` names the browser in two words. ``seen_at`` is the newest
    request, to the minute.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "operator"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    how: Mapped[str] = mapped_column(String(12), server_default=text("'link'"))
    agent: Mapped[str] = mapped_column(server_default=text("''"))
    seen_at: Mapped[datetime | None]
    behind_proxy: Mapped[bool] = mapped_column(server_default=text("false"))


class LoginFailure(Table):
    """A refused log-in, counted for the lock-out; ``client`` is "client:ADDRESS" or "operator:NAME"."""

    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "client", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    client: Mapped[str]
    at: Mapped[datetime]


class UsedProof(Table):
    """The hash of a signature that decided something, so that it decides nothing twice."""

    __tablename__ = "used_proofs"

    proof_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    used_at: Mapped[datetime]
