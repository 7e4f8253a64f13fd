"""Who is asking: the session cookie, and the dependencies that routes use to require a person.

``Person`` is signed in; ``FreshPerson`` has proved of late who they are (``console.proof_minutes``; else a page
asks for that and comes back), which the changes that weigh most need; ``Admin`` is an admin, ``FreshAdmin`` one
who has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from growth_pipelines.approvals.sessions import (
    Browser,
    MayNotAdminister,
    NotFresh,
    SignedIn,
    SignedInAdmin,
    csrf_fits,
    signed_in,
)
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.console.browsers import browser_name
from growth_pipelines.console.last_seen import LastSeen
from growth_pipelines.console.proxies import proxy_user
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Console:
    """What routes work with, held by the application."""

    settings: Settings
    store: Store
    last_seen: LastSeen

    def now(self) -> datetime:
        return self.settings.clock.now()


class NotSignedIn(GrowthError):
    """The request carries no live session."""


def console_of(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


def cookie_name(request: Request) -> str:
    """Over TLS the cookie is bound to this very host; browsers refuse that prefix over plain HTTP."""
    return "__Host-growth" if request.url.scheme == "https" else "growth_session"


def session_token(request: Request) -> str:
    return request.cookies.get(cookie_name(request), "")


def set_session(request: Request, response: Response, person: SignedIn, now: datetime) -> None:
    response.set_cookie(
        cookie_name(request),
        person.token,
        max_age=max(0, int((person.expires_at - now).total_seconds())),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def clear_session(request: Request, response: Response) -> None:
    response.delete_cookie(
        cookie_name(request), httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
    )


def person_of(request: Request) -> SignedIn | None:
    """Who is signed in, or None. Asked of the store each time, so a removed operator is out at once."""
    console = console_of(request)
    now = console.now()
    idle = timedelta(minutes=console.settings.console.session_idle_minutes)
    person = signed_in(console.store, session_token(request), now, idle)
    if person is None or (person.behind_proxy and proxy_user(request) != person.operator):
        # A proxy's session holds behind that proxy only, and as long as it names the same person; a proof of one's
        # own makes it fresh, not longer.
        return None
    console.last_seen.note(person, now)
    return person


def require_person(request: Request) -> SignedIn:
    """Who is signed in. Raises NotSignedIn."""
    person = person_of(request)
    if person is None:
        raise NotSignedIn(
            "Nobody is signed in.", "Sign in with a one-time link from `growth operators link NAME`."
        )
    return person


Person = Annotated[SignedIn, Depends(require_person)]
Here = Annotated[Console, Depends(console_of)]


def require_fresh(person: Person, console: Here) -> SignedIn:
    """Who is signed in and proved of late that it is they. Raises NotSignedIn or NotFresh."""
    if not person.is_fresh(console.now(), console.settings.console.proof_lasts):
        raise NotFresh
    return person


FreshPerson = Annotated[SignedIn, Depends(require_fresh)]


def require_admin(person: Person) -> SignedIn:
    """An admin who is signed in. Raises NotSignedIn or MayNotAdminister."""
    if person.role != "admin":
        raise MayNotAdminister(f"{person.operator} is no admin.", "Ask an admin.")
    return person


def require_fresh_admin(person: Annotated[SignedIn, Depends(require_admin)], console: Here) -> SignedIn:
    """An admin who proved of late who they are."""
    return require_fresh(person, console)


Admin = Annotated[SignedIn, Depends(require_admin)]
FreshAdmin = Annotated[SignedIn, Depends(require_fresh_admin)]


def admin_authority(person: SignedIn, csrf: str, now: datetime) -> SignedInAdmin:
    """The admin as the one on whose behalf operators are changed."""
    return SignedInAdmin(person.token, csrf, now, person.operator)


def browser_of(request: Request) -> Browser:
    """Where a log-in comes from."""
    client = request.client.host if request.client else "unknown"
    return Browser(client, browser_name(request.headers.get("user-agent", "")), session_token(request))


# Signing in has no session yet. A decision looks at the token itself: its answer keeps what was typed.
_EXEMPT = re.compile("/login|/api/approvals/[^/]+/decision")


def _by_token(request: Request) -> bool:
    """Whether the API goes by a token here and not by the cookie. Pages know no tokens."""
    scheme = request.headers.get("authorization", "").partition(" ")[0]
    return scheme.lower() == "bearer" and request.url.path.startswith("/api/")


async def require_csrf(request: Request) -> None:
    """Refuse a change that a session's cookie came with, but not its CSRF token. A dependency of every route.

    The token is looked for in X-CSRF-Token and in forms. Who brings a token of the API instead of a cookie needs
    none: no other site can make a browser send it.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or _EXEMPT.fullmatch(request.url.path):
        return
    if not session_token(request):
        return
    console = console_of(request)
    person = await run_in_threadpool(signed_in, console.store, session_token(request), console.now())
    if person is None or _by_token(request):
        return
    sent = request.headers.get("x-csrf-token", "")
    if not sent and request.headers.get("content-type", "").startswith(FORM):
        sent = str((await request.form()).get("csrf", ""))
    if not csrf_fits(person, sent):
        raise ProofRefused("csrf", "This form is from another session.", "Reload the page and try again.")
