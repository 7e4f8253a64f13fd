"""The lists of approvals, policies and settings in a real browser; one server and one store for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.automatic import save_book
from growth_pipelines.approvals.inbox import inbox
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.bench.many_actions import fill as fill_many
from growth_pipelines.policies.terms import shipped, with_automatic
from tests.console_shop import NOW, ConsoleShop, fill, serve

from .accessibility import violations
from .test_console import PHONE, opened_forms

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleShop]:
    """A console with a full queue, an admin, and a rule that lets snippets pass."""
    filled = fill(tmp_path_factory.mktemp("approvals") / "home")
    add_operator(filled.store, filled.settings, "ada", "admin", NOW)
    fill_many(filled.store, 120, 7, now=NOW, resources=900)
    with filled.store.session() as session:
        book = with_automatic(shipped(), "seo_ctr", enabled=True, until=None)
        save_book(session, book, actor="ada", channel="cli", now=NOW, seen=0)
    with serve(filled) as running:
        yield running


@pytest.fixture
def open_page(chromium: Any, shop: ConsoleShop) -> Iterator[Callable[..., Any]]:
    """A function that opens a signed-in page; requests to other hosts and errors fail the test."""
    contexts: list[Any] = []
    foreign: list[str] = []
    errors: list[str] = []

    def sign_in(name: str = "maria", width: int = 1280, height: int = 900, **options: Any) -> Any:
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda told: errors.append(told.text) if "Content Security" in told.text else None)
        page.on("request", lambda sent: None if sent.url.startswith(shop.base_url) else foreign.append(sent.url))
        page.goto(shop.link(name))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(shop.base_url + "/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert (foreign, errors) == ([], [])


def refs(shop: ConsoleShop, count: int) -> list[str]:
    """What waits for maria, in its order."""
    with shop.store.read() as session:
        return [one.action.ref for one in inbox(session, "mine", "maria", "operator", NOW, limit=count).entries]


def states(shop: ConsoleShop, *wanted: str) -> list[str]:
    with shop.store.read() as session:
        return [find(session, ref).state for ref in wanted]


def open_list(page: Any, shop: ConsoleShop) -> None:
    """The list, once its rows open in their place."""
    page.goto(shop.base_url + "/approvals")
    page.locator("[data-look][data-htmx-powered]").first.wait_for()


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))


def badge(page: Any) -> int:
    return int(page.locator("#waiting-badge").inner_text().split()[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_has_an_accessibility_violation(
    open_page: Callable[..., Any], shop: ConsoleShop, width: int, scheme: str
):
    page = open_page("ada", width=width, color_scheme=scheme)
    found: list[str] = []

    def looked_at(where: str) -> None:
        opened_forms(page)
        found.extend(violations(page))
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{where} scrolls sideways: {wide} px"

    for path in ("?tab=mine", "?tab=expiring", "?tab=decided", "?tab=all&kind=campaign"):
        page.goto(f"{shop.base_url}/approvals{path}")
        looked_at(path)
    open_list(page, shop)
    page.locator("[data-look]").first.click()
    page.locator(".look-in").wait_for()
    looked_at("an open row")
    page.keyboard.press("?")
    looked_at("the keys")
    page.keyboard.press("Escape")
    for box in page.locator("input[name=item]").all()[:4]:
        box.check()
    page.get_by_role("button", name="Reject…").click()
    page.get_by_role("heading", name="Reject 4 actions?").wait_for()
    looked_at("the confirmation")
    for path in ("/policies", "/policies/edit", "/settings"):
        page.goto(shop.base_url + path)
        looked_at(path)
    page.goto(shop.base_url + "/policies")
    page.get_by_role("button", name=re.compile("See what would pass.*Content")).click()
    page.get_by_role("heading", name="What the change would do").wait_for()
    looked_at("the preview")
    assert not found, "\n".join(found)


def test_the_list_is_worked_through_by_keyboard_alone(open_page: Callable[..., Any], shop: ConsoleShop):
    first, second, third, fourth, fifth = refs(shop, 5)
    page = open_page()
    open_list(page, shop)
    waiting = badge(page)
    for key in ("j", "j", "k", "a"):
        page.keyboard.press(key)
    page.get_by_text("Press Enter to approve").wait_for()
    assert states(shop, first, second) == ["pending", "pending"]
    page.keyboard.press("Enter")
    page.locator(f"#row-{first}.ask-good").wait_for()
    assert focused(page) == f"row-{first}", "the focus is on what came of it"
    assert "is approved" in page.locator("#said").inner_text()
    assert badge(page) == waiting - 1
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.get_by_label("It is wrong").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(f"#row-{second}.ask-good").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator(f"#look-{third} .look-in").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(f"#look-{third} .look-in").count() == 0, "Escape closes the row"
    assert focused(page) != "", "and leaves the focus on it"
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.get_by_text("2 ticked").is_visible()
    page.get_by_role("button", name="Approve…").press("Enter")
    page.get_by_role("heading", name="Approve 2 actions?").wait_for()
    page.get_by_role("button", name="Approve 2 actions").press("Enter")
    page.get_by_role("heading", name="2 of 2 approved").wait_for()
    assert focused(page) == "Back to the approvals"
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals")
    assert states(shop, first, second, third, fourth, fifth) == [
        "approved",
        "rejected",
        "pending",
        "approved",
        "approved",
    ]
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("e")
    page.wait_for_url(f"**/actions/{third}#e")


def test_the_late_one_is_told_and_the_list_says_that_it_has_changed(
    open_page: Callable[..., Any], shop: ConsoleShop
):
    first = refs(shop, 1)[0]
    page, other = open_page(), open_page("bo")
    for one in (page, other):
        open_list(one, shop)
        one.keyboard.press("a")
        one.get_by_text("Press Enter to approve").wait_for()
    other.keyboard.press("Enter")
    other.locator(f"#row-{first}.ask-good").wait_for()
    assert page.get_by_text("The list has changed.").count() == 0
    page.evaluate("document.body.dispatchEvent(new Event('poll'))")
    page.get_by_role("status").filter(has_text="The list has changed.").wait_for()
    page.keyboard.press("Enter")
    page.locator(f"#row-{first}.ask-warn").wait_for()
    assert "was decided by bo" in page.locator(f"#row-{first}").inner_text()
    assert focused(page) == f"row-{first}"
    page.get_by_role("link", name="Show it as it is now").click()
    page.locator("h1").wait_for()
    assert page.locator(f"#row-{first}").count() == 0


def test_without_a_script_many_are_decided_over_two_pages(open_page: Callable[..., Any], shop: ConsoleShop):
    first, second = refs(shop, 2)
    page = open_page(java_script_enabled=False, **PHONE)
    page.goto(shop.base_url + "/approvals")
    for ref in (first, second):
        page.locator(f"#row-{ref} input").check()
    page.get_by_role("button", name="Defer…").click()
    page.get_by_role("button", name="Defer 2 actions").click()
    page.get_by_role("heading", name="2 of 2 deferred").wait_for()
    assert states(shop, first, second) == ["deferred", "deferred"]
    page.goto(shop.base_url + "/approvals")
    page.get_by_role("link", name=re.compile("Decide here")).first.click()
    page.get_by_role("button", name="Approve", exact=True).first.wait_for()
    assert "/actions/" in page.url


def test_letters_can_be_typed_and_switched_off_and_a_dead_server_is_told_of(
    open_page: Callable[..., Any], shop: ConsoleShop
):
    first = refs(shop, 1)[0]
    page = open_page()
    open_list(page, shop)
    page.keyboard.press("r")
    note = page.locator(f"#note-reject-{first}")
    note.press_sequentially("jar lakes are rare")
    assert note.input_value() == "jar lakes are rare"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_label("Single letters are keys in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body")
    page.context.set_offline(True)
    page.locator("[data-look]").first.click()
    page.get_by_role("status").filter(has_text="The console does not answer.").first.wait_for()
    page.context.set_offline(False)
    page.locator("[data-look]").first.click()
    page.locator(".look-in").wait_for()


def test_a_policy_that_approves_is_ended_from_any_page(open_page: Callable[..., Any], shop: ConsoleShop):
    page = open_page("ada", **PHONE)
    page.goto(shop.base_url + "/audit")
    page.get_by_role("button", name=re.compile("End it now")).click()
    page.get_by_text("Version 2 is in force.").wait_for()
    assert page.get_by_text("Policy approves").count() == 0
    page.get_by_text("Version 2", exact=False).last.click()
    assert page.locator("ins", has_text="enabled: false").is_visible()


def test_what_is_vendored_is_what_its_checksum_says():
    import hashlib

    from growth_pipelines.console.rendering import STATIC

    vendor: Path = STATIC / "vendor"
    listed = dict(reversed(line.split()) for line in (vendor / "SHA256SUMS.txt").read_text().splitlines())
    scripts = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in vendor.glob("*.js")}
    assert scripts == listed
    assert (vendor / "htmx.LICENSE.txt").exists()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_filters_of_the_audit_page_stand_in_line_and_their_buttons_side_by_side(
    open_page: Callable[..., Any], shop: ConsoleShop, width: int
) -> None:
    page = open_page(width=width)
    page.goto(f"{shop.base_url}/audit?actor=ada")
    buttons = [one.bounding_box() for one in page.locator(".filter-buttons > *").all()]
    assert len(buttons) == 2
    assert abs(buttons[0]["y"] - buttons[1]["y"]) < 2
    assert abs(buttons[0]["height"] - buttons[1]["height"]) < 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if width == 1280:
        fields = [one.bounding_box() for one in page.locator(".filters input").all()]
        assert len(fields) == 6
        ends = [box["y"] + box["height"] for box in (*fields, *buttons)]
        assert max(ends) - min(ends) < 2, "one row, all on one line"
        assert max(box["y"] for box in fields) - min(box["y"] for box in fields) < 1
