"""What ``/api/approvals`` and ``/api/phase7`` answer with, as the OpenAPI document says it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from growth_pipelines.actions.model import Kind, Priority
from growth_pipelines.console.documents import ActionDocument


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Stamped(_Document):
    """Under which trace the answer is logged, and when it was made; the headers say the same."""

    trace_id: str
    generated_at: datetime


class Votes(_Document):
    """How many have approved, of how many must."""

    have: int
    need: int


class RequestDocument(_Document):
    """The question put about one version of an action. ``can_decide``: whether the caller may approve it now, and
    ``why_not``."""

    request: str = Field(description="id of the request")
    action: str = Field(description="id of the action: what a decision is addressed to")
    ref: str
    version: int
    trace_id: str
    kind: Kind
    title: str
    priority: Priority
    risk: str
    digest: str = Field(description="what a decision is bound to")
    requester: str
    status: str
    created_at: datetime
    remind_at: datetime | None
    due_at: datetime = Field(description="the time to answer; then the second contact is told")
    expires_at: datetime
    seconds_left: int | None = Field(description="until it expires; null when it is answered")
    votes: Votes
    voted: bool = Field(description="whether one of the votes is the caller's")
    can_decide: bool
    why_not: str | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    channel: str | None


class RequestPage(Stamped):
    """Requests that wait, by priority and age; decided ones the newest first. ``next`` is the following page's
    cursor, null on the last one."""

    approvals: list[RequestDocument]
    next: str | None


class VoteDocument(_Document):
    operator: str
    channel: str
    note: str
    at: datetime


class TermsDocument(BaseModel):
    """Who may approve, how many must, and what happens at the end: the policies when the question was put."""

    roles: list[str]
    approvers: list[str]
    quorum: int
    four_eyes: bool
    escalate_to: str
    at_the_end: str


class PermissionDocument(_Document):
    """Whether the caller may approve now; ``for_whom`` is the absent one whose right is used, else empty."""

    allowed: bool
    why: str
    have: int
    need: int
    for_whom: str


class ApprovalDocument(Stamped):
    """A request in full, with its action as it is now."""

    request: RequestDocument
    terms: TermsDocument
    policy_version: int
    votes: list[VoteDocument]
    permission: PermissionDocument
    action: ActionDocument


class PastDocument(_Document):
    """A request that ended: ``decision`` is null where time ended it, ``seconds`` is from question to answer."""

    request: str
    action: str
    ref: str
    version: int
    trace_id: str
    kind: str
    title: str
    priority: str
    risk: str
    digest: str
    requester: str
    created_at: datetime
    ended_at: datetime
    status: str
    decision: str | None
    by: str | None
    channel: str | None
    reason: str | None
    comment: str | None
    seconds: float | None
    policy_version: int
    voters: list[str]


class SummaryDocument(_Document):
    """Of all that match, whatever the page. Null where nothing matches."""

    requests: int
    answered: int
    unanswered: int
    median_seconds: float | None
    p90_seconds: float | None
    expiry_rate: float | None
    by_channel: dict[str, float]
    by_decision: dict[str, int]


class HistoryPageDocument(Stamped):
    """``summary`` is on the first page only."""

    summary: SummaryDocument | None
    approvals: list[PastDocument]
    next: str | None


class ComponentDocument(_Document):
    """``lag_s``: how far it is behind, null where that is nothing to it; ``last_tick_at``: when it last did
    something."""

    name: str
    enabled: bool
    state: str
    last_tick_at: datetime | None
    lag_s: float | None
    last_error: str | None


class DatabaseDocument(_Document):
    engine: Literal["sqlite", "postgresql"]
    schema_version: str | None
    known_version: str


class AuditHeadDocument(_Document):
    seq: int
    hash: str


class StatusDocument(Stamped):
    """``audit`` is null before the first event; ``reason`` says why there are no streams."""

    version: str
    config_digest: str
    mode: str
    paused: str | None = Field(description="who stopped all writes, when and why")
    database: DatabaseDocument
    audit: AuditHeadDocument | None
    components: list[ComponentDocument]
    reason: str | None


class WindowDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: date = Field(alias="from")
    end: date = Field(alias="to")


class MeasureDocument(_Document):
    """A figure, how old it is, and why there is none where it is null."""

    name: str
    labels: dict[str, str]
    value: float | None
    unit: str
    help: str
    window: WindowDocument | None
    before: float | None = Field(description="the same of the window before")
    change: float | None = Field(description="relative to it")
    as_of: datetime | None
    age_seconds: int | None
    late: bool | None
    reason: str | None


class MeasuresDocument(Stamped):
    metrics: list[MeasureDocument]


class CandidatesDocument(Stamped):
    """Shops that could be invited to the beta programme, best first; ``reason`` says why there are none."""

    min_score: float
    candidates: list[dict[str, Any]]
    reason: str | None
