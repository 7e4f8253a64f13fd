"""Take the pictures of docs/console.md from the demo's shop: `python -m tests.screens [HOME] [PATH …]`.

HOME is where `make demo` has left its machine (data/demo unless given); it is copied, so nothing in it changes. A
PATH is an address of the console, or ``action:SUBTYPE`` for the page of the best waiting action of that subtype;
``+STEP`` behind it takes one step on the page first (STEPS), ``@phone`` takes it at 390 px. Without a PATH
all pages that exist are taken. GROWTH_NOW holds the clock: outcomes need a demo whose sandbox was advanced by a
month after something was executed. Experiments are put into the copy where the demo has none
(``tests.experiments_declared``).
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import load_settings
from growth_pipelines.store.tables import Action, Experiment
from tests.console_shop import ConsoleShop, serve
from tests.experiments_declared import some_experiments

ROOT = Path(__file__).parent.parent
SHOTS = ROOT / "docs" / "screens"
LARGEST = 80_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# As much of a long page as a reader of the docs wants to see, in CSS pixels.
TALLEST = {"desktop": 1900, "phone": 1700}
PATHS = [
    *("/", "/@phone", "/approvals", "/approvals+look", "/approvals+several", "/approvals+decided"),
    *("/actions", "/audit", "/texts", "/quality", "/login", "/again", "/missing"),
    *("/monitoring", "/monitoring/1", "/outcomes", "/learning"),
    *("/experiments", "/experiments/free-shipping-bar", "/experiments/new"),
    *("/policies", "/policies/edit", "/policies/edit+preview", "/settings"),
    *("/operators", "/account", "/account+codes"),
    *("action:title", "action:title@phone", "action:product_content", "action:landing_page"),
    *("action:cross_sell_rule", "action:collection_order", "action:reorder", "action:script", "action:title+edit"),
]
# Canvas writes WebP, which Playwright does not.
_TO_WEBP = """
async ([png, width, quality]) => {
  const picture = await createImageBitmap(await (await fetch(png)).blob());
  const height = Math.round(picture.height * width / picture.width);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}
"""


def main(arguments: list[str]) -> int:
    homes = [one for one in arguments[:1] if Path(one).is_dir() and not one.startswith(("/@", "action:"))]
    home = Path(homes[0]) if homes and homes[0] != "/" else ROOT / "data" / "demo"
    paths = arguments[1:] if homes and homes[0] != "/" else arguments
    if not (home / "store.sqlite").exists():
        sys.stderr.write(f"{home} holds no shop: run `make demo` first, or name its home.\n")
        return 1
    SHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, symlinks=True, ignore=shutil.ignore_patterns("landing", "dagster", "logs"))
        with signed_in(copy) as (shop, browser, cookies):
            for path in paths or PATHS:
                take(shop, browser, cookies, path)
    return 0


@contextmanager
def signed_in(home: Path) -> Iterator[tuple[ConsoleShop, Any, list[dict[str, Any]]]]:
    """The shop's console, a browser, and the cookies of an operator."""
    from playwright.sync_api import sync_playwright

    settings = load_settings(
        {
            "GROWTH_HOME": str(home),
            "GROWTH_EXPERIMENTS__VISITORS": "true",
            **{k: v for k, v in os.environ.items() if k == "GROWTH_NOW"},
        }
    )
    shop = ConsoleShop(settings)
    # The shop may have one of that name already.
    with suppress(GrowthError):
        add_operator(shop.store, settings, "anna", "admin", settings.clock.now())
    with shop.store.read() as session:
        has_experiments = session.scalar(select(Experiment.id).limit(1)) is not None
    if not has_experiments:
        some_experiments(shop.store, settings, settings.clock.now())
    with serve(shop) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context()
        page = context.new_page()
        page.goto(running.link("anna"))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(running.base_url + "/")
        yield running, browser, context.cookies()
        browser.close()


