"""Structured content is written entry by entry, once or not at all, and a rollback leaves nothing of it."""

from __future__ import annotations

import json
import subprocess
import threading
from datetime import date
from typing import Any

import pandas as pd
import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.drafts.edits import BadEdit
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.economics import PageEconomics
from growth_pipelines.recommenders.landing_pages import TYPE
from growth_pipelines.recommenders.product_content import product_draft, written_for
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.catalogue_frames import frames_of, pumps, searched

from .conftest import NOW, SECOND_STORE_IF_THOROUGH, Machine
from .interceptor import Fate, Passage, answer_lost, kill, never_arrives, unavailable

CONTEXT = RecommenderContext(
    as_of=date(2026, 11, 22),
    shop_name="Hot Rod Parts",
    primary_url="https://www.hotrodparts.example",
    currency="USD",
)
# The type, its answers, the definition of the metafield, two metafields; as many to take it away, but one.
ANSWERS = 6
STEPS = 1 + ANSWERS + 1 + 2
FATES: tuple[Fate, ...] = (unavailable, answer_lost, never_arrives)
CONTENT = """
query Content($id: ID!) {
  metaobjectDefinitions(first: 50) {
    nodes { type metaobjectsCount metaobjects(first: 250) { nodes { handle fields { key value } } } }
  }
  product(id: $id) { metafields(first: 50) { nodes { namespace key value } } }
}
"""


@pytest.fixture
def product(machine: Machine) -> dict[str, Any]:
    """A product that nothing is said of."""
    return machine.shelf.take("product")


def content_of(machine: Machine, product: dict[str, Any]) -> dict[str, Any]:
    """All structured content of the shop, and the product's metafields."""
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        return client.execute_text(CONTENT, {"id": product["id"]})


def content_draft(node: dict[str, Any], **more: Any) -> ActionDraft:
    """Seven answers and three specifications of a product, as the recommender drafts them."""
    product = {
        "resource_gid": node["id"],
        "page_key": f"/products/{node['handle']}",
        "handle": node["handle"],
        "title": node["title"],
        "product_type": "Fuel Parts",
        "vendor": "Mesa Speed",
        "tags": "technical",
        "description": "Made for petrol and E85. Comes with brackets and bolts. Test for leaks before driving.",
        "variants": 5,
        "price": 220.0,
        "needs_faq": True,
        "needs_specifications": True,
        "needs_how_to": False,
        "how_to": [],
        **more,
    }
    economics = PageEconomics(0.02, 150.0, "sessions", 20.0, 3000.0, None)
    return product_draft(product, written_for(product, CONTEXT), CONTEXT, MetaobjectGenConfig(), economics)


def written_types(content: dict[str, Any]) -> dict[str, int]:
    nodes = content["metaobjectDefinitions"]["nodes"]
    return {one["type"]: one["metaobjectsCount"] for one in nodes if one["type"].startswith("growth_")}


