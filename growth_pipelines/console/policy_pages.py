"""The policies: who decides about what, what may pass without anyone, and changes, with a look first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import SUBTYPES
from growth_pipelines.approvals.absences import away_now
from growth_pipelines.approvals.automatic import preview, resume_automatic, save_book
from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.clock import local_minute
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Console, FreshAdmin, Here, Person, session_token
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.console.policy_views import automatic_rows, changes, terms_rows, version_rows
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.book import check, check_ends, in_force
from growth_pipelines.policies.terms import BadBook, Book, parse, text_of, with_automatic

router = APIRouter(include_in_schema=False)
CHANNEL = "console"
LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class Change:
    """A change as it was typed: the whole book as text, from the version ``seen``."""

    text: str
    seen: int
    note: str = ""


def _change(
    text: Annotated[str, Form(max_length=LONGEST_TEXT)],
    seen: Annotated[int, Form(ge=0, lt=2**31)],
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Change:
    return Change(text, seen, note)


Csrf = Annotated[str, Form(max_length=100)]


@router.get("/policies")
def policies(request: Request, person: Person, console: Here, saved: int = 0) -> HTMLResponse:
    """What is in force, and what was."""
    return _policies(request, person, console, saved=saved)


def _policies(
    request: Request,
    person: SignedIn,
    console: Console,
    *,
    saved: int = 0,
    notice: Notice | None = None,
    status: int = 200,
) -> HTMLResponse:
    now = console.now()
    with console.store.read() as session:
        present = in_force(session)
        rows = automatic_rows(session, present.book, now, console.settings.zone)
        history = version_rows(session)
        away = away_now(session, now)
    if saved and saved == present.version:
        notice = Notice(f"Version {saved} is in force.", "What waits for an answer came under it at once.")
    return page(
        request,
        "policies.html",
        person,
        status,
        here="policies",
        present=present,
        terms=terms_rows(present.book),
        automatic_rules=rows,
        history=history,
        away=away,
        is_admin=person.role == "admin",
        most_hours=24 * console.settings.actions.automatic_days,
        notice=notice,
    )


@router.get("/policies/edit")
def edit(request: Request, person: Person, console: Here) -> HTMLResponse:
    """The book as text, to be changed."""
    with console.store.read() as session:
        present = in_force(session)
    return _edit(request, person, Change(text_of(present.book), present.version))


def _edit(
    request: Request, person: SignedIn, change: Change, notice: Notice | None = None, status: int = 200
) -> HTMLResponse:
    is_admin = person.role == "admin"
    return page(
        request,
        "policies_edit.html",
        person,
        status,
        here="policies",
        change=change,
        notice=notice,
        is_admin=is_admin,
    )


@router.post("/policies/preview")
def look(
    request: Request, person: Person, console: Here, change: Annotated[Change, Depends(_change)], csrf: Csrf = ""
) -> HTMLResponse:
    """What a changed book says otherwise and would let pass; nothing is saved."""
    try:
        book = parse(change.text)
    except GrowthError as problem:
        return _edit(request, person, change, _told(problem), status_of(problem))
    return _look(request, person, console, change, book, csrf)


@router.post("/policies/automatic")
def switch(
    request: Request,
    person: Person,
    console: Here,
    kind: Annotated[str, Form(max_length=64)],
    on: Annotated[bool, Form()] = False,
    hours: Annotated[float | None, Form(gt=0, le=24 * 366)] = None,
    csrf: Csrf = "",
) -> Response:
    """Switch a rule off at once; on only after a look at what it would let pass."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            present = in_force(session)
            until = now + timedelta(hours=hours) if hours else None
            book = with_automatic(present.book, kind, enabled=on, until=until if on else None)
            if not on:
                note = f"auto-approval of {kind} off"
                _save(session, console, proven, book, Change("", present.version, note))
                return RedirectResponse(f"/policies?saved={present.version + 1}", 303)
    except GrowthError as problem:
        return _policies(request, person, console, notice=_told(problem), status=status_of(problem))
    shown = "without an end" if until is None else f"until {local_minute(until, console.settings.zone)}"
    change = Change(text_of(book), present.version, f"auto-approval of {kind} on, {shown}")
    return _look(request, person, console, change, book, csrf)


def _look(
    request: Request, person: SignedIn, console: Console, change: Change, book: Book, csrf: str
) -> HTMLResponse:
    now = console.now()
    try:
        with console.store.read() as session:
            proven_session(session, session_token(request), csrf, now)
            present = in_force(session)
            check(session, book, SUBTYPES)
            check_ends(session, book, now, console.settings.actions.automatic_longest)
            found = preview(session, book, now, console.settings.zone)
    except BadBook as problem:
        return _edit(request, person, change, _told(problem), status_of(problem))
    return page(
        request,
        "policies_preview.html",
        person,
        here="policies",
        change=change,
        changed=changes(present.book, book),
        found=found,
        outdated=change.seen != present.version,
        is_admin=person.role == "admin",
    )


@router.post("/policies/save")
def save(
    request: Request,
    person: FreshAdmin,
    console: Here,
    change: Annotated[Change, Depends(_change)],
    csrf: Csrf = "",
) -> Response:
    """Put a book in force."""
    now = console.now()
    try:
        book = parse(change.text)
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            version = _save(session, console, proven, book, change)
    except GrowthError as problem:
        return _edit(request, person, change, _told(problem), status_of(problem))
    return RedirectResponse(f"/policies?saved={version}", 303)


def _save(session: Session, console: Console, person: SignedIn, book: Book, change: Change) -> int:
    row = save_book(
        session,
        book,
        actor=person.operator,
        channel=CHANNEL,
        now=console.now(),
        seen=change.seen,
        note=change.note,
        longest=console.settings.actions.automatic_longest,
    )
    return row.version


@router.post("/policies/resume")
def resume(
    request: Request,
    person: FreshAdmin,
    console: Here,
    kind: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=2000)] = "",
    csrf: Csrf = "",
) -> Response:
    """Let a rule that was paused pass actions again."""
    now = console.now()
    try:
        with console.store.session() as session:
            proven = proven_session(session, session_token(request), csrf, now)
            resume_automatic(session, kind, actor=proven.operator, channel=CHANNEL, reason=reason, now=now)
    except GrowthError as problem:
        return _policies(request, person, console, notice=_told(problem), status=status_of(problem))
    return RedirectResponse("/policies", 303)


def _told(problem: GrowthError) -> Notice:
    return Notice(problem.message, problem.hint, "bad")
