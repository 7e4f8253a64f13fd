"""``/api/phase7/outcomes``: what executed actions brought, as the console and the terminal tell it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from growth_pipelines.actions.outcomes import outcome_document, outcomes_of, standing
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.returns import executed_returns
from growth_pipelines.console.callers import ReadsActions, ReadsMetrics
from growth_pipelines.console.documents import problems
from growth_pipelines.console.identity import Here
from growth_pipelines.console.outcome_documents import ActionOutcomesDocument, ReturnsDocument
from growth_pipelines.console.stamps import stamp
from growth_pipelines.outcomes import return_document, return_of, returns

router = APIRouter(prefix="/api/phase7/outcomes", tags=["phase7"])


@router.get("", operation_id="getReturns", response_model=ReturnsDocument, responses=problems(401, 403))
def by_month(request: Request, caller: ReadsMetrics, console: Here) -> dict[str, Any]:
    """What was promised and what was realised by recommender and month, and what is not known of it."""
    with console.store.read() as session:
        executed = executed_returns(session, console.settings.zone)
    return {
        **stamp(request, console.now()),
        "currency": console.settings.currency,
        "by_month": [*map(return_document, returns(executed))],
        "total": return_document(return_of(executed)),
    }


@router.get(
    "/{id_or_ref}",
    operation_id="getActionOutcomes",
    response_model=ActionOutcomesDocument,
    responses=problems(401, 404, 422),
)
def of_action(request: Request, caller: ReadsActions, console: Here, id_or_ref: str) -> dict[str, Any]:
    """What one action did to what it promised and to revenue after 7, 14 and 28 days, or why that is not known."""
    with console.store.read() as session:
        action = find(session, id_or_ref)
        outcomes = outcomes_of(session, action.id)
        judged_by = standing(outcomes)
        return {
            **stamp(request, console.now()),
            "action": action.id,
            "ref": action.ref,
            "state": action.state,
            "executed_at": action.executed_at,
            "judged_by": outcome_document(judged_by) if judged_by else None,
            "outcomes": [outcome_document(one) for one in outcomes],
        }
