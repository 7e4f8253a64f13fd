"""``/api/actions`` and the decisions that programs make: pages, entity tags, repeated requests, bulk, exports."""

from __future__ import annotations

import csv
import http.client
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from growth_pipelines.actions.lifecycle import transition
from growth_pipelines.console.documents import ActionDocument
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, IdempotencyKey
from tests.console_shop import NOW, ConsoleShop

from .conftest import Visitor


class Client:
    """A program that is signed in: its cookie, its CSRF token."""

    def __init__(self, shop: ConsoleShop, name: str = "maria") -> None:
        self.shop = shop
        self.http = Visitor(shop).sign_in(name).http
        self.http.headers["accept"] = "application/json"
        self.http.headers["x-csrf-token"] = self.http.get("/api/session").json()["csrf"]

    def list(self, **params: Any) -> httpx.Response:
        return self.http.get("/api/actions", params=params)

    def all(self, **params: Any) -> list[dict[str, Any]]:
        return self.list(**params).raise_for_status().json()["actions"]

    def decide(self, action: dict[str, Any], decision: str = "approve", **headers: str) -> httpx.Response:
        body = {"decision": decision, "digest": action["digest"]}
        return self.http.post(f"/api/approvals/{action['id']}/decision", json=body, headers=headers)

    def bulk(self, actions: list[dict[str, Any]], decision: str = "approve", **more: Any) -> httpx.Response:
        headers = {"idempotency-key": more.pop("key")} if "key" in more else {}
        items = [{"id": action["id"], "digest": action["digest"]} for action in actions]
        body = {"decision": decision, "items": items, **more}
        return self.http.post("/api/approvals/bulk", json=body, headers=headers)


@pytest.fixture
def client(console: ConsoleShop) -> Client:
    return Client(console)


def approvals(shop: ConsoleShop) -> int:
    with shop.store.read() as session:
        counted = select(func.count()).select_from(AuditEvent).where(AuditEvent.event == "approved")
        return session.scalar(counted) or 0


def test_pages_by_cursor_hold_every_action_once_in_the_order_of_the_ranking(client: Client):
    whole = client.all()
    assert len(whole) == 8
    for action in whole:
        ActionDocument.model_validate(action)
    found: list[dict[str, Any]] = []
    address: str | None = "/api/actions?limit=3"
    pages = 0
    while address:
        answer = client.http.get(address)
        found += answer.json()["actions"]
        following = answer.links.get("next", {}).get("url")
        assert bool(following) == bool(answer.json()["next"])
        address, pages = following, pages + 1
    assert found == whole
    assert pages == 3


def test_lists_are_filtered(client: Client):
    whole = client.all()
    one = whole[0]
    for name in ("id", "gid", "url", "handle"):
        if name != "id":
            assert one in client.all(target=one["target"][name])
            assert all(row["target"] == one["target"] for row in client.all(target=one["target"][name]))
    assert len(client.all(kind="cwv_repair", subtype="script")) == 1
    assert client.all(state="approved") == []
    assert len(client.all(created_since=NOW.isoformat())) == 8
    assert client.all(created_since=(NOW + timedelta(seconds=1)).isoformat()) == []


