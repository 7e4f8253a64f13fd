"""Passwords and one-time codes: what lets in, what counts once, and who is kept out by whose failures."""

from __future__ import annotations

import stat
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from growth_pipelines.approvals import accounts, one_time_codes, passwords
from growth_pipelines.approvals.lockout import ALLOWED, LockedOut, LoginRefused
from growth_pipelines.approvals.operators import (
    add_operator,
    change_role,
    list_operators,
    new_link,
    remove_operator,
    reset_operator,
)
from growth_pipelines.approvals.sessions import (
    Browser,
    MayNotAdminister,
    SignedIn,
    SignedInAdmin,
    log_in,
    signed_in,
)
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, LoginFailure, Operator
from tests.drafts import NOW

PASSWORD = "four words in a row"
STEP = timedelta(seconds=30)


@pytest.fixture
def bo(store: Store, settings: Settings) -> SignedIn:
    """bo, signed in by a link, with a password."""
    person = log_in(store, settings, new_link(store, settings, "bo", NOW).link_token, NOW)
    return accounts.set_password(store, settings, person, person.csrf, PASSWORD, NOW, Browser(had=person.token))


@pytest.fixture
def sign_in(store: Store, settings: Settings) -> Callable[..., SignedIn]:
    def by(password: str, code: str = "", name: str = "bo", now=NOW, client: str = "10.0.0.9") -> SignedIn:
        return accounts.log_in_by_password(store, settings, name, password, code, now, Browser(client))

    return by


def with_codes(store: Store, settings: Settings, person: SignedIn) -> pyotp.TOTP:
    """Sets codes up for somebody; the step of NOW is used by that."""
    secret = one_time_codes.new_secret()
    offered = one_time_codes.offer(settings, secret, person.operator, NOW)
    code = pyotp.TOTP(secret).at(NOW)
    accounts.set_codes(store, settings, person, person.csrf, offered, code, NOW)
    return pyotp.TOTP(secret)


def test_a_password_signs_in_and_setting_it_ends_every_session_before(
    store: Store, settings: Settings, sign_in: Callable[..., SignedIn]
) -> None:
    old, other = (log_in(store, settings, new_link(store, settings, "bo", NOW).link_token, NOW) for _ in range(2))
    renewed = accounts.set_password(store, settings, old, old.csrf, PASSWORD, NOW, Browser(had=old.token))
    assert [signed_in(store, one.token, NOW) is None for one in (old, other, renewed)] == [True, True, False]
    assert sign_in(PASSWORD).operator == "bo"
    for wrong in (PASSWORD + " ", "", PASSWORD.upper()):
        with pytest.raises(LoginRefused, match="wrong"):
            sign_in(wrong)
    with store.read() as session:
        kept = session.get_one(Operator, "bo").password_hash
        assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert PASSWORD not in " ".join(str(event.payload) for event in session.scalars(select(AuditEvent)))


@pytest.mark.parametrize("choice", ["short", "aaaaaaaaaaaaaaaa", "bo is my password", "x" * 201])
def test_a_password_that_is_easily_guessed_is_not_taken(
    store: Store, settings: Settings, bo: SignedIn, choice: str
) -> None:
    with pytest.raises(passwords.BadPassword):
        accounts.set_password(store, settings, bo, bo.csrf, choice, NOW, Browser())


