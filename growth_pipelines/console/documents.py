"""What the HTTP API answers with, as its OpenAPI document says it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from growth_pipelines.actions.model import CheckRun, Evidence, FieldChange, Kind, Priority, State, Target


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ImpactDocument(_Document):
    """Expected change over 28 days, an interval; money in major units of the shop's currency."""

    metric: str
    delta: float
    low: float
    high: float
    unit: str
    revenue_28d: float
    revenue_low: float
    revenue_high: float


class ActionDocument(_Document):
    """An action with all that is needed to decide it. A decision is bound to ``digest``."""

    id: str
    ref: str
    trace_id: str
    shop: str
    kind: Kind
    subtype: str
    recommender: str
    source: str
    version: int
    state: State
    state_at: datetime
    target: Target
    title: str
    rationale: str
    why_now: str
    score: float
    confidence: float
    ease: float
    impact: ImpactDocument
    factors: dict[str, Any]
    ranking_version: str
    risk_tier: str
    priority: Priority
    freshness: str
    digest: str
    batch_digest: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    deferred_until: datetime | None
    executed_at: datetime | None
    evidence: list[Evidence]
    checks: list[CheckRun]
    diff: list[FieldChange]
    draft: dict[str, Any]
    rollback_plan: str
    labels: list[str]
    auto_approvable: bool
    auto_approvable_why: str
    decided_by: str | None
    decided_at: datetime | None
    decided_channel: str | None


class ActionPage(_Document):
    """Some actions, best first. ``next`` is the cursor of the following page, null on the last one."""

    actions: list[ActionDocument]
    next: str | None
    generated_at: datetime


class Suppression(_Document):
    """A kind of action that is not proposed on a resource since one was rolled back there."""

    action: str = Field(description="id of the action that was rolled back")
    ref: str
    kind: str
    resource: str
    url: str
    title: str
    since: datetime


class Suppressions(_Document):
    suppressions: list[Suppression]


class Done(_Document):
    """When the work was done: a day of the shop, not before it was proposed; null for now."""

    on: date | None = None


class Task(_Document):
    """Work of an action that a person does by hand; ``done_at`` is null while it is open."""

    action: str
    ref: str
    kind: str
    url: str
    title: str
    steps: list[str]
    state: Literal["open", "done", "withdrawn"]
    opened_at: datetime
    done_at: datetime | None


class Tasks(_Document):
    """What is still to be done, the oldest first."""

    tasks: list[Task]


class Lifted(_Document):
    """The kind may be proposed on the resource again."""

    kind: str
    resource: str


class SessionDocument(_Document):
    """Who calls. ``csrf`` goes into the X-CSRF-Token header of every change; programs with a token have none, but
    ``scopes``."""

    operator: str
    role: str
    channel: Literal["console", "api"]
    scopes: list[str] | None
    csrf: str | None
    expires_at: datetime


class Decided(BaseModel):
    """What came of it: the action's state and its request's, and the action as it is now.

    ``outcome`` is ``voted`` when more people must agree; ``votes`` says how many have, of how many.
    """

    outcome: Literal["decided", "voted"]
    votes: dict[str, int] | None
    state: str
    request_status: str
    message: str
    action: ActionDocument


class Money(_Document):
    """Sums of the single estimates over 28 days, in major units of the currency."""

    currency: str
    revenue_28d: float
    revenue_low: float
    revenue_high: float


class Conflict(_Document):
    """Two actions (refs) that would write the same fields; only the first, the better one, would be approved."""

    better: str
    other: str
    fields: list[str]


class Outcome(_Document):
    """What becomes, or became, of one action of a bulk decision."""

    id: str
    ref: str | None
    outcome: Literal["ready", "done", "stale", "decided", "unknown", "conflict", "refused"]
    message: str
    digest: str | None = Field(description="the action's digest as it is now")
    state: str | None


class BulkCoverage(_Document):
    """What a bulk decision would cover. Nothing is decided; ``confirm`` sent with the same body decides it."""

    decided: Literal[False] = False
    count: int
    kinds: dict[str, int]
    money: Money
    conflicts: list[Conflict]
    items: list[Outcome]
    confirm: str
    confirm_within_seconds: int


class BulkDecided(_Document):
    """What a confirmed bulk decision did, item by item."""

    decided: Literal[True] = True
    done: int
    items: list[Outcome]


class DecidedBy(BaseModel):
    """Who decided it, when and through which channel; null where time did."""

    by: str | None
    at: datetime | None
    channel: str | None
    state: str


_EXAMPLE: dict[str, Any] = {
    "type": "urn:growth:problem:already-decided",
    "title": "Somebody was first",
    "status": 409,
    "detail": "G-7K2M was decided by maria at 2026-11-22 08:04 MST (console): it is approved.",
    "hint": "Only a pending action can be edited or decided.",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "decided": {"by": "maria", "at": "2026-11-22T15:04:00+00:00", "channel": "console", "state": "approved"},
}


class Problem(BaseModel):
    """RFC 9457. ``type`` stays the same for a sort of problem, ``detail`` says what happened, ``hint`` what to do.

    ``action`` is the action as it is now, where one was about to be changed; ``decided`` who was first; ``scope``
    what the token lacks; ``fields`` what is wrong with which field of a declaration.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_EXAMPLE]})

    type: str
    title: str
    status: int
    detail: str
    hint: str
    trace_id: str
    action: dict[str, Any] | None = None
    decided: DecidedBy | None = None
    scope: str | None = None
    fields: dict[str, str] | None = None


_TEXTS = {
    400: "The request can't be read, or names a host that is not served.",
    401: "Nobody is signed in, or the token is none any more.",
    403: "The role, policies or the token's scopes don't allow this, or the CSRF token is of another session.",
    404: "No such action or experiment.",
    409: "It is decided already, the draft has changed (`action` is how it is now), or its state allows it not.",
    410: "The time to answer is over; `action` is how it is now.",
    411: "The request does not say how long it is.",
    412: "The action is no longer what If-Match names; `action` is how it is now.",
    413: "The request is too long.",
    415: "The body is neither JSON nor a form.",
    422: "The request is incomplete or wrong, or its Idempotency-Key has been used for another.",
    429: "Too many requests; Retry-After says when to try again.",
    500: "Something went wrong here; the log says what, under `trace_id`.",
    503: "The store is busy or gone; try again.",
}


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation, for OpenAPI."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    every = sorted({400, 401, 403, 429, 500, 503, *codes})
    return {code: {"description": _TEXTS[code], "content": content} for code in every}