@pytest.mark.parametrize(
    "query",
    [
        "state=open",
        "limit=201",
        "limit=0",
        "cursor=abc",
        "cursor=%00",
        "target=%00",
        "created_since=2026-11-22",
        "created_since=0001-01-01T00:00:00%2B14:00",
        "top=3&target=x",
    ],
)
def test_a_filter_that_is_none_is_a_problem_and_not_a_list(client: Client, query: str):
    answer = client.http.get(f"/api/actions?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_holds_for_its_own_list_only(client: Client):
    cursor = client.list(limit=2).json()["next"]
    assert client.list(limit=2, cursor=cursor).status_code == 200
    assert client.list(limit=2, cursor=cursor, state="pending").status_code == 422


def test_an_unchanged_action_is_not_sent_again_and_a_changed_one_is(client: Client):
    action = client.all()[0]
    path = f"/api/actions/{action['ref']}"
    tag = client.http.get(path).headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = client.http.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    client.decide(action).raise_for_status()
    changed = client.http.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_decision_on_what_has_changed_since_is_refused_with_the_action_as_it_is(client: Client):
    action = client.all()[0]
    tag = client.http.get(f"/api/actions/{action['id']}").headers["etag"]
    with client.shop.store.session() as session:
        session.execute(update(Action).where(Action.id == action["id"]).values(freshness="newer"))
    stale = client.decide(action, **{"if-match": tag})
    assert stale.status_code == 412
    assert stale.json()["action"]["freshness"] == "newer"
    assert stale.json()["action"]["state"] == "pending"
    fresh = client.decide(action, **{"if-match": stale.headers["etag"]})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] == client.http.get(f"/api/actions/{action['id']}").headers["etag"]


