"""Work by hand counts from the day on which somebody says that it was done, and is said once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from growth_pipelines.actions.outcomes import outcomes_of, record_outcomes
from growth_pipelines.actions.tasks import (
    MayNotFinish,
    NoOpenTask,
    NotThatDay,
    mark_done,
    not_yet_changed,
    open_tasks,
)
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.clock import local_date
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import Action, AuditEvent, TaskCard
from tests.outcomes_read import outcome_row

from .conftest import NOW, Machine, image_draft, task_draft

LATER = NOW + timedelta(days=9)
DAY = (NOW + timedelta(days=5)).date()


def opened(machine: Machine) -> Action:
    action = machine.approved(task_draft(machine.shelf.take("product")))
    assert machine.execute(action).status == "executed"
    return machine.action(action.id)


def done(machine: Machine, action: Action, on: date | None, actor: str = "olga") -> TaskCard:
    settings = machine.settings()
    with machine.store.session() as session:
        row = session.get_one(Action, action.id)
        return mark_done(session, row, on, actor=actor, channel="cli", now=LATER, zone=settings.zone)


def test_the_work_counts_from_the_day_on_which_it_was_done(machine: Machine) -> None:
    action, zone = opened(machine), machine.settings().zone
    with machine.store.session() as session:
        assert [one.id for one, _ in open_tasks(session)] == [action.id]
        assert not_yet_changed(session) == {action.id}
        # Read before the work was done, as versions before this one did.
        record_outcomes(session, [outcome_row(action, 7, 3.0, "none")], LATER)
    assert done(machine, action, DAY).state == "done"
    now = machine.action(action.id)
    assert now.executed_at is not None
    assert (now.state, local_date(now.executed_at, zone)) == ("executed", DAY)
    with machine.store.read() as session:
        assert open_tasks(session) == []
        assert not_yet_changed(session) == set()
        assert outcomes_of(session, action.id) == []
        event = session.scalars(select(AuditEvent).where(AuditEvent.event == "task_done")).one()
        assert (event.actor, event.payload["done_on"]) == ("olga", DAY.isoformat())
        assert verify_chain(session).intact


def test_it_is_said_once_by_who_may_and_of_a_day_that_can_be(machine: Machine) -> None:
    action = opened(machine)
    add_operator(machine.store, machine.settings(), "vik", "viewer", NOW)
    for day in (LATER.date() + timedelta(days=2), NOW.date() - timedelta(days=2)):
        with pytest.raises(NotThatDay):
            done(machine, action, day)
    for nobody in ("vik", "stranger", ""):
        with pytest.raises(MayNotFinish):
            done(machine, action, DAY, nobody)
    assert machine.action(action.id).executed_at == NOW
    done(machine, action, None)
    with pytest.raises(NoOpenTask) as refused:
        done(machine, action, DAY)
    assert str(local_date(LATER, machine.settings().zone)) in refused.value.hint
    assert machine.action(action.id).executed_at == LATER


def test_what_was_written_beside_it_counts_from_when_it_was_written(machine: Machine) -> None:
    draft = image_draft(machine.shelf.take("image"), "Black hose, coiled", steps=["Compress it."])
    action = machine.approved(draft)
    assert machine.execute(action).status == "executed"
    with machine.store.read() as session:
        assert not_yet_changed(session) == set()
    done(machine, action, DAY)
    assert machine.action(action.id).executed_at == NOW


def test_work_that_was_taken_back_is_not_done(machine: Machine) -> None:
    action = opened(machine)
    assert machine.roll_back_now(action).status == "rolled_back"
    with machine.store.read() as session:
        assert open_tasks(session) == []
    with pytest.raises(NoOpenTask):
        done(machine, action, DAY)


def test_of_two_who_say_it_at_once_one_is_told_that_it_is_said(machine: Machine) -> None:
    action = opened(machine)
    now = {"GROWTH_NOW": LATER.isoformat()}
    racers = [machine.command("tasks", "done", action.ref, **now) for _ in range(2)]
    told = [racer.communicate(timeout=120) for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 1], told
    assert "No work of" in "".join(error for _, error in told)
    with machine.store.read() as session:
        events = select(func.count()).select_from(AuditEvent).where(AuditEvent.event == "task_done")
        assert session.scalar(events) == 1


def test_of_much_work_the_oldest_is_read(machine: Machine) -> None:
    first, second = opened(machine), opened(machine)
    with machine.store.session() as session:
        card = session.scalars(select(TaskCard).where(TaskCard.action_id == second.id)).one()
        card.created_at = NOW - timedelta(days=1)
    with machine.store.read() as session:
        assert [one.id for one, _ in open_tasks(session)] == [second.id, first.id]
        assert [one.id for one, _ in open_tasks(session, 1)] == [second.id]


def test_the_command_lists_what_is_open(machine: Machine) -> None:
    action = opened(machine)
    listed = machine.command("tasks", "list", "--json").communicate(timeout=120)[0]
    assert action.ref in listed
    assert "Open the theme." in listed
