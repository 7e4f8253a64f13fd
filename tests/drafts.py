"""Drafts of actions for tests, valid unless a test says otherwise, and operators who decide about them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import ActionDraft, Evidence, FieldChange, Impact, Target
from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.decide import DecisionRequest, DecisionResult, SignatureProof, decide
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.approvals.signatures import AT_ONCE, DecisionRecord, sign
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SHOP = "hot-rod-parts.myshopify.com"


def seo_draft(
    number: int = 1, title: str | None = "AN-6 fuel line, 10 ft", description: str | None = None, **other: Any
) -> ActionDraft:
    """A draft of seo_ctr on product ``number``; ``other`` replaces whole fields of the draft."""
    parts = {name: text for name, text in (("title", title), ("description", description)) if text is not None}
    fields: dict[str, Any] = {
        "kind": "seo_ctr",
        "subtype": "title" if title is not None else "description",
        "source": "seo_ctr 1",
        "title": f"A better snippet for product {number}",
        "rationale": "It wins 3 % of the clicks at a position where pages win 5 %.",
        "why_now": "Impressions grew by 20 %.",
        "target": Target(
            type="product",
            gid=f"gid://shopify/Product/{number}",
            url=f"https://www.hotrodparts.example/products/p{number}",
            handle=f"p{number}",
        ),
        "draft": parts,
        "diff": tuple(
            FieldChange(field=f"seo.{name}", before=f"old {name}", after=text) for name, text in parts.items()
        ),
        "evidence": (
            Evidence(
                name="ctr",
                source="fct_page_performance",
                value=0.03,
                baseline=0.05,
                start=date(2026, 10, 22),
                end=date(2026, 11, 18),
            ),
        ),
        "confidence": 0.8,
        "ease": 1.0,
        "impact": Impact(
            metric="clicks",
            delta=20,
            low=10,
            high=30,
            unit="clicks",
            revenue_28d=40.0,
            revenue_low=20.0,
            revenue_high=60.0,
        ),
        "score": 32.0,
        "factors": {"revenue_28d": 40.0, "confidence": 0.8, "ease": 1.0, "win_rate": 1.0},
        "ranking_version": "1",
        "rollback_plan": "Write the old title back.",
    }
    return ActionDraft(**{**fields, **other})


def task_draft(number: int = 1, subtype: str = "script", metric: str = "inp", **other: Any) -> ActionDraft:
    """A draft of cwv_repair that a person carries out."""
    fields: dict[str, Any] = {
        "kind": "cwv_repair",
        "subtype": subtype,
        "source": "cwv_repair 1",
        "draft": {"summary": f"Repair {metric}", "steps": ["Open the theme", "Defer the script"]},
        "diff": (
            FieldChange(field="task", before="", after="Open the theme\nDefer the script", change_type="task"),
        ),
        "impact": seo_draft().impact.model_copy(update={"metric": metric}),
        "rollback_plan": "Undo the steps.",
    }
    return seo_draft(number, **{**fields, **other})


def settings_in(home: Path, database_url: str = "", **more: str) -> Settings:
    """Settings whose clock stands at NOW."""
    environment = {"GROWTH_HOME": str(home), "GROWTH_NOW": NOW.isoformat(), "GROWTH_OPERATOR": "bo", **more}
    if database_url:
        environment["GROWTH_DATABASE_URL"] = database_url
    return load_settings(environment)


def submitted(store: Store, *drafts: ActionDraft, recommender: str = "", now: datetime = NOW) -> list[Action]:
    """The actions that these drafts become, in the order of the drafts."""
    result = submit(
        store,
        drafts,
        recommender=recommender or drafts[0].kind,
        shop_id=SHOP,
        now=now,
        rules=SubmitRules(),
    )
    assert not result.refused, result.refused
    with store.read() as session:
        made = {(a.resource_gid, tuple(a.fields)): a for a in (find(session, i) for i in result.action_ids)}
    return [made[d.target.gid, tuple(sorted(c.field for c in d.diff))] for d in drafts]


def with_operator(store: Store, settings: Settings, name: str = "bo", role: str = "operator") -> None:
    add_operator(store, settings, name, role, NOW)


def decided(
    store: Store,
    settings: Settings,
    action: Action,
    decision: Any = "approve",
    *,
    operator: str = "bo",
    now: datetime = NOW,
    **parts: Any,
) -> DecisionResult:
    """Decide as the command line does: with a record that the operator's key has signed."""
    fields = {"version": action.version, "digest": action.digest, "expires_at": now + AT_ONCE, **parts}
    record = sign(settings, DecisionRecord(action_id=action.id, decision=decision, operator=operator, **fields))
    return decide(store, settings, DecisionRequest.of(record), SignatureProof(record), now)
