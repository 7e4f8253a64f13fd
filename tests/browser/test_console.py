"""The console in a real browser: readable by all, usable by keyboard, on a phone and without a script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from growth_pipelines.actions.brake import pause
from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import ActionDraft, FieldChange
from growth_pipelines.actions.queue import as_document, find, top
from growth_pipelines.actions.recommended_products import COMPLEMENTARY, products_text
from growth_pipelines.store.incidents import record_look
from growth_pipelines.store.tables import AuditEvent
from tests.console_shop import NOW, SHOP, SNIPPETS, ConsoleShop, judged, snippet_draft
from tests.experiments_declared import begun, looked_at
from tests.incidents import incident

from .accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PHONE = {"width": 390, "height": 844}


def queue(console: ConsoleShop) -> list[dict[str, Any]]:
    with console.store.read() as session:
        return [as_document(action) for action in top(session, 10, NOW)]


def state(console: ConsoleShop, ref: str) -> str:
    with console.store.read() as session:
        return find(session, ref).state


def companions_draft(*titles: str) -> ActionDraft:
    """A rule that shows these products with the shop's third page."""
    shown = {f"gid://shopify/Product/{number}": title for number, title in enumerate(titles, start=1)}
    draft = snippet_draft(SNIPPETS[2])
    parts = [{"product": gid, "title": title} for gid, title in shown.items()]
    diff = [
        FieldChange(field=field, before="", after=after, change_type="add")
        for field, after in (
            (COMPLEMENTARY.definition, COMPLEMENTARY.defined),
            (COMPLEMENTARY.field, products_text(list(shown))),
        )
    ]
    return draft.model_copy(
        update={
            "kind": "guided_selling",
            "subtype": "cross_sell_rule",
            "draft": {"metafield": COMPLEMENTARY.defined, "companions": parts, "kept": []},
            "diff": tuple(diff),
        }
    )


def opened_forms(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")


def test_what_is_wrong_with_a_page_is_found_by_name(chromium: Any):
    page = chromium.new_page()
    page.set_content(
        '<html lang="en"><title>Oil</title><main><h1>Oil</h1><img src="data:,"><a href="/"></a></main>'
    )
    assert [found.split()[1] for found in violations(page)] == ["image-alt:", "link-name:"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_has_an_accessibility_violation(
    open_page: Callable[..., Any], console: ConsoleShop, width: int, scheme: str
):
    looked_at(console.store, begun(console.store, console.settings, NOW - timedelta(days=15)), 14, NOW, rail=-0.3)
    pause(console.store, actor="bo", channel="cli", reason="price import", now=NOW)
    judged(console.settings)
    with console.store.session() as session:
        record_look(session, [incident()], NOW)
    page = open_page(width=width, color_scheme=scheme)
    actions = queue(console)
    by_subtype = {action["subtype"]: action["ref"] for action in actions}
    found = []
    for path in (
        "/",
        "/actions",
        "/audit",
        "/quality",
        "/texts",
        "/monitoring",
        "/monitoring/1",
        "/again",
        "/outcomes",
        "/experiments",
        "/experiments/free-shipping-bar",
        "/experiments/new",
        "/learning",
        *(f"/actions/{by_subtype[name]}" for name in ("title", "image", "script")),
        "/nowhere",
        "/docs/dbt",
    ):
        page.goto(console.base_url + path)
        opened_forms(page)
        found += violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} scrolls sideways: {wide} px"
    page.context.clear_cookies()
    page.goto(console.base_url + "/login")
    found += violations(page)
    assert not found, "\n".join(found)


def test_the_content_policy_lets_the_pages_work(open_page: Callable[..., Any], console: ConsoleShop):
    page = open_page()
    for path in ("/", "/actions", "/audit", f"/actions/{queue(console)[0]['ref']}"):
        page.goto(console.base_url + path)
    assert page.errors == []


def test_an_action_is_approved_by_keyboard_alone(open_page: Callable[..., Any], console: ConsoleShop):
    first, second, third, *_ = queue(console)
    page = open_page()
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.textContent") == second["title"]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/actions/{second['ref']}")
    page.keyboard.press("a")
    assert "Press Enter to approve" in page.locator("[data-say]").inner_text()
    assert state(console, second["ref"]) == "pending"
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=approve")
    assert state(console, second["ref"]) == "approved"
    # The next action is offered and has the focus.
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/actions/{first['ref']}")
    page.keyboard.press("j")
    page.wait_for_url(f"**/actions/{third['ref']}")
    page.keyboard.press("Escape")
    page.wait_for_url(console.base_url + "/")


