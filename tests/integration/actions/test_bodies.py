"""Related links and images in a page's text: only that part is written, once, and a rollback leaves every byte."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.actions.body_html import image_field, links_text
from growth_pipelines.actions.executors.bodies import BODIES, LinksMetafield
from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.model import ActionDraft, FieldChange
from growth_pipelines.actions.suppression import lift_suppression
from growth_pipelines.drafts.edits import BadEdit
from growth_pipelines.ingestion.shopify.client import ShopifyClient

from .conftest import NOW, SECOND_STORE_IF_THOROUGH, Machine, seo_draft
from .interceptor import Fate, Passage, after, answer_lost, never_arrives, unavailable
from .test_structured_content import _killed_at

FATES: tuple[Fate, ...] = (unavailable, answer_lost, never_arrives)
LINKS = [
    {"section": "Related products", "anchor": "AN-6 & AN-8 “Hose”", "url": "/products/an-6-hose"},
    {"section": "Guides", "anchor": "Sizes", "url": "/blogs/workshop/sizes"},
]
# What people write: entities, comments, blanks at the end, a tag that is never closed.
BODY = "<p>Since&nbsp;1932 &amp; on.<!-- keep --></p>\n\n<p>Open <b>day</p>  \n"
IMAGE = '<img class="hero" src="https://cdn.shopify.com/files/hero.jpg?v=3" loading="lazy" alt="A > B">'


def text_of(machine: Machine, node: dict[str, Any], kind: str) -> dict[str, Any]:
    """The body, letter for letter, and what else an executor may write there."""
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        body = client.execute_text(document(f"{kind}_body"), {"id": node["id"]})[kind]["body"]
        links = LinksMetafield().read(client, node["id"]).values if kind == "product" else {}
    return {"body": body, **links, **machine.shows(node, kind)}


def links_draft(
    node: dict[str, Any], kind: str, links: Any = LINKS, before: str = "", **fields: str
) -> ActionDraft:
    draft = seo_draft(node, kind, **(fields or {"title": "AN Hoses and Ends"}))
    change = FieldChange(field="related_links", before=before, after=links_text(links))
    return draft.model_copy(
        update={"draft": {**draft.draft, "internal_links": links}, "diff": (*draft.diff, change)}
    )


def image_draft(node: dict[str, Any], kind: str) -> ActionDraft:
    repaired = IMAGE.replace(' loading="lazy"', "")[:-1] + ' fetchpriority="high">'
    change = FieldChange(field=image_field("hero.jpg"), before=IMAGE, after=repaired)
    draft = seo_draft(node, kind, title="x")
    return draft.model_copy(
        update={
            "kind": "cwv_repair",
            "subtype": "image",
            "draft": {"images": [{"file": "hero.jpg", "tag": repaired}]},
            "diff": (change,),
        }
    )


@pytest.fixture(params=list(BODIES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_snippet_and_links_are_written_together_and_taken_back_byte_by_byte(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    machine.edit_by_hand(node["id"], "body", BODY)
    before = text_of(machine, node, kind)
    action = machine.approved(links_draft(node, kind))
    assert machine.execute(action, mode="propose").status == "dry_run"
    assert text_of(machine, node, kind) == before
    assert machine.execute(action).status == "executed"
    now = text_of(machine, node, kind)
    assert now["seo.title"] == "AN Hoses and Ends"
    if kind == "product":  # its description goes to sales channels
        assert (now["body"], now["related_links"]) == (BODY, links_text(LINKS))
    else:
        assert now["body"].startswith(BODY + '<div class="growth-related-links"><h3>Related products</h3>')
        assert '<a href="/products/an-6-hose">AN-6 &amp; AN-8 “Hose”</a>' in now["body"]
    row = machine.ledger(action)
    assert row is not None
    assert row.read_back == row.written
    assert machine.execute(action).status == "already_done"
    assert machine.roll_back_now(action).status == "rolled_back"
    assert text_of(machine, node, kind) == before


def test_a_second_action_replaces_the_links_of_the_first(machine: Machine) -> None:
    node = machine.shelf.take("collection")
    first = machine.approved(links_draft(node, "collection", description="First."))
    assert machine.execute(first).status == "executed"
    between = text_of(machine, node, "collection")
    second = machine.approved(links_draft(node, "collection", LINKS[:1], links_text(LINKS), title="Second"))
    assert machine.execute(second).status == "executed"
    assert text_of(machine, node, "collection")["body"].count("growth-related-links") == 1
    assert "Sizes" not in text_of(machine, node, "collection")["body"]
    assert machine.roll_back_now(second).status == "rolled_back"
    assert text_of(machine, node, "collection") == between


@pytest.mark.parametrize("kind", ["product", "collection"])
def test_links_changed_by_somebody_else_are_shown_again_not_overwritten(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    action = machine.approved(links_draft(node, kind))
    theirs = '<p>x</p><div class="growth-related-links"><p>Ours, by hand.</p></div>'
    name, value = ("body", theirs) if kind == "collection" else ("metafield.growth.related_links", '["theirs"]')
    machine.edit_by_hand(node["id"], name, value)
    before = text_of(machine, node, kind)
    result = machine.execute(action)
    assert result.status == "drifted", result.message
    assert text_of(machine, node, kind) == before
    again = machine.action(action.id)
    assert again.version == 2
    shown = next(change["before"] for change in again.diff if change["field"] == "related_links")
    assert shown in theirs or shown == '["theirs"]'
    # Seen and approved, it is replaced; and comes back as it was, whatever its form.
    machine.decide(again)
    assert machine.execute(machine.action(action.id)).status == "executed"
    assert machine.roll_back_now(machine.action(action.id)).status == "rolled_back"
    assert text_of(machine, node, kind) == before


def test_the_author_s_text_may_change_meanwhile_and_stays(machine: Machine) -> None:
    node = machine.shelf.take("collection")
    action = machine.approved(links_draft(node, "collection"))
    machine.edit_by_hand(node["id"], "body", "<p>New words.</p>")
    assert machine.execute(action).status == "executed"
    shown = text_of(machine, node, "collection")["body"]
    machine.edit_by_hand(node["id"], "body", shown.replace("New", "Newer"))
    assert machine.roll_back_now(action).status == "rolled_back"
    assert text_of(machine, node, "collection")["body"] == "<p>Newer words.</p>"


def test_a_text_that_the_shop_cleans_up_is_put_back(machine: Machine) -> None:
    node = machine.shelf.take("collection")
    machine.edit_by_hand(node["id"], "body", BODY)
    before = text_of(machine, node, "collection")

    def cleaned(passage: Passage) -> tuple[int, dict[str, str], bytes]:
        passage.body["variables"]["body"] = passage.body["variables"]["body"].replace("<!-- keep -->", "")
        return passage.forward()

    machine.wire.fates = [Passage.forward, cleaned]
    result = machine.execute(machine.approved(links_draft(node, "collection")))
    assert result.status == "failed"
    assert "put back" in result.message
    assert text_of(machine, node, "collection") == before


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("turn", range(len(FATES)))
def test_whatever_call_meets_a_fault_it_ends_written_once_or_not_at_all(machine: Machine, turn: int) -> None:
    node = machine.shelf.take("collection")
    machine.edit_by_hand(node["id"], "body", BODY)
    before = text_of(machine, node, "collection")
    for step in range(2):
        action = machine.approved(links_draft(node, "collection", description=f"Text {step}."))
        fate = FATES[(step + turn) % len(FATES)]
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.execute(action).status == "executed"
        assert text_of(machine, node, "collection")["body"].count("growth-related-links") == 1
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.roll_back_now(action).status == "rolled_back"
        machine.wire.fates = []
        assert text_of(machine, node, "collection") == before
        if step == 0:  # the clock stands still: one lift holds for later rollbacks, too
            with machine.store.session() as session:
                lift_suppression(session, machine.action(action.id), actor="olga", channel="cli", now=NOW)


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("written", [True, False], ids=["after the write", "before the write"])
@pytest.mark.parametrize("step", range(2))
def test_killed_at_a_step_it_is_finished_by_the_next_run(machine: Machine, step: int, written: bool) -> None:
    node = machine.shelf.take("product")
    before = text_of(machine, node, "product")
    action = machine.approved(links_draft(node, "product"))
    _killed_at(machine, step, written=written)
    assert machine.action(action.id).state == "executing"
    assert machine.execute(action).status == "executed"
    assert len([write for write in machine.writes(node["id"]) if write["operation"] != "edit"]) == 2
    assert machine.roll_back_now(action).status == "rolled_back"
    assert text_of(machine, node, "product") == before


def test_an_operator_takes_a_link_out_and_may_add_none_elsewhere(machine: Machine) -> None:
    node = machine.shelf.take("collection")
    action = machine.propose(links_draft(node, "collection"))
    for bad in ([{**LINKS[0], "url": "https://elsewhere.example/x"}], [{**LINKS[0], "anchor": "<b>x</b>"}], ["x"]):
        with pytest.raises(BadEdit):
            machine.decide(action, "edit", draft={"internal_links": bad})
    machine.decide(action, "edit", draft={"internal_links": LINKS[1:]})
    machine.decide(machine.action(action.id))
    assert machine.execute(machine.action(action.id)).status == "executed"
    body = text_of(machine, node, "collection")["body"]
    assert "Sizes" in body
    assert "an-6-hose" not in body
    assert machine.roll_back_now(machine.action(action.id)).status == "rolled_back"


def test_an_image_in_the_text_is_repaired_and_put_back(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    machine.edit_by_hand(node["id"], "body", f"<p>a</p>{IMAGE}{BODY}")
    before = text_of(machine, node, kind)
    action = machine.approved(image_draft(node, kind))
    machine.wire.fates = [answer_lost]
    assert machine.execute(action).status == "executed"
    now = text_of(machine, node, kind)["body"]
    assert now.replace(action.draft["images"][0]["tag"], IMAGE) == before["body"]
    assert 'fetchpriority="high"' in now
    assert "lazy" not in now
    assert machine.roll_back_now(action).status == "rolled_back"
    assert text_of(machine, node, kind) == before


def test_an_image_changed_in_the_moment_of_its_write_is_left_alone(machine: Machine) -> None:
    node = machine.shelf.take("collection")
    machine.edit_by_hand(node["id"], "body", f"<p>a</p>{IMAGE}")
    action = machine.approved(image_draft(node, "collection"))
    theirs = IMAGE.replace("hero", "main", 1)
    machine.wire.fates = [after(lambda: machine.edit_by_hand(node["id"], "body", theirs), never_arrives)]
    assert machine.execute(action).status == "drifted"
    assert text_of(machine, node, "collection")["body"] == theirs
    # What would undo their change is no longer only the repair that was drafted.
    again = machine.action(action.id)
    machine.decide(again)
    assert machine.execute(again).status == "failed"
    assert text_of(machine, node, "collection")["body"] == theirs
