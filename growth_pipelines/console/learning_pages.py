"""The page of what is learnt: win-rates, whether confidence holds, habits of editing, versions of the ranking."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.errors import GrowthError
from growth_pipelines.feedback.document import document_of, state_of, state_rests_on
from growth_pipelines.feedback.rankings import put_in_force
from growth_pipelines.feedback.switches import follow_habit

router = APIRouter(include_in_schema=False)


@router.get("/learning")
def learning(request: Request, person: Person, console: Here) -> HTMLResponse:
    """What decisions and outcomes have taught so far."""
    return _page(request, person, console, None)


@router.post("/learning/habits")
def habit(
    request: Request,
    person: Person,
    console: Here,
    habit: str = Form(""),
    followed: str = Form(""),
    csrf: str = Form(""),
) -> Response:
    """Follow a habit, or no longer."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            follow_habit(session, habit, followed == "yes", actor=proven.operator, channel="console", now=now)
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    return RedirectResponse("/learning", 303)


@router.post("/learning/ranking")
def ranking(
    request: Request, person: Person, console: Here, version: str = Form(""), csrf: str = Form("")
) -> Response:
    """Put a version of the ranking in force, which may be an earlier one."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            put_in_force(session, version, actor=proven.operator, channel="console", now=now)
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    return RedirectResponse("/learning", 303)


def _refused(request: Request, person: SignedIn, console: Console, problem: GrowthError) -> HTMLResponse:
    return _page(request, person, console, Notice(problem.message, problem.hint, "bad"), status_of(problem))


def _page(
    request: Request, person: SignedIn, console: Console, notice: Notice | None, status: int = 200
) -> HTMLResponse:
    now, kept = console.now(), request.app.state.learnt
    with console.store.read() as session:
        state = kept.of(state_rests_on(session, now), lambda: state_of(session, now))
        known = document_of(session, *state)
    return page(request, "learning.html", person, status, here="learning", notice=notice, known=known)