def test_a_request_sent_again_has_its_first_answer_and_no_second_effect(client: Client):
    action = client.all()[0]
    first = client.decide(action, **{"idempotency-key": "k1"})
    again = client.decide(action, **{"idempotency-key": "k1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert approvals(client.shop) == 1
    other = client.decide(action, "rollback", **{"idempotency-key": "k1"})
    assert other.status_code == 422
    assert "used for another request" in other.json()["title"]
    # Another person's key of the same name is another key; without one the decision is a late one.
    assert Client(client.shop, "bo").decide(action, **{"idempotency-key": "k1"}).status_code == 409
    assert client.decide(action).status_code == 409


def test_a_key_is_forgotten_after_a_day(client: Client):
    first, second, *_ = client.all()
    client.decide(first, **{"idempotency-key": "k"}).raise_for_status()
    with client.shop.store.session() as session:
        session.execute(update(IdempotencyKey).values(created_at=NOW - timedelta(hours=24)))
    assert client.decide(second, **{"idempotency-key": "k"}).status_code == 200
    with client.shop.store.read() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


def test_a_refused_request_uses_no_key_up(client: Client):
    action = client.all()[0]
    stale = {**action, "digest": "0" * 64}
    assert client.decide(stale, **{"idempotency-key": "k"}).status_code == 409
    assert client.decide(action, **{"idempotency-key": "k"}).status_code == 200


def test_bulk_shows_what_it_covers_and_decides_only_when_that_is_confirmed(client: Client):
    chosen = client.all()[:4]
    gone, stale = client.all()[4:6]
    client.decide(gone).raise_for_status()
    asked = [*chosen, gone, {**stale, "digest": "0" * 64}, {"id": "nobody", "digest": "0" * 64}]
    shown = client.bulk(asked).raise_for_status().json()
    assert not shown["decided"]
    assert shown["count"] == 4
    assert sum(shown["kinds"].values()) == 4
    assert shown["money"]["currency"] == "USD"
    assert shown["money"]["revenue_28d"] == round(sum(row["impact"]["revenue_28d"] for row in chosen), 2)
    fates = [item["outcome"] for item in shown["items"]]
    assert fates == ["ready"] * 4 + ["decided", "stale", "unknown"]
    assert approvals(client.shop) == 1

    done = client.bulk(asked, confirm=shown["confirm"], key="b").raise_for_status().json()
    assert done["done"] == 4
    assert [item["outcome"] for item in done["items"]] == ["done"] * 4 + ["decided", "stale", "unknown"]
    assert approvals(client.shop) == 5
    again = client.bulk(asked, confirm=shown["confirm"], key="b")
    assert again.json() == done
    assert again.headers["idempotency-replayed"] == "true"
    assert [client.http.get(f"/api/actions/{row['id']}").json()["decided_by"] for row in chosen] == ["maria"] * 4


def test_a_confirmation_is_of_one_list_one_decision_one_person_and_ten_minutes(open_console):
    client = Client(open_console())
    one, two, three, *_ = client.all()
    confirm = client.bulk([one, two]).json()["confirm"]
    others = (
        client.bulk([one, three], confirm=confirm),
        client.bulk([one], confirm=confirm),
        client.bulk([one, {**two, "digest": "1" * 64}], confirm=confirm),
        client.bulk([one, two], "reject", reason="tone", confirm=confirm),
        Client(client.shop, "bo").bulk([one, two], confirm=confirm),
        Client(client.shop).bulk([one, two], confirm=confirm),  # another session of the same person
        client.bulk([one, two], confirm="12.ab"),
        client.bulk([one, two], confirm="x"),
    )
    assert [answer.status_code for answer in others] == [409] * len(others)
    assert approvals(client.shop) == 0
    # Order does not matter; what is covered does.
    assert client.bulk([two, one], confirm=confirm).json()["done"] == 2


def test_bulk_defers_and_rejects_with_what_a_single_decision_needs(client: Client):
    one, two, three, *_ = client.all()
    assert client.bulk([one], "reject").status_code == 422
    assert client.bulk([one], "reject", reason="other").status_code == 422
    assert client.bulk([one], "defer", until="2027-06-01").status_code == 422
    assert client.bulk([one, one]).status_code == 422
    assert client.bulk([]).status_code == 422
    for actions, decision, more in (
        ([one, two], "reject", {"reason": "tone"}),
        ([three], "defer", {"until": "2026-12-01"}),
    ):
        confirm = client.bulk(actions, decision, **more).json()["confirm"]
        assert client.bulk(actions, decision, confirm=confirm, **more).json()["done"] == len(actions)
    states = [client.http.get(f"/api/actions/{row['id']}").json()["state"] for row in (one, two, three)]
    assert states == ["rejected", "rejected", "deferred"]


def test_of_two_that_write_the_same_field_bulk_approves_the_better(client: Client):
    better, other, *_ = [row for row in client.all() if row["kind"] == "seo_ctr"]
    with client.shop.store.session() as session:
        same = {"resource_gid": better["target"]["gid"]}
        session.execute(update(Action).where(Action.id == other["id"]).values(**same))
    shown = client.bulk([other, better]).json()
    assert [(pair["better"], pair["other"]) for pair in shown["conflicts"]] == [(better["ref"], other["ref"])]
    done = client.bulk([other, better], confirm=shown["confirm"]).json()
    assert [item["outcome"] for item in done["items"]] == ["conflict", "done"]


def test_what_its_policy_lets_no_chat_approve_at_once_is_approved_in_no_list(client: Client):
    risky, plain, *_ = client.all()
    with client.shop.store.session() as session:
        session.execute(update(Action).where(Action.id == risky["id"]).values(risk_tier="high"))
    shown = client.bulk([risky, plain]).json()
    assert shown["count"] == 1
    assert [item["outcome"] for item in shown["items"]] == ["refused", "ready"]
    done = client.bulk([risky, plain], confirm=shown["confirm"]).json()
    assert [item["outcome"] for item in done["items"]] == ["refused", "done"]
    assert "on its own page" in done["items"][0]["message"]
    assert client.http.get(f"/api/actions/{risky['id']}").json()["state"] == "pending"
    confirm = client.bulk([risky], "reject", reason="tone").json()["confirm"]
    assert client.bulk([risky], "reject", reason="tone", confirm=confirm).json()["done"] == 1


def test_who_may_only_look_changes_nothing(client: Client):
    viewer = Client(client.shop, "vik")
    actions = viewer.all()
    assert viewer.decide(actions[0]).status_code == 403
    assert viewer.bulk(actions).status_code == 403
    assert viewer.http.post(f"/api/actions/{actions[0]['id']}/lift").status_code == 403
    for headers in ({"x-csrf-token": "x"}, {"x-csrf-token": ""}):
        assert client.http.post("/api/approvals/bulk", json={}, headers=headers).status_code in (403, 422)
        assert client.decide(actions[0], **headers).status_code == 403
        assert client.bulk(actions[:1]).status_code == 200


def test_a_suppression_is_listed_until_it_is_lifted(client: Client):
    action = client.all()[0]
    client.decide(action).raise_for_status()
    assert client.http.post(f"/api/actions/{action['id']}/lift").status_code == 409
    with client.shop.store.session() as session:
        for before, after in (("approved", "executing"), ("executing", "executed"), ("executed", "rolled_back")):
            assert transition(session, action["id"], 1, before, after, actor="e", channel="e", now=NOW)  # type: ignore[arg-type]
    (kept,) = client.http.get("/api/actions/suppressions").json()["suppressions"]
    assert (kept["ref"], kept["kind"], kept["resource"]) == (
        action["ref"],
        action["kind"],
        action["target"]["gid"],
    )
    lift = f"/api/actions/{action['ref']}/lift"
    first, again = (client.http.post(lift, headers={"idempotency-key": "l"}) for _ in range(2))
    assert first.json() == again.json() == {"kind": kept["kind"], "resource": kept["resource"]}
    assert client.http.get("/api/actions/suppressions").json() == {"suppressions": []}
    assert client.http.post(lift).status_code == 409


def test_the_export_is_the_list_and_no_spreadsheet_runs_it(client: Client):
    evil = '=HYPERLINK("http://x","y")'
    ids = [row["id"] for row in client.all()]
    with client.shop.store.session() as session:
        session.execute(update(Action).where(Action.id == ids[0]).values(title=evil))
        session.execute(update(Action).where(Action.id == ids[1]).values(title="-6AN, “two”\nlines"))
    answer = client.http.get("/api/actions/export", params={"kind": "seo_ctr"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [row["id"] for row in client.all(kind="seo_ctr")]
    assert rows[0]["title"] == f"'{evil}"
    assert rows[1]["title"] == "'-6AN, “two”\nlines"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert client.http.get("/api/actions/export?format=json").json() == client.all()
    assert client.http.get("/api/actions/export?format=json&state=failed").json() == []


def test_every_failure_of_the_api_is_a_problem_document(client: Client, stranger: Visitor):
    broken = client.all()[0]
    with client.shop.store.session() as session:
        # What no version of ours has written: the answer to it is a failure of ours.
        changed = update(ApprovalRequest).where(ApprovalRequest.action_id == broken["id"])
        session.execute(changed.values(terms={"quorum": "x"}))
    browser = {"accept": "text/html"}
    answers: list[tuple[int, Callable[[], httpx.Response]]] = [
        (401, lambda: stranger.http.get("/api/actions", follow_redirects=False)),
        (404, lambda: client.http.get("/api/actions/nothing")),
        (404, lambda: client.http.get("/api/nothing", headers=browser)),
        (405, lambda: client.http.post("/api/actions", content="x")),
        (403, lambda: client.http.post("/api/approvals/bulk", headers={"sec-fetch-site": "cross-site"})),
        (415, lambda: client.http.post("/api/approvals/x/decision", content="x")),
        (
            422,
            lambda: client.http.post(
                "/api/approvals/bulk", content="{", headers={"content-type": "application/json"}
            ),
        ),
        # The last one: the server hangs up after it.
        (500, lambda: client.http.get(f"/api/approvals/{broken['ref']}", headers=browser)),
    ]
    for status, ask in answers:
        answer = ask()
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert problem["type"].startswith("urn:growth:problem:")
        assert problem["title"]
        assert problem["detail"]
        assert problem["trace_id"] == answer.headers["x-trace-id"] != ""


@pytest.mark.parametrize(("length", "status"), [(None, 411), ("300000", 413)])
def test_a_body_without_a_length_or_too_long_is_refused_unread(
    console: ConsoleShop, length: str | None, status: int
):
    connection = http.client.HTTPConnection(console.base_url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/api/approvals/bulk")
    if length is not None:
        connection.putheader("Content-Length", length)
    connection.endheaders()
    answer = connection.getresponse()
    problem = json.loads(answer.read())
    connection.close()
    assert (answer.status, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["trace_id"] == answer.headers["x-trace-id"] != ""
