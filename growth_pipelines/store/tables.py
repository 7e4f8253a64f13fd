"""The operational tables, declared once for SQLite and PostgreSQL (schema ``growth`` there).

Instants are aware and in UTC; JSON columns keep their text exactly (a digest is computed from what is read
back, so nothing may reorder keys or rewrite numbers: plain JSON, never JSONB). The migrations in
``migrations/`` create what is declared here; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC; SQLite, which knows no zones, holds the UTC wall time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What values of it are, which SQLAlchemy tells of a type of its own only where that says so."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("instants in the store are aware; this one has no zone")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all rows; annotations choose the column types."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declarative option
        datetime: Instant,
        str: Text,
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }


ACTION_STATES = (
    "pending",
    "approved",
    "executing",
    "executed",
    "measured",
    "deferred",
    "changes_requested",
    "rejected",
    "expired",
    "superseded",
    "failed",
    "rolled_back",
)
REQUEST_STATUSES = ("pending", "approved", "rejected", "expired", "superseded")
EXECUTION_STATUSES = ("started", "written", "confirmed", "failed", "undone", "rolled_back", "dry_run")
ROLES = ("viewer", "operator", "admin")
INCIDENT_STATES = ("open", "escalated", "closed")
SEVERITIES = ("medium", "high", "critical")
EVENT_KINDS = ("deploy", "campaign", "holiday", "outage", "price", "other")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Action(Table):
    """One proposed change of the world, with all that is needed to decide it, do it and undo it.

    ``fields`` are the diff's field paths, ``tie_break`` orders actions of equal score, ``state_at`` is when the
    present state began, ``expires_at`` the end of the present wait: for an answer while pending or deferred, for
    the execution once approved.
    """

    __tablename__ = "actions"
    __table_args__ = (
        CheckConstraint(_one_of("state", ACTION_STATES), name="state"),
        Index(None, "state", "recommender", "score", "tie_break", "id"),
        Index(None, "state", "score", "tie_break", "id"),
        Index(None, "kind", "score", "tie_break", "id"),
        Index(None, "score", "tie_break", "id"),
        Index(None, "state", "expires_at"),
        Index(None, "state", "updated_at", "id"),
        Index(None, "updated_at", "id"),
        Index(None, "decided_at"),
        Index(None, "decided_channel", "kind", "decided_at"),
        Index(None, "resource_gid", "state"),
        Index(None, "resource_gid", "kind"),
        Index(None, "recommender", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    ref: Mapped[str] = mapped_column(String(12), unique=True)
    trace_id: Mapped[str]
    shop_id: Mapped[str]
    kind: Mapped[str]
    subtype: Mapped[str]
    recommender: Mapped[str]
    source: Mapped[str]
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    state_at: Mapped[datetime]
    title: Mapped[str]
    rationale: Mapped[str]
    why_now: Mapped[str]
    target: Mapped[dict[str, Any]]
    resource_gid: Mapped[str]
    fields: Mapped[list[str]]
    draft: Mapped[dict[str, Any]]
    diff: Mapped[list[dict[str, Any]]]
    evidence: Mapped[list[dict[str, Any]]]
    checks: Mapped[list[dict[str, Any]]]
    freshness: Mapped[str]
    confidence: Mapped[float]
    ease: Mapped[float]
    impact: Mapped[dict[str, Any]]
    score: Mapped[float]
    tie_break: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    factors: Mapped[dict[str, Any]]
    ranking_version: Mapped[str]
    risk_tier: Mapped[str]
    priority: Mapped[str]
    rollback_plan: Mapped[str]
    labels: Mapped[list[str]]
    auto_approvable: Mapped[bool]
    auto_approvable_why: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    batch_digest: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    deferred_until: Mapped[datetime | None]
    executed_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_channel: Mapped[str | None]


_RISK_RANK = {"low": 2, "medium": 1, "high": 0}


def tie_break(evidence: Sequence[Mapping[str, Any]], risk_tier: str, created_at: datetime) -> int:
    """One number for the order among equal scores, the higher first: later evidence, lower risk, older action.

    Packed in decimal digits: 7 of the evidence's last day, 1 of the risk, 11 of the age in seconds.
    """
    day = max(date.fromisoformat(row["end"]) for row in evidence).toordinal()
    return (day * 10 + _RISK_RANK.get(risk_tier, 0)) * 10**11 - int(created_at.timestamp())


class ApprovalRequest(Table):
    """The question put to the operators about one version of one action, and the answer.

    ``terms`` says who may answer and how many must (:class:`growth_pipelines.policies.terms.Terms`), as the
    policy book of ``policy_version`` had it. ``remind_at`` and ``due_at`` are when someone is reminded and when
    the second contact is told, absolute from the start; ``reminded_at`` and ``escalated_at`` when that was done.
    """

    __tablename__ = "approval_requests"
    __table_args__ = (
        UniqueConstraint("action_id", "version"),
        CheckConstraint(_one_of("status", REQUEST_STATUSES), name="status"),
        Index(None, "status", "due_at"),
        Index(None, "status", "remind_at"),
        Index(None, "status", "priority", "created_at", "id"),
        Index(None, "decided_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    version: Mapped[int]
    trace_id: Mapped[str]
    requester: Mapped[str]
    status: Mapped[str] = mapped_column(String(12))
    priority: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    channel: Mapped[str | None]
    reason: Mapped[str | None]
    comment: Mapped[str | None]
    terms: Mapped[dict[str, Any] | None]
    policy_version: Mapped[int] = mapped_column(server_default=text("0"))
    remind_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]


class ApprovalVote(Table):
    """One person's yes to a request that needs several; a new version is a new request without votes."""

    __tablename__ = "approval_votes"
    __table_args__ = (UniqueConstraint("request_id", "operator"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("approval_requests.id"))
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    digest: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime]
    audit_seq: Mapped[int] = mapped_column(BigInteger)


