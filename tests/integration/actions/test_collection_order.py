"""A collection is put in another order once or not at all, and a rollback restores order and sorting alike."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import Any

import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.executors.collection_order import ORDER, SORT_ORDER, moves_between
from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.model import ActionDraft, FieldChange
from growth_pipelines.ingestion.shopify.client import ShopifyClient

from .conftest import NOW, SECOND_STORE_IF_THOROUGH, Machine, _draft
from .interceptor import Fate, Passage, answer_lost, kill, never_arrives, unavailable

# Sort by hand, then move; back: move, then sort as before.
STEPS = 2
FATES: tuple[Fate, ...] = (unavailable, answer_lost, never_arrives)


def order_of(machine: Machine, node: dict[str, Any]) -> dict[str, Any]:
    """How it is sorted, how it is shown, and the places by hand."""
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        found = client.execute_text(document("collection_order"), {"id": node["id"]})["collection"]
    return {
        "sort_order": found["sortOrder"],
        **{part: [row["handle"] for row in found[part]["nodes"]] for part in ("shown", "placed")},
    }


def sort_by(machine: Machine, node: dict[str, Any], sort_order: str) -> None:
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        client.mutate_text(document("set_collection_sort"), {"id": node["id"], "sortOrder": sort_order})


def order_draft(machine: Machine, node: dict[str, Any]) -> ActionDraft:
    """The present order back to front."""
    now = order_of(machine, node)
    wanted = now["shown"][::-1]
    draft: dict[str, Any] = {"order": wanted}
    diff = [FieldChange(field=ORDER, before="\n".join(now["shown"]), after="\n".join(wanted))]
    if now["sort_order"] != "MANUAL":
        draft["sort_order"] = "MANUAL"
        diff = [FieldChange(field=SORT_ORDER, before=now["sort_order"], after="MANUAL"), *diff]
    return _draft("merch_playbook", "collection_order", "collection", node, draft, tuple(diff))


@pytest.fixture(params=["MANUAL", "BEST_SELLING"])
def collection(machine: Machine, request: pytest.FixtureRequest) -> dict[str, Any]:
    """One that holds products, and has been sorted in this way."""
    while True:
        node = machine.shelf.take("collection")
        if len(order_of(machine, node)["shown"]) >= 4:
            sort_by(machine, node, request.param)
            return node


def test_it_is_ordered_read_back_and_put_back(machine: Machine, collection: dict[str, Any]) -> None:
    before = order_of(machine, collection)
    action = machine.approved(order_draft(machine, collection))
    assert machine.execute(action, mode="propose").status == "dry_run"
    assert order_of(machine, collection) == before
    assert machine.execute(action).status == "executed"
    wanted = before["shown"][::-1]
    assert order_of(machine, collection) == {"sort_order": "MANUAL", "shown": wanted, "placed": wanted}
    assert machine.execute(action).status == "already_done"
    result = machine.roll_back_now(action)
    assert result.status == "rolled_back", result.message
    assert order_of(machine, collection) == before


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("collection", ["BEST_SELLING"], indirect=True)
@pytest.mark.parametrize("written", [True, False], ids=["after the write", "before the write"])
@pytest.mark.parametrize("step", range(STEPS))
def test_killed_at_a_step_it_is_finished_by_the_next_run(
    machine: Machine, collection: dict[str, Any], step: int, written: bool
) -> None:
    before = order_of(machine, collection)
    action = machine.approved(order_draft(machine, collection))
    started = threading.Event()
    victim: list[subprocess.Popen[str]] = []

    def pid() -> int:
        assert started.wait(20)
        return victim[0].pid

    passing: list[Fate] = [Passage.forward] * step
    machine.wire.fates = [*passing, kill(pid, written=written)]
    victim.append(machine.command("execute"))
    started.set()
    assert victim[0].wait(60) == -9, victim[0].stderr.read() if victim[0].stderr else ""
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "executed", result.message
    assert order_of(machine, collection)["shown"] == before["shown"][::-1]
    moves = [one for one in machine.writes(collection["id"]) if one["operation"] == "collectionReorderProducts"]
    assert len(moves) == 1
    assert machine.roll_back_now(action).status == "rolled_back"
    assert order_of(machine, collection) == before


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("collection", ["BEST_SELLING"], indirect=True)
def test_whatever_call_meets_a_fault_it_ends_written_once_or_not_at_all(
    machine: Machine, collection: dict[str, Any]
) -> None:
    from growth_pipelines.actions.suppression import lift_suppression

    before = order_of(machine, collection)
    for fate in FATES:
        for step in range(STEPS):
            action = machine.approved(order_draft(machine, collection))
            machine.wire.fates = [*[Passage.forward] * step, fate]
            result = machine.execute(action)
            assert result.status == "executed", result.message
            machine.wire.fates = [*[Passage.forward] * step, fate]
            assert machine.roll_back_now(action).status == "rolled_back"
            machine.wire.fates = []
            assert order_of(machine, collection) == before, step
            if fate is FATES[0] and step == 0:  # the clock stands still: one lift holds for later rollbacks, too
                with machine.store.session() as session:
                    lift_suppression(session, machine.action(action.id), actor="olga", channel="cli", now=NOW)


@pytest.mark.parametrize("collection", ["BEST_SELLING"], indirect=True)
def test_a_refusal_in_the_middle_leaves_the_sorting_as_it_was(
    machine: Machine, collection: dict[str, Any]
) -> None:
    before = order_of(machine, collection)

    def refused(passage: Passage) -> tuple[int, dict[str, str], bytes]:
        passage.body["variables"]["moves"][0]["id"] = "gid://shopify/Product/1"
        return passage.forward()

    action = machine.approved(order_draft(machine, collection))
    machine.wire.fates = [Passage.forward, refused]
    result = machine.execute(action)
    assert (result.status, "put back" in result.message) == ("failed", True), result.message
    assert order_of(machine, collection) == before


@pytest.mark.parametrize("collection", ["MANUAL"], indirect=True)
def test_somebody_else_s_order_is_not_overwritten(machine: Machine, collection: dict[str, Any]) -> None:
    def by_hand() -> None:
        placed = order_of(machine, collection)["placed"]
        with ShopifyClient(machine.shop.settings(machine.home)) as client:
            nodes = client.execute_text(document("collection_order"), {"id": collection["id"]})["collection"]
            last = nodes["placed"]["nodes"][-1]
            moves = [{"id": last["id"], "newPosition": "1"}]
            client.mutate_text(document("reorder_collection"), {"id": collection["id"], "moves": moves})
        # Shopify moves them in a job.
        for _ in range(200):
            if order_of(machine, collection)["placed"] != placed:
                return
            time.sleep(0.05)
        pytest.fail("the products were not moved within ten seconds")

    action = machine.approved(order_draft(machine, collection))
    by_hand()
    theirs = order_of(machine, collection)
    assert machine.execute(action).status == "drifted"
    assert order_of(machine, collection) == theirs
    machine.decide(machine.action(action.id))
    assert machine.execute(machine.action(action.id)).status == "executed"
    by_hand()
    theirs = order_of(machine, collection)
    assert machine.roll_back_now(machine.action(action.id)).status == "drifted"
    assert order_of(machine, collection) == theirs


@pytest.mark.parametrize("collection", ["BEST_SELLING"], indirect=True)
def test_the_shop_moves_only_what_is_there_and_sorted_by_hand(
    machine: Machine, collection: dict[str, Any]
) -> None:
    def said(product: str) -> str:
        moves = [{"id": product, "newPosition": "0"}]
        with ShopifyClient(machine.shop.settings(machine.home)) as client:
            answer = client.mutate_text(document("reorder_collection"), {"id": collection["id"], "moves": moves})
        [error] = answer["collectionReorderProducts"]["userErrors"]
        return str(error["code"])

    assert said("gid://shopify/Product/1") == "MANUALLY_SORTED_COLLECTION"
    sort_by(machine, collection, "MANUAL")
    assert said("gid://shopify/Product/1") == "INVALID_MOVE"


def test_moves_are_few_and_lead_to_the_order() -> None:
    assert moves_between(list("abcde"), list("aebdc")) == [("e", 1), ("d", 3)]
    assert moves_between(list("abc"), list("abc")) == []
