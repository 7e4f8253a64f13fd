"""Walks over everything that the console serves: who gets in, what looking changes, what a change must prove.

The routes are read from the application itself, so one that is added is walked without being listed here.
"""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest
from sqlalchemy import inspect, select

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.console.app import create_app
from growth_pipelines.store.tables import Table
from tests.console_shop import NOW, ConsoleShop
from tests.experiments_declared import begun, looked_at

from .conftest import Visitor
from .routes import Served, served_by

# What a stranger may ask for: to sign in, whether the server lives, and the files that the log-in page needs.
OPEN = ("/login", "/healthz", "/static/")
# What stands for a parameter of a path or a query; who adds a parameter of another name says here what it may be.
PLAUSIBLE = {
    "id_or_ref": "{ref}",
    "token": "{token}",
    "name": "bo",
    "product": "gid://shopify/Product/1",
    "next": "/audit",
    "verify": "true",
    "state": "pending",
    "format": "json",
    "limit": "5",
    "top": "5",
    "done": "approve",
    "out": "true",
    "number": "1",
    "key": "free-shipping-bar",
    "baseline": "0.03",
    "minimum_effect": "0.1",
    "daily_units": "4000",
}
# Columns that say when somebody was last here: kept at most once a minute, whatever they asked for.
SEEN = {("sessions", "seen_at"), ("operators", "seen_at")}
# Pages that answer 4xx in this shop, and why.
NOT_THERE = {
    "/docs/dbt": "the models' documentation is not built",
    "/monitoring/{number}": "nothing got worse in this shop",
    "/api/cross-sell/{product:path}": "its data hold no products",
}


class Walk:
    """An admin at the console, and everything that it serves."""

    def __init__(self, shop: ConsoleShop) -> None:
        self.shop = shop
        self.routes = served_by(create_app(shop.settings))
        add_operator(shop.store, shop.settings, "ada", "admin", NOW)
        looked_at(shop.store, begun(shop.store, shop.settings, NOW), 3, NOW)
        self.admin = Visitor(shop).sign_in("ada")
        self.stranger = Visitor(shop)
        self.fills = {"{ref}": self.admin.queue()[0]["ref"], "{token}": shop.link("bo").rsplit("token=", 1)[1]}

    def address(self, route: Served) -> str:
        return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: self.value(found[1]), route.path)

    def value(self, name: str) -> str:
        plausible = PLAUSIBLE.get(name, "1")
        return self.fills.get(plausible, plausible)

    def query(self, route: Served) -> dict[str, str]:
        return {name: self.value(name) for name in route.query if name in PLAUSIBLE}

    def digests(self) -> dict[str, str]:
        """A digest of all rows of each table of the store."""
        found = {}
        with self.shop.store.read() as session:
            assert set(inspect(session.connection()).get_table_names()) >= set(Table.metadata.tables)
            for name, table in Table.metadata.tables.items():
                columns = [column for column in table.columns if (name, column.name) not in SEEN]
                rows = sorted(repr(tuple(row)) for row in session.execute(select(*columns)))
                found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return found

    def ask(self, who: Visitor, route: Served, **options: object) -> httpx.Response:
        return who.http.request(route.method, self.address(route), follow_redirects=False, **options)


@pytest.fixture
def walk(console: ConsoleShop) -> Walk:
    return Walk(console)


def test_every_address_but_the_log_in_refuses_a_stranger(walk: Walk):
    """F10: an approval endpoint that was mounted without a check of who asks."""
    asked = 0
    for route in walk.routes:
        if route.path.startswith(OPEN):
            continue
        for accept, cookie in (
            ("application/json", ""),
            ("text/html", ""),
            ("text/html", "growth_session=x"),
        ):
            answer = walk.ask(
                walk.stranger,
                route,
                headers={"accept": accept, "content-type": "application/json", "cookie": cookie},
                content=b"{}" if route.changes else None,
            )
            asked += 1
            led_to_log_in = answer.status_code == 303 and answer.headers["location"].startswith("/login?")
            assert answer.status_code in (401, 403) or led_to_log_in, f"{route}: {answer.status_code}"
    assert asked >= 60


def test_looking_changes_nothing(walk: Walk):
    """F1: links that mail scanners and previews used up by fetching them."""
    before = walk.digests()
    answered = {}
    for route in walk.routes:
        if route.method != "GET":
            continue
        for method in ("GET", "HEAD"):
            for query in ({}, walk.query(route)):
                answer = walk.admin.http.request(method, walk.address(route), params=query, follow_redirects=False)
                if method == "GET" and route.is_own:
                    answered[f"{route.path}?{query}"] = answer.status_code
        changed = [name for name, digest in walk.digests().items() if digest != before[name]]
        assert not changed, f"GET {route.path} changes {changed}"
    strange = {
        path: status
        for path, status in answered.items()
        if status >= 400 and path.partition("?")[0] not in NOT_THERE
    }
    assert not strange, "not really looked at; say in PLAUSIBLE what their parameters may be"
    assert len(answered) >= 30


def test_a_change_without_the_sessions_token_is_refused(walk: Walk):
    """Also one whose body is right: the token is asked for before the body is looked at."""
    others = Visitor(walk.shop).sign_in("bo").csrf()
    changes = [route for route in walk.routes if route.changes and route.is_own and route.path != "/login"]
    before = walk.digests()
    form = {"digest": walk.admin.queue()[0]["digest"], "decision": "approve"}
    for route in changes:
        for csrf in ({}, {"csrf": "x"}, {"csrf": others}):
            answers = [walk.ask(walk.admin, route, data={**form, **csrf})]
            basic = {"authorization": "Basic YTpi"}
            answers.append(walk.ask(walk.admin, route, data={**form, **csrf}, headers=basic))
            answers.append(walk.ask(walk.admin, route, json=form, headers={"x-csrf-token": csrf.get("csrf", "")}))
            codes = [answer.status_code for answer in answers]
            assert codes == [403] * 3, f"{route}: {codes}"
    assert walk.digests() == before
    assert len(changes) >= 12


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    ids=lambda headers: next(iter(headers.values())),
)
def test_a_change_that_another_site_started_is_refused(walk: Walk, headers: dict[str, str]):
    """Also with the right token, at the log-in too, and for what is mounted."""
    csrf = walk.admin.csrf()
    before = walk.digests()
    changes = [route for route in walk.routes if route.changes]
    for route in changes:
        answer = walk.ask(walk.admin, route, data={"csrf": csrf}, headers={**headers, "x-csrf-token": csrf})
        assert answer.status_code == 403, f"{route}: {answer.status_code}"
    assert walk.digests() == before
    assert len(changes) >= 13
