"""Under which terms an action waits for its answer: what the policies in force say, written on its request."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from growth_pipelines.policies.automatic import Facts, refusal
from growth_pipelines.policies.book import InForce, current
from growth_pipelines.policies.terms import Terms
from growth_pipelines.store.tables import Action, ApprovalRequest


def put_under(request: ApprovalRequest, action: Action, policies: InForce, now: datetime) -> bool:
    """Bring a request under these policies; whether that changed who decides. Its clock is left as it is."""
    terms = policies.book.terms(action.kind, action.subtype, action.risk_tier)
    before, request.terms = request.terms, terms.model_dump(mode="json")
    request.policy_version = policies.version
    request.priority = terms.priority or action.priority
    why = refusal(policies.book.automatic_for(action.kind), facts_of(action), terms, now)
    action.auto_approvable, action.auto_approvable_why = not why, why
    return before != request.terms


def start_clock(session: Session, request: ApprovalRequest, action: Action, now: datetime) -> None:
    """Set when someone is reminded and when the second contact is told: instants, counted from now."""
    terms, book = terms_of(request), current(session)
    within = book.answer_within(terms, action.priority)
    request.remind_at = min(now + within * terms.remind_share, action.expires_at)
    request.due_at = min(now + within, action.expires_at)
    request.reminded_at = request.escalated_at = None


def terms_of(request: ApprovalRequest) -> Terms:
    """Who decides about the request; one from before there were policies has the plainest terms."""
    return Terms.model_validate(request.terms or {})


def stands_alone(risk: str, terms: Terms) -> bool:
    """Whether approving it weighs most: it is of high risk, or its policy lets no chat approve it with one tap.

    Such an action is approved by itself and not in a list, and in the console with a recent proof of who it is.
    """
    return risk == "high" or terms.chat != "once"


def facts_of(action: Action) -> Facts:
    """What rules that let actions pass look at."""
    return Facts(
        action.kind,
        action.subtype,
        action.risk_tier,
        # Nothing passes by a confidence that outcomes do not bear out.
        action.confidence * min(1.0, action.factors.get("calibration", 1.0)),
        float(action.impact["revenue_28d"]),
        action.diff,
    )
