"""Failures that others' approvals have had, by the numbers under which they were collected."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.lifecycle import expire_due
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.decide import AlreadyDecided, NotAllowed, StaleDigest
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from tests.drafts import NOW, decided, seo_draft, settings_in, submitted, with_operator

MOMENT = timedelta(microseconds=1)


def _now(store: Store, action: Action) -> Action:
    with store.read() as session:
        return find(session, action.id)


@pytest.mark.parametrize("offset", [-MOMENT, 0 * MOMENT, MOMENT])
def test_time_running_out_and_an_answer_at_the_same_instant_have_one_winner_and_no_error(
    store: Store, settings: Settings, offset: timedelta
) -> None:
    """F6: the sweep that stores the expiry and a person's answer meet at the deadline, and just beside it."""
    actions = submitted(store, *(seo_draft(number) for number in range(8)))
    at, start, told = actions[0].expires_at + offset, threading.Barrier(2), []

    def sweep() -> None:
        start.wait()
        expire_due(store, at)

    for action in actions:
        sweeper = threading.Thread(target=sweep)
        sweeper.start()
        start.wait()
        try:
            told.append(decided(store, settings, action, now=at).state)
        except AlreadyDecided as late:
            told.append(re.sub(".* is expired since .*", "late", str(late)))
        sweeper.join()
    wanted = "approved" if offset < timedelta(0) else "late"
    assert told == [wanted] * 8
    assert {_now(store, action).state for action in actions} == {"expired" if wanted == "late" else "approved"}
    with store.read() as session:
        assert verify_chain(session).intact


def test_the_deadline_is_absolute_from_creation_whatever_runs_late(store: Store, settings: Settings) -> None:
    """F7: no sweep, restart or reading moves it, and a wait that was long over is over at the first touch."""
    [action] = submitted(store, seo_draft())
    with store.read() as session:
        asked = request_of(session, action)
        assert asked is not None
        assert (asked.created_at, asked.expires_at) == (NOW, NOW + timedelta(days=settings.actions.expire_days))
    expire_due(store, asked.expires_at - MOMENT)
    store.close()
    again = Store(store.url)
    with again.read() as session:
        assert request_of(session, find(session, action.id)).expires_at == asked.expires_at
    # The sweep never ran: the answer itself finds that time is over, and stores it.
    with pytest.raises(AlreadyDecided, match="is expired"):
        decided(again, settings, action, now=asked.expires_at)
    assert _now(again, action).state == "expired"
    again.close()


def test_what_was_settled_elsewhere_no_longer_waits(store: Store, settings: Settings) -> None:
    """F8: a draft that covers the same resource takes its place; the old question is closed and says so."""
    one, two = submitted(store, seo_draft(1), seo_draft(1, title=None, description="Fits every AN-6 fitting."))
    submitted(store, seo_draft(1, title="AN-6 line", description="Fits every AN-6 fitting."))
    gone, kept = sorted((_now(store, one), _now(store, two)), key=lambda action: action.state != "superseded")
    assert (gone.state, kept.state, kept.version) == ("superseded", "pending", 2)
    seen = {action.id: action for action in (one, two)}
    with pytest.raises(AlreadyDecided, match="is superseded since"):
        decided(store, settings, seen[gone.id])
    with pytest.raises(StaleDigest):
        decided(store, settings, seen[kept.id])
    with store.read() as session:
        closed = request_of(session, gone)
        assert closed is not None
        assert closed.status == "superseded"


def test_nobody_but_a_person_with_the_role_decides(store: Store, settings: Settings) -> None:
    """F2: being heard is not being allowed; the refusal is on record with its channel."""
    with_operator(store, settings, "vi", "viewer")
    [action] = submitted(store, seo_draft())
    with pytest.raises(NotAllowed):
        decided(store, settings, action, operator="vi")
    assert _now(store, action).state == "pending"


def test_one_answer_authorises_one_question(store: Store, settings: Settings) -> None:
    """F11: a decision carries the action and the digest it was made on, and both must fit."""
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    with pytest.raises(StaleDigest):
        decided(store, settings, one, digest=two.digest)
    assert {_now(store, action).state for action in (one, two)} == {"pending"}


def test_a_target_that_changed_while_the_question_waited_is_not_overwritten(
    tmp_path: Path, start_sandbox: Callable[..., Any]
) -> None:
    """F12: the executor reads the live resource and compares it with what the operator was shown."""
    query = "query P { products(first: 1) { nodes { id seo { title } } } }"
    shop = start_sandbox("--seed", "3", "--orders", "20", "--products", "20", "--today", "2026-11-22")
    environment = shop.environment(tmp_path, GROWTH_ACTIONS__MODE="live")
    settings = settings_in(tmp_path, **{k: v for k, v in environment.items() if k != "GROWTH_HOME"})
    store = Store.of(settings)
    with_operator(store, settings)
    with ShopifyClient(settings) as client:
        [product] = client.execute_text(query)["products"]["nodes"]
    draft = seo_draft()
    diff = draft.diff[0].model_copy(update={"before": product["seo"]["title"] or ""})
    target = draft.target.model_copy(update={"gid": product["id"]})
    [action] = submitted(store, draft.model_copy(update={"diff": (diff,), "target": target}))
    decided(store, settings, action)
    edit = {"gid": product["id"], "field": "seo.title", "value": "By hand"}
    httpx.post(f"{shop.base_url}/_sandbox/edit", json=edit, trust_env=False).raise_for_status()

    [result] = execute_approved(store, settings, only=[action.id], now=NOW)

    assert result.status == "drifted"
    again = _now(store, action)
    assert (again.state, again.version, again.diff[0]["before"]) == ("pending", 2, "By hand")
    with ShopifyClient(settings) as client:
        [product] = client.execute_text(query)["products"]["nodes"]
    assert product["seo"]["title"] == "By hand"
