"""Who gets in, from where, and what every answer carries."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from growth_pipelines.approvals.operators import remove_operator
from tests.console_shop import NOW, ConsoleShop

from .conftest import Visitor


def test_looking_at_a_one_time_link_does_not_use_it_up(console: ConsoleShop, stranger: Visitor):
    link = console.link()
    for _ in range(3):
        assert "Sign in" in stranger.get(link).text
    token = link.rsplit("token=", 1)[1]
    assert stranger.http.post("/login", data={"token": token}).status_code == 200
    assert "Today" in stranger.get("/").text


def test_a_one_time_link_signs_in_once(console: ConsoleShop):
    token = console.link().rsplit("token=", 1)[1]
    first, second = Visitor(console), Visitor(console)
    assert first.http.post("/login", data={"token": token}).status_code == 200
    refused = second.http.post("/login", data={"token": token})
    assert refused.status_code == 403
    assert "unknown, used or too old" in refused.text
    assert second.http.get("/", follow_redirects=False).status_code == 303


def test_two_browsers_racing_for_one_link_are_one_signed_in(console: ConsoleShop):
    token = console.link().rsplit("token=", 1)[1]
    with ThreadPoolExecutor(4) as pool:
        codes = list(
            pool.map(lambda _: Visitor(console).http.post("/login", data={"token": token}).status_code, range(4))
        )
    assert sorted(codes) == [200, 403, 403, 403]


def test_a_whole_link_may_be_pasted_too(console: ConsoleShop, stranger: Visitor):
    answer = stranger.http.post("/login", data={"token": f"  {console.link()}\n", "next": "/audit"})
    assert answer.url.path == "/audit"


def test_after_signing_in_the_page_that_was_asked_for_opens(console: ConsoleShop, stranger: Visitor):
    asked = stranger.http.get("/audit?before=9", follow_redirects=False)
    assert asked.headers["location"] == "/login?next=%2Faudit%3Fbefore%3D9"


def test_guessing_links_locks_the_client_out_but_not_the_right_link(stranger: Visitor):
    answers = [stranger.http.post("/login", data={"token": f"guess{n}"}) for n in range(11)]
    assert "unknown, used or too old" in answers[0].text
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "60"
    assert "Too many failed log-ins from here." in answers[-1].text
    assert "Wait 1 minute" in answers[-1].text
    assert stranger.http.post("/login", data={"token": stranger.shop.link()}).url.path == "/"


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(console: ConsoleShop, stranger: Visitor):
    token = console.link().rsplit("token=", 1)[1]
    answer = stranger.http.post("/login", data={"token": token}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert token not in cookie


def test_signing_out_ends_the_session_on_the_server(maria: Visitor):
    cookies = dict(maria.http.cookies)
    assert maria.http.post("/logout", data={"csrf": maria.csrf()}).url.path == "/login"
    again = Visitor(maria.shop)
    again.http.cookies.update(cookies)
    assert again.http.get("/", follow_redirects=False).status_code == 303


def test_a_removed_operator_is_out_at_once(maria: Visitor):
    remove_operator(maria.shop.store, maria.shop.settings, "maria", NOW + timedelta(minutes=1))
    assert maria.http.get("/", follow_redirects=False).status_code == 303


def test_another_host_name_is_refused(console: ConsoleShop):
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80"):
        answer = httpx.get(console.base_url + "/login", headers={"host": host}, trust_env=False)
        assert answer.status_code == 400, host
    assert (
        httpx.get(console.base_url + "/login", headers={"host": "localhost"}, trust_env=False).status_code == 200
    )


def test_a_host_name_can_be_allowed(open_console):
    shop = open_console(GROWTH_CONSOLE__ALLOWED_HOSTS="growth.example")
    answer = httpx.get(shop.base_url + "/login", headers={"host": "growth.example"}, trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:3000"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "null"},
    ],
)
def test_a_write_that_another_site_started_is_refused(maria: Visitor, headers: dict[str, str]):
    action = maria.queue()[0]
    data = {"csrf": maria.csrf(), "digest": action["digest"], "decision": "approve"}
    answer = maria.http.post(f"/api/approvals/{action['id']}/decision", data=data, headers=headers)
    assert answer.status_code == 403
    assert maria.action(action["ref"])["state"] == "pending"


def test_a_form_of_another_session_decides_nothing(maria: Visitor):
    action = maria.queue()[0]
    for csrf in ("", "x", Visitor(maria.shop).sign_in("bo").csrf()):
        answer = maria.decide(action, "approve", csrf=csrf)
        assert answer.status_code == 403
    assert maria.action(action["ref"])["state"] == "pending"


def test_oversized_bodies_are_refused_before_they_are_read(maria: Visitor):
    answer = maria.http.post("/api/approvals/x/decision", data={"note": "x" * 300_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/login", "/api/actions", "/nowhere", "/static/console.css", "/docs/dbt"])
def test_every_answer_carries_the_protecting_headers(maria: Visitor, path: str):
    headers = maria.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/actions", "/audit", "/login?token=abc", "/nowhere"])
def test_pages_hold_no_inline_script_or_style(maria: Visitor, path: str):
    text = maria.get(path).text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text
    assert "<script>" not in text


def test_the_log_never_holds_a_links_token(console: ConsoleShop, stranger: Visitor, tmp_path):
    from growth_pipelines.telemetry import configure_logging

    configure_logging(tmp_path / "logs")
    token = console.link().rsplit("token=", 1)[1]
    stranger.get(f"/login?token={token}")
    stranger.http.post("/login", data={"token": token})
    lines = (tmp_path / "logs" / "growth.jsonl").read_text().splitlines()
    assert any(json.loads(line)["event"] == "request" for line in lines)
    assert not any(token in line for line in lines)
