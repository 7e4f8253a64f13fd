"""What a page shows beside a product is written to the metafields that themes read, once or not at all, and taken
back exactly: what goes with it, and what may be bought instead."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.executors.surfaces import document
from growth_pipelines.actions.model import ActionDraft, FieldChange
from growth_pipelines.actions.recommended_products import (
    COMPLEMENTARY,
    NAMESPACE,
    RELATED,
    TYPE,
    ProductList,
    products_text,
)
from growth_pipelines.actions.suppression import lift_suppression
from growth_pipelines.ingestion.shopify.client import ShopifyClient

from .conftest import NOW, SECOND_STORE_IF_THOROUGH, Machine, Shelf, _draft
from .interceptor import Fate, Passage, after, answer_lost, kill, never_arrives, unavailable

# To write: the definition, the metafield; as many to take both away.
STEPS = 2
SUBTYPES = {COMPLEMENTARY: "cross_sell_rule", RELATED: "upsell_rule"}
Node = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """One of the lists, four products, and what the shop keeps of them."""

    machine: Machine
    kept_in: ProductList
    nodes: list[Node]

    def now(self, node: Node) -> tuple[bool, str | None]:
        """Whether the definition is there, and the metafield as the shop keeps it."""
        found = self.read(node)
        return found["metafieldDefinition"] is not None, (found["product"]["metafield"] or {}).get("value")

    def read(self, node: Node) -> dict[str, Any]:
        wanted = {"id": node["id"], "namespace": NAMESPACE, "key": self.kept_in.key}
        with ShopifyClient(self.machine.shop.settings(self.machine.home)) as client:
            return client.execute_text(document("recommended_products"), wanted)

    def choose(self, node: Node, companions: list[Node]) -> None:
        """A person chooses the products by hand; none empties the list."""
        identity = {"ownerId": node["id"], "namespace": NAMESPACE, "key": self.kept_in.key}
        with ShopifyClient(self.machine.shop.settings(self.machine.home)) as client:
            if not companions:
                client.mutate_text(document("delete_metafields"), {"metafields": [identity]})
                return
            enable = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": self.kept_in.key}
            client.mutate_text(document("enable_metafield_definition"), enable)
            value = {"type": TYPE, "value": products_text([one["id"] for one in companions])}
            answer = client.mutate_text(document("set_metafields"), {"metafields": [{**identity, **value}]})
            assert answer["metafieldsSet"]["userErrors"] == []

    def rule(self, node: Node, added: list[Node], kept: list[Node] | None = None) -> ActionDraft:
        """A rule as the recommender drafts it, behind those that a page shows already."""
        one = self.kept_in
        before = products_text([node["id"] for node in kept or []])
        wanted = products_text([node["id"] for node in [*(kept or []), *added]])
        named = {
            part: [{"product": node["id"], "title": node["title"]} for node in nodes]
            for part, nodes in ((one.part, added), ("kept", kept or []))
        }
        diff = (
            FieldChange(
                field=one.definition, before=one.defined if before else "", after=one.defined, change_type="add"
            ),
            FieldChange(field=one.field, before=before, after=wanted, change_type="add"),
        )
        draft = {"metafield": one.defined, **named}
        return _draft("guided_selling", SUBTYPES[one], "product", node, draft, diff)


@pytest.fixture(scope="module")
def companions(shelf: Shelf) -> list[Node]:
    """Products that pages show; nothing is written to them."""
    return [shelf.take("product") for _ in range(2)]


@pytest.fixture(params=[COMPLEMENTARY, RELATED], ids=lambda one: one.key)
def page(machine: Machine, companions: list[Node], request: pytest.FixtureRequest) -> Iterator[Shown]:
    """The shop is left without the definition and without lists."""
    shown = Shown(machine, request.param, [*(machine.shelf.take("product") for _ in range(2)), *companions])
    yield shown
    for node in shown.nodes:
        shown.choose(node, [])
    found = shown.read(shown.nodes[0])["metafieldDefinition"]
    if found:
        with ShopifyClient(machine.shop.settings(machine.home)) as client:
            client.mutate_text(document("delete_metafield_definition"), {"id": found["id"]})


def test_a_rule_is_written_read_back_and_taken_away_with_its_definition(machine: Machine, page: Shown) -> None:
    product, *companions = page.nodes
    action = machine.approved(page.rule(product, companions))
    assert machine.execute(action).status == "executed"
    assert page.now(product) == (True, json.dumps([one["id"] for one in companions]).replace(" ", ""))
    row = machine.ledger(action)
    assert row is not None
    assert (row.status, row.snapshot) == ("confirmed", {page.kept_in.definition: "", page.kept_in.field: ""})
    assert len(row.request_ids) >= 1
    assert machine.execute(action).status == "already_done"
    assert machine.roll_back_now(action).status == "rolled_back"
    assert page.now(product) == (False, None)


def test_what_the_merchant_chose_stays_first_and_comes_back_byte_for_byte(machine: Machine, page: Shown) -> None:
    product, theirs, ours, _ = page.nodes
    page.choose(product, [theirs])
    before = page.now(product)
    action = machine.approved(page.rule(product, [ours], kept=[theirs]))
    assert machine.execute(action).status == "executed"
    assert page.now(product) == (True, products_text([theirs["id"], ours["id"]]))
    assert machine.roll_back_now(action).status == "rolled_back"
    assert page.now(product) == before


def test_a_list_chosen_since_the_proposal_is_not_overwritten(machine: Machine, page: Shown) -> None:
    product, theirs, ours, _ = page.nodes
    action = machine.approved(page.rule(product, [ours]))
    page.choose(product, [theirs])
    assert machine.execute(action).status == "drifted"
    assert page.now(product)[1] == products_text([theirs["id"]])
    assert machine.action(action.id).state == "pending"


@pytest.mark.parametrize("moment", ["while it is written", "after it was written"])
def test_somebody_s_choice_meanwhile_is_kept(machine: Machine, page: Shown, moment: str) -> None:
    product, theirs, ours, _ = page.nodes
    action = machine.approved(page.rule(product, [ours]))
    if moment == "while it is written":
        page.choose(product, [])
        machine.wire.fates = [Passage.forward, after(lambda: page.choose(product, [theirs]), never_arrives)]
        assert machine.execute(action).status == "drifted"
    else:
        assert machine.execute(action).status == "executed"
        page.choose(product, [theirs])
        assert machine.roll_back_now(action).status == "drifted"
    assert page.now(product)[1] == products_text([theirs["id"]])


def test_the_definition_stays_while_another_product_uses_it(machine: Machine, page: Shown) -> None:
    one, other, companion, _ = page.nodes
    first = machine.approved(page.rule(one, [companion]))
    second = machine.approved(page.rule(other, [companion]))
    assert [machine.execute(action).status for action in (first, second)] == ["executed", "executed"]
    assert machine.roll_back_now(first).status == "rolled_back"
    assert page.now(one) == (True, None)
    assert page.now(other) == (True, products_text([companion["id"]]))


def test_a_product_that_is_gone_is_refused_and_nothing_is_left_behind(machine: Machine, page: Shown) -> None:
    product, companion, *_ = page.nodes
    action = machine.approved(page.rule(product, [{**companion, "id": "gid://shopify/Product/1"}]))
    result = machine.execute(action)
    assert result.status == "failed"
    assert "put back" in result.message
    assert page.now(product) == (False, None)


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
    machine: Machine, page: Shown, step: int, written: bool
) -> None:
    product, companion, *_ = page.nodes
    action = machine.approved(page.rule(product, [companion]))
    _killed(machine, step, written=written)
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "executed", result.message
    assert page.now(product) == (True, products_text([companion["id"]]))
    machine.decide(machine.action(action.id), "rollback", reason="sales fell")
    _killed(machine, step, written=written)
    assert machine.roll_back(action).status == "rolled_back"
    assert page.now(product) == (False, None)


@SECOND_STORE_IF_THOROUGH
@pytest.mark.parametrize("fate", [unavailable, answer_lost, never_arrives])
def test_whatever_call_meets_a_fault_it_ends_written_once_or_not_at_all(
    machine: Machine, page: Shown, fate: Fate
) -> None:
    product, *companions = page.nodes
    for step in range(STEPS):
        action = machine.approved(page.rule(product, companions[: step + 1]))
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.execute(action).status == "executed"
        machine.wire.fates = [*[Passage.forward] * step, fate]
        assert machine.roll_back_now(action).status == "rolled_back"
        machine.wire.fates = []
        assert page.now(product) == (False, None), step
        if step == 0:  # the clock stands still: one lift holds for later rollbacks, too
            with machine.store.session() as session:
                lift_suppression(session, machine.action(action.id), actor="olga", channel="cli", now=NOW)


def test_nothing_is_written_in_propose_mode(machine: Machine, page: Shown) -> None:
    action = machine.approved(page.rule(page.nodes[0], page.nodes[1:]))
    assert machine.execute(action, mode="propose").status == "dry_run"
    assert machine.wire.mutations == 0
