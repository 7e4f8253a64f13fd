"""The inbox: whose turn it is, in which order, page by page whatever changes in between."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from growth_pipelines.approvals.inbox import ENDS_SOON, PRIORITIES, Entry, Inbox, count_mine, inbox
from growth_pipelines.bench.many_actions import fill
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.keyset import BadCursor
from growth_pipelines.store.tables import Absence, Action, ApprovalRequest, ApprovalVote
from tests.drafts import NOW, seo_draft, settings_in, submitted, with_operator
from tests.new_stores import new_store
from tests.rows_read import rows_read


def listed(store: Store, tab: str, operator: str = "bo", role: str = "operator", **more: Any) -> list[Entry]:
    """All pages of a list, each read in a transaction of its own."""
    found: list[Entry] = []
    after = None
    while True:
        with store.read() as session:
            page: Inbox = inbox(session, tab, operator, role, NOW, after=after, **{"limit": 25, **more})
            session.expunge_all()
        found += page.entries
        after = page.next
        if after is None:
            return found


def test_what_waits_comes_by_priority_then_age_and_pages_hold_each_once(store: Store) -> None:
    fill(store, 200, 7, now=NOW, resources=9)
    everything = listed(store, "all")
    keys = [(PRIORITIES.index(e.request.priority), e.request.created_at, e.request.id) for e in everything]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys) > 75
    assert {(e.action.state, e.action.expires_at > NOW) for e in everything} == {("pending", True)}
    for name in ("kind", "risk", "priority"):
        value = {"kind": "cwv_repair", "risk": "high", "priority": "low"}[name]
        column = {"kind": "kind", "risk": "risk_tier", "priority": "priority"}[name]
        some = listed(store, "all", limit=3, **{name: value})
        assert [e.action.id for e in some] == [
            e.action.id for e in everything if getattr(e.action, column) == value
        ]
    expiring = {e.action.id for e in listed(store, "expiring")}
    assert expiring == {
        e.action.id for e in everything if e.request.due_at <= NOW or e.request.expires_at <= NOW + ENDS_SOON
    }
    decided = listed(store, "decided")
    times = [(e.request.decided_at, e.request.id) for e in decided]
    assert times == sorted(times, reverse=True)
    assert times
    assert all(e.took is not None and e.took > timedelta() for e in decided)
    assert listed(store, "all", "vik", "viewer")
    assert listed(store, "mine", "vik", "viewer") == []


@pytest.mark.postgres
@pytest.mark.parametrize("tab", ["mine", "all", "expiring"])
def test_a_page_of_a_long_list_reads_little_beyond_it(postgres_url: str, tmp_path: Path, tab: str) -> None:
    store = new_store(settings_in(tmp_path, postgres_url))
    fill(store, 10_000, 7, now=NOW, resources=2000)
    with store.read() as session:
        assert len(inbox(session, tab, "bo", "operator", NOW, limit=25).entries) == 25
        assert rows_read(session, "approval_requests") < 200


def test_mine_is_what_i_may_approve_and_have_not(store: Store, settings: Settings) -> None:
    for name in ("ann", "cleo"):
        with_operator(store, settings, name)
    actions = submitted(store, *(seo_draft(number) for number in range(1, 7)))
    free, admins, anns, four_eyes, quorum, voted = (action.id for action in actions)

    def ask(session: Session, action: str, **terms: Any) -> None:
        said = {"roles": ["operator", "admin"], "approvers": [], "quorum": 1, "four_eyes": False, **terms}
        session.execute(update(ApprovalRequest).where(ApprovalRequest.action_id == action).values(terms=said))

    with store.session() as session:
        ask(session, admins, roles=["admin"])
        ask(session, anns, approvers=["ann"])
        ask(session, four_eyes, four_eyes=True)
        session.execute(
            update(ApprovalRequest).where(ApprovalRequest.action_id == four_eyes).values(requester="bo")
        )
        for action in (quorum, voted):
            ask(session, action, quorum=2)
        request = session.query(ApprovalRequest).filter_by(action_id=voted).one()
        vote = {"digest": request.digest, "channel": "console", "note": "", "at": NOW, "audit_seq": 1}
        session.add(ApprovalVote(id=str(uuid.uuid4()), request_id=request.id, operator="bo", **vote))
        session.add(
            Absence(
                id=str(uuid.uuid4()),
                operator="ann",
                delegate="cleo",
                begins_at=NOW - timedelta(days=1),
                ends_at=NOW + timedelta(days=1),
                created_by="ann",
                created_at=NOW,
            )
        )
    mine = {
        name: {e.action.id for e in listed(store, "mine", name, role)}
        for name, role in (("bo", "operator"), ("ann", "operator"), ("cleo", "operator"), ("eva", "admin"))
    }
    assert mine["bo"] == {free, quorum}
    assert mine["ann"] == mine["cleo"] == {free, anns, four_eyes, quorum, voted}
    assert mine["eva"] == {free, admins, four_eyes, quorum, voted}
    votes = {e.action.id: (e.have, e.need, e.voted) for e in listed(store, "all")}
    assert (votes[free], votes[quorum], votes[voted]) == ((0, 1, False), (0, 2, False), (1, 2, True))
    with store.read() as session:
        assert count_mine(session, "ann", "operator", NOW, 4) == 4
        assert count_mine(session, "bo", "operator", NOW, 100) == 2


def test_a_page_goes_on_where_the_last_one_ended_though_others_decide(store: Store) -> None:
    fill(store, 120, 3, now=NOW, resources=9)
    before = [e.action.id for e in listed(store, "all")]
    with store.read() as session:
        first = inbox(session, "all", "bo", "operator", NOW, limit=10)
    gone = {e.action.id for e in first.entries[5:]} | {before[12]}
    with store.session() as session:
        session.execute(update(Action).where(Action.id.in_(gone)).values(state="rejected"))
    with store.read() as session:
        second = inbox(session, "all", "bo", "operator", NOW, limit=5, after=first.next)
    assert [e.action.id for e in second.entries] == [one for one in before[10:16] if one not in gone]


def test_foreign_cursors_and_unknown_lists_are_refused(store: Store) -> None:
    fill(store, 60, 3, now=NOW, resources=9)
    with store.read() as session:
        cursor = inbox(session, "all", "bo", "operator", NOW, limit=5).next
        for tab, more in (("mine", {}), ("all", {"risk": "low"}), ("decided", {})):
            with pytest.raises(BadCursor):
                inbox(session, tab, "bo", "operator", NOW, after=cursor, **more)
        for tab, more in (("yours", {}), ("all", {"priority": "soon"})):
            with pytest.raises(GrowthError):
                inbox(session, tab, "bo", "operator", NOW, **more)
