"""Many write at once, some change their mind, some are killed: the chain has no gap, no fork, nothing twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event, verify_chain
from growth_pipelines.store.audit_records import records
from growth_pipelines.store.database import Store
from tests.drafts import NOW, settings_in

PROCESSES, THREADS, STEPS = 4, 4, 12
# What a transaction does: how many events, and whether it is kept.
KINDS = ((1, True), (1, True), (3, True), (1, False), (2, False), (0, True))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return settings_in(tmp_path, url)


class _ChangedItsMind(Exception):
    pass


def _transaction(store: Store, name: str, events: int, kept: bool, pause: float) -> None:
    with store.session() as session:
        for number in range(events):
            payload = {"name": f"{name}.{number}"}
            append_event(session, event="noted", actor="t", channel="t", now=NOW, payload=payload)
        time.sleep(pause)
        if not kept:
            raise _ChangedItsMind


def _write(settings: Settings, process: int, seed: int, diary: str, up: Any) -> None:
    """A process with its threads, each of a schedule of its own; what was committed is noted in the diary."""
    store = Store.of(settings)
    out = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(word: str, name: str, events: int) -> None:
        os.write(out, (json.dumps([word, name, events]) + "\n").encode())

    def work(thread: int) -> None:
        chance = random.Random(f"{seed}.{process}.{thread}")
        for step in range(STEPS):
            events, kept = chance.choice(KINDS)
            name = f"{process}.{thread}.{step}"
            note("begins", name, events if kept else 0)
            try:
                _transaction(store, name, events, kept, chance.choice((0, 0, 0.002)))
            except _ChangedItsMind:
                continue
            note("kept", name, events)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    up.set()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(2, 12))])
def test_whatever_is_committed_is_in_the_chain_once_and_nothing_else(
    settings: Settings, tmp_path: Path, seed: int
) -> None:
    store, diary = Store.of(settings), tmp_path / "diary"
    chance, context = random.Random(seed), multiprocessing.get_context("spawn")
    started = []
    for process in range(PROCESSES):
        up = context.Event()
        worker = context.Process(target=_write, args=(settings, process, seed, str(diary), up))
        worker.start()
        started.append((worker, up))
    for _, up in started:
        assert up.wait(60)
    for worker, _ in chance.sample(started, PROCESSES // 2):
        time.sleep(chance.uniform(0.01, 0.15))
        worker.kill()
    for worker, _ in started:
        worker.join(120)
    assert any(worker.exitcode == -signal.SIGKILL for worker, _ in started), "all were done before the kill"
    told = [json.loads(line) for line in diary.read_text().splitlines()]
    kept = {name: events for word, name, events in told if word == "kept"}
    begun = {name: events for word, name, events in told if word == "begins"}
    with store.read() as session:
        report = verify_chain(session)
        found = [record["payload"]["name"] for record in records(session) if record["event"] == "noted"]
    assert report.problems == ()
    assert len(found) == len(set(found)) == report.events
    transactions = Counter(name.rpartition(".")[0] for name in found)
    assert all(transactions[name] == events for name, events in kept.items()), "each committed event is there"
    assert all(begun[name] == events for name, events in transactions.items()), (
        "a transaction is whole or not there"
    )
    assert kept, "nobody came to write anything"
