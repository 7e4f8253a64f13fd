"""Approving what weighs most asks who it is when the last log-in is long ago, and goes on with what was sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import Engine, event, select, update

from growth_pipelines.actions.queue import find
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals import one_time_codes
from growth_pipelines.approvals.passwords import hashed
from growth_pipelines.policies.terms import shipped, text_of, with_automatic
from growth_pipelines.store.tables import Action, AuditEvent, ConsoleSession, Operator
from tests.console_shop import NOW, ConsoleShop

from .conftest import Program, Visitor, told
from .test_account import PASSWORD, hidden

ASKED = "Is it still you, maria?"
HASHED = hashed(PASSWORD)


def age(shop: ConsoleShop, **ago: float) -> None:
    """Makes every session so old, to the second."""
    with shop.store.session() as session:
        session.execute(update(ConsoleSession).values(created_at=NOW - timedelta(**ago)))


def with_password(shop: ConsoleShop, *names: str) -> None:
    with shop.store.session() as session:
        session.execute(update(Operator).where(Operator.name.in_(names)).values(password_hash=HASHED))


def risky(shop: ConsoleShop, ref: str) -> None:
    """Makes an action one of high risk."""
    with shop.store.session() as session:
        find(session, ref).risk_tier = "high"


@pytest.fixture
def high(maria: Visitor) -> dict[str, Any]:
    """An action of high risk; everybody's session is of hours ago."""
    action = maria.queue()[0]
    risky(maria.shop, action["ref"])
    with_password(maria.shop, "maria", "bo")
    age(maria.shop, hours=3)
    return maria.action(action["ref"])


def carried(asked: httpx.Response) -> dict[str, str]:
    return {name: hidden(asked, name) for name in ("csrf", "next", "carried")}


def send_on(visitor: Visitor, page: httpx.Response) -> httpx.Response:
    """Press the button of the page that has what was sent."""
    form = page.text[page.text.index("has not been sent yet") :]
    fields = {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}
    return visitor.http.post(unescape(re.search(r'action="([^"]+)"', form)[1]), data=fields)


def told_of(shop: ConsoleShop, name: str) -> list[AuditEvent]:
    with shop.store.read() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.event == name)))


def test_approving_high_risk_asks_who_it_is_and_goes_on_with_what_was_typed(maria: Visitor, high: dict[str, Any]):
    text = {"draft.title": "AN-6 Fuel Line Kit", "note": "Shorter, für <b>alle</b> & “sure”"}
    asked = maria.decide(high, "approve_with_edits", **text)
    assert asked.status_code == 403
    assert ASKED in asked.text
    assert "no older than 15 minutes" in asked.text
    assert maria.action(high["ref"])["state"] == "pending"
    go_on = maria.http.post("/again", data={**carried(asked), "password": PASSWORD})
    assert maria.action(high["ref"])["state"] == "pending", "a proof decides nothing"
    done = send_on(maria, go_on)
    assert done.url.path == f"/actions/{high['ref']}"
    now = maria.action(high["ref"])
    assert (now["state"], now["decided_by"], now["draft"]["title"]) == ("approved", "maria", "AN-6 Fuel Line Kit")
    (decided,) = told_of(maria.shop, "approved")
    assert decided.payload["note"] == text["note"]
    assert not told_of(maria.shop, "decision_refused")


def test_a_proof_counts_for_as_long_as_settings_say_and_no_second_longer(
    open_console: Callable[..., ConsoleShop],
):
    shop = open_console(GROWTH_CONSOLE__PROOF_MINUTES="5")
    maria = Visitor(shop).sign_in("maria")
    first, second = maria.queue()[:2]
    for action in (first, second):
        risky(shop, action["ref"])
    age(shop, minutes=5)
    assert "no older than 5 minutes" in maria.decide(first, "approve").text
    assert maria.action(first["ref"])["state"] == "pending"
    age(shop, minutes=4, seconds=59)
    assert maria.decide(first, "approve").url.path == f"/actions/{first['ref']}"
    assert maria.action(first["ref"])["state"] == "approved"


