"""Tokens on both engines: what the command line makes, shows and ends, what it refuses, what is on record."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.decide import DecisionRequest, decide
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.approvals.tokens import MissingScope, TokenProof, add_token, holder_of
from growth_pipelines.cli import main
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ApiToken, AuditEvent
from tests.drafts import NOW, seo_draft, submitted


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0), capsys.readouterr().out


def test_a_token_is_made_shown_once_listed_and_revoked(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROWTH_HOME", str(settings.home))
    monkeypatch.setenv("GROWTH_NOW", NOW.isoformat())
    monkeypatch.setenv("GROWTH_DATABASE_URL", settings.postgres_url)
    monkeypatch.setenv("COLUMNS", "160")
    asked = ("tokens", "add", "nightly", "--operator", "bo", "--scope", "read:actions", "--scope", "read:metrics")
    code, said = run(capsys, *asked)
    token = said.strip()
    assert (code, token[:3], len(token)) == (0, "gm_", 46)
    assert run(capsys, *asked)[0] == 1, "the name is in use"
    code, said = run(capsys, "tokens", "list", "--json")
    (shown,) = json.loads(said)
    assert (shown["name"], shown["operator"], shown["state"]) == ("nightly", "bo", "live")
    assert (shown["scopes"], shown["last_used_at"]) == (["read:actions", "read:metrics"], None)
    assert shown["expires_at"] == (NOW + timedelta(days=90)).isoformat()
    code, said = run(capsys, "tokens", "list")
    assert "nightly" in said
    with store.read() as session:
        kept = session.get_one(ApiToken, shown["id"])
        events = [(one.event, one.payload) for one in session.query(AuditEvent).order_by(AuditEvent.seq)]
        assert holder_of(session, token, NOW).operator == "bo"
        with pytest.raises(ProofRefused, match="expired"):
            holder_of(session, token, NOW + timedelta(days=90))
    assert token not in json.dumps([kept.token_hash, events], default=str)
    assert run(capsys, "tokens", "revoke", "nightly")[0] == 0
    assert run(capsys, "tokens", "revoke", "nightly")[0] == 1
    with store.read() as session:
        with pytest.raises(ProofRefused, match="revoked"):
            holder_of(session, token, NOW)
        told = [one.event for one in session.query(AuditEvent).order_by(AuditEvent.seq)]
        assert told[-2:] == ["token_added", "token_revoked"]
        assert verify_chain(session).intact
    assert run(capsys, *asked)[0] == 0, "the name is free again"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"name": "No good"}, "name"),
        ({"operator": "nobody"}, "no active operator"),
        ({"operator": "vik", "scopes": ["decide:approvals"]}, "viewer"),
        ({"scopes": ["write:all"]}, "no scope write:all"),
        ({"scopes": []}, "needs a scope"),
        ({"days": 0}, "1 to"),
        ({"days": 10_000}, "1 to"),
    ],
)
def test_what_could_not_be_used_is_not_made(
    settings: Settings, store: Store, changed: dict[str, Any], why: str
) -> None:
    add_operator(store, settings, "vik", "viewer", NOW)
    asked = {"name": "t", "operator": "bo", "scopes": ["read:actions"], "days": 1, **changed}
    with pytest.raises(GrowthError, match=why):
        add_token(store, settings, now=NOW, **asked)
    with store.read() as session:
        assert session.query(ApiToken).count() == 0


def test_decide_judges_the_token_itself(settings: Settings, store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    asked = DecisionRequest(action.id, "approve", action.digest)
    looks = add_token(store, settings, "looks", "bo", ["read:approvals"], 1, NOW).token
    decides = add_token(store, settings, "decides", "bo", ["decide:approvals"], 1, NOW).token
    with pytest.raises(MissingScope, match="decide:approvals"):
        decide(store, settings, asked, TokenProof(looks), NOW)
    with pytest.raises(ProofRefused, match="expired"):
        decide(store, settings, asked, TokenProof(decides), NOW + timedelta(days=1))
    with pytest.raises(ProofRefused, match="unknown"):
        decide(store, settings, asked, TokenProof("gm_none"), NOW)
    assert decide(store, settings, asked, TokenProof(decides), NOW).state == "approved"
    with store.read() as session:
        decided = find(session, action.id)
        assert (decided.decided_by, decided.decided_channel) == ("bo", "api")
        # A stranger's attempt is no event: anybody may knock here.
        assert "unknown" not in {one.actor for one in session.query(AuditEvent)}