class PolicyVersion(Table):
    """One version of the whole policy book; the newest is in force, none is ever changed."""

    __tablename__ = "policy_versions"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    note: Mapped[str]


class Absence(Table):
    """A dated absence of an operator, whose part ``delegate`` takes meanwhile."""

    __tablename__ = "absences"
    __table_args__ = (Index(None, "operator", "begins_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    delegate: Mapped[str] = mapped_column(ForeignKey("operators.name"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class AuditEvent(Table):
    """One link of the audit chain; never changed, never removed (triggers refuse both)."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "action_id", "seq"), Index(None, "event", "seq"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    channel: Mapped[str]
    event: Mapped[str]
    action_id: Mapped[str | None]
    version: Mapped[int | None]
    before_digest: Mapped[str | None]
    after_digest: Mapped[str | None]
    trace_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class AuditHead(Table):
    """The last link of the chain (one row), so that cutting off its end is seen."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class Operator(Table):
    """A person who may look or decide; ``public_key`` is the raw ed25519 key in base64.

    ``password_hash`` (argon2id) and ``totp_secret`` (encrypted) are set by those who want to sign in without a
    link; ``totp_step`` is the last time step that signed in, so that a code counts once. ``seen_at`` is the newest
    request to the console, to the minute.
    """

    __tablename__ = "operators"
    __table_args__ = (CheckConstraint(_one_of("role", ROLES), name="role"),)

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


class Delivery(Table):
    """A message about one version of an action that stands in someone's chat.

    ``shown`` is the state that it shows (pending with buttons, else the outcome without): when the action's own
    is another, the message is edited.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("channel", "chat_id", "message_id"), Index(None, "action_id", "shown"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    version: Mapped[int]
    channel: Mapped[str]
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger)
    shown: Mapped[str]
    sent_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]


class OutboxCursor(Table):
    """How far one listener has been told of the outbox; numbers are given in the order of commits."""

    __tablename__ = "outbox_cursors"

    listener: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]


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


class IdempotencyKey(Table):
    """The answer that a request with this key has had, for the operator who sends it again.

    ``request`` is the digest of what was asked, so that the key answers nothing else.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    operator: Mapped[str] = mapped_column(ForeignKey("operators.name"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class Execution(Table):
    """The ledger of writes: one row per (action, version), made before the write it stands for.

    ``snapshot`` holds the prior values that a rollback writes back, ``written`` what was sent, ``read_back``
    what the shop said afterwards.
    """

    __tablename__ = "executions"
    __table_args__ = (CheckConstraint(_one_of("status", EXECUTION_STATUSES), name="status"),)

    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int]
    started_at: Mapped[datetime]
    snapshot: Mapped[dict[str, Any] | None]
    written: Mapped[dict[str, Any] | None]
    read_back: Mapped[dict[str, Any] | None]
    request_ids: Mapped[list[str]]
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class ActionOutcome(Table):
    """What an executed action did to one metric after 7, 14 or 28 days, or in ``skipped`` why that is not known.

    ``effect`` is observed less counterfactual; money in major units. ``shared_error`` is the part of the standard
    error that comes from the controls, ``estimate`` what was promised for the same days, ``is_promised`` whether
    the metric is the promised one (else it is the revenue). ``days`` holds first, actual and expected by day.
    """

    __tablename__ = "action_outcomes"
    __table_args__ = (Index(None, "is_promised", "outcome_class"),)

    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    metric: Mapped[str] = mapped_column(String(16), primary_key=True)
    horizon_days: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str]
    is_promised: Mapped[bool]
    skipped: Mapped[str] = mapped_column(server_default=text("''"))
    outcome_class: Mapped[str | None] = mapped_column(String(12))
    baseline: Mapped[float | None]
    observed: Mapped[float | None]
    counterfactual: Mapped[float | None]
    effect: Mapped[float | None]
    effect_low: Mapped[float | None]
    effect_high: Mapped[float | None]
    shared_error: Mapped[float | None]
    estimate: Mapped[float | None]
    controls: Mapped[int | None]
    is_overlapping: Mapped[bool] = mapped_column(server_default=text("false"))
    days: Mapped[dict[str, Any]]
    measured_at: Mapped[datetime]


class ActionReturn(Table):
    """The sum of what a recommender's actions executed in a month brought, as it was last counted.

    ``month`` is its first day. Promised and realised money (with its 95 % interval; null while nothing is
    measured) are of the measured actions over 28 days, major units; intervals of sums don't add up any further.
    """

    __tablename__ = "action_returns"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    recommender: Mapped[str] = mapped_column(primary_key=True)
    actions: Mapped[int]
    measured: Mapped[int]
    waiting: Mapped[int]
    not_measurable: Mapped[int]
    overlapping: Mapped[int]
    promised: Mapped[float]
    promised_in_all: Mapped[float]
    realised: Mapped[float | None]
    realised_low: Mapped[float | None]
    realised_high: Mapped[float | None]
    counted_at: Mapped[datetime]


class TaskCard(Table):
    """Work that a person does by hand: the exact steps of a repair that nothing can automate."""

    __tablename__ = "task_cards"
    __table_args__ = (UniqueConstraint("action_id", "version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    version: Mapped[int]
    title: Mapped[str]
    steps: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class Flag(Table):
    """A switch that every process sees at once, e.g. ``paused``."""

    __tablename__ = "flags"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class OutboxEntry(Table):
    """Something that others (Dagster, chat) must be told, written with what caused it and delivered later."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "delivered_at", "seq"),)

    # SQLite numbers rows by itself only for a plain INTEGER key.
    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class Batch(Table):
    """What one recommender handed in at one time; ``digest`` is the data version shown in Dagster."""

    __tablename__ = "batches"
    __table_args__ = (Index(None, "recommender", "created_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    recommender: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str]
    created_at: Mapped[datetime]
    action_ids: Mapped[list[str]]
    refused: Mapped[list[dict[str, Any]]]


class Incident(Table):
    """Something that got worse, or is forecast to: kept open until it has recovered.

    ``findings`` are what was found, by metric and subject; those that began together and share a cause or a family
    are one incident. The columns describe its leading finding; sizes are relative to the level before. ``until_…``
    and ``reason`` are an operator's silence, ``explained_by`` the known event that accounts for it.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(_one_of("state", INCIDENT_STATES), name="state"),
        CheckConstraint(_one_of("level", ("shop", "template", "page", "product", "stream")), name="level"),
        CheckConstraint(_one_of("severity", SEVERITIES), name="severity"),
        Index(None, "state", "opened_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str]
    state: Mapped[str] = mapped_column(String(12))
    family: Mapped[str] = mapped_column(String(24))
    metric: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str]
    direction: Mapped[str] = mapped_column(String(4))
    cause: Mapped[str] = mapped_column(String(24))
    severity: Mapped[str] = mapped_column(String(12))
    since: Mapped[date]
    since_first: Mapped[date]
    since_last: Mapped[date]
    size: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    # Of a forecast: the day on which it is expected to happen.
    expected_on: Mapped[date | None]
    findings: Mapped[list[dict[str, Any]]]
    suspects: Mapped[list[dict[str, Any]]]
    history: Mapped[list[dict[str, Any]]]
    explained_by: Mapped[str] = mapped_column(Text)
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None] = mapped_column(String(64))
    silence_reason: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class KnownEvent(Table):
    """Something that people know of and figures don't: a deploy, a campaign, a holiday, an outage; whole days."""

    __tablename__ = "known_events"
    __table_args__ = (
        CheckConstraint(_one_of("kind", EVENT_KINDS), name="kind"),
        Index(None, "ends_on"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(200))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class FeedbackSignal(Table):
    """One decision or edit to learn from, once (``source`` is its request or audit event); no person is in it.

    ``reason`` is a code; ``words`` of an edit are those that came and went, and how many there were.
    """

    __tablename__ = "feedback_signals"
    __table_args__ = (Index(None, "at"),)

    source: Mapped[str] = mapped_column(String(48), primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.id"))
    at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(20))
    by_policy: Mapped[bool]
    hours_to_decide: Mapped[float | None]
    category: Mapped[str | None] = mapped_column(String(12))
    distance: Mapped[float | None]
    words: Mapped[dict[str, Any] | None]


class Showing(Table):
    """What the queue showed at one time: ``shown`` in order with rank and propensity (1 where the score decides).

    ``explored`` is the one in the place kept for trying things, drawn from ``pool``: the actions it could
    have been, with their scores and propensities.
    """

    __tablename__ = "showings"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime]
    ranking_version: Mapped[str]
    shown: Mapped[list[dict[str, Any]]]
    explored: Mapped[str | None] = mapped_column(String(36))
    pool: Mapped[list[dict[str, Any]]]


class RankingVersion(Table):
    """A way to rank, whether it is in force, and what the off-policy gate said of it."""

    __tablename__ = "ranking_versions"
    __table_args__ = (CheckConstraint(_one_of("status", ("proposed", "active", "retired")), name="status"),)

    version: Mapped[str] = mapped_column(String(48), primary_key=True)
    status: Mapped[str] = mapped_column(String(12))
    gate: Mapped[dict[str, Any] | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


EXPERIMENT_STATUSES = ("draft", "running", "paused", "stopped", "decided")
EXPERIMENT_UNITS = ("visitor", "customer", "page", "time_slice")


class Experiment(Table):
    """A registered experiment: what was declared before the start never changes, only its progress does.

    ``guardrails`` are {metric, kind, margin, increase_is_good}; margins and ``minimum_effect`` are shares of
    control. ``coverage`` is the share of units that take part now, ``coverage_goal`` what the ramp leads to.
    ``design`` is what was declared for its kind of unit, ``drawn`` when its units were drawn, how many, how alike
    the arms were, and their digest (None for visitors: they come by themselves).
    ``decision`` is the reading it was decided on, with the digest of its data; ``promoted`` the arm that
    everybody gets, empty for none.
    """

    __tablename__ = "experiments"
    __table_args__ = (
        CheckConstraint(_one_of("status", EXPERIMENT_STATUSES), name="status"),
        CheckConstraint(_one_of("unit", EXPERIMENT_UNITS), name="unit"),
        UniqueConstraint("key"),
        Index(None, "status", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    shop_id: Mapped[str]
    hypothesis: Mapped[str]
    unit: Mapped[str] = mapped_column(String(20))
    primary_metric: Mapped[str]
    metric_kind: Mapped[str]
    increase_is_good: Mapped[bool]
    guardrails: Mapped[list[dict[str, Any]]]
    arms: Mapped[list[dict[str, Any]]]
    baseline: Mapped[float]
    minimum_effect: Mapped[float]
    power: Mapped[float]
    planned_units: Mapped[int] = mapped_column(BigInteger)
    planned_days: Mapped[int]
    pre_days: Mapped[int]
    outcome_days: Mapped[int]
    coverage: Mapped[float]
    coverage_goal: Mapped[float]
    coverage_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    decision: Mapped[dict[str, Any] | None]
    promoted: Mapped[str]
    design: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    drawn: Mapped[dict[str, Any] | None]


class ExperimentUnit(Table):
    """A page, customer or slice of time and its arm, drawn before the start and never moved after it.

    ``unit_id`` is the page's address, the customer's key, or the number of the day since the start, from 0 on;
    ``position`` its place in the list. ``pair`` is that of pages and of blocks of time, ``template`` and
    ``traffic`` (a day, before the draw) are those of pages.
    """

    __tablename__ = "experiment_units"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    arm: Mapped[str]
    pair: Mapped[int | None]
    template: Mapped[str]
    traffic: Mapped[float | None]


class ExperimentReading(Table):
    """What an experiment read on a ``day`` of the shop's, by the last look of that day.

    ``reading`` is the document of a reading; a look that found nothing new only moves ``at`` of the one before.
    """

    __tablename__ = "experiment_readings"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    reading: Mapped[dict[str, Any]]


class Exposure(Table):
    """The first time a unit met its arm. ``unit_id`` is a keyed hash; later times change nothing."""

    __tablename__ = "exposures"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    arm: Mapped[str]
    exposed_at: Mapped[datetime]


class UnitEvent(Table):
    """Something that a unit did on a ``day`` of the shop's, once however often it was sent.

    It counts for each experiment of the unit.
    """

    __tablename__ = "unit_events"

    unit_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    metric: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date]
    value: Mapped[float]