def test_saying_no_and_approving_what_is_of_low_risk_wait_for_no_proof(maria: Visitor, high: dict[str, Any]):
    other = next(action for action in maria.queue() if action["ref"] != high["ref"])
    maria.decide(other, "approve")
    maria.decide(high, "reject", reason="too_risky")
    assert maria.action(other["ref"])["state"] == "approved"
    assert maria.action(high["ref"])["state"] == "rejected"


def test_what_is_refused_anyhow_asks_nobody_for_a_proof(maria: Visitor, high: dict[str, Any]):
    viewer = Visitor(maria.shop).sign_in("vik")
    age(maria.shop, hours=3)
    assert "Is it still you" not in viewer.decide(high, "approve").text
    assert "changed since you looked" in maria.decide({**high, "digest": "0" * 64}, "approve").text


def test_a_wrong_password_is_on_record_and_counts_until_the_name_is_locked(maria: Visitor, high: dict[str, Any]):
    asked = maria.decide(high, "approve")
    for number in range(5):
        refused = maria.http.post("/again", data={**carried(asked), "password": f"a wrong guess {number}"})
        assert refused.status_code == 403
        assert "The password or the code is wrong." in refused.text
        assert hidden(refused, "carried") == hidden(asked, "carried"), "what was sent is kept"
    locked = maria.http.post("/again", data={**carried(asked), "password": PASSWORD})
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 0
    assert [(one.actor, one.channel) for one in told_of(maria.shop, "proof_failed")] == [("maria", "console")] * 5
    assert len(told_of(maria.shop, "login_locked")) == 1
    assert "Failed to prove who it is" in maria.get("/audit").text
    # Nothing was decided; a link, which nobody guesses, still proves it.
    assert maria.action(high["ref"])["state"] == "pending"
    assert ASKED in maria.decide(high, "approve").text
    link = maria.shop.link("maria")
    send_on(maria, maria.http.post("/again", data={**carried(asked), "token": link}))
    assert maria.action(high["ref"])["state"] == "approved"


def test_who_has_codes_proves_it_by_password_and_code_together(maria: Visitor, high: dict[str, Any]):
    secret = one_time_codes.new_secret()
    with maria.shop.store.session() as session:
        session.get_one(Operator, "maria").totp_secret = one_time_codes.sealed(maria.shop.settings, secret)
    asked = maria.decide(high, "approve")
    code = pyotp.TOTP(secret).at(NOW)
    for half in ({"password": PASSWORD}, {"code": code}, {"password": "a wrong guess", "code": code}):
        assert maria.http.post("/again", data={**carried(asked), **half}).status_code == 403
    send_on(maria, maria.http.post("/again", data={**carried(asked), "password": PASSWORD, "code": code}))
    assert maria.action(high["ref"])["state"] == "approved"


def test_nobody_is_proved_by_what_is_another_persons(maria: Visitor, high: dict[str, Any]):
    """Bo's fresh session, link and form prove nothing of Maria."""
    with maria.shop.store.session() as session:
        session.get_one(Operator, "bo").password_hash = hashed("another four words here")
    bo = Visitor(maria.shop).sign_in("bo")
    asked = maria.decide(high, "approve")
    assert ASKED in asked.text
    for fields in (
        {**carried(asked), "password": "another four words here"},
        {**carried(asked), "token": maria.shop.link("bo")},
        {**carried(asked), "csrf": bo.csrf(), "password": PASSWORD},
        {"next": "/", "carried": "decision=approve", "password": PASSWORD},
    ):
        assert maria.http.post("/again", data=fields).status_code == 403
    assert ASKED in maria.decide(high, "approve").text
    assert maria.action(high["ref"])["state"] == "pending"


def test_a_fresh_proof_lifts_no_four_eyes(maria: Visitor, high: dict[str, Any]):
    fresh = Visitor(maria.shop).sign_in("maria")
    fresh.decide(high, "edit", **{"draft.title": "AN-6 Fuel Line Kit"})
    with maria.shop.store.session() as session:
        asked = request_of(session, find(session, high["ref"]))
        assert asked is not None
        asked.terms = {**(asked.terms or {}), "four_eyes": True}
    refused = fresh.decide(maria.action(high["ref"]), "approve")
    assert refused.status_code == 403
    assert "proposed or edited it" in refused.text
    assert ASKED not in refused.text
    Visitor(maria.shop).sign_in("bo").decide(maria.action(high["ref"]), "approve")
    assert maria.action(high["ref"])["decided_by"] == "bo"


