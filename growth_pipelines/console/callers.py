"""Who calls the API: a signed-in browser (session cookie, and its CSRF token to change something) or a program
(``Authorization: Bearer gm_…``, with the scope that the address needs). Pages take sessions only.

A request with both is the program's: what it says of itself in so many words counts, or nothing does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session

from growth_pipelines.approvals.proofs import Proof, SessionProof
from growth_pipelines.approvals.sessions import proven_session
from growth_pipelines.approvals.tokens import (
    CHANNEL,
    Holder,
    MissingScope,
    TokenProof,
    holder_of,
    proven_token,
)
from growth_pipelines.console.identity import console_of, require_person, session_token

# For the OpenAPI document; the credentials themselves are looked at below.
_COOKIE = APIKeyCookie(
    name="growth_session",
    scheme_name="session",
    description="A console session; over HTTPS the cookie is `__Host-growth`. Changes need X-CSRF-Token too.",
    auto_error=False,
)
_BEARER = HTTPBearer(
    scheme_name="token",
    bearerFormat="gm_…",
    description="A token of `growth tokens add NAME --operator WHO --scope …`, for the scopes named here.",
    auto_error=False,
)


@dataclass(frozen=True)
class Caller:
    """Who calls, through which channel; ``secret`` is the session's or the token's own, ``csrf`` a session's.

    ``scopes`` is None for a session, which may do all that its role may.
    """

    operator: str
    role: str
    channel: str
    expires_at: datetime
    secret: str
    csrf: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def may_decide(self) -> bool:
        return self.role in ("operator", "admin")


def bearer(request: Request) -> str | None:
    """The token that the request carries; None where it carries none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def caller_of(
    request: Request,
    needed: SecurityScopes,
    _cookie: Annotated[Any, Security(_COOKIE)],
    _bearer: Annotated[Any, Security(_BEARER)],
) -> Caller:
    """Who calls. Raises NotSignedIn, ProofRefused for a token that is none, MissingScope."""
    token = bearer(request)
    if token is None:
        person = require_person(request)
        return Caller(person.operator, person.role, "console", person.expires_at, person.token, csrf=person.csrf)
    console = console_of(request)
    with console.store.read() as session:
        holder = holder_of(session, token, console.now(), console.settings.zone)
    for scope in needed.scopes:
        if scope not in holder.scopes:
            raise MissingScope(scope)
    request.app.state.token_use.note(holder, console.now())
    return _program(holder, token)


def _program(holder: Holder, token: str) -> Caller:
    return Caller(holder.operator, holder.role, CHANNEL, holder.expires_at, token, scopes=holder.scopes)


def proven_caller(session: Session, request: Request, csrf: str, scope: str, now: datetime) -> Caller:
    """Who changes something, proved within the transaction of the change. Raises ProofRefused or MissingScope."""
    token = bearer(request)
    if token is not None:
        return _program(proven_token(session, token, scope, now, console_of(request).settings.zone), token)
    person = proven_session(session, session_token(request), csrf, now)
    return Caller(person.operator, person.role, "console", person.expires_at, person.token, csrf=person.csrf)


def proof_of(request: Request, csrf: str) -> Proof:
    """What the caller decides with."""
    token = bearer(request)
    settings = console_of(request).settings
    if token is None:
        return SessionProof(session_token(request), csrf, settings.console.proof_lasts)
    return TokenProof(token, settings.zone)


def _needs(*scopes: str) -> Any:
    return Security(caller_of, scopes=list(scopes))


AnyCaller = Annotated[Caller, _needs()]
ReadsActions = Annotated[Caller, _needs("read:actions")]
ReadsApprovals = Annotated[Caller, _needs("read:approvals")]
Decides = Annotated[Caller, _needs("decide:approvals")]
ReadsAudit = Annotated[Caller, _needs("read:audit")]
ReadsMetrics = Annotated[Caller, _needs("read:metrics")]
RunsExperiments = Annotated[Caller, _needs("run:experiments")]
