"""Headless Chromium over a running console. Skips, with the reason, only where there is no browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console_shop import ConsoleShop, fill, serve

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a module; Debian's, since Playwright's own is a download.

    Playwright keeps an event loop running in this thread: it must end before tests that start one of their own.
    """
    if not CHROMIUM.exists():
        pytest.skip("no browser: /usr/bin/chromium is missing (apt-get install chromium fonts-noto-core)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled") / "home"
    fill(home).store.close()
    return home


@pytest.fixture
def console(filled_home: Path, tmp_path: Path) -> Iterator[ConsoleShop]:
    """A console over a fresh copy of the filled shop."""
    home = tmp_path / "home"
    shutil.copytree(filled_home, home, symlinks=True)
    with serve(ConsoleShop(ConsoleShop.settings_in(home))) as running:
        yield running


@pytest.fixture
def open_page(chromium: Any, console: ConsoleShop) -> Iterator[Callable[..., Any]]:
    """A function that opens a signed-in page; whatever goes wrong in it fails the test.

    ``page.foreign`` lists requests to other hosts, ``page.errors`` what the browser's console complained about.
    """
    contexts = []

    def sign_in(name: str = "maria", width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.errors, page.foreign = [], []
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on(
            "request",
            lambda sent: None if sent.url.startswith(console.base_url) else page.foreign.append(sent.url),
        )
        page.goto(console.link(name))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(console.base_url + "/")
        pages.append(page)
        return page

    pages: list[Any] = []
    yield sign_in
    for context in contexts:
        context.close()
    for page in pages:
        assert not page.foreign, f"requests to other hosts: {page.foreign}"
