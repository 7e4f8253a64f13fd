"""Signing in, the account and the operators in a browser: by keyboard, readable by everybody, at any width."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import update

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.store.tables import ConsoleSession
from tests.console_shop import NOW, ConsoleShop

from .accessibility import violations
from .test_console import opened_forms

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PASSWORD = "four words in a row"


def age(console: ConsoleShop) -> None:
    """Makes every session too old for a critical change."""
    with console.store.session() as session:
        session.execute(update(ConsoleSession).values(created_at=NOW - timedelta(minutes=11)))


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