def added(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """Entries more, by type: other tests share the shop, and a type that others used stays."""
    had = written_types(before)
    return {
        name: count - had.get(name, 0) for name, count in written_types(after).items() if count > had.get(name, 0)
    }


def metafields(content: dict[str, Any]) -> dict[str, str]:
    nodes = content["product"]["metafields"]["nodes"]
    return {one["key"]: one["value"] for one in nodes if one["namespace"] == "growth"}


def test_it_is_written_read_back_and_taken_away_again(machine: Machine, product: dict[str, Any]) -> None:
    before = content_of(machine, product)
    action = machine.approved(content_draft(product))
    assert machine.execute(action).status == "executed"
    after = content_of(machine, product)
    assert added(before, after) == {"growth_faq": 7, "growth_specification": len(action.draft["entries"]) - 7}
    found = metafields(after)
    assert set(found) == {"faq", "specifications", "faq_structured_data", "product_structured_data"}
    assert len(json.loads(found["faq"])) == 7
    assert json.loads(found["faq_structured_data"])["@type"] == "FAQPage"
    assert machine.execute(action).status == "already_done"
    result = machine.roll_back_now(action)
    assert result.status == "rolled_back", result.message
    assert content_of(machine, product) == before


def test_a_type_that_others_use_stays_when_one_is_rolled_back(machine: Machine, product: dict[str, Any]) -> None:
    first, other = machine.approved(content_draft(product)), machine.shelf.take("product")
    assert machine.execute(first).status == "executed"
    second = machine.approved(content_draft(other))
    assert machine.execute(second).status == "executed"
    both = content_of(machine, other)
    kept = metafields(both)
    assert machine.roll_back_now(first).status == "rolled_back"
    assert added(content_of(machine, other), both)["growth_faq"] == 7
    assert written_types(content_of(machine, other))["growth_faq"] >= 7
    assert metafields(content_of(machine, other)) == kept
    assert metafields(content_of(machine, product)) == {}
    assert machine.roll_back_now(second).status == "rolled_back"


def how_to_draft(node: dict[str, Any]) -> ActionDraft:
    """A how-to of three steps and nothing else: one call for the type, one a step, one for the definition of the
    metafield, two for the metafields."""
    steps = ("Clean the tank.", "Set the pump in.", "Check every joint for leaks.")
    told = [(f"{node['title']}: Installation", step) for step in steps]
    return content_draft(node, needs_faq=False, needs_specifications=False, needs_how_to=True, how_to=told)


def test_a_how_to_is_written_in_order_edited_and_taken_away_again(
    machine: Machine, product: dict[str, Any]
) -> None:
    before = content_of(machine, product)
    action = machine.propose(how_to_draft(product))
    entries = [{**one, "fields": dict(one["fields"])} for one in action.draft["entries"]]
    entries[1]["fields"]["step"] = "Set the pump into its bracket."
    machine.decide(action, "edit", draft={"entries": entries})
    action = machine.action(action.id)
    machine.decide(action)
    assert machine.execute(action).status == "executed"
    after = content_of(machine, product)
    assert added(before, after) == {"growth_how_to": 3}
    found = metafields(after)
    assert set(found) == {"how_to", "how_to_structured_data"}
    data = json.loads(found["how_to_structured_data"])
    assert data["@type"] == "HowTo"
    told = ["Clean the tank.", "Set the pump into its bracket.", "Check every joint for leaks."]
    assert [step["text"] for step in data["step"]] == told
    assert machine.execute(action).status == "already_done"
    assert content_of(machine, product) == after
    assert machine.roll_back_now(machine.action(action.id)).status == "rolled_back"
    assert content_of(machine, product) == before


@pytest.mark.parametrize("step", [0, 2, 4, 6])
def test_a_how_to_killed_at_a_step_is_finished_by_the_next_run(
    machine: Machine, product: dict[str, Any], step: int
) -> None:
    before = content_of(machine, product)
    action = machine.approved(how_to_draft(product))
    _killed_at(machine, step, written=step % 4 == 0)
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "executed", result.message
    assert added(before, content_of(machine, product)) == {"growth_how_to": 3}
    assert machine.roll_back_now(action).status == "rolled_back"
    assert content_of(machine, product) == before


def _killed_at(machine: Machine, step: int, *, written: bool) -> None:
    started = threading.Event()
    victim: list[subprocess.Popen[str]] = []

    def pid() -> int:
        assert started.wait(20)
        return victim[0].pid

    before: list[Fate] = [Passage.forward] * step
    machine.wire.fates = [*before, kill(pid, written=written)]
    victim.append(machine.command("execute"))
    started.set()
    assert victim[0].wait(60) == -9, victim[0].stderr.read() if victim[0].stderr else ""


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("step", range(STEPS))
def test_killed_at_a_step_it_is_finished_by_the_next_run(
    machine: Machine, product: dict[str, Any], step: int
) -> None:
    before = content_of(machine, product)
    action = machine.approved(content_draft(product, needs_specifications=False))
    _killed_at(machine, step, written=step % 2 == 0)
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "executed", result.message
    assert added(before, content_of(machine, product)) == {"growth_faq": len(action.draft["entries"])}
    assert machine.roll_back_now(action).status == "rolled_back"
    assert content_of(machine, product) == before


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize(
    "turn", [0, *(pytest.param(turn, marks=pytest.mark.thorough) for turn in range(1, len(FATES)))]
)
def test_whatever_call_meets_a_fault_it_ends_written_once_or_not_at_all(
    machine: Machine, product: dict[str, Any], turn: int
) -> None:
    before = content_of(machine, product)
    for step in range(STEPS):
        said = f"Made for petrol and E85. It is step {'abcdefghijklmnop'[step]} of these."
        action = machine.approved(content_draft(product, description=said, needs_specifications=False))
        assert len(action.draft["entries"]) == ANSWERS
        fate = FATES[(step + turn) % len(FATES)]
        machine.wire.fates = [*[Passage.forward] * step, fate]
        result = machine.execute(action)
        assert result.status == "executed", result.message
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.roll_back_now(action).status == "rolled_back"
        machine.wire.fates = []
        assert content_of(machine, product) == before, step
        if step == 0:  # the clock stands still: what is lifted now stays lifted
            _lift(machine, action)


def test_a_refusal_in_the_middle_leaves_nothing_behind(machine: Machine, product: dict[str, Any]) -> None:
    before = content_of(machine, product)

    def refused(passage: Passage) -> tuple[int, dict[str, str], bytes]:
        passage.body["variables"]["metaobject"]["fields"].append({"key": "unknown", "value": "x"})
        return passage.forward()

    action = machine.approved(content_draft(product))
    passing: list[Fate] = [Passage.forward] * 5
    machine.wire.fates = [*passing, refused]
    result = machine.execute(action)
    assert result.status == "failed"
    assert "put back" in result.message
    assert content_of(machine, product) == before
    assert machine.action(action.id).state == "failed"


def test_somebody_s_later_edit_is_not_taken_away(machine: Machine, product: dict[str, Any]) -> None:
    action = machine.approved(content_draft(product))
    assert machine.execute(action).status == "executed"
    entry = action.draft["entries"][0]
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        from growth_pipelines.actions.executors.surfaces import document

        fields = [{"key": "answer", "value": "Ask Joe."}]
        handle = {"type": entry["type"], "handle": entry["handle"]}
        client.mutate_text(document("upsert_metaobject"), {"handle": handle, "metaobject": {"fields": fields}})
    assert machine.roll_back_now(action).status == "drifted"
    shown = content_of(machine, product)["metaobjectDefinitions"]["nodes"]
    entries = next(one["metaobjects"]["nodes"] for one in shown if one["type"] == entry["type"])
    assert {"key": "answer", "value": "Ask Joe."} in next(
        one["fields"] for one in entries if one["handle"] == entry["handle"]
    )
    _remove(machine)


def test_an_operator_s_words_are_written_and_the_structured_data_repeat_them(
    machine: Machine, product: dict[str, Any]
) -> None:
    before = content_of(machine, product)
    action = machine.propose(content_draft(product))
    entries = [{**one, "fields": dict(one["fields"])} for one in action.draft["entries"]]
    entries[0]["fields"]["answer"] = "Ask Joe at the counter."
    with pytest.raises(BadEdit, match="added, removed or renamed"):
        machine.decide(action, "edit", draft={"entries": entries[1:]})
    with pytest.raises(BadEdit, match="no type of content"):
        machine.decide(action, "edit", draft={"entries": [{**entries[0], "type": "customer_build"}]})
    machine.decide(action, "edit", draft={"entries": entries})
    action = machine.action(action.id)
    assert action.version == 2
    machine.decide(action)
    assert machine.execute(action).status == "executed"
    data = json.loads(metafields(content_of(machine, product))["faq_structured_data"])
    assert data["mainEntity"][0]["acceptedAnswer"]["text"] == "Ask Joe at the counter."
    assert "Ask Joe at the counter." in json.dumps(content_of(machine, product)["metaobjectDefinitions"])
    assert machine.roll_back_now(machine.action(action.id)).status == "rolled_back"
    assert content_of(machine, product) == before


def test_a_page_is_previewed_published_and_both_are_taken_back(machine: Machine, product: dict[str, Any]) -> None:
    before = content_of(machine, product)
    frames = searched(frames_of(*pumps()))

    def drafted(metaobjects: pd.DataFrame) -> ActionDraft:
        found = RECOMMENDERS["metaobject_gen"].recommend({**frames, "metaobjects": metaobjects}, CONTEXT)
        return next(draft for draft in found if draft.subtype == "landing_page")

    preview = machine.approved(drafted(frames["metaobjects"]))
    assert machine.execute(preview).status == "executed"
    shown = content_of(machine, product)
    [page] = next(n for n in shown["metaobjectDefinitions"]["nodes"] if n["type"] == TYPE)["metaobjects"]["nodes"]
    assert {"key": "robots", "value": "noindex"} in page["fields"]

    row = {"type": TYPE, "handle": page["handle"], "fields": json.dumps(page["fields"])}
    stood = pd.DataFrame([{**row, "updated_at": pd.Timestamp("2026-11-01")}])
    publication = machine.approved(drafted(stood))
    assert machine.execute(publication).status == "executed"
    published = content_of(machine, product)
    assert '"noindex"' not in json.dumps(published)
    assert machine.roll_back_now(publication).status == "rolled_back"
    assert content_of(machine, product) == shown
    assert machine.roll_back_now(preview).status == "rolled_back"
    assert content_of(machine, product) == before


def _lift(machine: Machine, action: Any) -> None:
    """The operator allows another try on the product."""
    from growth_pipelines.actions.suppression import lift_suppression

    with machine.store.session() as session:
        lift_suppression(session, machine.action(action.id), actor="olga", channel="cli", now=NOW)


def _remove(machine: Machine) -> None:
    from growth_pipelines.actions.executors.surfaces import document

    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        for type_name in ("growth_faq", "growth_specification", "growth_how_to", TYPE):
            found = client.execute_text(document("metaobject_definition"), {"type": type_name})
            if found["metaobjectDefinitionByType"]:
                gid = found["metaobjectDefinitionByType"]["id"]
                client.mutate_text(document("delete_metaobject_definition"), {"id": gid})
