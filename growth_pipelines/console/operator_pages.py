"""Who may look and decide: for admins, who add, remove and let in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select

from growth_pipelines.approvals.operators import (
    NewLink,
    add_operator,
    change_role,
    list_operators,
    new_link,
    remove_operator,
    reset_operator,
)
from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Admin, Console, FreshAdmin, Here, admin_authority
from growth_pipelines.console.pages import Notice, done_notice, page
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import ROLES, ChatLink

router = APIRouter(prefix="/operators", include_in_schema=False)


@router.get("")
def operators(request: Request, person: Admin, console: Here, done: str = "") -> HTMLResponse:
    """Everybody, with their roles and when they were last here."""
    return _page(request, person, console, done_notice("operators", done))


@router.post("")
def add(
    request: Request,
    person: FreshAdmin,
    console: Here,
    csrf: str = Form(""),
    name: str = Form(""),
    role: str = Form("operator"),
) -> HTMLResponse:
    """Add one, and show their link once."""
    now, name = console.now(), name.strip().lower()
    by = admin_authority(person, csrf, now)
    try:
        new = add_operator(console.store, console.settings, name, role, now, by)
    except GrowthError as problem:
        return _refused(request, person, console, problem, typed={"name": name, "role": role})
    return _page(request, person, console, shown=_shown(request, name, new.link_token))


@router.post("/{name}/role")
def role(
    request: Request, person: FreshAdmin, console: Here, name: str, csrf: str = Form(""), role: str = Form("")
) -> Response:
    """Give another role, from their next request on."""
    now = console.now()
    try:
        change_role(console.store, console.settings, name, role, now, admin_authority(person, csrf, now))
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    return RedirectResponse("/operators?done=role", 303)


@router.post("/{name}/link")
def link(request: Request, person: FreshAdmin, console: Here, name: str, csrf: str = Form("")) -> HTMLResponse:
    """Make a one-time link and show it once."""
    return _with_link(request, person, console, name, csrf, new_link)


@router.post("/{name}/reset")
def reset(request: Request, person: FreshAdmin, console: Here, name: str, csrf: str = Form("")) -> HTMLResponse:
    """End their sessions, forget password and codes, and show a new link once."""
    return _with_link(request, person, console, name, csrf, reset_operator)


def _with_link(
    request: Request, person: SignedIn, console: Console, name: str, csrf: str, make: Callable[..., NewLink]
) -> HTMLResponse:
    """The page with the link that ``make`` makes for the operator, which is shown this once."""
    now = console.now()
    try:
        made = make(console.store, console.settings, name, now, admin_authority(person, csrf, now))
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    return _page(request, person, console, shown=_shown(request, name, made.link_token))


@router.post("/{name}/remove")
def remove(
    request: Request, person: FreshAdmin, console: Here, name: str, csrf: str = Form(""), sure: str = Form("")
) -> Response:
    """End all that they can prove themselves by."""
    now = console.now()
    try:
        if sure != name:
            raise GrowthError(f"{name} is not removed.", "Tick that you are sure.")
        remove_operator(console.store, console.settings, name, now, admin_authority(person, csrf, now))
    except GrowthError as problem:
        return _refused(request, person, console, problem)
    return RedirectResponse("/operators?done=removed", 303)


def _shown(request: Request, name: str, token: str) -> dict[str, str]:
    return {"name": name, "url": f"{request.base_url}login?token={token}"}


def _refused(
    request: Request, person: SignedIn, console: Console, problem: GrowthError, **more: Any
) -> HTMLResponse:
    notice = Notice(problem.message, problem.hint, "bad")
    return _page(request, person, console, notice, status_of(problem), **more)


def _page(
    request: Request,
    person: SignedIn,
    console: Console,
    notice: Notice | None = None,
    status: int = 200,
    *,
    shown: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    everybody = list_operators(console.store)
    with console.store.read() as session:
        chats = Counter(session.scalars(select(ChatLink.operator)))
    return page(
        request,
        "operators.html",
        person,
        status,
        here="operators",
        notice=notice,
        people=[one for one in everybody if one.active],
        removed=[one for one in everybody if not one.active],
        deciders=sum(one.active and one.role != "viewer" for one in everybody),
        chats=chats,
        roles=ROLES,
        shown=shown,
        typed=typed or {"name": "", "role": "operator"},
    )
