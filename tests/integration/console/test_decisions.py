"""Deciding on the console: the first valid decision wins, and it is on exactly what was shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from growth_pipelines.actions.body_html import links_text
from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import FieldChange
from growth_pipelines.store.tables import AuditEvent, OutboxEntry
from tests.console_shop import NOW, SHOP, SNIPPETS, ConsoleShop, snippet_draft

from .conftest import Visitor


def redraft(shop: ConsoleShop) -> None:
    """A newer draft of the first page: its action is at version 2 afterwards."""
    page, before, _, *rest = SNIPPETS[0]
    newer = snippet_draft((page, before, "AN-6 Fuel Line Kit: 20 ft PTFE Hose + 10 Fittings", *rest))
    result = submit(
        shop.store, [newer], recommender="seo_ctr", shop_id=SHOP, now=NOW, rules=SubmitRules(), run_id="next"
    )
    assert result.revised


def test_the_day_that_forms_propose_to_defer_to_is_one_that_is_allowed(
    open_console: Callable[..., ConsoleShop],
) -> None:
    maria = Visitor(open_console(GROWTH_ACTIONS__DEFER_DAYS_MAX="3")).sign_in("maria")
    action = maria.queue()[0]
    (offered,) = re.findall(r'<input id="until"[^>]*value="([^"]+)"', maria.get(f"/actions/{action['ref']}").text)
    assert offered == "2026-11-25"
    assert maria.decide(action, "defer", until=offered).status_code == 200
    assert maria.action(action["ref"])["state"] == "deferred"


def test_approving_is_recorded_with_who_and_where(maria: Visitor):
    action = maria.queue()[0]
    page = maria.decide(action, "approve", note="good one")
    assert page.url.path == f"/actions/{action['ref']}"
    assert "Approved." in page.text
    after = maria.action(action["ref"])
    assert (after["state"], after["decided_by"], after["decided_channel"]) == ("approved", "maria", "console")
    with maria.shop.store.read() as session:
        told = session.scalars(select(OutboxEntry).where(OutboxEntry.event == "action.approved")).all()
        assert len(told) == 1


def test_an_approved_action_leaves_the_queue_and_the_next_is_offered(maria: Visitor):
    first, second, *_ = maria.queue()
    page = maria.decide(first, "approve")
    assert f'href="/actions/{second["ref"]}" data-next' in page.text
    assert first["ref"] not in [row["ref"] for row in maria.queue()]
    assert "Lately decided" in maria.get("/").text


def test_many_browsers_deciding_at_once_decide_once(console: ConsoleShop):
    people = [Visitor(console).sign_in(name) for name in ("maria", "bo") * 4]
    action = people[0].queue()[0]
    tokens = [person.csrf() for person in people]

    def click(pair: tuple[Visitor, str]) -> int:
        person, csrf = pair
        data = {"csrf": csrf, "digest": action["digest"], "decision": "approve"}
        return person.http.post(
            f"/api/approvals/{action['id']}/decision", data=data, follow_redirects=False
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(click, zip(people, tokens, strict=True)))
    assert codes == [303] + [409] * 7
    with console.store.read() as session:
        approved = select(func.count()).select_from(AuditEvent).where(AuditEvent.event == "approved")
        assert session.scalar(approved) == 1


def test_the_late_one_is_told_who_decided(console: ConsoleShop, maria: Visitor):
    action = maria.queue()[0]
    maria.decide(action, "approve")
    late = Visitor(console).sign_in("bo").decide(action, "reject", reason="tone")
    assert late.status_code == 409
    assert "was decided by maria" in late.text
    assert maria.action(action["ref"])["state"] == "approved"


def test_a_stale_page_decides_nothing_and_shows_the_current_draft(maria: Visitor):
    action = maria.queue()[0]
    redraft(maria.shop)
    answer = maria.decide(action, "approve")
    assert answer.status_code == 409
    assert "has changed since you looked at it" in answer.text
    assert "20 ft PTFE Hose" in answer.text
    current = maria.action(action["ref"])
    assert (current["state"], current["version"]) == ("pending", 2)
    # The page that came back can decide: it carries the new digest and knows its own address.
    assert f'name="digest" value="{current["digest"]}"' in answer.text
    assert f'data-address="/actions/{action["ref"]}"' in answer.text
    maria.decide(current, "approve")
    assert maria.action(action["ref"])["state"] == "approved"


def test_editing_approves_the_edited_text_as_a_new_version(maria: Visitor):
    action = maria.queue()[0]
    page = maria.decide(
        action,
        "approve_with_edits",
        **{
            "draft.title": "AN-6 Fuel Line Kit\r\n for EFI, 20 ft",
            "draft.description": action["draft"]["description"],
        },
    )
    assert "Approved with your edits." in page.text
    after = maria.action(action["ref"])
    assert (after["state"], after["version"]) == ("approved", 2)
    assert after["draft"]["title"] == "AN-6 Fuel Line Kit for EFI, 20 ft"
    assert after["draft"]["description"] == action["draft"]["description"]
    assert "for EFI, 20 ft" in page.text


def test_steps_are_edited_one_a_line(maria: Visitor):
    action = next(row for row in maria.queue() if row["subtype"] == "script")
    lines = "Open Apps.\r\n\r\n  Remove the   widget. \r\n"
    maria.decide(
        action, "approve_with_edits", **{"draft.summary": action["draft"]["summary"], "draft.steps": lines}
    )
    assert maria.action(action["ref"])["draft"]["steps"] == ["Open Apps.", "Remove the widget."]


def test_a_refused_edit_keeps_what_was_typed(maria: Visitor):
    action = maria.queue()[0]
    answer = maria.decide(
        action,
        "approve_with_edits",
        note="mind the tone",
        **{"draft.title": "<b>Loud</b> title", "draft.description": "Kept"},
    )
    assert answer.status_code == 422
    assert "&lt;b&gt;Loud&lt;/b&gt; title" in answer.text
    assert "mind the tone" in answer.text
    assert re.search(r"<details[^>]* open>\s*<summary>Edit, then approve", answer.text)
    assert maria.action(action["ref"])["version"] == 1


def test_rejecting_needs_a_reason_and_another_reason_needs_a_note(maria: Visitor):
    action = maria.queue()[0]
    assert maria.decide(action, "reject").status_code == 422
    answer = maria.decide(action, "reject", reason="other")
    assert answer.status_code == 422
    assert re.search(r'value="other" required checked', answer.text)
    page = maria.decide(action, "reject", reason="other", note="we drop this product")
    assert "Rejected." in page.text
    assert "we drop this product" in page.text
    assert maria.action(action["ref"])["state"] == "rejected"


def test_deferring_brings_the_action_back_on_its_day(maria: Visitor):
    action = maria.queue()[0]
    page = maria.decide(action, "defer", until="2026-12-01")
    assert "Deferred." in page.text
    assert "1 Dec 2026" in page.text
    assert maria.action(action["ref"])["deferred_until"].startswith("2026-12-01T07:00")


@pytest.mark.parametrize("until", ["2026-11-22", "2027-06-01", "soon", ""])
def test_deferring_to_an_impossible_day_changes_nothing(maria: Visitor, until: str):
    action = maria.queue()[0]
    assert maria.decide(action, "defer", until=until).status_code == 422
    assert maria.action(action["ref"])["state"] == "pending"


def test_asking_for_changes_says_which(maria: Visitor):
    action = maria.queue()[0]
    assert maria.decide(action, "request_changes", note=" ").status_code == 422
    page = maria.decide(action, "request_changes", note="name the hose length")
    assert "name the hose length" in page.text
    assert maria.action(action["ref"])["state"] == "changes_requested"


def test_a_viewer_looks_and_decides_nothing(console: ConsoleShop):
    vik = Visitor(console).sign_in("vik")
    action = vik.queue()[0]
    page = vik.get(f"/actions/{action['ref']}").text
    assert "Operators and admins decide" in page
    assert 'value="approve"' not in page
    assert vik.decide(action, "approve").status_code == 403
    assert vik.action(action["ref"])["state"] == "pending"


def test_looking_decides_nothing(maria: Visitor):
    action = maria.queue()[0]
    address = f"/api/approvals/{action['id']}/decision"
    answer = maria.http.get(address, params={"decision": "approve", "digest": action["digest"]})
    assert answer.status_code == 405
    assert maria.action(action["ref"])["state"] == "pending"


def test_the_api_decides_with_the_sessions_token(maria: Visitor):
    action = maria.queue()[0]
    address, headers = f"/api/approvals/{action['ref']}/decision", {"accept": "application/json"}
    body = {"decision": "approve", "digest": action["digest"]}
    assert maria.http.post(address, json=body, headers=headers).status_code == 403
    headers["x-csrf-token"] = maria.csrf()
    answer = maria.http.post(address, json=body, headers=headers).json()
    assert (answer["state"], answer["request_status"]) == ("approved", "approved")
    assert answer["action"]["decided_by"] == "maria"
    again = maria.http.post(address, json=body, headers=headers)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["action"]["state"] == "approved"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"decision": "approve_with_edits", "digest": "x", "draft": {"title": NaN}}', "application/json", 422),
        (b'{"decision": "launch", "digest": "x"}', "application/json", 422),
        (b'{"decision": "approve"}', "application/json", 422),
        (b'{"decision": "approve", "digest": "x", "sudo": true}', "application/json", 422),
        (b"decision=approve", "text/plain", 415),
    ],
)
def test_a_malformed_decision_is_refused_in_words(maria: Visitor, content: bytes, kind: str, status: int):
    headers = {"content-type": kind, "accept": "application/json", "x-csrf-token": maria.csrf()}
    action = maria.queue()[0]
    answer = maria.http.post(f"/api/approvals/{action['id']}/decision", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["title"]


def test_deciding_about_nothing_is_not_found(maria: Visitor):
    assert maria.decide({"id": "nothing", "digest": "x"}, "approve").status_code == 404


def test_an_executed_action_can_be_rolled_back_once(maria: Visitor):
    action = maria.queue()[0]
    maria.decide(action, "approve")
    from growth_pipelines.actions.transitions import transition

    with maria.shop.store.session() as session:
        for before, after in (("approved", "executing"), ("executing", "executed")):
            assert transition(session, action["id"], 1, before, after, actor="growth", channel="executor", now=NOW)
    page = maria.get(f"/actions/{action['ref']}")
    assert "Roll back" in page.text
    assert maria.decide(action, "rollback").status_code == 422
    page = maria.decide(action, "rollback", reason="clicks fell")
    assert "The rollback is under way." in page.text
    assert "Rollback asked for by maria" in page.text
    assert 'value="rollback"' not in page.text


def test_while_everything_is_paused_decisions_are_still_taken(
    open_console: Callable[..., ConsoleShop],
):
    from growth_pipelines.actions.brake import pause

    shop = open_console()
    pause(shop.store, actor="bo", channel="cli", reason="price import runs", now=NOW)
    maria = Visitor(shop).sign_in("maria")
    assert "Everything is paused" in maria.get("/").text
    assert "price import runs" in maria.get("/").text
    action = maria.queue()[0]
    assert "written once someone resumes" in maria.decide(action, "approve").text


def test_a_link_says_nothing_that_nothing_backs_either(maria: Visitor):
    links = [{"section": "Guides", "anchor": "Sizes", "url": "/pages/sizes"}]
    draft = snippet_draft(("/pages/links", "Links", "Links of every kind", None, (50, 90, 120), 0.8))
    change = FieldChange(field="related_links", before="", after=links_text(links), change_type="add")
    parts = {"title": "Links of every kind", "internal_links": links}
    draft = draft.model_copy(update={"draft": parts, "diff": (*draft.diff, change)})
    made = submit(maria.shop.store, [draft], recommender="seo_ctr", shop_id=SHOP, now=NOW, rules=SubmitRules())
    action = maria.action(made.created[0])
    body = {"decision": "edit", "digest": action["digest"]}
    send = {"url": f"/api/approvals/{action['id']}/decision", "headers": {"x-csrf-token": maria.csrf()}}
    said = {"internal_links": [{**links[0], "anchor": "Lines that hold 900 psi"}]}
    refused = maria.http.post(json={**body, "draft": said}, **send)
    assert refused.status_code == 422
    assert '"900" is not in the evidence.' in refused.json()["problems"]
    kept = {"internal_links": [*links, {**links[0], "url": "/pages/more"}]}
    assert maria.http.post(json={**body, "draft": kept}, **send).status_code == 200


@pytest.mark.parametrize("left_out", [["CLAMP"], ["HOSE", "CLAMP", "SIZES"]])
def test_related_links_are_left_out_one_by_one_or_all(maria: Visitor, left_out: list[str]):
    """Those that stay keep their order; without any, the action is about the rest of it."""
    links = [
        {"section": section, "anchor": name.upper(), "url": f"/products/{name}"}
        for section, name in (("Related products", "hose"), ("Related products", "clamp"), ("Guides", "sizes"))
    ]
    title = "Links of every kind"
    draft = snippet_draft(("/pages/links", "Links", title, None, (50, 90, 120), 0.8))
    change = FieldChange(field="related_links", before="", after=links_text(links), change_type="add")
    draft = draft.model_copy(
        update={"draft": {"title": title, "internal_links": links}, "diff": (*draft.diff, change)}
    )
    made = submit(maria.shop.store, [draft], recommender="seo_ctr", shop_id=SHOP, now=NOW, rules=SubmitRules())
    page = maria.get(f"/actions/{made.created[0]}").text
    boxes = re.findall(r'name="(draft\.internal_links\.\w+)" value="out"><span>(\w+) ', page)
    assert [anchor for _, anchor in boxes] == ["HOSE", "CLAMP", "SIZES"]
    ticked = {name: "out" for name, anchor in boxes if anchor in left_out}
    maria.decide(maria.action(made.created[0]), "approve_with_edits", **{"draft.title": title}, **ticked)
    after = maria.action(made.created[0])
    assert (after["state"], after["version"]) == ("approved", 2)
    stay = [link for link in links if link["anchor"] not in left_out]
    assert after["draft"].get("internal_links", []) == stay
    shown = {one["field"]: one["after"] for one in after["diff"]}
    assert shown == {"seo.title": title, **({"related_links": links_text(stay)} if stay else {})}
