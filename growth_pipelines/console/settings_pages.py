"""The settings in force, what runs, how fresh the data are, and who is away."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.approvals.absences import absences, add_absence, end_absence
from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.clock import local_date, start_of_day
from growth_pipelines.console.failures import BadRequest, status_of
from growth_pipelines.console.identity import Console, FreshPerson, Here, Person, session_token
from growth_pipelines.console.observed import observe
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.console.programs import program_states
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.book import people
from growth_pipelines.settings import described

router = APIRouter(include_in_schema=False)
CHANNEL = "console"


@router.get("/settings")
def settings(request: Request, person: Person, console: Here) -> HTMLResponse:
    """What ``growth settings`` prints, secrets masked, with what runs and who is away."""
    return _settings(request, person, console)


def _settings(
    request: Request, person: SignedIn, console: Console, notice: Notice | None = None, status: int = 200
) -> HTMLResponse:
    now = console.now()
    rows = described(console.settings)
    observed = observe(console.settings, now)
    with console.store.read() as session:
        away = absences(session, now)
        everyone = people(session)
    deciding = sorted(name for name, role in everyone.items() if role in MAY_DECIDE)
    others = [name for name in deciding if name != person.operator]
    is_admin = person.role == "admin"
    today = local_date(now, console.settings.zone)
    return page(
        request,
        "settings.html",
        person,
        status,
        here="settings",
        observed=observed,
        chosen=[row for row in rows if row["source"] != "default"],
        defaults=[row for row in rows if row["source"] == "default"],
        programs=program_states(console.settings),
        sources=observed.sources,
        problem=observed.problem,
        away=away,
        absentees=deciding if is_admin else [person.operator],
        # Nobody stands in for themselves: an admin may for others, so the others come first there.
        stand_ins=[*others, *([person.operator] if is_admin and others else [])],
        is_admin=is_admin,
        day={"min": today.isoformat(), "value": (today + timedelta(days=7)).isoformat()},
        notice=notice,
    )


@router.post("/absences")
def add(
    request: Request,
    person: FreshPerson,
    console: Here,
    operator: Annotated[str, Form(max_length=64)],
    delegate: Annotated[str, Form(max_length=64)],
    first: Annotated[str, Form(max_length=10)],
    last: Annotated[str, Form(max_length=10)],
    csrf: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Note that someone is away, from the first day to the last in the shop's zone."""
    now, zone = console.now(), console.settings.zone
    try:
        begins, ends = start_of_day(_day(first), zone), start_of_day(_day(last) + timedelta(days=1), zone)
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            add_absence(
                session,
                operator=operator,
                delegate=delegate,
                begins_at=begins,
                ends_at=ends,
                actor=proven.operator,
                channel=CHANNEL,
                now=now,
                zone=zone,
            )
    except GrowthError as problem:
        return _settings(request, person, console, _told(problem), status_of(problem))
    return RedirectResponse("/settings#away", 303)


@router.post("/absences/end")
def end(
    request: Request,
    person: Person,
    console: Here,
    identity: Annotated[str, Form(alias="id", max_length=36)],
    csrf: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Take an absence back."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            end_absence(session, identity, actor=proven.operator, channel=CHANNEL, now=now)
    except GrowthError as problem:
        return _settings(request, person, console, _told(problem), status_of(problem))
    return RedirectResponse("/settings#away", 303)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not a day.", "Choose one from the calendar.") from error
    # The day after it, and any zone's midnight, must be days too.
    if not 2000 <= found.year <= 2100:
        raise BadRequest(f"{text} is too far away.", "Choose a day near to now.")
    return found


def _told(problem: GrowthError) -> Notice:
    return Notice(problem.message, problem.hint, "bad")
