"""One's own account: password, one-time codes, chats, and where one is signed in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from sqlalchemy import select

from growth_pipelines.approvals import accounts, one_time_codes
from growth_pipelines.approvals.chats import new_code
from growth_pipelines.approvals.operators import hash_of
from growth_pipelines.approvals.passwords import MAX_LENGTH, MIN_LENGTH
from growth_pipelines.approvals.sessions import NotFresh, SignedIn, log_out_others, proven_session, sessions_of
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import (
    Console,
    FreshPerson,
    Here,
    Person,
    browser_of,
    set_session,
)
from growth_pipelines.console.pages import Notice, done_notice, page
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import ChatLink, Operator

router = APIRouter(prefix="/account", include_in_schema=False)


@router.get("")
def account(request: Request, person: Person, console: Here, done: str = "") -> HTMLResponse:
    """What one can sign in with, and where one is signed in."""
    return account_page(request, person, console, done_notice("account", done))


@router.post("/password")
def password(
    request: Request,
    person: Person,
    console: Here,
    csrf: str = Form(""),
    password: str = Form(""),
    repeated: str = Form(""),
) -> Response:
    """Set the password, and end the other sessions."""
    now = console.now()
    if not person.is_fresh(now, console.settings.console.proof_lasts):
        # What was typed is not carried through the question: a password stands in no page.
        raise NotFresh(back="/account")
    try:
        if password != repeated:
            raise GrowthError("The two passwords differ.", "Type the new one twice.")
        renewed = accounts.set_password(
            console.store, console.settings, person, csrf, password, now, browser_of(request)
        )
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    response = RedirectResponse("/account?done=password", 303)
    set_session(request, response, renewed, now)
    return response


@router.post("/codes/begin")
def begin_codes(request: Request, person: FreshPerson, console: Here) -> HTMLResponse:
    """Show a new secret. It counts once a code of it was typed in."""
    offered = one_time_codes.offer(console.settings, one_time_codes.new_secret(), person.operator, console.now())
    return _codes_page(request, person, console, offered)


@router.post("/codes")
def set_codes(
    request: Request,
    person: FreshPerson,
    console: Here,
    csrf: str = Form(""),
    offered: str = Form("", max_length=500),
    code: str = Form(""),
) -> Response:
    """Ask for codes from now on."""
    try:
        accounts.set_codes(console.store, console.settings, person, csrf, offered, code, console.now())
    except accounts.WrongCode as problem:
        return _codes_page(request, person, console, offered, problem)
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    return RedirectResponse("/account?done=codes", 303)


@router.post("/codes/remove")
def remove_codes(person: FreshPerson, console: Here, csrf: str = Form("")) -> Response:
    """Ask for codes no more."""
    accounts.remove_codes(console.store, person, csrf, console.now())
    return RedirectResponse("/account?done=no_codes", 303)


@router.post("/chat-code")
def chat_code(request: Request, person: FreshPerson, console: Here, csrf: str = Form("")) -> HTMLResponse:
    """Show a code to send to the bot. It is shown now and never again."""
    now = console.now()
    with console.store.session() as session:
        proven_session(session, person.token, csrf, now)
        made = new_code(session, person.operator, now)
    return account_page(request, person, console, chat_code=made)


@router.post("/sessions/end")
def end_others(person: Person, console: Here, csrf: str = Form("")) -> Response:
    """Sign out everywhere else."""
    now = console.now()
    with console.store.session() as session:
        log_out_others(session, proven_session(session, person.token, csrf, now), now)
    return RedirectResponse("/account?done=sessions", 303)


def account_page(
    request: Request,
    person: SignedIn,
    console: Console,
    notice: Notice | None = None,
    status: int = 200,
    **more: Any,
) -> HTMLResponse:
    """The account as it is now."""
    now = console.now()
    with console.store.read() as session:
        operator = session.get_one(Operator, person.operator)
        chats = session.scalars(select(ChatLink).where(ChatLink.operator == person.operator)).all()
        sessions = sessions_of(session, person.operator, now)
    return page(
        request,
        "account.html",
        person,
        status,
        here="account",
        notice=notice,
        has_password=operator.password_hash is not None,
        has_codes=operator.totp_secret is not None,
        fresh=person.is_fresh(now, console.settings.console.proof_lasts),
        has_chats=console.settings.telegram.on,
        chats=chats,
        sessions=sessions,
        own=hash_of(person.token),
        lengths=(MIN_LENGTH, MAX_LENGTH),
        **{"chat_code": None, **more},
    )


def _codes_page(
    request: Request, person: SignedIn, console: Console, offered: str, problem: GrowthError | None = None
) -> HTMLResponse:
    import segno

    secret = one_time_codes.accepted_offer(console.settings, offered, person.operator, console.now())
    drawn = segno.make(one_time_codes.address_of(secret, person.operator), error="m")
    return page(
        request,
        "codes.html",
        person,
        422 if problem else 200,
        here="account",
        offered=offered,
        # Numbers and path letters of our own making; black on white in the dark too, for the camera.
        qr=Markup(drawn.svg_inline(scale=5, border=3, dark="#000", light="#fff")),  # noqa: S704
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        problem=problem,
    )


def _refused(request: Request, person: SignedIn, console: Console, problem: GrowthError) -> HTMLResponse:
    return account_page(request, person, console, Notice(problem.message, problem.hint, "bad"), status_of(problem))
