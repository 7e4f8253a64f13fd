"""The pages of approvals, policies and settings as a browser without a script uses them."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.automatic import save_book
from growth_pipelines.approvals.operators import add_operator, remove_operator
from growth_pipelines.bench.many_actions import fill
from growth_pipelines.policies.book import in_force
from growth_pipelines.policies.terms import parse, shipped, text_of
from growth_pipelines.store.tables import AuditEvent
from tests.console_shop import NOW, SHOP, SNIPPETS, ConsoleShop, snippet_draft

from .conftest import Visitor
from .test_pages import text_of as read

PARTS = {"hx-request": "true"}


def state(shop: ConsoleShop, ref: str) -> str:
    with shop.store.read() as session:
        return find(session, ref).state


def ticked(page: str) -> list[str]:
    return re.findall(r'name="item" value="([^"]+)"', page)


@pytest.fixture
def ada(console: ConsoleShop) -> Visitor:
    """An admin, signed in."""
    add_operator(console.store, console.settings, "ada", "admin", NOW)
    return Visitor(console).sign_in("ada")


def test_many_are_decided_after_a_look_at_what_that_covers(maria: Visitor) -> None:
    boxes = ticked(maria.get("/approvals").text)
    assert len(boxes) == len(set(boxes)) == 8
    form = {"csrf": maria.csrf(), "decision": "reject", "item": boxes[:3]}
    asked = maria.http.post("/approvals/bulk", data=form)
    assert "Reject 3 actions?" in read(asked.text)
    refs = [maria.action(box.split(":")[0])["ref"] for box in boxes]
    assert {state(maria.shop, ref) for ref in refs} == {"pending"}
    [confirm] = re.findall(r'name="confirm" value="([^"]+)"', asked.text)
    again = {**form, "item": ticked(asked.text), "confirm": confirm}
    assert "needs a reason" in read(maria.http.post("/approvals/bulk", data=again).text)
    more = {**again, "item": boxes[:4], "reason": "tone"}
    assert maria.http.post("/approvals/bulk", data=more).status_code == 409, "what was not shown is not decided"
    assert {state(maria.shop, ref) for ref in refs} == {"pending"}
    bo = Visitor(maria.shop).sign_in("bo")
    bo.decide(maria.action(refs[1]), "approve")
    done = read(maria.http.post("/approvals/bulk", data={**again, "reason": "tone"}).text)
    assert "2 of 3 rejected" in done
    assert f"{refs[1]} is approved" in done or f"{refs[1]} was decided by bo" in done
    assert [state(maria.shop, ref) for ref in refs[:4]] == ["rejected", "approved", "rejected", "pending"]
    assert "approved after" in re.sub(r"bo, .*?MST ", "", read(maria.get("/approvals?tab=decided").text))
    assert maria.http.post("/approvals/bulk", data={**form, "csrf": "of another"}).status_code == 403
    assert maria.http.post("/approvals/bulk", data={**form, "item": []}).status_code == 422
    viewer = Visitor(maria.shop).sign_in("vik")
    assert ticked(viewer.get("/approvals?tab=all").text) == []
    assert viewer.http.post("/approvals/bulk", data={**form, "csrf": viewer.csrf()}).status_code == 403


def test_one_is_decided_in_the_list_and_the_late_one_is_told_who_was_first(maria: Visitor) -> None:
    first, second, *_ = maria.queue()
    look = maria.http.get(f"/approvals/{first['ref']}/look", headers=PARTS).text
    assert not look.startswith("<!doctype")
    assert first["digest"] in look
    form = {"csrf": maria.csrf(), "digest": first["digest"], "decision": "approve"}
    address = f"/approvals/{first['id']}/decision"
    before = maria.get("/approvals/changes").headers["etag"]
    known = {"if-none-match": before}
    assert maria.http.get("/approvals/changes", headers=known).status_code == 304
    told = maria.http.post(address, data=form, headers=PARTS)
    assert (told.status_code, state(maria.shop, first["ref"])) == (200, "approved")
    assert re.search(r'id="waiting-badge" hx-swap-oob="true">7<', told.text), "the badge comes with the answer"
    changed = maria.http.get("/approvals/changes", headers=known)
    assert changed.status_code == 200
    assert "The list has changed" in changed.text
    bo = Visitor(maria.shop).sign_in("bo")
    late = bo.http.post(address, data={**form, "csrf": bo.csrf()}, headers=PARTS)
    assert late.status_code == 409
    assert "was decided by maria" in read(late.text)
    wrong = {**form, "digest": second["digest"], "decision": "reject"}
    missing = maria.http.post(f"/approvals/{second['id']}/decision", data=wrong, headers=PARTS)
    assert (missing.status_code, missing.headers["hx-retarget"]) == (422, f"#look-{second['ref']}")
    assert "Rejecting needs a reason" in read(missing.text)
    stale = maria.http.post(f"/approvals/{second['id']}/decision", data=form, headers=PARTS)
    assert stale.status_code == 409
    assert second["digest"] in stale.text, "the form is of the present draft"
    maria.http.cookies.clear()
    gone = maria.http.get(
        "/approvals/changes?tab=all", headers={**PARTS, "hx-current-url": "http://x/approvals?tab=all"}
    )
    assert (gone.status_code, gone.headers["hx-redirect"]) == (401, "/login?next=%2Fapprovals%3Ftab%3Dall")


def test_a_quorum_counts_votes_and_the_list_says_whose_turn_it_is(maria: Visitor) -> None:
    add_operator(maria.shop.store, maria.shop.settings, "ada", "admin", NOW)
    book = text_of(shipped()).replace("automatic:", "- {kind: seo_ctr, quorum: 2}\nautomatic:")
    with maria.shop.store.session() as session:
        save_book(session, parse(book), actor="ada", channel="cli", now=NOW, seen=0)
    action = maria.queue()[0]
    form = {"csrf": maria.csrf(), "digest": action["digest"], "decision": "approve"}
    address = f"/approvals/{action['id']}/decision"
    assert "0 of 2 have approved it; with yours it still waits" in read(
        maria.http.get(f"/approvals/{action['ref']}/look", headers=PARTS).text
    )
    told = read(maria.http.post(address, data=form, headers=PARTS).text)
    assert "counts; 1 more must approve it" in told
    assert state(maria.shop, action["ref"]) == "pending"
    assert action["title"] not in read(maria.get("/approvals").text)
    assert "1 of 2 votes, one is yours" in read(maria.get("/approvals?tab=all").text)
    look = read(maria.http.get(f"/approvals/{action['ref']}/look", headers=PARTS).text)
    assert "You can't approve this. maria has approved it already" in look
    bo = Visitor(maria.shop).sign_in("bo")
    assert action["title"].replace("'", "&#39;") in bo.get("/approvals").text
    bo.http.post(address, data={**form, "csrf": bo.csrf()}, headers=PARTS)
    assert state(maria.shop, action["ref"]) == "approved"


def test_pages_stay_small_and_lists_lead_on(maria: Visitor) -> None:
    fill(maria.shop.store, 3000, 7, now=NOW, resources=900)
    for tab in ("mine", "all", "expiring", "decided"):
        seen: list[str] = []
        path = f"/approvals?tab={tab}&risk=high"
        for _ in range(3):
            page = maria.get(path).text
            assert len(page.encode()) <= 60 * 1024
            seen += re.findall(r'id="row-([^"]+)"', page)
            [path] = re.findall(r'href="(/approvals\?[^"]+)" rel="next"', page)
            path = path.replace("&amp;", "&")
        assert len(seen) == len(set(seen)) == 75
    assert maria.get("/approvals?tab=mine&after=nonsense").status_code == 422
    assert maria.get("/approvals?tab=yours").status_code == 422
    assert "Nothing of this sort" in read(maria.get("/approvals?tab=all&kind=beta_invitation").text)
    assert "99+ pending" in read(maria.get("/").text)


def test_policies_are_changed_only_after_a_look_and_only_by_admins(maria: Visitor, ada: Visitor) -> None:
    csrf = ada.csrf()
    assert "nobody has changed them yet" in read(ada.get("/policies").text)
    wrong = text_of(shipped()).replace("quorum: 1", "quorum: 9")
    refused = ada.http.post("/policies/preview", data={"csrf": csrf, "seen": "0", "text": wrong})
    assert refused.status_code == 422
    assert "rules.0.quorum" in read(refused.text)
    assert "quorum: 9" in refused.text, "what was typed is still there"
    page, before, after, text, *_ = SNIPPETS[1]
    sure = snippet_draft((page, before, after, text, (10, 40, 70), 0.9))
    rules = SubmitRules()
    submit(ada.shop.store, [sure], recommender="seo_ctr", shop_id=SHOP, now=NOW, rules=rules, run_id="next")
    switched = ada.http.post(
        "/policies/automatic", data={"csrf": csrf, "kind": "seo_ctr", "on": "true", "hours": "3"}
    )
    look = read(switched.text)
    assert "What would pass without anyone" in look
    assert "of 6 that wait" in look
    assert "seo_ctr on, until 2026-11-22 11:04 MST" in switched.text, "the note tells the shop's time"
    examples = re.findall(r'<li><a href="/actions/(\w+)">([^<]+)</a> <code>(\w+)</code></li>', switched.text)
    assert examples
    for ref, title, shown in examples:
        assert (html.unescape(title), shown) == (ada.action(ref)["title"], ref)
    with ada.shop.store.read() as session:
        assert in_force(session).version == 0, "a look changes nothing"
    fields = dict(re.findall(r'name="(csrf|seen|text|note)" value="([^"]*)"', switched.text, re.DOTALL))
    fields["text"] = fields["text"].replace("&#39;", "'")
    theirs = maria.http.post("/policies/save", data={**fields, "csrf": maria.csrf()})
    assert theirs.status_code == 403
    assert "Version 1 is in force" in read(ada.http.post("/policies/save", data=fields).text)
    assert ada.http.post("/policies/save", data=fields).status_code == 409, "it was made from version 0"
    for visitor in (maria, ada):
        assert "Policy approves search snippet from 85 % confidence on until" in read(visitor.get("/actions").text)
    assert "End it now" not in maria.get("/actions").text
    with ada.shop.store.read() as session:
        rule = in_force(session).book.automatic_for("seo_ctr")
    assert rule is not None
    assert (rule.enabled, rule.until) == (True, NOW + timedelta(hours=3))
    assert (
        maria.http.post("/policies/automatic", data={"csrf": maria.csrf(), "kind": "seo_ctr"}).status_code == 403
    )
    ended = read(ada.http.post("/policies/automatic", data={"csrf": csrf, "kind": "seo_ctr"}).text)
    assert "Version 2 is in force" in ended
    assert "Policy approves" not in ended
    with ada.shop.store.read() as session:
        saved = session.query(AuditEvent).filter_by(event="policy_saved").all()
    assert [(event.actor, event.channel) for event in saved] == [("ada", "console")] * 2


def test_settings_mask_secrets_and_absences_are_noted_there(maria: Visitor) -> None:
    page = read(maria.get("/settings").text)
    assert "GROWTH_SHOPIFY__ACCESS_TOKEN" in page
    form = {
        "csrf": maria.csrf(),
        "operator": "maria",
        "delegate": "bo",
        "first": "2026-11-23",
        "last": "2026-11-24",
    }
    assert "maria , bo decides 23 Nov 2026, 00:00 MST to 25 Nov 2026, 00:00 MST" in read(
        maria.http.post("/absences", data=form).text
    )
    for wrong in ({"last": "soon"}, {"last": "9999-12-31"}, {"operator": "bo"}, {"delegate": "vik"}):
        assert maria.http.post("/absences", data={**form, **wrong}).status_code in (403, 422), wrong
    [identity] = re.findall(r'name="id" value="([^"]+)"', maria.get("/settings").text)
    assert "Nobody is." in read(maria.http.post("/absences/end", data={"csrf": form["csrf"], "id": identity}).text)


def stand_ins(visitor: Visitor) -> list[str]:
    """Who is offered to decide while someone is away."""
    [offered] = re.findall(r'<select id="delegate".*?</select>', visitor.get("/settings").text)
    return re.findall(r"<option>([^<]+)</option>", offered)


def test_nobody_is_offered_to_stand_in_for_themselves(maria: Visitor) -> None:
    assert stand_ins(maria) == ["bo"]
    remove_operator(maria.shop.store, maria.shop.settings, "bo", NOW)
    alone = maria.get("/settings").text
    assert "Nobody can stand in for you: no one else here may decide." in read(alone)
    assert 'id="delegate"' not in alone


def test_an_admin_may_stand_in_for_others_but_alone_for_nobody(maria: Visitor, ada: Visitor) -> None:
    assert stand_ins(ada) == ["bo", "maria", "ada"]
    for name in ("bo", "maria"):
        remove_operator(ada.shop.store, ada.shop.settings, name, NOW)
    alone = ada.get("/settings").text
    assert "Nobody can stand in for you: no one else here may decide. Add an operator first." in read(alone)
    assert 'id="delegate"' not in alone


def test_a_dead_store_is_told_with_what_to_do_on_pages_and_in_their_parts(maria: Visitor) -> None:
    with maria.shop.store.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE sessions RENAME TO gone")
    page = maria.get("/approvals")
    assert page.status_code == 503
    assert "The store can't be used" in read(page.text).replace("&#39;", "'")
    assert "Check GROWTH_HOME and GROWTH_DATABASE_URL, and the disk." in read(page.text)
    part = maria.http.get("/approvals/changes", headers=PARTS)
    assert part.status_code == 503
    assert 'role="alert"' in part.text
    assert not part.text.startswith("<!doctype")