def test_an_experiment_is_planned_and_registered_by_keyboard_on_a_phone(
    open_page: Callable[..., Any], console: ConsoleShop
):
    page = open_page(width=390)
    page.goto(f"{console.base_url}/experiments/new")
    page.locator("#hypothesis").focus()
    page.keyboard.type("A bar that says when shipping is free makes more visitors buy.")
    page.keyboard.press("Tab")
    page.keyboard.type("Free shipping")
    # Enter plans, it never registers.
    page.keyboard.press("Enter")
    page.locator("#key-wrong").wait_for()
    assert page.locator("[aria-invalid]").evaluate_all("found => found.map(one => one.id)") == ["key"]
    assert violations(page) == []
    page.locator("#daily").fill("40000")
    page.locator("#key").fill("free-shipping")
    page.keyboard.press("Enter")
    page.locator(".trial-planned [role=status]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Register it").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/free-shipping?done=registered")
    assert "It is registered as a draft." in page.content()


def test_escape_takes_a_back_before_anything_is_decided(open_page: Callable[..., Any], console: ConsoleShop):
    action = queue(console)[0]
    page = open_page()
    page.goto(f"{console.base_url}/actions/{action['ref']}")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert page.locator("[data-say]").inner_text() == ""
    page.keyboard.press("Enter")
    assert page.url.endswith(action["ref"])
    assert state(console, action["ref"]) == "pending"


def test_an_action_is_rejected_by_keyboard_from_the_list(open_page: Callable[..., Any], console: ConsoleShop):
    action = queue(console)[0]
    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.wait_for_url(f"**/actions/{action['ref']}#r")
    page.get_by_label("It does not matter here").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=reject")
    assert state(console, action["ref"]) == "rejected"
    assert "It does not matter here" in page.locator("#decide").inner_text()


def test_letters_typed_into_a_note_are_letters(open_page: Callable[..., Any], console: ConsoleShop):
    action = queue(console)[0]
    page = open_page()
    page.goto(f"{console.base_url}/actions/{action['ref']}")
    page.get_by_text("Ask for changes").first.click()
    note = page.get_by_label("What should be different?")
    note.press_sequentially("jar lakes are rare")
    assert note.input_value() == "jar lakes are rare"
    assert page.url.endswith(action["ref"])


def test_editing_counts_characters_and_shows_the_result(open_page: Callable[..., Any], console: ConsoleShop):
    action = queue(console)[0]
    page = open_page()
    page.goto(f"{console.base_url}/actions/{action['ref']}")
    page.keyboard.press("e")
    title = page.get_by_label("Title", exact=True)
    title.fill("AN-6 Hose & Fittings")
    assert page.locator("#count-title").inner_text() == "20 of 60 characters"
    assert page.locator(".result-after .result-title").inner_text() == "AN-6 Hose & Fittings"
    title.fill("x" * 61)
    assert "over" in page.locator("#count-title").get_attribute("class")
    other = action["draft"]["variants"]["title"][1]
    page.get_by_role("button", name=other).click()
    assert title.input_value() == other
    page.get_by_role("button", name="Approve with these edits").click()
    page.wait_for_url("**?done=approve_with_edits")
    with console.store.read() as session:
        assert find(session, action["ref"]).draft["title"] == other


