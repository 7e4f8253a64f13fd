"""The page of drafted texts: how good they are, what is decided about each template, and the way to resume one."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from growth_pipelines.actions.template_pauses import resume_template, template_switches
from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.content.monitors import LEAST_DECISIONS, NEWEST_DECISIONS, REJECTED_OVER
from growth_pipelines.drafts.text_monitors import quality_of_texts, template_rows
from growth_pipelines.errors import GrowthError
from growth_pipelines.recommenders.registry import RECOMMENDERS

router = APIRouter(include_in_schema=False)


@router.get("/texts")
def texts(request: Request, person: Person, console: Here, resumed: str = "") -> HTMLResponse:
    """What is drafted, and what becomes of it."""
    with console.store.read() as session:
        switch = template_switches(session).get(resumed)
    notice = Notice(f"{resumed} writes again, from the next run on.") if switch and not switch.paused else None
    return _page(request, person, console, notice)


@router.post("/texts/resume")
def resume(
    request: Request,
    person: Person,
    console: Here,
    template: str = Form(""),
    reason: str = Form(""),
    csrf: str = Form(""),
) -> Response:
    """Let a template write again."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            resume_template(session, template, actor=proven.operator, channel="console", reason=reason, now=now)
    except GrowthError as problem:
        notice = Notice(problem.message, problem.hint, "bad")
        return _page(request, person, console, notice, status_of(problem))
    return RedirectResponse(f"/texts?{urlencode({'resumed': template})}", 303)


def _page(
    request: Request, person: SignedIn, console: Console, notice: Notice | None, status: int = 200
) -> HTMLResponse:
    now = console.now()
    with console.store.read() as session:
        written = [
            (one.kind, quality_of_texts(session, one.name, now))
            for one in RECOMMENDERS.values()
            if one.writes_texts
        ]
        templates = template_rows(session, now)
    return page(
        request,
        "texts.html",
        person,
        status,
        here="texts",
        notice=notice,
        written=written,
        templates=templates,
        newest=NEWEST_DECISIONS,
        least=LEAST_DECISIONS,
        limit=REJECTED_OVER,
    )
