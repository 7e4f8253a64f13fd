"""Behind a reverse proxy: what it says is believed, and nobody else's word for the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from growth_pipelines.approvals.operators import remove_operator
from growth_pipelines.console.proxies import TrustedProxies
from growth_pipelines.errors import SettingsError
from growth_pipelines.store.tables import ConsoleSession, LoginFailure
from growth_pipelines.telemetry import configure_logging
from tests.console_shop import NOW, ConsoleShop

from .conftest import Visitor

USER = "x-forwarded-user"
PASSWORD = "correct horse battery staple"
BEHIND = {
    "GROWTH_CONSOLE__TRUSTED_PROXIES": "127.0.0.1/32",
    "GROWTH_CONSOLE__PROXY_USER_HEADER": "X-Forwarded-User",
}
ELSEWHERE = {**BEHIND, "GROWTH_CONSOLE__TRUSTED_PROXIES": "10.9.0.0/16"}


def signed_in_by(shop: ConsoleShop, name: str, **headers: str) -> Visitor:
    visitor = Visitor(shop)
    visitor.http.headers.update({USER: name, **headers})
    visitor.http.post("/login", data={"next": "/"})
    return visitor


def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(open_console: Callable[..., ConsoleShop]):
    shop = open_console(**BEHIND)
    token = shop.link().rsplit("token=", 1)[1]
    answer = Visitor(shop).http.post(
        "/login", data={"token": token}, headers={"x-forwarded-proto": "https"}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-growth=")
    assert "secure" in cookie.lower()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("settings", [{}, ELSEWHERE])
def test_what_a_stranger_says_of_scheme_host_and_client_is_not_believed(
    open_console: Callable[..., ConsoleShop], settings: dict[str, str]
):
    shop = open_console(**settings, GROWTH_CONSOLE__ALLOWED_HOSTS="growth.example")
    said = {"x-forwarded-proto": "https", "x-forwarded-for": "10.9.0.1", "x-forwarded-host": "growth.example"}
    answer = Visitor(shop).http.post("/login", data={"token": "guess"}, headers=said)
    assert "strict-transport-security" not in answer.headers
    with shop.store.read() as session:
        assert session.scalars(select(LoginFailure.client)).all() == ["client:127.0.0.1"]
    # A Host that is not ours stays one, whatever the other header says.
    foreign = httpx.get(shop.base_url + "/login", headers={**said, "host": "evil.example"}, trust_env=False)
    assert foreign.status_code == 400


def test_a_trusted_proxy_says_which_client_and_host_it_was(open_console: Callable[..., ConsoleShop]):
    shop = open_console(**BEHIND, GROWTH_CONSOLE__ALLOWED_HOSTS="growth.example")
    said = {"host": "backend.internal", "x-forwarded-host": "growth.example"}
    claimed = {**said, "x-forwarded-for": "198.51.100.7, 203.0.113.9, 127.0.0.1"}
    answer = httpx.post(shop.base_url + "/login", data={"token": "guess"}, headers=claimed, trust_env=False)
    assert answer.status_code == 403
    with shop.store.read() as session:
        # The newest stranger, not the one that the stranger names.
        assert session.scalars(select(LoginFailure.client)).all() == ["client:203.0.113.9"]
    assert (
        httpx.get(shop.base_url + "/login", headers={"host": "backend.internal"}, trust_env=False).status_code
        == 400
    )


def test_whom_a_trusted_proxy_names_is_signed_in_with_a_session_of_their_own(
    open_console: Callable[..., ConsoleShop],
):
    shop = open_console(**BEHIND)
    page = httpx.get(shop.base_url + "/login", headers={USER: "maria"}, trust_env=False)
    assert "Go on as maria" in page.text
    assert "data-at-once" in page.text
    assert "set-cookie" not in page.headers, "a GET signs nobody in"
    maria = signed_in_by(shop, "maria")
    assert "Today" in maria.get("/").text
    with shop.store.read() as session:
        assert session.scalars(select(ConsoleSession.how)).all() == ["proxy"]
    # A decision needs the session's form token as ever.
    action = maria.queue()[0]
    assert maria.decide(action, "approve", csrf="").status_code == 403
    # The proxy's word is no fresh proof of ours.
    asked = maria.http.get("/operators", follow_redirects=False)
    assert asked.status_code == 403
    begun = maria.http.post("/account/codes/begin", data={"csrf": maria.csrf()})
    assert "Is it still you, maria?" in begun.text


def test_a_proxys_session_holds_only_there_and_for_whom_it_names(open_console: Callable[..., ConsoleShop]):
    shop = open_console(**BEHIND)
    maria = signed_in_by(shop, "maria")
    for other in ("bo", ""):
        maria.http.headers[USER] = other
        assert maria.http.get("/", follow_redirects=False).status_code == 303
    del maria.http.headers[USER]
    assert maria.http.get("/", follow_redirects=False).status_code == 303
    maria.http.headers[USER] = "maria"
    assert maria.http.get("/", follow_redirects=False).status_code == 200
    remove_operator(shop.store, shop.settings, "maria", NOW)
    assert maria.http.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("proof", ["link", "password"])
def test_a_proof_of_ones_own_does_not_outlive_the_proxys_log_out(
    open_console: Callable[..., ConsoleShop], proof: str
):
    shop = open_console(**BEHIND)
    maria = signed_in_by(shop, "maria")
    if proof == "password":
        by_link = maria.http.post("/again", data={"csrf": maria.csrf(), "token": shop.link("maria")})
        assert by_link.status_code == 200
        chosen = {"password": PASSWORD, "repeated": PASSWORD}
        assert maria.http.post("/account/password", data={"csrf": maria.csrf(), **chosen}).status_code == 200
    again = {"password": PASSWORD} if proof == "password" else {"token": shop.link("maria")}
    assert maria.http.post("/again", data={"csrf": maria.csrf(), **again}).status_code == 200
    asked = maria.http.post("/account/codes/begin", data={"csrf": maria.csrf()})
    assert "Is it still you" not in asked.text, "it is fresh"
    for other in ("bo", ""):
        maria.http.headers[USER] = other
        assert maria.http.get("/", follow_redirects=False).status_code == 303
    # Who signs in by a password alone owes the proxy nothing.
    if proof == "password":
        own = {"name": "maria", "password": PASSWORD}
        assert maria.http.post("/login", data=own, follow_redirects=False).status_code == 303
        assert maria.http.get("/", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("name", ["nobody", "", "../maria", "MARIA"])
def test_a_name_that_is_no_active_operator_signs_nobody_in(open_console: Callable[..., ConsoleShop], name: str):
    shop = open_console(**BEHIND)
    visitor = signed_in_by(shop, name)
    status = visitor.http.get("/", follow_redirects=False).status_code
    assert status == 303


def test_a_name_from_elsewhere_or_sent_twice_is_ignored_and_logged(
    open_console: Callable[..., ConsoleShop], tmp_path: Path
):
    configure_logging(tmp_path / "logs")
    elsewhere = open_console(**ELSEWHERE)
    assert (
        "Go on as" not in httpx.get(elsewhere.base_url + "/login", headers={USER: "maria"}, trust_env=False).text
    )
    assert signed_in_by(elsewhere, "maria").http.get("/", follow_redirects=False).status_code == 303
    behind = open_console(**BEHIND)
    twice = [(USER, "bo"), (USER, "maria")]
    assert "Go on as" not in httpx.get(behind.base_url + "/login", headers=twice, trust_env=False).text
    log = (tmp_path / "logs" / "growth.jsonl").read_text()
    assert log.count("proxy user ignored") == 4


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("PROXY_USER_HEADER", "X-Forwarded-User", "needs trusted_proxies"),
        ("TRUSTED_PROXIES", "proxy.example", "no address or network"),
    ],
)
def test_a_setting_that_would_trust_anybody_stops_the_start(setting: str, value: str, told: str, tmp_path: Path):
    with pytest.raises(SettingsError, match=told):
        ConsoleShop.settings_in(tmp_path, **{f"GROWTH_CONSOLE__{setting}": value})


def test_which_peers_are_trusted():
    async def app(scope, receive, send) -> None: ...

    proxies = TrustedProxies(app, ["127.0.0.1", "10.9.0.0/16", "fd00::/8"])
    trusted = {one: proxies.trusts(one) for one in ("::ffff:127.0.0.1", "fd00::1", "10.10.0.1", "unix:", "")}
    assert trusted == {"::ffff:127.0.0.1": True, "fd00::1": True, "10.10.0.1": False, "unix:": False, "": False}
