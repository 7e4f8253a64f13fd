"""Programs with tokens: what each may do, when a token is dead, and that pages take none."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from growth_pipelines.approvals.operators import add_operator, remove_operator
from growth_pipelines.approvals.tokens import SCOPES, revoke_token
from growth_pipelines.console.app import create_app
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import ApiToken, AuditEvent, Operator
from tests.console_shop import NOW, ConsoleShop

from .conftest import Program, Visitor, told
from .routes import served_by
from .test_walk import OPEN


def test_a_token_decides_for_its_operator_without_csrf_and_once(console: ConsoleShop):
    program = Program(console)
    action = program.actions()[0]
    first = program.decide(action, **{"idempotency-key": "k"})
    assert first.status_code == 200, first.text
    assert (first.json()["action"]["decided_by"], first.json()["action"]["decided_channel"]) == ("maria", "api")
    again = program.decide(action, **{"idempotency-key": "k"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    late = Program(console, operator="bo").decide(action)
    assert told(late) == (409, "already-decided")
    assert late.json()["decided"] == {
        "by": "maria",
        "at": NOW.isoformat(),
        "channel": "api",
        "state": "approved",
    }
    with console.store.read() as session:
        decided = session.scalars(select(AuditEvent).where(AuditEvent.event == "approved")).all()
        assert [(event.actor, event.channel) for event in decided] == [("maria", "api")]
        assert verify_chain(session).intact


def test_each_address_needs_its_scope_and_names_it(console: ConsoleShop):
    lacking = {name: Program(console, *(SCOPES.keys() - {name})) for name in SCOPES}
    whole = Program(console)
    described = whole.http.get("/api/openapi.json").raise_for_status().json()["paths"]
    asked = 0
    for path, operations in described.items():
        for method, operation in operations.items():
            scopes = [scope for way in operation["security"] for scope in way.get("token", ())]
            for scope in scopes:
                address = re.sub(r"\{\w+\}", "x", path)
                answer = lacking[scope].http.request(method, address, json={} if method == "post" else None)
                assert told(answer) == (403, "missing-scope"), path
                assert answer.json()["scope"] == scope
                assert scope in answer.json()["detail"]
                asked += 1
    assert asked >= 16


def test_a_token_opens_no_page(console: ConsoleShop):
    program = Program(console)
    pages = [one for one in served_by(create_app(console.settings)) if not one.path.startswith(("/api/", *OPEN))]
    for one in pages:
        answer = program.http.request(
            one.method, re.sub(r"\{[^}]*\}", "x", one.path), content=b"" if one.changes else None
        )
        led_to_log_in = answer.status_code == 303 and answer.headers["location"].startswith("/login?")
        assert answer.status_code in (401, 403) or led_to_log_in, f"{one}: {answer.status_code}"
    assert len(pages) >= 15


def test_a_dead_token_is_told_why_and_opens_nothing(console: ConsoleShop):
    program = Program(console)
    dead: list[tuple[str, Callable[[], Any]]] = [
        ("expired", lambda: _set(console, program, expires_at=NOW)),
        ("revoked", lambda: revoke_token(console.store, console.settings, program.id, NOW)),
    ]
    for why, end in dead:
        assert program.http.get("/api/session").json()["operator"] == "maria"
        end()
        refused = program.http.get("/api/actions")
        assert told(refused) == (401, "proof-refused")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert why in refused.json()["detail"]
        _set(console, program, expires_at=NOW + timedelta(days=1), revoked_at=None)
    # The operator's end is the token's, also when they come back.
    remove_operator(console.store, console.settings, "maria", NOW)
    assert told(program.http.get("/api/actions"))[0] == 401
    add_operator(console.store, console.settings, "maria", "admin", NOW)
    assert told(program.http.get("/api/actions"))[0] == 401
    other = Program(console, operator="bo")
    with console.store.session() as session:
        session.execute(update(Operator).where(Operator.name == "bo").values(active=False))
    assert told(other.http.get("/api/actions"))[0] == 401
    for unknown in (
        b"Bearer",
        b"Bearer gm_",
        b"bearer gm_" + b"x" * 43,
        b"Bearer \xc3\xbc",
        program.token.encode(),
    ):
        headers = {"authorization": unknown}
        answer = httpx.get(f"{console.base_url}/api/actions", headers=headers, trust_env=False)
        assert told(answer)[0] == 401


def _set(shop: ConsoleShop, program: Program, **values: Any) -> None:
    with shop.store.session() as session:
        session.execute(update(ApiToken).where(ApiToken.id == program.id).values(**values))


def test_a_bulk_confirmation_is_of_one_token(console: ConsoleShop):
    program, other = Program(console), Program(console)
    items = [{"id": action["id"], "digest": action["digest"]} for action in program.actions()[:2]]
    body = {"decision": "approve", "items": items}
    shown = program.http.post("/api/approvals/bulk", json=body).raise_for_status().json()
    confirmed = {**body, "confirm": shown["confirm"]}
    assert told(other.http.post("/api/approvals/bulk", json=confirmed)) == (409, "not-confirmed")
    assert program.http.post("/api/approvals/bulk", json=confirmed).json()["done"] == 2
    assert {action["decided_channel"] for action in program.actions() if action["decided_by"]} == {"api"}


def test_a_viewers_token_looks_and_an_operators_does_no_more_than_they_may(console: ConsoleShop):
    with pytest.raises(GrowthError, match="viewer"):
        Program(console, "decide:approvals", operator="vik")
    program = Program(console)
    action = program.actions()[0]
    with console.store.session() as session:
        session.execute(update(Operator).where(Operator.name == "maria").values(role="viewer"))
    assert told(program.decide(action)) == (403, "not-allowed")
    bulk = {"decision": "approve", "items": [{"id": action["id"], "digest": action["digest"]}]}
    assert told(program.http.post("/api/approvals/bulk", json=bulk)) == (403, "may-not-decide")
    assert program.http.get("/api/actions").status_code == 200


def test_a_token_is_no_key_to_the_pages_and_no_help_to_a_session(console: ConsoleShop, maria: Visitor):
    program = Program(console)
    page = program.http.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"].split("?")[0]) == (303, "/login")
    form = {"decision": "approve", "digest": program.actions()[0]["digest"], "csrf": "x"}
    assert told(program.http.post("/api/approvals/x/decision", data=form))[0] == 415
    # What the request says in so many words counts: a dead token beside a good session is a refusal.
    assert maria.http.get("/api/session", headers={"authorization": "Bearer gm_x"}).status_code == 401
    assert maria.http.get("/api/session", headers={"authorization": "Basic eDp5"}).status_code == 200


def test_a_token_in_use_is_noted_once_an_hour_and_nobody_waits_for_it(console: ConsoleShop):
    program = Program(console)

    def noted(expected: Any) -> bool:
        for _ in range(100):
            with console.store.read() as session:
                found = session.get_one(ApiToken, program.id).last_used_at
            if found == expected:
                return True
            time.sleep(0.05)
        return False

    assert noted(None)
    with console.store.session() as writing:
        # Somebody else is writing, and goes on doing so while we ask.
        writing.get(ApiToken, program.id)
        program.actions()
        assert noted(None)
    assert noted(NOW)
    _set(console, program, last_used_at=NOW - timedelta(minutes=61))
    program.actions()
    assert noted(NOW)
    recent = NOW - timedelta(minutes=59)
    _set(console, program, last_used_at=recent)
    program.actions()
    time.sleep(0.3)
    assert noted(recent)
