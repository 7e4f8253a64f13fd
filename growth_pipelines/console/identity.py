"""Who is asking: the session cookie, and the dependencies that routes use to require a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from growth_pipelines.approvals.sessions import SignedIn, signed_in
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store


@dataclass(frozen=True)
class Console:
    """What routes work with, held by the application."""

    settings: Settings
    store: Store

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
    return signed_in(console.store, session_token(request), console.now())


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