def test_products_of_a_rule_are_put_in_order_by_keyboard(open_page: Callable[..., Any], console: ConsoleShop):
    """The list shows the order at once, and focus stays on what moves."""
    rule = submit(
        console.store,
        [companions_draft("Filter", "Wrench", "Clamp")],
        recommender="guided_selling",
        shop_id=SHOP,
        now=NOW,
        rules=SubmitRules(),
    ).created[0]
    page = open_page(**PHONE)
    page.goto(f"{console.base_url}/actions/{rule}")
    page.keyboard.press("e")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    labels = page.locator("[data-places] label")
    assert labels.all_inner_texts() == ["Wrench", "Clamp", "Filter"]
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Filter"
    page.get_by_label("Wrench").select_option("Leave out")
    assert labels.all_inner_texts() == ["Clamp", "Filter", "Wrench"]
    assert violations(page) == []
    page.get_by_role("button", name="Approve with these edits").click()
    page.wait_for_url("**?done=approve_with_edits")
    with console.store.read() as session:
        shown = [one["title"] for one in find(session, rule).draft["companions"]]
    assert shown == ["Clamp", "Filter"]


def test_a_double_click_decides_once(open_page: Callable[..., Any], console: ConsoleShop):
    action = queue(console)[0]
    page = open_page()
    page.goto(f"{console.base_url}/actions/{action['ref']}")
    posts = []
    page.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    page.get_by_role("button", name="Approve", exact=True).first.dblclick()
    page.wait_for_url("**?done=approve")
    assert len(posts) == 1
    with console.store.read() as session:
        assert session.query(AuditEvent).filter_by(event="approved").count() == 1


def test_a_stale_page_is_told_so_and_can_decide_on_the_current_draft(
    open_page: Callable[..., Any], console: ConsoleShop
):
    from growth_pipelines.actions.lifecycle import SubmitRules, submit
    from tests.console_shop import SHOP, SNIPPETS, snippet_draft

    action = queue(console)[0]
    page = open_page()
    page.goto(f"{console.base_url}/actions/{action['ref']}")
    path, before, _, *rest = SNIPPETS[0]
    newer = snippet_draft((path, before, "AN-6 Hose Kit, 20 ft, E85 Safe", *rest))
    submit(console.store, [newer], recommender="seo_ctr", shop_id=SHOP, now=NOW, rules=SubmitRules())
    page.get_by_role("button", name="Approve", exact=True).first.click()
    page.get_by_role("status").filter(has_text="has changed since you looked at it").wait_for()
    assert page.url == f"{console.base_url}/actions/{action['ref']}"
    assert page.locator(".result-after .result-title").inner_text() == "AN-6 Hose Kit, 20 ft, E85 Safe"
    assert state(console, action["ref"]) == "pending"
    page.get_by_role("button", name="Approve", exact=True).first.click()
    page.wait_for_url("**?done=approve")
    assert state(console, action["ref"]) == "approved"


def test_everything_is_decided_without_a_script_too(open_page: Callable[..., Any], console: ConsoleShop):
    first, second, *_ = queue(console)
    page = open_page(java_script_enabled=False)
    page.get_by_role("link", name=first["title"]).click()
    page.get_by_role("button", name="Approve", exact=True).first.click()
    page.wait_for_url("**?done=approve")
    page.get_by_role("link", name="Next:").click()
    page.locator("summary", has_text="Reject").click()
    page.get_by_label("Too risky").check()
    page.get_by_role("button", name="Reject").click()
    page.wait_for_url("**?done=reject")
    assert (state(console, first["ref"]), state(console, second["ref"])) == ("approved", "rejected")


def test_on_a_phone_the_approve_button_is_always_in_reach(open_page: Callable[..., Any], console: ConsoleShop):
    action = queue(console)[0]
    page = open_page(**PHONE, has_touch=True)
    page.goto(f"{console.base_url}/actions/{action['ref']}")
    bar = page.locator(".thumb-bar")
    for _ in range(2):
        box = bar.get_by_role("button", name="Approve").bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"]
        assert box["height"] >= 44
        page.mouse.wheel(0, 1500)
    bar.get_by_role("button", name="Approve").tap()
    page.wait_for_url("**?done=approve")
    assert state(console, action["ref"]) == "approved"


def test_the_first_tab_leads_to_the_content(open_page: Callable[..., Any]):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
