"""An operator's rollback restores exactly what was there, and never somebody else's later work."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from growth_pipelines.actions.brake import pause
from growth_pipelines.actions.rollback import roll_back_requested
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import Action, TaskCard

from .conftest import NOW, Machine, image_draft, seo_draft, task_draft
from .interceptor import answer_lost, unavailable

TEXTS = {"title": "AN-10 Hose End", "description": "Swivel, 45 degrees, black."}


def executed(machine: Machine, draft: object) -> Action:
    action = machine.approved(draft)  # type: ignore[arg-type]
    assert machine.execute(action).status == "executed"
    return action


@pytest.mark.parametrize("kind", ["product", "collection", "page", "article"])
def test_texts_are_restored_and_unset_ones_are_unset_again(machine: Machine, kind: str) -> None:
    node = machine.shelf.take(kind)
    machine.edit_by_hand(node["id"], "seo.title", "As it was")
    machine.edit_by_hand(node["id"], "seo.description", "")
    before = {"title": "As it was", "description": ""}
    action = executed(machine, seo_draft(node, kind, before=before, **TEXTS))
    result = machine.roll_back_now(action)
    assert (result.status, result.done) == ("rolled_back", True), result.message
    assert machine.shows(node, kind) == {"seo.title": "As it was", "seo.description": ""}
    assert machine.action(action.id).state == "rolled_back"
    row = machine.ledger(action)
    assert row is not None
    assert row.status == "rolled_back"
    assert len(row.request_ids) >= 2
    with machine.store.read() as session:
        assert verify_chain(session).intact


def test_alt_text_is_restored_and_the_task_card_withdrawn(machine: Machine) -> None:
    node = machine.shelf.take("image")
    before = machine.shows(node, "image")
    action = executed(machine, image_draft(node, "New alt text", steps=["Compress it."]))
    assert machine.roll_back_now(action).status == "rolled_back"
    assert machine.shows(node, "image") == before
    with machine.store.read() as session:
        assert session.scalars(select(TaskCard.state).where(TaskCard.action_id == action.id)).one() == "withdrawn"


def test_a_task_card_alone_is_withdrawn(machine: Machine) -> None:
    action = executed(machine, task_draft(machine.shelf.take("product")))
    assert machine.roll_back_now(action).status == "rolled_back"


def test_without_an_operator_s_request_nothing_is_rolled_back(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = executed(machine, seo_draft(node, title="Kept"))
    result = machine.roll_back(action)
    assert result.status == "refused"
    assert machine.shows(node)["seo.title"] == "Kept"


def test_later_work_of_somebody_else_is_kept_and_the_request_answered(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = executed(machine, seo_draft(node, title="Ours"))
    machine.edit_by_hand(node["id"], "seo.title", "Theirs")
    result = machine.roll_back_now(action)
    assert result.status == "drifted"
    assert machine.shows(node)["seo.title"] == "Theirs"
    assert machine.action(action.id).state == "executed"
    assert roll_back_requested(machine.store, machine.settings(), now=NOW) == []  # it isn't tried for ever


def test_rolling_back_twice_changes_nothing(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = executed(machine, seo_draft(node, title="Twice"))
    machine.roll_back_now(action)
    assert machine.roll_back(action).status == "already_done"
    assert machine.wire.mutations == 2


def test_a_lost_answer_and_a_failure_are_survived(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = executed(machine, seo_draft(node, title="Wire"))
    machine.wire.fates = [unavailable, answer_lost]
    assert machine.roll_back_now(action).status == "rolled_back"
    assert machine.shows(node) == before


def test_a_rollback_that_was_written_but_not_recorded_is_recorded_without_writing(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = executed(machine, seo_draft(node, title="Recorded"))
    machine.edit_by_hand(node["id"], "seo.title", before["seo.title"])
    assert machine.roll_back_now(action).status == "rolled_back"
    assert machine.wire.mutations == 1


@pytest.mark.parametrize("stop", ["propose", "paused"])
def test_propose_and_pause_hold_for_rollbacks_too(machine: Machine, stop: str) -> None:
    node = machine.shelf.take("product")
    action = executed(machine, seo_draft(node, title="Held"))
    machine.decide(machine.action(action.id), "rollback", reason="wrong")
    if stop == "paused":
        pause(machine.store, actor="olga", channel="cli", reason="sale", now=NOW)
    result = machine.roll_back(action, mode="propose" if stop == "propose" else "live")
    assert result.status == ("dry_run" if stop == "propose" else "paused")
    assert machine.shows(node)["seo.title"] == "Held"
    assert machine.action(action.id).state == "executed"


def test_execute_carries_out_the_rollbacks_that_were_asked_for(machine: Machine) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = executed(machine, seo_draft(node, title="Asked"))
    machine.decide(machine.action(action.id), "rollback", reason="sales fell")
    process = machine.command("execute")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "rolled back" in out
    assert machine.shows(node) == before
