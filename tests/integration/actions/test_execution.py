"""Approved actions reach the shop once and as they were shown; nothing else does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from growth_pipelines.actions.brake import pause
from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import TaskCard

from .conftest import NOW, Machine, image_draft, seo_draft, task_draft
from .interceptor import after, answer_lost, never_arrives, reworded, unavailable, without

TEXTS = {"title": "AN-6 Fuel Line", "description": "Braided steel over PTFE, 20 feet, in stock."}


@pytest.mark.parametrize("kind", ["product", "collection", "page", "article"])
def test_title_and_description_are_written_and_read_back(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    before = machine.shows(node, kind)
    action = machine.approved(seo_draft(node, kind, **TEXTS))

    result = machine.execute(action)

    assert (result.status, result.done) == ("executed", True), result.message
    wanted = {"seo.title": TEXTS["title"], "seo.description": TEXTS["description"]}
    assert machine.shows(node, kind) == wanted
    assert sorted(write["field"] for write in machine.writes(node["id"])) == sorted(wanted)
    assert machine.action(action.id).state == "executed"
    row = machine.ledger(action)
    assert row is not None
    assert (row.status, row.snapshot, row.written, row.read_back) == ("confirmed", before, wanted, wanted)
    assert row.request_ids == list(result.request_ids)
    assert result.request_ids
    assert machine.events(action)[-2:] == ["executing", "executed"]
    with machine.store.read() as session:
        assert verify_chain(session).intact


def test_only_the_approved_field_is_touched(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    machine.execute(machine.approved(seo_draft(node, title="Only the title")))
    assert machine.shows(node) == {**before, "seo.title": "Only the title"}


def test_an_image_gets_its_alt_text_and_the_rest_becomes_a_task_card(machine: Machine) -> None:
    node = machine.shelf.take("image")
    action = machine.approved(image_draft(node, "Black AN-6 hose, coiled", steps=["Compress it to 120 KB."]))
    assert machine.execute(action).status == "executed"
    assert machine.shows(node, "image") == {"image.alt": "Black AN-6 hose, coiled"}
    with machine.store.read() as session:
        [card] = session.scalars(select(TaskCard).where(TaskCard.action_id == action.id))
        assert (card.title, card.steps, card.state) == (
            "Serve a smaller image",
            ["Compress it to 120 KB."],
            "open",
        )


def test_manual_work_becomes_a_task_card_and_writes_nothing(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(task_draft(node))
    assert machine.execute(action).message == "Opened a task card."
    assert machine.writes(node["id"]) == []
    assert machine.action(action.id).state == "executed"
    with machine.store.read() as session:
        [card] = session.scalars(select(TaskCard).where(TaskCard.action_id == action.id))
        assert card.steps == ["Open the theme.", "Add defer to chat.js."]


def test_executing_again_does_nothing(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Once"))
    machine.execute(action)
    assert machine.execute(action).status == "already_done"
    assert execute_approved(machine.store, machine.settings(), now=NOW) == []
    assert len(machine.writes(node["id"])) == 1


def test_all_approved_actions_of_a_kind_are_executed_best_first(machine: Machine) -> None:
    worse = machine.approved(seo_draft(machine.shelf.take("product"), title="W").model_copy(update={"score": 1.0}))
    better = machine.approved(
        seo_draft(machine.shelf.take("product"), title="B").model_copy(update={"score": 9.0})
    )
    card = machine.approved(task_draft(machine.shelf.take("product")))
    results = execute_approved(machine.store, machine.settings(), kind="seo_ctr", now=NOW)
    assert [result.action_id for result in results] == [better.id, worse.id]
    assert machine.action(card.id).state == "approved"


# -- nothing is written ------------------------------------------------------------


def test_propose_records_a_dry_run_and_a_later_live_run_writes(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = machine.approved(seo_draft(node, title="Dry"))
    result = machine.execute(action, mode="propose")
    assert (result.status, machine.writes(node["id"])) == ("dry_run", [])
    assert machine.action(action.id).state == "approved"
    row = machine.ledger(action)
    assert row is not None
    assert (row.status, row.written) == ("dry_run", {"seo.title": "Dry"})
    assert row.snapshot == {"seo.title": before["seo.title"]}
    assert machine.execute(action).status == "executed"


def test_observe_does_not_even_try(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Observed"))
    result = machine.execute(action, mode="observe")
    assert result.status == "refused"
    assert "mode is observe" in result.message.lower().replace("growth_actions__mode", "mode")
    assert (machine.writes(node["id"]), machine.ledger(action)) == ([], None)


def test_paused_writes_nothing_and_says_who_paused(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Paused"))
    pause(machine.store, actor="olga", channel="cli", reason="sale", now=NOW)
    result = machine.execute(action)
    assert result.status == "paused"
    assert "paused by olga" in result.message
    assert machine.writes(node["id"]) == []
    assert machine.action(action.id).state == "approved"


def test_the_brake_pulled_between_two_tries_stops_the_second(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Braked"))

    def pull() -> None:
        pause(machine.store, actor="olga", channel="console", reason="stop!", now=NOW)

    machine.wire.fates = [after(pull, unavailable)]
    assert machine.execute(action).status == "paused"
    assert (machine.wire.mutations, machine.writes(node["id"])) == (1, [])


@pytest.mark.parametrize("state", ["pending", "rejected", "expired", "redrafted", "out of time"])
def test_what_is_not_approved_now_is_not_written(machine: Machine, state: str) -> None:
    node = machine.shelf.take("product")
    now, why = NOW, f"it is {state}, not approved"
    if state == "out of time":
        action = machine.approved(seo_draft(node, title="Late"))
        now, why = NOW + timedelta(days=8), "its approval expired"
    else:
        action = machine.propose(seo_draft(node, title="Not yet"))
    if state == "rejected":
        machine.decide(action, "reject", reason="tone")
    if state == "expired":
        from growth_pipelines.actions.lifecycle import expire_due

        expire_due(machine.store, NOW + timedelta(days=8))
    if state == "redrafted":
        machine.propose(seo_draft(node, title="Another draft"))
        why = "it is pending, not approved"
    result = machine.execute(action, now=now)
    assert result.status == "refused"
    assert why in result.message
    assert machine.writes(node["id"]) == []


def test_an_unknown_id_is_named(machine: Machine) -> None:
    with pytest.raises(GrowthError, match="no action nonsense"):
        execute_approved(machine.store, machine.settings(), only=["nonsense"], now=NOW)


# -- the resource changed ------------------------------------------------------------


@pytest.mark.parametrize("kind", ["product", "page"])
def test_somebody_s_work_is_not_overwritten(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    action = machine.approved(seo_draft(node, kind, **TEXTS))
    machine.edit_by_hand(node["id"], "seo.title", "By hand")

    result = machine.execute(action)

    assert result.status == "drifted"
    assert machine.shows(node, kind)["seo.title"] == "By hand"
    again = machine.action(action.id)
    assert (again.state, again.version) == ("pending", 2)
    assert again.digest != action.digest
    assert [c["before"] for c in again.diff if c["field"] == "seo.title"] == ["By hand"]
    assert machine.execute(again).status == "refused"  # the old approval doesn't count

    machine.decide(again)
    assert machine.execute(again).status == "executed"
    assert machine.shows(node, kind)["seo.title"] == TEXTS["title"]


@pytest.mark.parametrize("kind", ["product", "page"])
def test_an_edit_in_the_very_moment_of_a_lost_write_is_not_overwritten(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    action = machine.approved(seo_draft(node, kind, title="Ours"))
    machine.wire.fates = [after(lambda: machine.edit_by_hand(node["id"], "seo.title", "Theirs"), never_arrives)]
    result = machine.execute(action)
    assert result.status == "drifted"
    assert machine.shows(node, kind)["seo.title"] == "Theirs"
    assert machine.action(action.id).state == "pending"


def test_a_page_edited_after_it_was_read_refuses_the_write(machine: Machine) -> None:
    """The compare digest closes the gap between reading and writing."""
    node = machine.shelf.take("page")
    machine.edit_by_hand(node["id"], "seo.title", "Before")
    action = machine.approved(seo_draft(node, "page", before={"title": "Before"}, title="Ours"))
    edit = after(lambda: machine.edit_by_hand(node["id"], "seo.title", "Theirs"), lambda p: p.forward())
    machine.wire.fates = [edit]
    assert machine.execute(action).status == "drifted"
    assert machine.shows(node, "page")["seo.title"] == "Theirs"


def test_what_the_shop_holds_already_is_not_written_again(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Same"))
    machine.edit_by_hand(node["id"], "seo.title", "Same")
    assert machine.execute(action).status == "already_done"
    assert machine.action(action.id).state == "superseded"
    assert machine.wire.mutations == 0


def test_an_unset_title_is_as_shown_when_its_stand_in_was_shown(machine: Machine) -> None:
    node = machine.shelf.take("product")
    machine.edit_by_hand(node["id"], "seo.title", "")
    action = machine.approved(seo_draft(node, before={"title": node["title"]}, title="Better"))
    assert machine.execute(action).status == "executed"


def test_a_resource_that_is_gone_fails_with_a_reason(machine: Machine) -> None:
    node = {"id": "gid://shopify/Product/1", "handle": "gone"}
    action = machine.approved(seo_draft(node, title="T"))
    result = machine.execute(action)
    assert result.status == "failed"
    assert "not in the shop any more" in result.message
    assert machine.action(action.id).state == "failed"


# -- failures of the wire ------------------------------------------------------------


def test_transient_failures_are_tried_again(machine: Machine) -> None:
    node = machine.shelf.take("product")
    machine.wire.fates = [unavailable, never_arrives]
    assert machine.execute(machine.approved(seo_draft(node, title="Third time"))).status == "executed"
    assert machine.wire.mutations == 3
    assert len(machine.writes(node["id"])) == 1


def test_a_write_whose_answer_was_lost_is_not_repeated(machine: Machine) -> None:
    node = machine.shelf.take("product")
    machine.wire.fates = [answer_lost]
    assert machine.execute(machine.approved(seo_draft(node, title="Lost"))).status == "executed"
    assert machine.wire.mutations == 1
    assert len(machine.writes(node["id"])) == 1


def test_three_failures_fail_the_action(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Never"))
    machine.wire.fates = [unavailable] * 3
    result = machine.execute(action)
    assert result.status == "failed"
    assert "503" in result.message
    assert machine.wire.mutations == 3
    assert (machine.action(action.id).state, machine.writes(node["id"])) == ("failed", [])


def test_a_partial_write_is_undone(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = machine.approved(seo_draft(node, **TEXTS))
    machine.wire.fates = [without("description")]
    result = machine.execute(action)
    assert result.status == "failed"
    assert "put back" in result.message
    assert machine.shows(node) == before
    row = machine.ledger(action)
    assert row is not None
    assert row.status == "undone"
    assert machine.action(action.id).state == "failed"


def test_a_text_that_the_shop_rewords_is_put_back(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    machine.wire.fates = [reworded("title", "AN-6 &amp; more")]
    result = machine.execute(machine.approved(seo_draft(node, title="AN-6 & more")))
    assert result.status == "failed"
    assert machine.shows(node) == before


def test_a_partial_write_that_cannot_be_undone_says_what_stands_there(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = machine.approved(seo_draft(node, **TEXTS))
    machine.wire.fates = [without("description"), unavailable, unavailable, unavailable]
    result = machine.execute(action)
    assert result.status == "failed"
    assert f"seo.title holds {TEXTS['title']!r}, was {before['seo.title']!r}" in result.message
    row = machine.ledger(action)
    assert row is not None
    assert (row.status, row.error) == ("failed", result.message)


def test_an_unreachable_shop_leaves_the_action_approved_and_says_what_to_do(machine: Machine) -> None:
    first = machine.approved(seo_draft(machine.shelf.take("product"), title="One"))
    second = machine.approved(seo_draft(machine.shelf.take("product"), title="Two"))
    settings = machine.settings(
        GROWTH_SHOPIFY__BASE_URL="http://127.0.0.1:9", GROWTH_ACTIONS__DEADLINE_SECONDS="0.1"
    )
    results = execute_approved(machine.store, settings, now=NOW)
    assert [result.status for result in results] == ["failed", "failed"]
    assert "no connection" in results[0].message
    assert results[1].message.startswith("Not tried.")
    assert {machine.action(a.id).state for a in (first, second)} == {"approved"}


def test_a_refused_token_leaves_the_action_approved(machine: Machine) -> None:
    action = machine.approved(seo_draft(machine.shelf.take("product"), title="Token"))
    settings = machine.settings(GROWTH_SHOPIFY__ACCESS_TOKEN="wrong")
    [result] = execute_approved(machine.store, settings, now=NOW)
    assert result.status == "failed"
    assert "GROWTH_SHOPIFY__ACCESS_TOKEN" in result.message
    assert machine.action(action.id).state == "approved"
