"""Why a draft becomes no action: what is wrong with it in itself, and what happened before on its resource.

Each rule answers with its reason, or with an empty text where it has nothing against the draft.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from growth_pipelines.actions.model import SUBTYPES, ActionDraft
from growth_pipelines.actions.subject import changed_fields, resource_of, written_fields
from growth_pipelines.actions.suppression import suppressing
from growth_pipelines.actions.transitions import plain_json
from growth_pipelines.canonical import canonical_json
from growth_pipelines.clock import local_date
from growth_pipelines.store.tables import Action

TITLE = "seo.title"


@dataclass(frozen=True)
class SubmitRules:
    """The limits that a draft must keep; ``weekly_cap`` 0 means no cap. ``zone``: the shop's, whose days
    a refusal names."""

    expire_days: int = 7
    min_confidence: float = 0.5
    min_confidence_seo: float = 0.6
    title_change_days: int = 14
    weekly_cap: int = 0
    zone: str = "UTC"


def flaw(draft: ActionDraft, rules: SubmitRules) -> str:
    """What is wrong with the draft in itself."""
    least = rules.min_confidence_seo if draft.kind == "seo_ctr" else rules.min_confidence
    if draft.kind not in SUBTYPES:
        return f"unknown kind {draft.kind}"
    if draft.subtype not in SUBTYPES[draft.kind]:
        return f"unknown subtype {draft.subtype} of {draft.kind}"
    if not draft.evidence:
        return "no evidence"
    if not draft.rollback_plan.strip():
        return "no rollback plan"
    if not draft.draft or not draft.diff or all(change.before == change.after for change in draft.diff):
        return "empty diff"
    if not resource_of(draft):
        return "no target: neither a gid, a URL nor a handle"
    if not all(math.isfinite(value) for value in _impact_numbers(draft)):
        return "the impact is not a number"
    if why := _unstorable(draft):
        return why
    impact = draft.impact
    if impact.low > impact.high or impact.revenue_low > impact.revenue_high:
        return "the impact's interval ends before it begins"
    if draft.confidence < least:
        return f"confidence {draft.confidence:.2f} is under {least:.2f}"
    return ""


def _impact_numbers(draft: ActionDraft) -> list[float]:
    impact = draft.impact
    numbers = [impact.delta, impact.low, impact.high, impact.revenue_28d, impact.revenue_low, impact.revenue_high]
    return [*numbers, draft.score, *draft.factors.values()]


def _unstorable(draft: ActionDraft) -> str:
    """What the store, the shop or a digest could not hold; one such draft must not sink its whole batch."""
    shown = [number for row in draft.evidence for number in (row.value, row.baseline) if number is not None]
    if not all(math.isfinite(value) for value in shown):
        return "the evidence holds a value that is not a number"
    try:
        text = canonical_json(draft.model_dump())
        text.encode()
    except UnicodeEncodeError:
        return "a text holds half a character"
    except (TypeError, ValueError):
        return "the draft holds what JSON can't"
    return "a text holds a NUL character" if "\\u0000" in text else ""


def foreign_claim(draft: ActionDraft, recommender: str, open_actions: Iterable[Action]) -> str:
    """Another recommender has an open action on the same resource and field."""
    fields = written_fields(changed_fields(draft))
    for action in open_actions:
        shared = fields & written_fields(action.fields)
        if action.recommender != recommender and action.resource_gid == resource_of(draft) and shared:
            names = ", ".join(sorted(shared))
            return f"{names} already has an open action of {action.recommender} ({action.ref})"
    return ""


def forbidden_by_history(
    session: Session, draft: ActionDraft, past: Sequence[Action], now: datetime, rules: SubmitRules
) -> str:
    """What happened before on this resource: ``past`` are its closed actions, newest first."""
    undone = suppressing(session, draft.kind, resource_of(draft), past, changed_fields(draft))
    if undone is not None:
        return f"a {draft.kind} action here ({undone.ref}) was rolled back; an operator must lift that"
    since = now - timedelta(days=rules.title_change_days)
    if TITLE in changed_fields(draft):
        for action in past:
            if TITLE in action.fields and action.executed_at and action.executed_at > since:
                return (
                    f"the title was changed on {local_date(action.executed_at, rules.zone)} ({action.ref}); "
                    f"one change in {rules.title_change_days} days"
                )
    for action in past:
        # Silence is not a no to the draft: those that time rejected have nobody who decided.
        rejected = action.state == "rejected" and action.decided_by is not None
        if rejected and action.state_at > since and action.draft == plain_json(draft.draft):
            day = local_date(action.state_at, rules.zone)
            return f"{action.decided_by} rejected this same draft on {day} ({action.ref})"
    return ""
