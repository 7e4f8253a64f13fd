"""A filled shop with its console behind a real socket, and people who are signed in to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.actions.queue import as_document, find, top
from growth_pipelines.approvals.tokens import SCOPES, add_token
from tests import loopback
from tests.console_shop import NOW, ConsoleShop, fill, serve


class Visitor:
    """A browser without a screen: keeps cookies, follows redirects, sends the forms it finds."""

    def __init__(self, shop: ConsoleShop) -> None:
        self.shop = shop
        accepted = {"accept": "text/html,*/*"}
        self.http = loopback.client(shop.base_url, follow_redirects=True, timeout=30, headers=accepted)

    def sign_in(self, name: str) -> Visitor:
        token = self.shop.link(name).rsplit("token=", 1)[1]
        self.http.post("/login", data={"token": token}).raise_for_status()
        return self

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/audit").text)
        assert found, "no form on the page"
        return found[1]

    def decide(self, action: dict[str, Any], decision: str, **fields: str) -> httpx.Response:
        """Send the form that the action's page has for this decision."""
        data = {"csrf": self.csrf(), "digest": action["digest"], "decision": decision, **fields}
        return self.http.post(f"/api/approvals/{action['id']}/decision", data=data)

    def action(self, ref: str) -> dict[str, Any]:
        with self.shop.store.read() as session:
            return as_document(find(session, ref))

    def queue(self) -> list[dict[str, Any]]:
        with self.shop.store.read() as session:
            return [as_document(action) for action in top(session, 10, self.shop.settings.clock.now())]


_numbers = count()


class Program:
    """A client that has nothing but its token."""

    def __init__(self, shop: ConsoleShop, *scopes: str, operator: str = "maria", days: int = 90) -> None:
        self.shop = shop
        name = f"t{next(_numbers)}"
        made = add_token(shop.store, shop.settings, name, operator, scopes or tuple(SCOPES), days, NOW)
        self.id, self.token = made.id, made.token
        headers = {"authorization": f"Bearer {made.token}"}
        self.http = loopback.client(shop.base_url, timeout=30, headers=headers)

    def decide(self, action: dict[str, Any], decision: str = "approve", **headers: str) -> httpx.Response:
        body = {"decision": decision, "digest": action["digest"]}
        return self.http.post(f"/api/approvals/{action['id']}/decision", json=body, headers=headers)

    def actions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/api/actions").raise_for_status().json()["actions"]
        return found


def told(answer: httpx.Response) -> tuple[int, str]:
    """The status and the sort of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["trace_id"] == answer.headers["x-trace-id"]
    return answer.status_code, problem["type"].rsplit(":", 1)[1]


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home filled once; tests work on copies."""
    home = tmp_path_factory.mktemp("filled") / "home"
    fill(home).store.close()
    return home


@pytest.fixture
def open_console(filled_home: Path, tmp_path: Path) -> Iterator[Callable[..., ConsoleShop]]:
    """A function that serves a fresh copy of the filled shop, with other settings if asked."""
    running = []

    def start(**changes: Any) -> ConsoleShop:
        home = tmp_path / f"home{len(running)}"
        shutil.copytree(filled_home, home, symlinks=True)
        settings = ConsoleShop.settings_in(home, **changes)
        context = serve(ConsoleShop(settings))
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def console(open_console: Callable[..., ConsoleShop]) -> ConsoleShop:
    return open_console()


@pytest.fixture
def maria(console: ConsoleShop) -> Visitor:
    """An operator, signed in."""
    return Visitor(console).sign_in("maria")


@pytest.fixture
def stranger(console: ConsoleShop) -> Visitor:
    return Visitor(console)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_console(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsoleShop]:
    """A filled shop's console on each engine."""
    if request.param == "sqlite":
        yield request.getfixturevalue("console")
        return
    url = request.getfixturevalue("postgres_url")
    shop = fill(tmp_path / "home", GROWTH_DATABASE_URL=url)
    with serve(shop) as running:
        yield running
    shop.store.close()
