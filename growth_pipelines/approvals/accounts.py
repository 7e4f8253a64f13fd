"""What an operator can sign in with besides one-time links: a password, and codes of an authenticator app.

Hashing takes a quarter of a second and never happens inside a transaction, which other writers wait for: what was
read before it is held against the store again inside of it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from growth_pipelines.approvals import one_time_codes, passwords
from growth_pipelines.approvals.lockout import (
    LoginRefused,
    client_source,
    count_failure,
    forgive,
    name_source,
    refuse_locked,
)
from growth_pipelines.approvals.operators import is_name
from growth_pipelines.approvals.sessions import (
    Browser,
    How,
    SignedIn,
    begin,
    forget_old,
    log_out_others,
    note_unproved,
    proven_session,
)
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Operator
from growth_pipelines.telemetry import logger


class WrongCode(GrowthError):
    """The code is not of now, or was used."""


def log_in_by_password(
    store: Store, settings: Settings, name: str, password: str, code: str, now: datetime, browser: Browser
) -> SignedIn:
    """Sign in by a password, and by a code where the operator has set codes up.

    Raises LoginRefused, in the same words for every reason, or LockedOut.
    """
    kept = _kept_password(store, name, now, browser)
    right = passwords.fits(kept, password)
    renewed = passwords.hashed(password) if right and kept is not None and passwords.is_outdated(kept) else kept
    with store.session() as session:
        forget_old(session, now)
        sources = [client_source(browser.client), name_source(session, name)]
        # Asked again: others may have failed while the hash was made.
        refuse_locked(session, sources, now)
        operator = _active(session, name)
        right = right and operator is not None and operator.password_hash == kept
        if operator is not None and right and _code_fits(settings, operator, code, now):
            operator.password_hash = renewed
            forgive(session, sources[1])
            return begin(session, settings, operator, "password", now, browser)
        count_failure(session, sources, now)
    logger("approvals").info("log-in refused", client=browser.client, why="name, password or code")
    raise LoginRefused(
        "The name, the password or the code is wrong.",
        "If you have set codes up, each log-in needs a new one. A one-time link always works.",
    )


def prove_again(
    store: Store,
    settings: Settings,
    person: SignedIn,
    csrf: str,
    *,
    password: str,
    code: str,
    now: datetime,
    browser: Browser,
) -> SignedIn:
    """A new session for somebody who is signed in and proves once more who they are: by all that a log-in would
    ask for, the password and, where codes are set up, a code; by a code alone where they have no password.

    Raises LoginRefused, LockedOut or ProofRefused.
    """
    kept = _kept_password(store, person.operator, now, browser)
    right = password != "" and passwords.fits(kept, password)
    with store.session() as session:
        proven = proven_session(session, person.token, csrf, now)
        sources = [client_source(browser.client), name_source(session, proven.operator)]
        refuse_locked(session, sources, now)
        operator = session.get_one(Operator, proven.operator)
        has_password = operator.password_hash is not None
        known = right and operator.password_hash == kept if has_password else operator.totp_secret is not None
        if known and _code_fits(settings, operator, code, now):
            forgive(session, sources[1])
            how: How = "password" if has_password else "code"
            return begin(session, settings, operator, how, now, browser, behind_proxy=proven.behind_proxy)
        count_failure(session, sources, now)
        note_unproved(session, proven.operator, now)
    raise LoginRefused("The password or the code is wrong.", "A one-time link works too.")


def set_password(
    store: Store, settings: Settings, person: SignedIn, csrf: str, password: str, now: datetime, browser: Browser
) -> SignedIn:
    """Set a password, end the operator's other sessions and give this one new tokens.

    Raises BadPassword or ProofRefused.
    """
    passwords.check_choice(password, person.operator)
    made = passwords.hashed(password)
    with store.session() as session:
        proven = proven_session(session, person.token, csrf, now)
        operator = session.get_one(Operator, proven.operator)
        operator.password_hash = made
        _record(session, "password_set", proven, now)
        log_out_others(session, proven, now)
        bound = proven.behind_proxy
        return begin(session, settings, operator, "password", now, browser, is_login=False, behind_proxy=bound)


def set_codes(
    store: Store, settings: Settings, person: SignedIn, csrf: str, offered: str, code: str, now: datetime
) -> None:
    """Set codes up from the offer that was shown, once the app's code for it is right.

    Raises NoSuchSetup, WrongCode or ProofRefused.
    """
    secret = one_time_codes.accepted_offer(settings, offered, person.operator, now)
    step = one_time_codes.step_of(secret, code, now, None)
    if step is None:
        raise WrongCode("This code is wrong.", "Type the six digits that the app shows now.")
    with store.session() as session:
        proven = proven_session(session, person.token, csrf, now)
        operator = session.get_one(Operator, proven.operator)
        operator.totp_secret, operator.totp_step = one_time_codes.sealed(settings, secret), step
        _record(session, "codes_set_up", proven, now)


def remove_codes(store: Store, person: SignedIn, csrf: str, now: datetime) -> None:
    """Ask for no codes any more. Raises ProofRefused."""
    with store.session() as session:
        proven = proven_session(session, person.token, csrf, now)
        operator = session.get_one(Operator, proven.operator)
        if operator.totp_secret is not None:
            operator.totp_secret = operator.totp_step = None
            _record(session, "codes_removed", proven, now)


def _kept_password(store: Store, name: str, now: datetime, browser: Browser) -> str | None:
    """The hash that a password is held against; None for unknown names. Raises LockedOut."""
    with store.read() as session:
        refuse_locked(session, [client_source(browser.client), name_source(session, name)], now)
        operator = _active(session, name)
        return operator.password_hash if operator is not None else None


def _active(session: Session, name: str) -> Operator | None:
    operator = session.get(Operator, name) if is_name(name) else None
    return operator if operator is not None and operator.active else None


def _code_fits(settings: Settings, operator: Operator, code: str, now: datetime) -> bool:
    return operator.totp_secret is None or one_time_codes.use_code(settings, operator, code, now)


def _record(session: Session, event: str, person: SignedIn, now: datetime) -> None:
    append_event(session, event=event, actor=person.operator, channel="console", now=now)
