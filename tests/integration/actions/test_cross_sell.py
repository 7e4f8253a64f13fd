"""Cross-sell rules are written to the metafield that themes read, once or not at all, and taken back exactly."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from growth_pipelines.actions.complementary import (
    COMPLEMENTARY,
    DEFINED,
    DEFINITION,
    KEY,
    NAMESPACE,
    TYPE,
    products_text,
)
from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.model import ActionDraft, FieldChange
from growth_pipelines.actions.suppression import lift_suppression
from growth_pipelines.ingestion.shopify.client import ShopifyClient

from .conftest import NOW, SECOND_STORE_IF_THOROUGH, Machine, _draft
from .interceptor import Fate, Passage, after, answer_lost, kill, never_arrives, unavailable

# To write: the definition, the metafield; as many to take both away.
STEPS = 2
Node = dict[str, Any]


@pytest.fixture
def nodes(machine: Machine) -> Iterator[list[Node]]:
    """Four products; the shop is left without the definition and without lists."""
    taken = [machine.shelf.take("product") for _ in range(4)]
    yield taken
    for node in taken:
        _set(machine, node, [])
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        found = _read(client, taken[0])["metafieldDefinition"]
        if found:
            client.mutate_text(document("delete_metafield_definition"), {"id": found["id"]})


def _read(client: ShopifyClient, node: Node) -> dict[str, Any]:
    wanted = {"id": node["id"], "namespace": NAMESPACE, "key": KEY}
    return client.execute_text(document("complementary_products"), wanted)


def shown(machine: Machine, node: Node) -> tuple[bool, str | None]:
    """Whether the definition is there, and the metafield as the shop keeps it."""
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        found = _read(client, node)
    return found["metafieldDefinition"] is not None, (found["product"]["metafield"] or {}).get("value")


def _set(machine: Machine, node: Node, companions: list[Node]) -> None:
    """A person chooses the products by hand; none empties the list."""
    identity = {"ownerId": node["id"], "namespace": NAMESPACE, "key": KEY}
    with ShopifyClient(machine.shop.settings(machine.home)) as client:
        if not companions:
            client.mutate_text(document("delete_metafields"), {"metafields": [identity]})
            return
        enable = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": KEY}
        client.mutate_text(document("enable_metafield_definition"), enable)
        value = {"type": TYPE, "value": products_text([one["id"] for one in companions])}
        answer = client.mutate_text(document("set_metafields"), {"metafields": [{**identity, **value}]})
        assert answer["metafieldsSet"]["userErrors"] == []


def rule(node: Node, companions: list[Node], kept: list[Node] | None = None) -> ActionDraft:
    """A rule as the recommender drafts it, behind those that a page shows already."""
    before = products_text([one["id"] for one in kept or []])
    wanted = products_text([one["id"] for one in [*(kept or []), *companions]])
    named = {
        part: [{"product": one["id"], "title": one["title"]} for one in ones]
        for part, ones in (("companions", companions), ("kept", kept or []))
    }
    diff = (
        FieldChange(field=DEFINITION, before=DEFINED if before else "", after=DEFINED, change_type="add"),
        FieldChange(field=COMPLEMENTARY, before=before, after=wanted, change_type="add"),
    )
    return _draft("guided_selling", "cross_sell_rule", "product", node, {"metafield": DEFINED, **named}, diff)


def test_a_rule_is_written_read_back_and_taken_away_with_its_definition(
    machine: Machine, nodes: list[Node]
) -> None:
    product, *companions = nodes
    action = machine.approved(rule(product, companions))
    assert machine.execute(action).status == "executed"
    assert shown(machine, product) == (True, json.dumps([one["id"] for one in companions]).replace(" ", ""))
    row = machine.ledger(action)
    assert row is not None
    assert (row.status, row.snapshot) == ("confirmed", {DEFINITION: "", COMPLEMENTARY: ""})
    assert len(row.request_ids) >= 1
    assert machine.execute(action).status == "already_done"
    assert machine.roll_back_now(action).status == "rolled_back"
    assert shown(machine, product) == (False, None)


def test_what_the_merchant_chose_stays_first_and_comes_back_byte_for_byte(
    machine: Machine, nodes: list[Node]
) -> None:
    product, theirs, ours, _ = nodes
    _set(machine, product, [theirs])
    before = shown(machine, product)
    action = machine.approved(rule(product, [ours], kept=[theirs]))
    assert machine.execute(action).status == "executed"
    assert shown(machine, product) == (True, products_text([theirs["id"], ours["id"]]))
    assert machine.roll_back_now(action).status == "rolled_back"
    assert shown(machine, product) == before


def test_a_list_chosen_since_the_proposal_is_not_overwritten(machine: Machine, nodes: list[Node]) -> None:
    product, theirs, ours, _ = nodes
    action = machine.approved(rule(product, [ours]))
    _set(machine, product, [theirs])
    assert machine.execute(action).status == "drifted"
    assert shown(machine, product)[1] == products_text([theirs["id"]])
    assert machine.action(action.id).state == "pending"


@pytest.mark.parametrize("moment", ["while it is written", "after it was written"])
def test_somebody_s_choice_meanwhile_is_kept(machine: Machine, nodes: list[Node], moment: str) -> None:
    product, theirs, ours, _ = nodes
    action = machine.approved(rule(product, [ours]))
    if moment == "while it is written":
        _set(machine, product, [])
        machine.wire.fates = [Passage.forward, after(lambda: _set(machine, product, [theirs]), never_arrives)]
        assert machine.execute(action).status == "drifted"
    else:
        assert machine.execute(action).status == "executed"
        _set(machine, product, [theirs])
        assert machine.roll_back_now(action).status == "drifted"
    assert shown(machine, product)[1] == products_text([theirs["id"]])


def test_the_definition_stays_while_another_product_uses_it(machine: Machine, nodes: list[Node]) -> None:
    one, other, companion, _ = nodes
    first = machine.approved(rule(one, [companion]))
    second = machine.approved(rule(other, [companion]))
    assert [machine.execute(action).status for action in (first, second)] == ["executed", "executed"]
    assert machine.roll_back_now(first).status == "rolled_back"
    assert shown(machine, one) == (True, None)
    assert shown(machine, other) == (True, products_text([companion["id"]]))


def test_a_product_that_is_gone_is_refused_and_nothing_is_left_behind(machine: Machine, nodes: list[Node]) -> None:
    product, companion, *_ = nodes
    action = machine.approved(rule(product, [{**companion, "id": "gid://shopify/Product/1"}]))
    result = machine.execute(action)
    assert result.status == "failed"
    assert "put back" in result.message
    assert shown(machine, product) == (False, None)


def _killed(machine: Machine, step: int, *, written: bool) -> None:
    """``growth execute`` in a process that is killed at its write of this number."""
    started, victim = threading.Event(), list[subprocess.Popen[str]]()

    def pid() -> int:
        assert started.wait(20)
        return victim[0].pid

    machine.wire.fates = [*[Passage.forward] * step, kill(pid, written=written)]
    victim.append(machine.command("execute"))
    started.set()
    assert victim[0].wait(60) == -9, victim[0].stderr.read() if victim[0].stderr else ""


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("written", [True, False], ids=["after", "before"])
def test_killed_at_a_step_it_is_finished_by_the_next_run(
    machine: Machine, nodes: list[Node], step: int, written: bool
) -> None:
    product, companion, *_ = nodes
    action = machine.approved(rule(product, [companion]))
    _killed(machine, step, written=written)
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "executed", result.message
    assert shown(machine, product) == (True, products_text([companion["id"]]))
    machine.decide(machine.action(action.id), "rollback", reason="sales fell")
    _killed(machine, step, written=written)
    assert machine.roll_back(action).status == "rolled_back"
    assert shown(machine, product) == (False, None)


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("fate", [unavailable, answer_lost, never_arrives])
def test_whatever_call_meets_a_fault_it_ends_written_once_or_not_at_all(
    machine: Machine, nodes: list[Node], fate: Fate
) -> None:
    product, *companions = nodes
    for step in range(STEPS):
        action = machine.approved(rule(product, companions[: step + 1]))
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.execute(action).status == "executed"
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.roll_back_now(action).status == "rolled_back"
        machine.wire.fates = []
        assert shown(machine, product) == (False, None), step
        if step == 0:  # the clock stands still: one lift holds for later rollbacks, too
            with machine.store.session() as session:
                lift_suppression(session, machine.action(action.id), actor="olga", channel="cli", now=NOW)


def test_nothing_is_written_in_propose_mode(machine: Machine, nodes: list[Node]) -> None:
    action = machine.approved(rule(nodes[0], nodes[1:]))
    assert machine.execute(action, mode="propose").status == "dry_run"
    assert machine.wire.mutations == 0
