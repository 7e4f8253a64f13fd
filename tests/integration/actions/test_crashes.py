"""Killed anywhere and run again, from two processes or one: the shop is written to once."""

from __future__ import annotations

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.executors.claim import Busy, claim
from growth_pipelines.store.tables import Operator

from .conftest import NOW, Machine, seo_draft
from .interceptor import Fate, Passage, kill

TEXTS = {"title": "AN-8 Fuel Rail", "description": "Billet, with two ORB-8 ports."}


def killed_while_executing(machine: Machine, *, written: bool) -> None:
    """``growth execute`` in a process that is killed at its write."""
    started = threading.Event()
    victim: list[subprocess.Popen[str]] = []

    def pid() -> int:
        assert started.wait(20)
        return victim[0].pid

    machine.wire.fates = [kill(pid, written=written)]
    victim.append(machine.command("execute"))
    started.set()
    assert victim[0].wait(60) == -9, victim[0].stderr.read() if victim[0].stderr else ""


@pytest.mark.parametrize("written", [True, False], ids=["after the write", "before the write"])
def test_a_process_killed_at_its_write_is_finished_by_the_next(machine: Machine, written: bool) -> None:
    node = machine.shelf.take("product")
    before = machine.shows(node)
    action = machine.approved(seo_draft(node, **TEXTS))
    killed_while_executing(machine, written=written)
    assert machine.action(action.id).state == "executing"
    assert len(machine.writes(node["id"])) == (2 if written else 0)

    [result] = execute_approved(machine.store, machine.settings(), now=NOW)

    assert result.status == "executed"
    assert machine.wire.mutations == (1 if written else 2)
    assert len(machine.writes(node["id"])) == 2  # title and description, once each
    row = machine.ledger(action)
    assert row is not None
    assert (row.status, row.snapshot, row.attempts) == ("confirmed", before, 2)
    assert machine.roll_back_now(action).status == "rolled_back"
    assert machine.shows(node) == before


def test_a_killed_run_whose_approval_no_longer_holds_is_settled_without_writing(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, **TEXTS))
    killed_while_executing(machine, written=False)
    with machine.store.session() as session:
        session.get_one(Operator, "olga").active = False
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "failed"
    assert "olga may not decide" in result.message
    assert (machine.action(action.id).state, machine.writes(node["id"])) == ("failed", [])


def test_an_edit_after_a_killed_write_is_not_overwritten(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Ours"))
    killed_while_executing(machine, written=True)
    machine.edit_by_hand(node["id"], "seo.title", "Theirs")
    [result] = execute_approved(machine.store, machine.settings(), now=NOW)
    assert result.status == "drifted"
    assert machine.shows(node)["seo.title"] == "Theirs"
    assert machine.action(action.id).version == 2


def test_an_action_that_kills_its_process_every_time_is_given_up(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Deadly"))
    killed_while_executing(machine, written=False)
    one_try = machine.settings(GROWTH_ACTIONS__ATTEMPTS="1")
    [result] = execute_approved(machine.store, one_try, now=NOW)
    assert result.status == "failed"
    assert (machine.action(action.id).state, machine.writes(node["id"])) == ("failed", [])


def test_two_processes_at_once_write_once(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, **TEXTS))
    processes = [machine.command("execute", action.ref, "--json") for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=60)[0])[0]["status"] for process in processes]
    assert sorted(answers) == ["already_done", "executed"]
    assert [process.returncode for process in processes] == [0, 0]
    assert machine.wire.mutations == 1


def test_approving_twice_and_executing_from_many_threads_writes_once(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Crowd"))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: machine.execute(action).status, range(4)))
    assert sorted(results) == ["already_done"] * 3 + ["executed"]
    assert machine.wire.mutations == 1


def test_while_one_process_writes_another_waits_for_it(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Slow"))
    arrived, go_on = threading.Event(), threading.Event()

    def slow(passage: Passage) -> tuple[int, dict[str, str], bytes]:
        arrived.set()
        assert go_on.wait(30)
        return passage.forward()

    fate: Fate = slow
    machine.wire.fates = [fate]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(machine.execute, action)
        assert arrived.wait(30)
        with pytest.raises(Busy), claim(machine.settings(), action.id, wait_seconds=0.2):
            pass
        second = pool.submit(machine.execute, action)
        go_on.set()
        assert (first.result().status, second.result().status) == ("executed", "already_done")


def test_a_claim_ends_with_the_process_that_held_it(machine: Machine) -> None:
    action = machine.approved(seo_draft(machine.shelf.take("product"), title="Dead"))
    killed_while_executing(machine, written=False)
    with claim(machine.settings(), action.id, wait_seconds=5):
        pass
