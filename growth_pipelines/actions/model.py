"""What a recommender hands over: a draft of an action with its evidence, diff, impact and rollback plan.

Pure data. The store turns a draft into an action (identity, state, expiry, history); a decision binds to
:func:`action_digest`, the SHA-256 of the canonical JSON of draft, target and version that was shown.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from growth_pipelines.canonical import digest

Kind = Literal[
    "seo_ctr",
    "metaobject_gen",
    "merch_playbook",
    "guided_selling",
    "cwv_repair",
    "campaign",
    "reward_change",
    "beta_invitation",
    "experiment",
    "policy",
]
SUBTYPES: dict[str, tuple[str, ...]] = {
    "seo_ctr": ("title", "description", "internal_links"),
    "metaobject_gen": ("product_content", "landing_page"),
    "merch_playbook": ("reorder", "clearance", "back_in_stock", "collection_order", "feature", "bundle"),
    "guided_selling": ("cross_sell_rule", "upsell_rule", "kit_rule", "reply", "content_gap"),
    "cwv_repair": ("image", "script", "layout", "font", "theme_setting", "task_card"),
    "campaign": ("campaign",),
    "reward_change": ("reward_change",),
    "beta_invitation": ("beta_invitation",),
    "experiment": ("experiment",),
    "policy": ("policy",),
}
State = Literal[
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
]
OPEN_STATES: tuple[State, ...] = ("pending", "deferred", "changes_requested", "approved", "executing")
RejectReason = Literal["incorrect", "not_relevant", "tone", "too_risky", "other"]
Priority = Literal["critical", "high", "medium", "low"]
# Ease of carrying an action out.
EASE: dict[str, float] = {"text": 1.0, "setting": 0.8, "new_page": 0.7, "several_assets": 0.5, "task_card": 0.4}


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Frozen):
    """The resource an action changes; ``type`` is product, collection, page, article, media_image or theme."""

    type: str
    gid: str
    url: str
    handle: str


class FieldChange(_Frozen):
    """One field of the diff. ``field`` is a path the executor knows, e.g. ``seo.title``, ``image.alt``.

    ``names`` says what a person calls the handles or ids that stand in ``before`` and ``after``. They are for
    reading only: neither written nor part of the digest.
    """

    field: str
    before: str
    after: str
    change_type: Literal["add", "change", "remove", "task"] = "change"
    names: dict[str, str] = Field(default_factory=dict, exclude_if=lambda names: not names)


class Evidence(_Frozen):
    """One typed row from a mart: what was seen, where, and for which dates."""

    name: str
    source: str
    value: float | None = None
    unit: str = ""
    baseline: float | None = None
    start: date
    end: date
    note: str = ""


class CheckRun(_Frozen):
    """A check that the recommender ran on its own draft."""

    name: str
    passed: bool
    note: str = ""


class Impact(_Frozen):
    """Expected change over 28 days, an interval and not a point; money in major units of the shop's currency."""

    metric: str
    delta: float
    low: float
    high: float
    unit: str
    revenue_28d: float
    revenue_low: float
    revenue_high: float


class ActionDraft(_Frozen):
    """A proposal, complete enough to be decided in 30 seconds and undone afterwards.

    ``draft`` is what the executor will write and is typed per kind: for seo_ctr ``{"title": …, "description": …}``
    (only the fields that change) with ``variants`` kept beside it for the reader, and in ``habits`` what it
    follows of operators' habits; for an image ``{"media_gid": …, "alt": …}``; for a task card
    ``{"steps": […], "summary": …}``. ``page_visits`` (in 28 days) and ``page_position`` (mean, in search) are
    added to what a recommender drafts, alike for all of them; None is not known.
    """

    kind: Kind
    subtype: str
    source: str
    title: str
    rationale: str
    why_now: str
    target: Target
    draft: dict[str, Any]
    diff: tuple[FieldChange, ...]
    evidence: tuple[Evidence, ...]
    checks: tuple[CheckRun, ...] = ()
    freshness: str = ""
    confidence: float = Field(ge=0, le=1)
    ease: float = Field(gt=0, le=1)
    impact: Impact
    risk_tier: Literal["low", "medium", "high"] = "low"
    priority: Priority = "medium"
    score: float = Field(ge=0)
    factors: dict[str, float]
    page_visits: float | None = Field(default=None, ge=0)
    page_position: float | None = Field(default=None, ge=0)
    ranking_version: str
    rollback_plan: str
    labels: tuple[str, ...] = ()


def action_digest(draft: dict[str, Any], target: Target, version: int) -> str:
    """The digest that a decision binds to: draft, target and version, nothing else."""
    return digest({"draft": draft, "target": target.model_dump(mode="json"), "version": version})