def take(shop: ConsoleShop, browser: Any, cookies: list[dict[str, Any]], path: str) -> None:
    """One picture, light, no larger than it may be."""
    address, _, kind = path.partition("@")
    address, _, opened = address.partition("+")
    where = action_path(shop, address) if address.startswith("action:") else address
    kind = kind or "desktop"
    context = browser.new_context(viewport=PHONE if kind == "phone" else DESKTOP, color_scheme="light")
    if address != "/login":
        context.add_cookies(cookies)
    page = context.new_page()
    answer = page.goto(shop.base_url + where)
    if not where or answer is None or answer.status != (404 if address == "/missing" else 200):
        print(f"{path}: no such page")
        context.close()
        return
    page.wait_for_load_state("networkidle")
    if "It is being drawn" in page.content():
        page.wait_for_timeout(2_000)
        page.reload()
    if opened:
        STEPS[opened](page)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.activeElement.blur()")
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST[kind])
    # The whole part that is shown, without what floats over the end of a screen.
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    page.evaluate("scrollTo(0, 0)")
    png = page.screenshot()
    blank = browser.new_page()
    file = SHOTS / f"{name_of(path)}.webp"
    file.write_bytes(smallest(blank, png, 390 if kind == "phone" else 1000))
    blank.close()
    print(f"{path}: {file.relative_to(ROOT)}, {file.stat().st_size // 1024} KB")
    context.close()


def _edit(page: Any) -> None:
    page.keyboard.press("e")
    page.locator("[data-for]").first.wait_for()


def _look(page: Any) -> None:
    """Open the first row of a list."""
    page.locator("[data-look]").first.click()
    page.locator(".look form").first.wait_for()


def _several(page: Any) -> None:
    """Tick some rows and ask what approving them covers."""
    for box in page.locator('input[name="item"]').all()[3:8]:
        box.check()
    page.locator('button[name="decision"][value="approve"]').click()
    page.wait_for_url("**/bulk")


def _decided(page: Any) -> None:
    """Approve them, and be told what became of each."""
    _several(page)
    page.locator(".bulk-form button").click()
    page.locator(".fate").first.wait_for()


def _codes(page: Any) -> None:
    """Begin to set up one-time codes."""
    page.locator('form[action="/account/codes/begin"] button').click()
    page.locator(".qr").wait_for()


def _preview(page: Any) -> None:
    """Switch the rules on that let actions pass, and ask what they would let pass and would have."""
    book = page.locator("textarea")
    book.fill(book.input_value().replace("enabled: false", "enabled: true"))
    page.get_by_role("button", name="See what it would do").click()
    page.wait_for_url("**/preview")


STEPS: dict[str, Callable[[Any], None]] = {
    "edit": _edit,
    "look": _look,
    "several": _several,
    "decided": _decided,
    "codes": _codes,
    "preview": _preview,
}


def action_path(shop: ConsoleShop, named: str) -> str:
    subtype = named.removeprefix("action:")
    wanted = select(Action.ref).where(Action.subtype == subtype, Action.state == "pending")
    with shop.store.read() as session:
        ref = session.scalar(wanted.order_by(Action.score.desc()).limit(1))
    return f"/actions/{ref}" if ref else ""


def name_of(path: str) -> str:
    place, at, kind = path.partition("@")
    plain = {"/": "today", "/monitoring/1": "incident"}.get(place, place)
    return re.sub(r"[^a-z]+", "-", f"{plain}{at}{kind}".lower()).strip("-")


def smallest(page: Any, png: bytes, width: int) -> bytes:
    """The picture as WebP: as good as fits."""
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    for quality in (0.85, 0.7, 0.55, 0.4, 0.25):
        made = base64.b64decode(page.evaluate(_TO_WEBP, [source, width, quality]))
        if len(made) <= LARGEST:
            return made
    raise SystemExit("a picture does not get small enough: show less of the page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
