"""The page of outcomes: what executed actions brought, by recommender and month, and what is not known."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from growth_pipelines.actions.outcomes import longest_outcomes
from growth_pipelines.actions.returns import executed_returns, returns_rest_on
from growth_pipelines.console.identity import Here, Person
from growth_pipelines.console.kept import Kept
from growth_pipelines.console.pages import page
from growth_pipelines.outcomes import Return, not_known, return_of, returns

router = APIRouter(include_in_schema=False)
# Single actions that are listed: the newest ones of so many days.
LISTED, _LISTED_FOR = 12, timedelta(days=120)


@router.get("/outcomes")
def outcomes(request: Request, person: Person, console: Here) -> HTMLResponse:
    """The return on what was done."""
    kept: Kept[tuple[list[Return], Return]] = request.app.state.returns
    with console.store.read() as session:
        rows, whole = kept.of(returns_rest_on(session), lambda: _summed(session, console.settings.zone))
        single = longest_outcomes(session, console.now() - _LISTED_FOR, LISTED)
    return page(
        request,
        "outcomes.html",
        person,
        here="outcomes",
        rows=rows,
        whole=whole,
        unknown=not_known(whole),
        single=single,
        listed=LISTED,
    )


def _summed(session: Session, zone: str) -> tuple[list[Return], Return]:
    """By recommender and month, and all together."""
    executed = executed_returns(session, zone)
    return returns(executed), return_of(executed)
