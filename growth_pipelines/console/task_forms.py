"""Saying on an action's page that its work by hand was done."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from growth_pipelines.actions.queue import find
from growth_pipelines.actions.tasks import mark_done
from growth_pipelines.approvals.sessions import proven_session
from growth_pipelines.console.action_page import action_page
from growth_pipelines.console.failures import BadRequest, status_of
from growth_pipelines.console.identity import Here, Person, session_token
from growth_pipelines.console.pages import Notice
from growth_pipelines.errors import GrowthError

router = APIRouter(include_in_schema=False)


@router.post("/actions/{id_or_ref}/done")
def done(
    request: Request, person: Person, console: Here, id_or_ref: str, on: str = Form(""), csrf: str = Form("")
) -> Response:
    """The work was done on a day of the shop."""
    now, zone = console.now(), console.settings.zone
    with console.store.read() as session:
        ref = find(session, id_or_ref).ref
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            who = {"actor": proven.operator, "channel": "console"}
            mark_done(session, find(session, ref), _day(on), now=now, zone=zone, **who)
    except GrowthError as problem:
        notice = Notice(problem.message, problem.hint, "bad")
        return action_page(request, person, ref, notice=notice, status=status_of(problem))
    return RedirectResponse(f"/actions/{ref}?done=task_done", 303)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{text[:20]!r} is not a day.", "Choose one from the calendar.") from error
