"""The pages of what is watched: open incidents first, how the metrics are and are forecast to be, known events."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select

from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.clock import local_date
from growth_pipelines.console import monitoring_views as views
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.observed import observe
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.console.plots.events import events_since
from growth_pipelines.console.plots.shown import drawn_of
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.incidents import NoSuchIncident, history_of, is_quiet, open_incidents, silence_incident
from growth_pipelines.store.known_events import BadEvent, add_event, known_events, remove_event
from growth_pipelines.store.looks import newest_looks
from growth_pipelines.store.tables import EVENT_KINDS, Incident

router = APIRouter(include_in_schema=False)
_CLOSED, _EVENT_DAYS = 10, 180
_DONE = {
    "noted": "The event is noted. The next look takes it into account.",
    "removed": "The event is removed.",
    "silenced": "The incident is silenced.",
    "unsilenced": "The incident is no longer silenced.",
}


@router.get("/monitoring")
def monitoring(request: Request, person: Person, console: Here, done: str = "") -> HTMLResponse:
    """What is worse, what is watched, and what is expected."""
    return _overview(request, person, console, Notice(_DONE[done]) if done in _DONE else None)


@router.get("/monitoring/{number}")
def incident(request: Request, person: Person, console: Here, number: int, done: str = "") -> HTMLResponse:
    """One incident, with what speaks for it and what would speak against it."""
    return _incident(request, person, console, number, Notice(_DONE[done]) if done in _DONE else None)


@router.post("/monitoring/{number}/silence")
def silence(
    request: Request,
    person: Person,
    console: Here,
    number: int,
    days: str = Form(""),
    reason: str = Form(""),
    csrf: str = Form(""),
) -> Response:
    """Let it be for so many whole days; no days take a silence back."""
    now = console.now()
    try:
        until = _end_of(now, console.settings.zone, days) if days else None
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            silence_incident(
                session, number, until=until, reason=reason, actor=proven.operator, channel="console", now=now
            )
    except GrowthError as problem:
        notice = Notice(problem.message, problem.hint, "bad")
        return _incident(request, person, console, number, notice, status_of(problem))
    done = urlencode({"done": "silenced" if until else "unsilenced"})
    return RedirectResponse(f"/monitoring/{number}?{done}", 303)


@router.post("/monitoring/events")
def note_event(
    request: Request,
    person: Person,
    console: Here,
    kind: str = Form(""),
    title: str = Form(""),
    starts_on: str = Form(""),
    ends_on: str = Form(""),
    csrf: str = Form(""),
) -> Response:
    """Note a known event."""
    now = console.now()
    try:
        first, last = _day(starts_on), _day(ends_on) if ends_on else None
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            add_event(
                session,
                kind=kind,
                title=title,
                starts_on=first,
                ends_on=last,
                actor=proven.operator,
                channel="console",
                now=now,
            )
    except GrowthError as problem:
        notice = Notice(problem.message, problem.hint, "bad")
        return _overview(request, person, console, notice, status_of(problem))
    return RedirectResponse("/monitoring?done=noted", 303)


@router.post("/monitoring/events/remove")
def drop_event(
    request: Request, person: Person, console: Here, number: str = Form(""), csrf: str = Form("")
) -> Response:
    """Take a known event back."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            wanted = int(number) if number.isdecimal() and len(number) < 10 else 0
            remove_event(session, wanted, actor=proven.operator, channel="console", now=now)
    except GrowthError as problem:
        notice = Notice(problem.message, problem.hint, "bad")
        return _overview(request, person, console, notice, status_of(problem))
    return RedirectResponse("/monitoring?done=removed", 303)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadEvent("An event needs a day, as in 2026-11-12.", "Choose the day it began.") from error


def _end_of(now: datetime, zone: str, days: str) -> datetime:
    """The midnight in the shop's zone that ends the silence."""
    if not days.isdecimal() or not 1 <= int(days[:4]) <= 90:
        raise GrowthError("An incident is silenced for 1 to 90 days.", "Choose a number of days.")
    last = local_date(now, zone) + timedelta(days=int(days))
    return datetime.combine(last, time(), ZoneInfo(zone)).astimezone(UTC)


def _overview(
    request: Request, person: SignedIn, console: Console, notice: Notice | None, status: int = 200
) -> HTMLResponse:
    now, zone = console.now(), ZoneInfo(console.settings.zone or "UTC")
    observed = observe(console.settings, now)
    with console.store.read() as session:
        looks = newest_looks(session)
        rows = open_incidents(session)
        closed = select(Incident).where(Incident.state == "closed").order_by(Incident.closed_at.desc())
        lately = session.scalars(closed.limit(_CLOSED)).all()
        noted = known_events(session, local_date(now, zone.key) - timedelta(days=_EVENT_DAYS))
        events = events_since(session, now, zone)
    known = [(label, looks[name]) for name, label in views.FAMILIES.items() if name in looks]
    currency = observed.shop.currency
    return page(
        request,
        "monitoring.html",
        person,
        status,
        here="monitoring",
        observed=observed,
        notice=notice,
        loud=[row for row in rows if not is_quiet(row, now)],
        quiet=[row for row in rows if is_quiet(row, now)],
        closed=lately,
        families=[(label, views.watched_rows(look, currency)) for label, look in known],
        looked_at=max((look.at for look in looks.values()), default=None),
        figures=drawn_of(views.overview_plots(looks, events, currency)),
        noted=noted,
        kinds=EVENT_KINDS,
    )


def _incident(
    request: Request, person: SignedIn, console: Console, number: int, notice: Notice | None, status: int = 200
) -> HTMLResponse:
    now, zone = console.now(), ZoneInfo(console.settings.zone or "UTC")
    observed = observe(console.settings, now)
    with console.store.read() as session:
        row = session.get(Incident, number) if number < 2**31 else None
        if row is None:
            raise NoSuchIncident(f"There is no incident {number}.", "The page Monitoring lists them.")
        events = events_since(session, now, zone, row.subject if row.level == "page" else "")
    return page(
        request,
        "incident.html",
        person,
        status,
        here="monitoring",
        observed=observed,
        notice=notice,
        incident=views.incident_view(row, now, observed.shop.currency),
        history=[_moments(one) for one in history_of(row)],
        suspects=[{**one, "day": date.fromisoformat(one["day"])} for one in row.suspects],
        figures=drawn_of(views.incident_plots(row, events, observed.shop.currency)),
    )


def _moments(happened: dict[str, Any]) -> dict[str, Any]:
    """An entry of the history with moments for its texts."""
    return {
        **happened,
        **{name: datetime.fromisoformat(happened[name]) for name in ("at", "until") if name in happened},
    }
