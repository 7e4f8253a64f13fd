"""The pages of experiments: which there are and what they read; one in full, with what may be done about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.proposals import propose_promotion
from growth_pipelines.actions.experiments.registry import (
    experiments,
    find_experiment,
    history,
    must_decide,
    operator_move,
)
from growth_pipelines.actions.experiments.states import Move
from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.console import experiment_views as views
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.observed import observe
from growth_pipelines.console.pages import Notice, done_notice, page
from growth_pipelines.console.plots.events import noted_since
from growth_pipelines.console.plots.shown import drawn_of
from growth_pipelines.errors import GrowthError
from growth_pipelines.readouts.attention import looks_needed
from growth_pipelines.readouts.drawing import ask_for_start
from growth_pipelines.readouts.keeping import decide_on_kept
from growth_pipelines.store.readings import kept_readings, newest_readings
from growth_pipelines.store.tables import Experiment

router = APIRouter(include_in_schema=False)
CHANNEL = "console"
# Looks that are drawn: a plot is 330 px wide.
_LOOKS = 60


@router.get("/experiments")
def all_experiments(request: Request, person: Person, console: Here) -> HTMLResponse:
    """Every experiment, the newest first, with what it reads."""
    now = console.now()
    with console.store.read() as session:
        rows = experiments(session)
        kept = newest_readings(session, [row.id for row in rows])
    shown = [views.list_row(row, kept.get(row.id), now) for row in rows]
    return page(
        request,
        "experiments.html",
        person,
        here="experiments",
        rows=shown,
        looked_at=max((one.read_at for one in shown if one.read_at), default=None),
    )


@router.get("/experiments/{key}")
def one_experiment(request: Request, person: Person, console: Here, key: str, done: str = "") -> HTMLResponse:
    """One experiment: the plan, what it reads and has read, and its history."""
    return _experiment(request, person, console, key, done_notice("experiments", done))


@router.post("/experiments/{key}/move")
def moved(
    request: Request,
    person: Person,
    console: Here,
    key: str,
    step: str = Form(""),
    reason: str = Form(""),
    csrf: str = Form(""),
) -> Response:
    """Pause it, let it go on or stop it, at once."""

    def act(session: Session, actor: str, now: datetime) -> None:
        # What is no step of an operator's is refused there.
        operator_move(session, key, cast(Move, step), actor=actor, channel=CHANNEL, now=now, reason=reason)

    return _changed(request, person, console, key, csrf, act, step)


@router.post("/experiments/{key}/decide")
def decided(
    request: Request,
    person: Person,
    console: Here,
    key: str,
    data_digest: str = Form(""),
    csrf: str = Form(""),
) -> Response:
    """Freeze the reading that the page showed."""

    def act(session: Session, actor: str, now: datetime) -> None:
        decide_on_kept(session, key, data_digest, actor=actor, channel=CHANNEL, now=now)

    return _changed(request, person, console, key, csrf, act, "decided")


@router.post("/experiments/{key}/start")
def start_asked(request: Request, person: Person, console: Here, key: str, csrf: str = Form("")) -> Response:
    """Ask whether it may start: an action that waits for an approval."""
    return _asked(
        request,
        person,
        console,
        key,
        csrf,
        lambda row, now: ask_for_start(console.store, console.settings, row, now),
    )


@router.post("/experiments/{key}/promote")
def promotion_asked(
    request: Request, person: Person, console: Here, key: str, arm: str = Form(""), csrf: str = Form("")
) -> Response:
    """Ask whether everybody may get an arm."""
    return _asked(
        request,
        person,
        console,
        key,
        csrf,
        lambda row, now: propose_promotion(console.store, console.settings, row, arm, now),
    )


def _asked(
    request: Request,
    person: SignedIn,
    console: Console,
    key: str,
    csrf: str,
    propose: Callable[[Experiment, datetime], str],
) -> Response:
    """Put a question. It is asked once, however often the form is sent: an open one is met, not doubled."""
    now = console.now()
    try:
        with console.store.read() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            must_decide(session, proven.operator)
            row = find_experiment(session, key)
            session.expunge_all()
        propose(row, now)
    except GrowthError as problem:
        return _refused(request, person, console, key, problem)
    return RedirectResponse(_address(key, "asked"), 303)


def _changed(
    request: Request,
    person: SignedIn,
    console: Console,
    key: str,
    csrf: str,
    act: Callable[[Session, str, datetime], None],
    done: str,
) -> Response:
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            act(session, proven.operator, now)
    except GrowthError as problem:
        return _refused(request, person, console, key, problem)
    return RedirectResponse(_address(key, done), 303)


def _address(key: str, done: str) -> str:
    return f"/experiments/{key}?{urlencode({'done': done})}"


def _refused(request: Request, person: SignedIn, console: Console, key: str, problem: GrowthError) -> HTMLResponse:
    notice = Notice(problem.message, problem.hint, "bad")
    return _experiment(request, person, console, key, notice, status_of(problem))


def _experiment(
    request: Request, person: SignedIn, console: Console, key: str, notice: Notice | None, status: int = 200
) -> HTMLResponse:
    now = console.now()
    observed = observe(console.settings, now)
    zone = ZoneInfo(observed.shop.timezone or "UTC")
    with console.store.read() as session:
        row = find_experiment(session, key)
        kept = kept_readings(session, row.id, _LOOKS)
        told = history(session, row)
        asked = views.asked_for(session, row)
        noted = noted_since(session, now, zone)
    newest = kept[-1] if kept else None
    reading = row.decision if row.status == "decided" else newest.reading if newest else None
    looks = looks_needed(row, newest.reading if newest else None, newest.at if newest else None, now)
    return page(
        request,
        "experiment.html",
        person,
        status,
        here="experiments",
        observed=observed,
        notice=notice,
        row=row,
        looks=looks,
        reading=reading,
        read_at=newest.at if newest else None,
        sizes=views.sizes(row, reading) if reading and "units" in reading else [],
        arms=views.arms(row, reading) if reading and "arms" in reading else [],
        declared=views.declared(row),
        figures=drawn_of(views.effect_plots(row, kept, told, noted, zone) if kept else []),
        history=told,
        asked=asked,
        start_waits=views.is_waiting(asked, "start"),
        promotion_waits=views.is_waiting(asked, "promotion"),
        shows_visitors=console.settings.experiments.visitors,
    )
