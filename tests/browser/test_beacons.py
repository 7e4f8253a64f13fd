"""The script in a real browser: what a page measures arrives when it is hidden, unless the visitor objects."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings
from tests.beacons import stored
from tests.console_shop import ConsoleShop, serve

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# Text is the largest element; a box that comes later pushes it down.
PAGE = """<!doctype html><title>Shop</title><div id="late"></div>
<h1 style="font-size: 60px">AN-6 PTFE Fuel Line Kit</h1>
<script src="{script}" async></script>
<script>
setTimeout(() => { document.getElementById("late").style.height = "300px"; document.title = "Shifted" }, 100)
</script>
"""


@contextmanager
def storefront(script: str) -> Iterator[str]:
    """A shop of pages that load ``script``; its address, on another site than the console's."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.replace("{script}", script).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def beacon_console(tmp_path: Path) -> Iterator[ConsoleShop]:
    settings = ConsoleShop.settings_in(
        tmp_path / "home", GROWTH_WEB_VITALS__BEACONS="true", GROWTH_WEB_VITALS__BEACON_HOSTS="localhost"
    )
    with serve(ConsoleShop(settings)) as running:
        yield running


@pytest.fixture
def shop(beacon_console: ConsoleShop) -> Iterator[str]:
    with storefront(f"{beacon_console.base_url}/beacons/web-vitals.js") as address:
        yield address


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., None]]:
    """A function: a visitor with a fresh browser looks at these pages one after the other, then leaves."""
    contexts = []

    def look(*addresses: str, script: str = "", **options: Any) -> None:
        context = chromium.new_context(**options)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(20_000)
        for address in addresses:
            page.goto(address, wait_until="networkidle")
            page.wait_for_function("document.title === 'Shifted'")
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.goto("about:blank")

    yield look
    for context in contexts:
        context.close()


def arrived(settings: Settings, count: int) -> list[dict[str, Any]]:
    """The spooled beacons, once there are ``count``."""
    spool = settings.home / "beacons" / "open.jsonl"
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = [json.loads(line) for line in spool.read_text().split("\n") if line] if spool.exists() else []
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{count} beacons did not arrive")


def test_what_a_visit_measured_arrives_and_is_one_session(
    visit: Callable[..., None], shop: str, beacon_console: ConsoleShop
) -> None:
    visit(f"{shop}/products/an-6?gclid=77#top", f"{shop}/collections/fuel")

    first, second = arrived(beacon_console.settings, 2)
    for one in (first, second):
        values = {found["name"]: found["value"] for found in one["metrics"]}
        assert {"lcp", "cls", "fcp", "ttfb"} <= set(values)
        assert 0 < values["lcp"] < 20_000
        assert values["cls"] > 0.05
        assert {found["navigation_type"] for found in one["metrics"]} == {"navigate"}
    assert (first["page_path"], second["page_path"]) == ("/products/an-6", "/collections/fuel")
    assert (first["is_landing"], second["is_landing"]) == (True, False)
    assert first["session_key"] == second["session_key"]
    assert {one["landing_path"] for one in (first, second)} == {"/products/an-6"}
    assert first["device"] == "desktop"

    ingest(beacon_console.settings, ["rum"])
    assert ("lcp", "/products/an-6") in stored(beacon_console.settings, "metric", "landing_path")


OBJECTIONS = {
    "do not track": "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' })",
    "privacy control": "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })",
    "consent banner": "window.Shopify = { customerPrivacy: { analyticsProcessingAllowed: () => false } }",
}


def test_a_visitor_who_objects_sends_nothing_and_leaves_no_session(
    visit: Callable[..., None], shop: str, beacon_console: ConsoleShop
) -> None:
    for name, script in OBJECTIONS.items():
        visit(f"{shop}/{name.replace(' ', '-')}", script=script)
    agreed = "window.Shopify = { customerPrivacy: { analyticsProcessingAllowed: () => true } }"
    visit(f"{shop}/agreed", script=agreed)
    assert [one["page_path"] for one in arrived(beacon_console.settings, 1)] == ["/agreed"]


def test_a_break_of_half_an_hour_begins_another_session(
    visit: Callable[..., None], shop: str, beacon_console: ConsoleShop
) -> None:
    # The visitor's last page was hidden 31 minutes ago, the other visitor's 29 minutes ago.
    for name, minutes in (("late", 31), ("soon", 29)):
        known = {"id": "0123456789abcdef0123456789abcdef", "landing_page": "/before"}
        script = f"""sessionStorage.getItem("growth-web-vitals") || sessionStorage.setItem("growth-web-vitals",
            JSON.stringify({{ ...{json.dumps(known)}, at: Date.now() - {minutes} * 60000 }}))"""
        visit(f"{shop}/{name}", script=f"if (location.protocol === 'http:') {script}")
    found = {one["page_path"]: one for one in arrived(beacon_console.settings, 2)}
    assert (found["/late"]["is_landing"], found["/late"]["landing_path"]) == (True, "/late")
    assert (found["/soon"]["is_landing"], found["/soon"]["landing_path"]) == (False, "/before")
