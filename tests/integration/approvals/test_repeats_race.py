"""Processes that send the same change at the same moment: one effect, one answer, and never half of a bulk."""

from __future__ import annotations

import multiprocessing
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from growth_pipelines.approvals.operators import new_link
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, IdempotencyKey
from tests.drafts import NOW, seo_draft, settings_in, submitted

ACTIONS = 12


def _program(home: str, url: str, token: str, part: str, barrier: Any, answers: Queue[tuple[str, Any]]) -> None:
    """Sign in with one session, shared through its cookie, and send what ``part`` says, all at once."""
    import asyncio

    from growth_pipelines.console.app import create_app

    async def send() -> None:
        app = create_app(settings_in(Path(home), url))
        transport = httpx.ASGITransport(app)
        headers = {"accept": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
            http.cookies.set("growth_session", token)
            http.headers["x-csrf-token"] = (await http.get("/api/session")).json()["csrf"]
            actions = (await http.get("/api/actions")).json()["actions"]
            items = [{"id": one["id"], "digest": one["digest"]} for one in actions]
            body: dict[str, Any] = {"decision": "approve", "items": items}
            shown = (await http.post("/api/approvals/bulk", json=body)).json()
            barrier.wait(60)
            if part == "bulk":
                body["confirm"] = shown["confirm"]
                done = await http.post("/api/approvals/bulk", json=body, headers={"idempotency-key": "bulk"})
                answers.put((part, (done.status_code, done.json())))
            else:
                for one in reversed(items):
                    decided = await http.post(
                        f"/api/approvals/{one['id']}/decision",
                        json={"decision": "approve", "digest": one["digest"]},
                        headers={"idempotency-key": f"single-{one['id']}"},
                    )
                    answers.put((part, (decided.status_code, one["id"])))

    asyncio.run(send())


def test_the_same_bulk_sent_twice_beside_single_decisions_decides_each_action_once(
    store: Store, settings: Settings
) -> None:
    from growth_pipelines.approvals.sessions import log_in

    submitted(store, *(seo_draft(number) for number in range(ACTIONS)))
    link = new_link(store, settings, "bo", NOW).link_token
    token = log_in(store, settings, link, NOW).token
    context = multiprocessing.get_context("spawn")
    parts = ("bulk", "bulk", "single", "single")
    barrier, answers = context.Barrier(len(parts)), context.Queue()
    processes = [
        context.Process(
            target=_program, args=(str(settings.home), settings.postgres_url, token, part, barrier, answers)
        )
        for part in parts
    ]
    for process in processes:
        process.start()
    told = [answers.get(timeout=120) for _ in range(2 + 2 * ACTIONS)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    first, second = [answer for part, answer in told if part == "bulk"]
    # One acted, the other has its answer.
    assert first == second
    assert first[0] == 200
    by_bulk = first[1]["done"]
    won = {one for part, (status, one) in told if part == "single" and status == 200}
    assert by_bulk + len(won) == ACTIONS
    for one in won:
        # Both programs have the answer of the one that was first.
        assert [status for part, (status, which) in told if part == "single" and which == one] == [200, 200]
    with store.read() as session:
        assert verify_chain(session).intact
        approved = select(func.count()).select_from(AuditEvent).where(AuditEvent.event == "approved")
        assert session.scalar(approved) == ACTIONS
        kept = select(func.count()).select_from(IdempotencyKey)
        assert session.scalar(kept) == 1 + len(won)
