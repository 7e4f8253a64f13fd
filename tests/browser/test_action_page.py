"""The page of one action in a real browser: readable by all in every kind, and edited by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from growth_pipelines.console.plots import shown
from growth_pipelines.store.tables import Action
from tests.action_pages import fill_every_kind
from tests.console_shop import ConsoleShop, serve

from .accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleShop]:
    """One console for the module; what a test decides about is its own action."""
    with serve(fill_every_kind(tmp_path_factory.mktemp("kinds") / "home")) as running:
        # The process that draws has begun before anybody is timed.
        shown.drawing().draw("weeks", {"weeks": [], "events": []}, 30)
        yield running


@pytest.fixture(scope="module")
def refs(shop: ConsoleShop) -> dict[str, str]:
    with shop.store.read() as session:
        return {action.subtype: action.ref for action in session.scalars(select(Action))}


@pytest.fixture(scope="module")
def signed_in(chromium: Any, shop: ConsoleShop) -> Iterator[Any]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(shop.link("maria"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(shop.base_url + "/")
    yield context
    context.close()


@pytest.fixture
def page(signed_in: Any, shop: ConsoleShop) -> Iterator[Any]:
    """A page whose console complains of nothing and that asks nobody else."""
    opened = signed_in.new_page()
    wrong: list[str] = []
    # A refused form is a page of its own; the browser's log mentions its status.
    opened.on(
        "console",
        lambda said: (
            wrong.append(said.text) if said.type == "error" and "status of 422" not in said.text else None
        ),
    )
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith(shop.base_url) else wrong.append(sent.url))
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()
    assert not wrong, wrong


def test_the_page_of_every_kind_is_readable_by_all(page: Any, shop: ConsoleShop, refs: dict[str, str]) -> None:
    assert len(refs) == 15
    found = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for subtype, ref in refs.items():
            page.goto(f"{shop.base_url}/actions/{ref}")
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            page.wait_for_load_state("networkidle")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (subtype, width, wide)
            for scheme in ("light", "dark"):
                # Without motion a colour has changed at once.
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found += [f"{subtype} {width} {scheme} {one}" for one in violations(page)]
    assert found == [], "\n".join(found)


def test_drawings_follow_the_dark_and_are_told(page: Any, shop: ConsoleShop, refs: dict[str, str]) -> None:
    page.goto(f"{shop.base_url}/actions/{refs['title']}")
    figure = page.get_by_role("img", name="wins 4.1 % of its impressions")
    label = figure.locator("text", has_text="this page")
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours.append(label.evaluate("one => getComputedStyle(one).fill"))
    assert len(set(colours)) == 2
    # As large as the text around it, on a phone too.
    page.set_viewport_size({"width": 390, "height": 844})
    shown_at = figure.locator("svg").evaluate("one => one.getScreenCTM().a * 11")
    assert shown_at >= 9.5


def test_an_edit_is_judged_while_it_is_typed_and_approved_by_keyboard(
    page: Any, shop: ConsoleShop, refs: dict[str, str]
) -> None:
    page.goto(f"{shop.base_url}/actions/{refs['title']}")
    page.keyboard.press("e")
    title = page.get_by_label("Title", exact=True)
    verdict = page.locator('[data-for="title"]')
    verdict.wait_for()
    assert title.evaluate("one => one === document.activeElement")
    page.keyboard.press("Control+a")
    page.keyboard.type("AN-6 Fuel Line Kit, tested to 900 psi")
    verdict.get_by_text("is a measure that is not in the evidence").wait_for()
    assert "37 of 60 characters" in verdict.inner_text()
    said = page.locator("[data-judged]")
    assert said.inner_text().startswith("Checked: ")
    assert title.input_value() == "AN-6 Fuel Line Kit, tested to 900 psi", "judging changes nothing"

    # Approved as it is, it comes back with the box to tick; ticking it is the operator's word.
    page.get_by_role("button", name="Approve with these edits").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nothing here backs some of what you wrote").wait_for()
    assert title.input_value() == "AN-6 Fuel Line Kit, tested to 900 psi"
    vouch = page.get_by_label("I know that what is marked above is so")
    vouch.focus()
    page.keyboard.press("Space")
    assert vouch.is_checked()
    page.get_by_role("button", name="Approve with these edits").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Approved with your edits.").wait_for()
    page.get_by_text("What was edited for version 2").click()
    assert page.locator(".edit-diff ins").first.is_visible()


def test_an_edit_is_checked_without_a_script(chromium: Any, shop: ConsoleShop, refs: dict[str, str]) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shop.link("bo"))
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{shop.base_url}/actions/{refs['image']}")
    page.get_by_text("Edit, then approve", exact=True).click()
    page.get_by_label("Alternative text").fill("Catch can that holds 25 psi")
    page.get_by_role("button", name="Check").click()
    assert page.get_by_role("textbox", name="Alternative text").input_value() == "Catch can that holds 25 psi"
    assert "is not in the evidence" in page.locator('[data-for="alt"]').inner_text()
    assert page.locator(".plot svg").count() == 1
    context.close()
