"""Signing in and out, and proving once more who one is before a critical change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from growth_pipelines.approvals.accounts import log_in_by_password, prove_again
from growth_pipelines.approvals.lockout import LockedOut, LoginRefused
from growth_pipelines.approvals.operators import is_name
from growth_pipelines.approvals.passwords import TooBusy
from growth_pipelines.approvals.sessions import SignedIn, log_in, log_in_by_proxy, log_out
from growth_pipelines.console.identity import (
    FORM,
    Console,
    Here,
    Person,
    browser_of,
    clear_session,
    person_of,
    session_token,
    set_session,
)
from growth_pipelines.console.pages import page
from growth_pipelines.console.proxies import proxy_user
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Operator

router = APIRouter(include_in_schema=False)
# A form that is sent on after the proof is carried through it, up to this many characters.
CARRIED = 60_000


@router.get("/login")
def login(request: Request, token: str = "", next: str = "/", out: bool = False) -> Response:
    """Shows the ways to sign in. Fetching this page uses nothing up, so previews and scanners do no harm."""
    if not token and person_of(request) is not None:
        return RedirectResponse(safe_path(next), 303)
    return _login_page(request, next, token=token, signed_out=out)


@router.post("/login")
def sign_in(
    request: Request,
    console: Here,
    token: str = Form(""),
    name: str = Form(""),
    password: str = Form(""),
    code: str = Form(""),
    next: str = Form("/"),
) -> Response:
    """By a one-time link, a name and a password, or what a trusted proxy says."""
    now, browser, by_proxy = console.now(), browser_of(request), proxy_user(request)
    try:
        if token:
            person = log_in(console.store, console.settings, link_secret(token), now, browser)
        elif name or password:
            name = name.strip().lower()
            person = log_in_by_password(console.store, console.settings, name, password, code, now, browser)
        elif by_proxy and is_name(by_proxy):
            person = log_in_by_proxy(console.store, console.settings, by_proxy, now, browser)
        else:
            raise LoginRefused("Nothing was entered.", "Enter a name and a password, or a one-time link.")
    except (LoginRefused, TooBusy) as problem:
        return _wait(problem, _login_page(request, next, _status(problem), problem=problem, name=name))
    response = RedirectResponse(safe_path(next), 303)
    set_session(request, response, person, now)
    return response


@router.post("/logout")
def sign_out(request: Request, person: Person, console: Here) -> Response:
    log_out(console.store, session_token(request), console.now())
    response = RedirectResponse("/login?out=1", 303)
    clear_session(request, response)
    return response


@router.get("/again")
def again(request: Request, person: Person, next: str = "/") -> Response:
    """Asks for a proof of who it is, and leads back."""
    return again_page(request, person, next=next)


@router.post("/again")
def prove(
    request: Request,
    person: Person,
    console: Here,
    csrf: str = Form(""),
    token: str = Form(""),
    password: str = Form(""),
    code: str = Form(""),
    next: str = Form("/"),
    carried: str = Form("", max_length=CARRIED),
) -> Response:
    """Begins a new session for the same person. What they had sent is shown to be sent on, by one more click."""
    now, browser = console.now(), browser_of(request)
    try:
        proved: SignedIn
        if token:
            secret = link_secret(token)
            proved = log_in(console.store, console.settings, secret, now, browser, again=person)
        else:
            proved = prove_again(
                console.store,
                console.settings,
                person,
                csrf,
                password=password,
                code=code,
                now=now,
                browser=browser,
            )
    except (LoginRefused, TooBusy) as problem:
        status = _status(problem)
        asked = again_page(request, person, next=next, carried=carried, problem=problem, status=status)
        return _wait(problem, asked)
    if carried:
        kept = [(field, value) for field, value in parse_qsl(carried, True) if field != "csrf"]
        response: Response = page(request, "go_on.html", proved, target=safe_path(next), kept=kept)
    else:
        response = RedirectResponse(safe_path(next), 303)
    set_session(request, response, proved, now)
    return response


def again_page(
    request: Request,
    person: SignedIn,
    *,
    next: str = "/",
    carried: str = "",
    problem: GrowthError | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The page that asks who it is; ``carried`` is a form (URL-encoded) to send to ``next`` afterwards."""
    asked = {"next": safe_path(next), "carried": carried, **_asked_for(request, person)}
    return page(request, "again.html", person, status, problem=problem, **asked)


def again_part(request: Request, person: SignedIn, sent: Mapping[str, str]) -> HTMLResponse:
    """The same question in a part of a page, in the place of the form whose fields were ``sent``."""
    asked = {"next": request.url.path, "carried": urlencode(sent), **_asked_for(request, person)}
    return page(request, "again_part.html", person, 403, **asked)


def _asked_for(request: Request, person: SignedIn) -> dict[str, Any]:
    """What the person can prove themselves by, and how old a proof may be."""
    console: Console = request.app.state.console
    with console.store.read() as session:
        operator = session.get_one(Operator, person.operator)
        has = {"password": operator.password_hash is not None, "codes": operator.totp_secret is not None}
    return {"has": has, "minutes": console.settings.console.proof_minutes}


async def ask_again(request: Request, person: SignedIn, back: str) -> Response:
    """What a page that needs a fresh proof answers: the question, and afterwards the page or its form again."""
    path = back or request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if "hx-request" in request.headers:
        # A part of a page was asked for: the whole page goes to the question, and comes back to where it was.
        shown = urlsplit(request.headers.get("hx-current-url", ""))
        path = shown.path + (f"?{shown.query}" if shown.query else "")
        return Response(status_code=403, headers={"hx-redirect": f"/again?{urlencode({'next': path})}"})
    if request.method in ("GET", "HEAD") or back:
        return RedirectResponse(f"/again?{urlencode({'next': path})}", 303)
    carried = ""
    if request.headers.get("content-type", "").startswith(FORM):
        form = await request.form()
        carried = urlencode([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
    return again_page(request, person, next=path, carried=carried, status=403)


def _login_page(
    request: Request,
    next: str,
    status: int = 200,
    *,
    token: str = "",
    signed_out: bool = False,
    problem: GrowthError | None = None,
    name: str = "",
) -> HTMLResponse:
    proxied = proxy_user(request)
    return page(
        request,
        "login.html",
        None,
        status,
        token=token,
        next=safe_path(next),
        signed_out=signed_out,
        problem=problem,
        user=name,
        proxied=proxied,
        # After a refusal and after signing out nobody is taken in again by themselves.
        at_once=bool(proxied) and not (token or signed_out or problem),
    )


def _status(problem: GrowthError) -> int:
    if isinstance(problem, TooBusy):
        return 503
    return 429 if isinstance(problem, LockedOut) else 403


def _wait(problem: GrowthError, response: HTMLResponse) -> HTMLResponse:
    """The answer, with the time to wait where the problem has one."""
    if isinstance(problem, (LockedOut, TooBusy)):
        response.headers["retry-after"] = str(problem.seconds)
    return response


def link_secret(text: str) -> str:
    """The token of a one-time link, of which the whole may be pasted."""
    return text.strip().rsplit("token=", 1)[-1].split("&")[0]


def safe_path(path: str) -> str:
    """A path on this console, or its start page: never an address elsewhere."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and not path.startswith(("/login", "/again")) else "/"
