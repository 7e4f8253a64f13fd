"""The account page, the operators page, and the question who it is before a critical change."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import httpx
import pyotp
import pytest
from sqlalchemy import select, update

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.approvals.sessions import SEEN_STEP
from growth_pipelines.console.browsers import browser_name
from growth_pipelines.store.tables import AuditEvent, ConsoleSession, Operator
from tests.console_shop import NOW, ConsoleShop

from .conftest import Visitor

PASSWORD = "four words in a row"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def ada(console: ConsoleShop) -> Visitor:
    """An admin, signed in."""
    add_operator(console.store, console.settings, "ada", "admin", NOW)
    return Visitor(console).sign_in("ada")


def send(visitor: Visitor, path: str, **fields: str) -> httpx.Response:
    return visitor.http.post(path, data={"csrf": visitor.csrf(), **fields})


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, f"{name} is not on the page"
    return unescape(found[1])


def age(shop: ConsoleShop, minutes: int, **others: object) -> None:
    """Makes every session so old."""
    with shop.store.session() as session:
        session.execute(update(ConsoleSession).values(created_at=NOW - timedelta(minutes=minutes), **others))


def events(shop: ConsoleShop) -> list[str]:
    with shop.store.read() as session:
        return list(session.scalars(select(AuditEvent.event).order_by(AuditEvent.seq)))


def test_an_account_gets_a_password_and_codes_and_signs_in_with_both(maria: Visitor):
    maria.http.headers["user-agent"] = FIREFOX
    other = Visitor(maria.shop).sign_in("maria")
    before = dict(maria.http.cookies)
    page = send(maria, "/account/password", password=PASSWORD, repeated=PASSWORD)
    assert "Your password is set" in page.text
    assert dict(maria.http.cookies) != before, "the session has a new token"
    assert other.http.get("/", follow_redirects=False).status_code == 303
    begun = send(maria, "/account/codes/begin")
    secret = re.search(r'Key: <code class="code-shown">([A-Z2-7 ]+)<', begun.text)[1].replace(" ", "")
    assert "<svg" in begun.text
    offered = hidden(begun, "offered")
    assert secret not in offered
    refused = send(maria, "/account/codes", offered=offered, code="000000x")
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    again = pyotp.TOTP(secret)
    assert "asks for a code" in send(maria, "/account/codes", offered=offered, code=again.at(NOW)).text
    stranger = Visitor(maria.shop)
    form = {"name": " Maria ", "password": PASSWORD}
    told = stranger.http.post("/login", data=form)
    assert told.status_code == 403
    assert "The name, the password or the code is wrong." in told.text
    assert 'value="maria"' in told.text
    assert PASSWORD not in told.text
    later = again.at(NOW + timedelta(seconds=30))
    assert stranger.http.post("/login", data={**form, "code": later, "next": "/audit"}).url.path == "/audit"
    shown = stranger.get("/account").text
    assert "Firefox on Linux" in shown
    assert "(here)" in shown
    assert "You are signed out everywhere else." in send(stranger, "/account/sessions/end").text
    assert maria.http.get("/", follow_redirects=False).status_code == 303
    assert {"password_set", "codes_set_up", "sessions_ended"} <= set(events(maria.shop))


@pytest.mark.parametrize(
    ("password", "repeated", "told"),
    [(PASSWORD, PASSWORD + "!", "differ"), ("short", "short", "12 to 200"), ("a" * 14, "a" * 14, "easy to guess")],
)
def test_a_password_that_is_refused_is_said_why(maria: Visitor, password: str, repeated: str, told: str):
    page = send(maria, "/account/password", password=password, repeated=repeated)
    assert page.status_code == 422
    assert told in page.text
    assert 'role="alert"' in page.text
    assert f'value="{password}"' not in page.text


def test_a_critical_change_asks_who_it_is_and_goes_on_with_what_was_sent(ada: Visitor):
    send(ada, "/account/password", password=PASSWORD, repeated=PASSWORD)
    age(ada.shop, 16)
    asked = send(ada, "/operators", name="zoe", role="viewer", odd='<"&\n>')
    assert asked.status_code == 403
    assert "Is it still you, ada?" in asked.text
    assert "zoe" not in ada.get("/operators").text
    wrong = {"next": hidden(asked, "next"), "carried": hidden(asked, "carried"), "csrf": ada.csrf()}
    refused = ada.http.post("/again", data={**wrong, "password": "a guess"})
    assert refused.status_code == 403
    assert "The password or the code is wrong." in refused.text
    before = ada.csrf()
    go_on = ada.http.post("/again", data={**wrong, "password": PASSWORD})
    assert hidden(go_on, "odd") == '<"&\n>'
    assert hidden(go_on, "csrf") not in (before, hidden(asked, "csrf"))
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', go_on.text))
    added = ada.http.post(re.search(r'action="(/operators)"', go_on.text)[1], data=fields)
    assert "signs zoe in once" in added.text


def test_a_fresh_link_of_ones_own_proves_who_it_is(ada: Visitor):
    age(ada.shop, 16)
    assert ada.http.post("/account/codes/begin", data={"csrf": ada.csrf()}).status_code == 403
    for name, status in (("maria", 403), ("ada", 303)):
        data = {"csrf": ada.csrf(), "token": ada.shop.link(name), "next": "/account"}
        assert ada.http.post("/again", data=data, follow_redirects=False).status_code == status
    assert "New password" in ada.get("/account").text


def test_a_password_is_never_carried_through_the_question(maria: Visitor):
    age(maria.shop, 16)
    asked = send(maria, "/account/password", password=PASSWORD, repeated=PASSWORD)
    assert asked.url.path == "/again"
    assert PASSWORD not in asked.text


def test_a_part_of_a_page_sends_the_whole_page_to_the_question(ada: Visitor):
    age(ada.shop, 16)
    headers = {"hx-request": "true", "hx-current-url": f"{ada.shop.base_url}/operators?done=role"}
    answer = ada.http.post("/operators", data={"csrf": ada.csrf()}, headers=headers)
    assert answer.headers["hx-redirect"] == "/again?next=%2Foperators%3Fdone%3Drole"


def test_signing_in_once_more_ends_the_session_that_the_browser_had(maria: Visitor):
    before = Visitor(maria.shop)
    before.http.cookies.update(dict(maria.http.cookies))
    maria.http.post("/login", data={"token": maria.shop.link()})
    assert maria.get("/audit").url.path == "/audit"
    assert before.http.get("/", follow_redirects=False).status_code == 303


def test_data_clients_are_told_that_a_fresh_proof_is_needed(ada: Visitor):
    age(ada.shop, 16)
    headers = {"accept": "application/json", "x-csrf-token": ada.csrf()}
    answer = ada.http.post("/operators", json={}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "Prove once more" in answer.json()["detail"]


def test_operators_are_added_changed_and_removed_and_all_of_it_is_audited(ada: Visitor):
    added = send(ada, "/operators", name="Eve", role="viewer")
    link = unescape(re.search(r'<code class="code-shown">([^<]+)<', added.text)[1])
    assert link.startswith(ada.shop.base_url)
    eve = Visitor(ada.shop)
    assert eve.http.post("/login", data={"token": link}).status_code == 200
    assert link not in ada.get("/operators").text, "it is shown once"
    assert eve.get("/operators").status_code == 403
    assert send(eve, "/operators", name="mallory", role="admin").status_code == 403
    send(ada, "/operators/eve/role", role="operator")
    assert "operator" in eve.get("/account").text
    assert "is not removed" in send(ada, "/operators/eve/remove").text
    send(ada, "/operators/eve/remove", sure="eve")
    assert eve.http.get("/", follow_redirects=False).status_code == 303
    for path, fields in (("role", {"role": "viewer"}), ("remove", {"sure": "ada"})):
        refused = send(ada, f"/operators/ada/{path}", **fields)
        assert refused.status_code == 403
        assert "Nobody removes themselves" in refused.text
    assert send(ada, "/operators/nobody/link").status_code == 422
    told = events(ada.shop)
    assert [one for one in told if one.startswith("operator_")][-3:] == [
        "operator_added",
        "operator_role_changed",
        "operator_removed",
    ]


def test_fewer_than_two_who_can_decide_are_noted(ada: Visitor):
    assert "can decide" not in ada.get("/operators").text
    for name in ("maria", "bo"):
        send(ada, f"/operators/{name}/remove", sure=name)
    assert "One person can decide." in ada.get("/operators").text


def test_a_session_without_requests_ends_and_one_in_use_is_kept(maria: Visitor):
    age(maria.shop, 200, seen_at=NOW - timedelta(minutes=119))
    assert maria.get("/audit").status_code == 200
    # The visit is kept beside the request.
    deadline, kept = time.monotonic() + 10, None
    while kept != NOW and time.monotonic() < deadline:
        time.sleep(0.02)
        with maria.shop.store.read() as session:
            kept = session.scalars(select(ConsoleSession.seen_at)).one()
    assert kept == NOW
    with maria.shop.store.read() as session:
        assert session.get_one(Operator, "maria").seen_at == NOW
    age(maria.shop, 200, seen_at=NOW - timedelta(minutes=121))
    assert maria.http.get("/audit", follow_redirects=False).status_code == 303


def test_an_ordinary_request_writes_nothing(maria: Visitor):
    """Within the minute that a visit is kept for, a hundred readers are no writers."""
    age(maria.shop, 30, seen_at=NOW - SEEN_STEP + timedelta(seconds=1))
    with maria.shop.store.session():
        # Somebody else holds the writer's lock all the while.
        for path in ("/", "/account", "/audit", "/api/session"):
            assert maria.get(path).status_code == 200
    with maria.shop.store.read() as session:
        assert session.scalars(select(ConsoleSession.seen_at)).one() < NOW


@pytest.mark.parametrize(
    ("setting", "path", "method"),
    [("LOGINS", "/login", "POST"), ("CHANGES", "/texts/resume", "POST"), ("API", "/api/actions", "GET")],
)
def test_too_many_requests_are_told_when_to_come_again(
    open_console: Callable[..., ConsoleShop], setting: str, path: str, method: str
):
    shop = open_console(**{f"GROWTH_CONSOLE__{setting}_PER_MINUTE": "3"})
    visitor = Visitor(shop).sign_in("maria")
    used = int(setting == "LOGINS")
    answers = [visitor.http.request(method, path, data={} if method == "POST" else None) for _ in range(4 - used)]
    codes = [answer.status_code for answer in answers]
    assert codes.count(429) == 1
    assert codes[-1] == 429
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert "Too many requests" in answers[-1].text
    assert visitor.get("/audit").status_code == 200, "reading pages is free"
    if setting == "LOGINS":
        return
    # Another session from the same address has its own, until the address has had several sessions' share.
    other = Visitor(shop).sign_in("bo")
    assert other.http.request(method, path, data={} if method == "POST" else None).status_code != 429
    made_up = [
        other.http.request(method, path, headers={"cookie": f"growth_session=x{number}"}).status_code
        for number in range(12)
    ]
    assert made_up[-1] == 429


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
            "Safari/537.36 Edg/142.0.0.0",
            "Edge on Windows",
        ),
        ("python-httpx/0.28", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_named_in_two_words(user_agent: str, name: str):
    assert browser_name(user_agent) == name
