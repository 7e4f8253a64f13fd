"""Signing in, the account and the operators in a browser: by keyboard, readable by everybody, at any width."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import update

from growth_pipelines.actions.queue import find, top
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.approvals.passwords import hashed
from growth_pipelines.store.tables import ConsoleSession, Operator
from tests.console_shop import NOW, ConsoleShop

from .accessibility import violations
from .test_console import opened_forms

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PASSWORD = "four words in a row"


def age(console: ConsoleShop) -> None:
    """Makes every session too old for a critical change."""
    with console.store.session() as session:
        session.execute(update(ConsoleSession).values(created_at=NOW - timedelta(minutes=16)))


def type_in(page: Any, *keys: str) -> None:
    """Types into what has the focus, and presses Enter at the end; a tab stands before each but the first."""
    for number, text in enumerate(keys):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_password_and_codes_are_set_up_and_used_by_keyboard_alone(
    open_page: Callable[..., Any], console: ConsoleShop
):
    page = open_page()
    page.goto(console.base_url + "/account")
    page.get_by_label("New password").focus()
    type_in(page, PASSWORD, PASSWORD)
    page.get_by_text("Your password is set").wait_for()
    page.get_by_role("button", name="Set up codes").focus()
    page.keyboard.press("Enter")
    page.get_by_label("The code that the app shows now").wait_for()
    totp = pyotp.TOTP(page.locator("code.code-shown").inner_text().replace(" ", ""))
    type_in(page, totp.at(NOW))
    page.get_by_text("From now on your password asks for a code").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").focus()
    type_in(page, "maria", PASSWORD, totp.at(NOW + timedelta(seconds=30)))
    page.wait_for_url(console.base_url + "/")
    assert page.errors == []


def approvable(console: ConsoleShop) -> str:
    """Makes the first action one of high risk, and every session old; its ref."""
    with console.store.session() as session:
        found = top(session, 1, NOW)[0]
        found.risk_tier = "high"
        session.get_one(Operator, "maria").password_hash = hashed(PASSWORD)
        ref = found.ref
    age(console)
    return ref


def state_of(console: ConsoleShop, ref: str) -> str:
    with console.store.read() as session:
        return find(session, ref).state


def test_high_risk_is_approved_with_a_proof_by_keyboard_alone_and_without_scripts(
    open_page: Callable[..., Any], console: ConsoleShop
):
    page = open_page(java_script_enabled=False)
    ref = approvable(console)
    page.goto(f"{console.base_url}/actions/{ref}")
    page.locator("form:has(input[value=approve]) button").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Is it still you, maria?").wait_for()
    type_in(page, "a wrong guess, twice")
    page.get_by_role("alert").get_by_text("is wrong").wait_for()
    type_in(page, PASSWORD)
    page.get_by_text("has not been sent yet").wait_for()
    assert state_of(console, ref) == "pending"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{console.base_url}/actions/{ref}?done=approve")
    assert state_of(console, ref) == "approved"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_question_in_a_list_stands_in_its_row_and_is_readable_by_everybody(
    open_page: Callable[..., Any], console: ConsoleShop, width: int
):
    page = open_page(width=width)
    ref = approvable(console)
    page.goto(f"{console.base_url}/approvals")
    look = page.locator(f"#look-{ref}")
    page.locator("[data-look][data-htmx-powered]").first.wait_for()
    page.locator(f"#row-{ref} [data-look]").click()
    look.get_by_role("button", name="Approve").click()
    look.get_by_text("Is it still you, maria?").wait_for()
    found = violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    look.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("has not been sent yet").wait_for()
    found += violations(page)
    page.keyboard.press("Enter")
    page.get_by_text("is approved").first.wait_for()
    assert state_of(console, ref) == "approved"
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_about_people_has_an_accessibility_violation(
    open_page: Callable[..., Any], console: ConsoleShop, width: int, scheme: str
):
    add_operator(console.store, console.settings, "ada", "admin", NOW)
    page = open_page("ada", width=width, color_scheme=scheme)
    found = []

    def look() -> None:
        opened_forms(page)
        found.extend(violations(page))
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url} scrolls sideways: {wide} px"

    page.goto(console.base_url + "/account")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_text("Your password is set").wait_for()
    look()
    page.get_by_role("button", name="Set up codes").click()
    page.get_by_label("The code that the app shows now").fill("000000")
    page.get_by_role("button", name="Ask for codes").click()
    page.get_by_role("alert").wait_for()
    look()
    page.goto(console.base_url + "/operators")
    page.get_by_label("Name").fill("zoe")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("signs zoe in once").wait_for()
    look()
    age(console)
    page.get_by_label("Name").fill("pia")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Is it still you, ada?").wait_for()
    look()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("has not been sent yet").wait_for()
    look()
    page.keyboard.press("Enter")
    page.get_by_text("signs pia in once").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("a guess, a guess")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    look()
    assert not found, "\n".join(found)
