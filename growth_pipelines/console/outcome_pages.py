"""The page of outcomes: what executed actions brought, by recommender and month, and what is not known."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from growth_pipelines.actions.returns import executed_returns
from growth_pipelines.console.identity import Here, Person
from growth_pipelines.console.pages import page
from growth_pipelines.outcomes import not_known, return_of, returns

router = APIRouter(include_in_schema=False)


@router.get("/outcomes")
def outcomes(request: Request, person: Person, console: Here) -> HTMLResponse:
    """The return on what was done."""
    with console.store.read() as session:
        executed = executed_returns(session, console.settings.zone)
    whole = return_of(executed)
    return page(
        request,
        "outcomes.html",
        person,
        here="outcomes",
        rows=returns(executed),
        whole=whole,
        unknown=not_known(whole),
    )
