"""Requests over HTTP: what waits and for whom, votes, ends, and the history with its summary, on both engines."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import or_, select, update

from growth_pipelines.actions.lifecycle import expire_due
from growth_pipelines.approvals.history import UNANSWERED
from growth_pipelines.canonical import digest
from growth_pipelines.console.approval_documents import ApprovalDocument, HistoryPageDocument, RequestPage
from growth_pipelines.console.audit_api import EventPage
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import Action, ApprovalRequest, ApprovalVote
from tests.console_shop import NOW, ConsoleShop

from .conftest import Program, told

HISTORY = "/api/phase7/approvals/history"


def waiting(program: Program, path: str = "/api/approvals", **params: Any) -> list[dict[str, Any]]:
    """Every request of a list, by pages of three."""
    found: list[dict[str, Any]] = []
    address: str | None = str(httpx.URL(path, params={"limit": 3, **params}))
    while address:
        answer = program.http.get(address).raise_for_status()
        RequestPage.model_validate(answer.json())
        assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
        assert answer.json()["generated_at"] == answer.headers["x-generated-at"]
        found += answer.json()["approvals"]
        address = answer.links.get("next", {}).get("url")
        assert bool(address) == bool(answer.json()["next"])
    return found


def asked(shop: ConsoleShop, action: str, **values: Any) -> None:
    """Change an action's request behind everybody's back."""
    with shop.store.session() as session:
        session.execute(update(ApprovalRequest).where(ApprovalRequest.action_id == action).values(**values))


def test_what_waits_is_listed_once_for_those_who_may_answer(either_console: ConsoleShop):
    maria, vik = Program(either_console), Program(either_console, "read:approvals", operator="vik")
    whole = waiting(maria)
    assert len({one["request"] for one in whole}) == len(whole) == 8
    assert waiting(maria, "/api/phase7/approvals/pending") == whole
    assert [one["priority"] for one in whole] == ["high"] * 2 + ["medium"] * 6
    assert waiting(maria, kind="cwv_repair", priority="high", risk="medium") == whole[:2]
    assert waiting(maria, tab="decided") == []
    assert all(one["can_decide"] and one["why_not"] is None for one in whole)
    assert [one["can_decide"] for one in waiting(vik)] == [False] * 8
    assert "viewer" in waiting(vik)[0]["why_not"]
    mine = {"assignee": "me"}
    assert (waiting(vik, "/api/phase7/approvals/pending", **mine), waiting(vik, tab="mine")) == ([], [])
    asked(either_console, whole[0]["action"], terms={"approvers": ["bo"]})
    assert waiting(maria, "/api/phase7/approvals/pending", **mine) == whole[1:]
    assert waiting(maria)[0]["why_not"] == "Policies leave this to bo."
    for query in ("tab=none", "kind=none", "priority=none", "limit=0", "cursor=abc", "risk=none"):
        assert told(maria.http.get(f"/api/approvals?{query}"))[0] == 422
    cursor = maria.http.get("/api/approvals?limit=2").json()["next"]
    other = maria.http.get("/api/approvals", params={"cursor": cursor, "tab": "mine"})
    assert told(other) == (422, "bad-cursor")


def test_a_vote_is_taken_and_the_next_one_decides(either_console: ConsoleShop):
    maria, bo = Program(either_console), Program(either_console, operator="bo")
    one = waiting(maria)[0]
    path = f"/api/approvals/{one['ref']}"
    asked(either_console, one["action"], terms={"quorum": 2})
    before = maria.http.get(path)
    tag, bos_tag = before.headers["etag"], bo.http.get(path).headers["etag"]
    assert ApprovalDocument.model_validate(before.json()).permission.need == 2
    assert maria.http.get(path, headers={"if-none-match": tag}).status_code == 304
    first = maria.decide(before.json()["action"], **{"if-match": tag, "idempotency-key": "v"})
    assert (first.status_code, first.json()["outcome"]) == (202, "voted")
    assert first.json()["votes"] == {"have": 1, "need": 2}
    again = maria.decide(before.json()["action"], **{"if-match": tag, "idempotency-key": "v"})
    assert (again.status_code, again.json()) == (202, first.json())
    # The request has changed for whoever read it before; the draft has not.
    stale = bo.decide(before.json()["action"], **{"if-match": bos_tag})
    assert told(stale) == (412, "changed")
    seen = maria.http.get(path).json()
    assert [(vote["operator"], vote["channel"]) for vote in seen["votes"]] == [("maria", "api")]
    assert (seen["request"]["voted"], seen["permission"]["allowed"]) == (True, False)
    assert "has approved it already" in seen["permission"]["why"]
    assert told(maria.decide(seen["action"]))[0] in (403, 409)
    second = bo.decide(seen["action"])
    assert (second.status_code, second.json()["outcome"], second.json()["state"]) == (200, "decided", "approved")
    assert waiting(maria, tab="decided")[0]["why_not"] == f"{one['ref']} is approved."
    with either_console.store.read() as session:
        assert verify_chain(session).intact
        assert sorted(session.scalars(select(ApprovalVote.operator))) == ["bo", "maria"]


def test_after_its_time_a_request_is_gone_and_not_only_late(either_console: ConsoleShop):
    program = Program(either_console)
    one = waiting(program)[0]
    _let_expire(either_console, one["action"])
    assert one["request"] not in {other["request"] for other in waiting(program)}
    over = program.decide({"id": one["action"], "digest": one["digest"]})
    assert told(over) == (410, "time-is-over")
    assert over.json()["action"]["state"] == "expired"
    assert over.json()["decided"]["by"] is None


def _let_expire(shop: ConsoleShop, action: str) -> None:
    over = NOW - timedelta(hours=1)
    asked(shop, action, expires_at=over)
    with shop.store.session() as session:
        session.execute(update(Action).where(Action.id == action).values(expires_at=over))


@pytest.fixture
def past(either_console: ConsoleShop) -> Program:
    """A program at a shop where four requests are answered, after 1, 2, 3 and 10 hours, and one ran out."""
    maria, bo = Program(either_console), Program(either_console, operator="bo")
    waits = waiting(maria)
    evil = {"decision": "reject", "reason": "other", "note": "=1+1, “no”"}
    for place, (program, body, hours) in enumerate(
        [(maria, {}, 1), (maria, {}, 2), (bo, {}, 3), (bo, evil, 10)],
    ):
        one = waits[place]
        sent = {"decision": "approve", "digest": one["digest"], **body}
        program.http.post(f"/api/approvals/{one['action']}/decision", json=sent).raise_for_status()
        ended = NOW - timedelta(hours=place)
        channel = "console" if place == 2 else "api"
        asked(
            either_console,
            one["action"],
            created_at=ended - timedelta(hours=hours),
            decided_at=ended,
            channel=channel,
        )
    _let_expire(either_console, waits[4]["action"])
    expire_due(either_console.store, NOW)
    return maria


def test_the_history_is_what_the_store_holds_in_every_form(past: Program):
    answer = past.http.get(HISTORY, params={"limit": 2})
    shown = HistoryPageDocument.model_validate(answer.json())
    rows: list[dict[str, Any]] = list(answer.json()["approvals"])
    while following := answer.links.get("next", {}).get("url"):
        answer = past.http.get(following).raise_for_status()
        assert answer.json()["summary"] is None
        rows += answer.json()["approvals"]
    with past.shop.store.read() as session:
        ended = or_(ApprovalRequest.decision.is_not(None), ApprovalRequest.status == "expired")
        kept = {one.id: one for one in session.scalars(select(ApprovalRequest).where(ended))}
        assert len(kept) == 5
        for row in rows:
            one = kept[row["request"]]
            assert (row["decision"], row["by"], row["channel"]) == (one.decision, one.decided_by, one.channel)
            assert datetime.fromisoformat(row["ended_at"]) == (one.decided_at or one.expires_at)
    assert {row["request"] for row in rows} == set(kept)
    ends = [row["ended_at"] for row in rows]
    assert ends == sorted(ends, reverse=True)

    summary = shown.summary
    assert summary is not None
    assert (summary.requests, summary.answered, summary.unanswered) == (5, 4, 1)
    assert (summary.median_seconds, summary.p90_seconds) == (2.5 * 3600, 7.9 * 3600)
    assert summary.expiry_rate == 0.2
    assert summary.by_channel == {"api": 0.75, "console": 0.25}
    assert summary.by_decision == {"approve": 3, "reject": 1}

    lines = past.http.get(HISTORY, headers={"accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == rows
    table = past.http.get(HISTORY, params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    cells = list(csv.DictReader(io.StringIO(table.text)))
    assert [cell["request"] for cell in cells] == [row["request"] for row in rows]
    assert [cell["comment"] for cell in cells if cell["comment"]] == ["'=1+1, “no”"]


def test_the_history_is_filtered(past: Program):
    def found(**params: str) -> list[dict[str, Any]]:
        answer = past.http.get(HISTORY, params=params).raise_for_status().json()
        assert answer["summary"]["requests"] == len(answer["approvals"])
        rows: list[dict[str, Any]] = answer["approvals"]
        return rows

    everything = found()
    filters = [("actor", "by", "bo"), ("channel", "channel", "console"), ("decision", "decision", "reject")]
    for name, member, value in filters:
        assert found(**{name: value}) == [row for row in everything if row[member] == value] != []
    assert found(decision=UNANSWERED) == [row for row in everything if row["decision"] is None] != []
    one = everything[0]
    assert one in found(trace_id=one["trace_id"])
    day = {"from": (NOW - timedelta(hours=2)).isoformat(), "to": NOW.isoformat()}
    assert found(**day) == [row for row in everything if day["from"] <= row["ended_at"] < day["to"]] != []
    assert found(actor="nobody") == []
    empty = past.http.get(HISTORY, params={"actor": "nobody"}).json()["summary"]
    assert (empty["median_seconds"], empty["expiry_rate"], empty["by_channel"]) == (None, None, {})
    for query in ("from=2026-11-22", "from=0001-01-01T00:00:00%2B14:00", "decision=no", "actor=%00", "cursor=x"):
        assert told(past.http.get(f"{HISTORY}?{query}"))[0] == 422


def test_the_chain_can_be_read_to_its_head_and_proved_elsewhere(past: Program):
    found: list[dict[str, Any]] = []
    address: str | None = "/api/audit/events?limit=7"
    while address:
        answer = past.http.get(address).raise_for_status()
        page = EventPage.model_validate(answer.json())
        found += answer.json()["events"]
        address = answer.links.get("next", {}).get("url")
    assert page.head is not None
    assert (found[-1]["seq"], found[-1]["hash"]) == (page.head.seq, page.head.hash)
    before = "0" * 64
    for place, event in enumerate(found, 1):
        assert (event["seq"], event["prev_hash"]) == (place, before)
        before = event["hash"]
        assert digest({name: value for name, value in event.items() if name != "hash"}) == before
    for name, value in (("actor", "bo"), ("event", "approved"), ("channel", "api")):
        some = past.http.get("/api/audit/events", params={name: value, "limit": 1000}).json()["events"]
        assert some == [event for event in found if event[name] == value] != []
    later = past.http.get("/api/audit/events", params={"after": found[-2]["seq"]}).json()
    assert (later["events"], later["next"]) == (found[-1:], None)
    ref = waiting(past, tab="decided")[0]
    about = past.http.get("/api/audit/events", params={"action": ref["ref"]}).json()["events"]
    assert about == [event for event in found if event["action_id"] == ref["action"]] != []
    assert past.http.get("/api/audit/events", params={"to": "2026-01-01T00:00:00Z"}).json()["events"] == []
    for query in ("after=-1", "from=2026-11-22", "actor=%00", "from=0001-01-01T00:00:00%2B14:00"):
        assert told(past.http.get(f"/api/audit/events?{query}"))[0] == 422