def test_data_clients_are_told_and_tokens_are_their_own_proof(maria: Visitor, high: dict[str, Any]):
    answer = maria.http.post(
        f"/api/approvals/{high['id']}/decision",
        json={"decision": "approve", "digest": high["digest"]},
        headers={"x-csrf-token": maria.csrf(), "accept": "application/json"},
    )
    assert told(answer) == (403, "not-fresh")
    assert "Prove once more" in answer.json()["detail"]
    assert Program(maria.shop).decide(high).status_code == 200


def test_a_list_asks_in_the_place_of_the_row_and_goes_on(maria: Visitor, high: dict[str, Any]):
    form = {"csrf": maria.csrf(), "digest": high["digest"], "decision": "approve"}
    path = f"/approvals/{high['id']}/decision"
    asked = maria.http.post(path, data=form, headers={"hx-request": "true"})
    assert asked.status_code == 403
    assert asked.headers["hx-retarget"] == f"#look-{high['ref']}"
    assert ASKED in asked.text
    assert "<html" not in asked.text
    done = send_on(maria, maria.http.post("/again", data={**carried(asked), "password": PASSWORD}))
    assert done.status_code == 200
    assert maria.action(high["ref"])["state"] == "approved"


def test_putting_a_rule_in_force_and_handing_ones_right_on_ask_too(maria: Visitor, high: dict[str, Any]):
    with maria.shop.store.session() as session:
        session.get_one(Operator, "maria").role = "admin"
    book = with_automatic(shipped(), "seo_ctr", enabled=True, until=None)
    change = {"csrf": maria.csrf(), "text": text_of(book), "seen": "0", "note": "we are few"}
    asked = maria.http.post("/policies/save", data=change)
    assert ASKED in asked.text
    away = {"operator": "maria", "delegate": "bo", "first": "2026-11-23", "last": "2026-11-24"}
    assert ASKED in maria.http.post("/absences", data={"csrf": maria.csrf(), **away}).text
    assert not told_of(maria.shop, "policy_saved")
    saved = send_on(maria, maria.http.post("/again", data={**carried(asked), "password": PASSWORD}))
    assert "Version 1 is in force" in saved.text
    (done,) = told_of(maria.shop, "policy_saved")
    assert done.payload["note"] == "we are few"


@pytest.mark.parametrize("path", ["/approvals", "/actions/{ref}"])
def test_no_page_asks_the_store_more_for_it(maria: Visitor, high: dict[str, Any], path: str):
    """The session's row, which each request reads anyway, tells how old the proof is."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    counts: dict[int, list[int]] = {3: [], 0: []}
    maria.get(path.format(ref=high["ref"]))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        for hours in (3, 0, 3, 0):
            age(maria.shop, hours=hours)
            asked.clear()
            assert maria.get(path.format(ref=high["ref"])).status_code == 200
            counts[hours].append(sum("SELECT" in statement.upper() for statement in asked))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    # What runs beside the requests may ask too, now and then.
    assert min(counts[3]) == min(counts[0]) > 0


def test_lists_never_approve_high_risk_even_where_a_chat_may(maria: Visitor, high: dict[str, Any]):
    fields = {"csrf": maria.csrf(), "decision": "approve", "item": f"{high['id']}:{high['digest']}"}
    assert "is to be looked at by itself" in maria.http.post("/approvals/bulk", data=fields).text
    with maria.shop.store.read() as session:
        assert session.get_one(Action, high["id"]).state == "pending"


def test_a_rule_on_for_longer_than_allowed_is_refused_before_it_is_looked_at(maria: Visitor):
    with maria.shop.store.session() as session:
        session.get_one(Operator, "maria").role = "admin"
    asked = {"csrf": maria.csrf(), "kind": "seo_ctr", "on": "true"}
    refused = maria.http.post("/policies/automatic", data={**asked, "hours": "336.5"})
    assert refused.status_code == 422
    assert "longer than 14 days" in refused.text
    assert (
        "What the change would do" in maria.http.post("/policies/automatic", data={**asked, "hours": "336"}).text
    )
    assert 'max="336"' in maria.get("/policies").text