def test_a_hash_of_other_parameters_is_renewed_by_the_next_log_in(
    store: Store, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    from argon2 import PasswordHasher

    with store.session() as session:
        session.get_one(Operator, "bo").password_hash = PasswordHasher(1, 8192, 1).hash(PASSWORD)
    sign_in(PASSWORD)
    with store.read() as session:
        assert not passwords.is_outdated(session.get_one(Operator, "bo").password_hash)
    sign_in(PASSWORD)


def test_an_unknown_name_takes_as_long_and_is_told_the_same(
    bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    took: dict[str, list[float]] = {"bo": [], "nobody": [], "not a name\0": []}
    told = set()
    for number in range(4):
        for name, times in took.items():
            started = time.perf_counter()
            with pytest.raises(LoginRefused) as refused:
                sign_in("a wrong password", name=name, client=f"10.0.{number}.{len(name)}")
            times.append(time.perf_counter() - started)
            told.add(refused.value.message)
    assert len(told) == 1
    fastest = [min(times) for times in took.values()]
    # Without the equal work an unknown name takes a hundredth.
    assert min(fastest) > 0.4 * max(fastest), {name: statistics.median(times) for name, times in took.items()}


def test_a_code_counts_once_and_one_step_early_or_late(
    store: Store, settings: Settings, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    totp = with_codes(store, settings, bo)
    for code in ("", "000000x", totp.at(NOW), totp.at(NOW + 3 * STEP)):
        with pytest.raises(LoginRefused):
            sign_in(PASSWORD, code, client=code)
    later = NOW + 10 * STEP
    late = totp.at(later - STEP)
    assert sign_in(PASSWORD, f"{late[:3]} {late[3:]}", now=later)
    with pytest.raises(LoginRefused):
        sign_in(PASSWORD, late, now=later)
    assert sign_in(PASSWORD, totp.at(later + STEP), now=later)
    with pytest.raises(LoginRefused):
        sign_in(PASSWORD, totp.at(later), now=later)


def test_one_code_racing_itself_signs_in_once(
    store: Store, settings: Settings, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    code = with_codes(store, settings, bo).at(NOW + STEP)

    def attempt(number: int) -> bool:
        try:
            return bool(sign_in(PASSWORD, code, now=NOW + STEP, client=f"10.1.1.{number}"))
        except LoginRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]


def test_the_secret_of_codes_is_encrypted_with_a_key_of_its_own(
    store: Store, settings: Settings, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    totp = with_codes(store, settings, bo)
    key = one_time_codes.key_of_codes(settings)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with store.read() as session:
        kept = session.get_one(Operator, "bo").totp_secret
    assert totp.secret not in kept
    key.unlink()
    with pytest.raises(GrowthError, match="another one than they were set up with"):
        sign_in(PASSWORD, totp.at(NOW + STEP), now=NOW + STEP)


def test_an_offer_of_codes_is_for_one_operator_and_a_quarter_of_an_hour(
    store: Store, settings: Settings, bo: SignedIn
) -> None:
    secret = one_time_codes.new_secret()
    code = pyotp.TOTP(secret).at(NOW)
    others = one_time_codes.offer(settings, secret, "al", NOW)
    old = one_time_codes.offer(settings, secret, "bo", NOW - timedelta(minutes=16))
    for offered in (others, old, one_time_codes.sealed(settings, secret), "x"):
        with pytest.raises(one_time_codes.NoSuchSetup):
            accounts.set_codes(store, settings, bo, bo.csrf, offered, code, NOW)
    good = one_time_codes.offer(settings, secret, "bo", NOW)
    with pytest.raises(accounts.WrongCode):
        accounts.set_codes(store, settings, bo, bo.csrf, good, pyotp.TOTP(secret).at(NOW + 9 * STEP), NOW)


def test_guessing_one_name_from_many_clients_locks_the_name_but_not_its_links(
    store: Store, settings: Settings, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    for number in range(ALLOWED["operator"]):
        with pytest.raises(LoginRefused, match="wrong"):
            sign_in("a guess", client=f"10.0.1.{number}")
    with pytest.raises(LockedOut, match="by this name") as locked:
        sign_in(PASSWORD, client="10.0.2.1")
    assert "Wait 1 minute, or sign in with a one-time link." in locked.value.hint
    with store.read() as session:
        told = session.scalars(select(AuditEvent).where(AuditEvent.event == "login_locked")).one()
        assert (told.actor, told.payload["of"]) == ("unknown", "bo")
    assert log_in(store, settings, new_link(store, settings, "bo", NOW).link_token, NOW, Browser("10.0.2.1"))
    assert sign_in(PASSWORD, client="10.0.2.1"), "a link forgives the failures"


def test_a_password_typed_as_a_name_is_kept_nowhere(store: Store, sign_in: Callable[..., SignedIn]) -> None:
    with pytest.raises(LoginRefused):
        sign_in("", name="my-secret-password")
    with store.read() as session:
        assert not any("secret" in row.client for row in session.scalars(select(LoginFailure)))


def test_proving_again_makes_a_new_session_of_the_same_person(
    store: Store, settings: Settings, bo: SignedIn
) -> None:
    totp = with_codes(store, settings, bo)
    later = NOW + timedelta(minutes=15)
    assert bo.is_fresh(later - timedelta(seconds=1))
    assert bo.is_fresh(NOW)
    assert not bo.is_fresh(later)

    def prove(person: SignedIn, **given: str) -> SignedIn:
        answer = {"password": "", "code": "", **given}
        browser = Browser("10.0.0.9", had=person.token)
        return accounts.prove_again(store, settings, person, person.csrf, **answer, now=later, browser=browser)

    code = totp.at(later)
    for wrong in ({}, {"password": PASSWORD}, {"code": code}, {"password": "a guess", "code": code}):
        with pytest.raises(LoginRefused):
            prove(bo, **wrong)
    again = prove(bo, password=PASSWORD, code=code)
    assert (again.how, again.is_fresh(later)) == ("password", True)
    assert signed_in(store, bo.token, later) is None
    with pytest.raises(LoginRefused):
        prove(again, password=PASSWORD, code=code)
    with pytest.raises(ProofRefused):
        prove(bo, password=PASSWORD, code=totp.at(later + timedelta(seconds=30)))


def test_who_has_codes_and_no_password_proves_it_by_a_code(store: Store, settings: Settings, bo: SignedIn) -> None:
    totp = with_codes(store, settings, bo)
    with store.session() as session:
        session.get_one(Operator, "bo").password_hash = None
    later = NOW + timedelta(minutes=1)
    given = {"password": "", "code": totp.at(later)}
    again = accounts.prove_again(store, settings, bo, bo.csrf, **given, now=later, browser=Browser(had=bo.token))
    assert again.how == "code"


def test_a_reset_forgets_all_and_lets_in_by_a_link(
    store: Store, settings: Settings, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    with_codes(store, settings, bo)
    link = reset_operator(store, settings, "bo", NOW)
    assert signed_in(store, bo.token, NOW) is None
    with pytest.raises(LoginRefused):
        sign_in(PASSWORD)
    person = log_in(store, settings, link.link_token, NOW)
    assert (list_operators(store)[0].password_hash, list_operators(store)[0].totp_secret) == (None, None)
    accounts.set_password(store, settings, person, person.csrf, PASSWORD, NOW, Browser())
    assert sign_in(PASSWORD)


def test_an_operator_added_again_has_no_old_password(
    store: Store, settings: Settings, bo: SignedIn, sign_in: Callable[..., SignedIn]
) -> None:
    remove_operator(store, settings, "bo", NOW)
    with pytest.raises(LoginRefused):
        sign_in(PASSWORD)
    add_operator(store, settings, "bo", "operator", NOW)
    with pytest.raises(LoginRefused):
        sign_in(PASSWORD)


def test_only_an_admin_changes_others_and_nobody_themselves(
    store: Store, settings: Settings, bo: SignedIn
) -> None:
    add_operator(store, settings, "al", "admin", NOW)
    al = log_in(store, settings, new_link(store, settings, "al", NOW).link_token, NOW)
    by_al = SignedInAdmin(al.token, al.csrf, NOW, "al")
    by_bo = SignedInAdmin(bo.token, bo.csrf, NOW, "bo")
    with pytest.raises(MayNotAdminister, match="bo is no admin"):
        change_role(store, settings, "al", "viewer", NOW, by_bo)
    for change in (change_role, remove_operator):
        with pytest.raises(MayNotAdminister, match="Nobody removes themselves"):
            change(store, settings, "al", *(["viewer"] if change is change_role else []), NOW, by_al)
    change_role(store, settings, "bo", "viewer", NOW, by_al)
    now_bo = signed_in(store, bo.token, NOW)
    assert now_bo is not None
    assert now_bo.role == "viewer"
    with store.read() as session:
        told = session.scalars(select(AuditEvent).where(AuditEvent.event == "operator_role_changed")).one()
        assert (told.actor, told.channel) == ("al", "console")
        assert told.payload == {"operator": "bo", "before": "operator", "role": "viewer"}


def test_a_session_without_requests_ends(store: Store, bo: SignedIn) -> None:
    idle = timedelta(hours=2)
    assert signed_in(store, bo.token, NOW + idle, idle) is not None
    assert signed_in(store, bo.token, NOW + idle + timedelta(seconds=1), idle) is None
