"""Two real processes decide at the same moment: exactly one wins, and the other is told."""

from __future__ import annotations

import multiprocessing
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.decide import AlreadyDecided
from growth_pipelines.bench.approvals import race
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, OutboxEntry
from tests.drafts import decided, seo_draft, settings_in, submitted, with_operator

ROUNDS = 10


def _decide_all(home: str, url: str, operator: str, barrier: Any, answers: Queue[tuple[str, str, str]]) -> None:
    settings = settings_in(Path(home), url)
    store = Store.of(settings)
    with store.read() as session:
        refs = session.scalars(
            select(AuditEvent.action_id).where(AuditEvent.event == "created").order_by(AuditEvent.seq)
        )
        actions = [find(session, str(ref)) for ref in refs]
    for action in actions:
        barrier.wait(60)
        try:
            decided(store, settings, action, operator=operator)
            answers.put((action.id, operator, "won"))
        except AlreadyDecided as late:
            answers.put((action.id, operator, str(late)))


def test_of_two_processes_that_approve_at_once_exactly_one_wins(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "al")
    actions = submitted(store, *(seo_draft(number) for number in range(ROUNDS)))
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    processes = [
        context.Process(
            target=_decide_all, args=(str(settings.home), settings.postgres_url, name, barrier, answers)
        )
        for name in ("al", "bo")
    ]
    for process in processes:
        process.start()
    told = [answers.get(timeout=60) for _ in range(2 * ROUNDS)]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    for action in actions:
        outcome = {operator: answer for identity, operator, answer in told if identity == action.id}
        (winner,) = [operator for operator, answer in outcome.items() if answer == "won"]
        (loser,) = set(outcome) - {winner}
        assert f"was decided by {winner}" in outcome[loser]
    with store.read() as session:
        assert verify_chain(session).intact
        approved = select(OutboxEntry).where(OutboxEntry.event == "action.approved")
        assert len(session.scalars(approved).all()) == ROUNDS


@pytest.mark.slow
def test_of_64_deciders_in_4_processes_exactly_one_wins_every_round_and_all_others_are_told_by_whom(
    settings: Settings,
) -> None:
    rounds = 6 if settings.postgres_url else 12
    found = race(settings, rounds)
    assert found["problems"] == []
    assert (found["won"], found["voted"], found["told_the_truth"]) == (rounds, 0, rounds * 63)


@pytest.mark.slow
def test_where_two_must_approve_the_second_person_decides_and_nobody_counts_twice(settings: Settings) -> None:
    found = race(settings, 4, quorum=2)
    assert found["problems"] == []
    assert (found["won"], found["voted"], found["told_the_truth"]) == (4, 4, 4 * 62)
