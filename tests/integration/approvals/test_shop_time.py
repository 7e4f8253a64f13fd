"""What people are told is in the shop's time with the zone's name, through every door."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from growth_pipelines.actions.authority import authority
from growth_pipelines.actions.brake import pause
from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.lifecycle import submit
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.submission import rules_for
from growth_pipelines.approvals.absences import BadAbsence, add_absence
from growth_pipelines.approvals.decide import DecisionRequest, SignatureProof, decide
from growth_pipelines.approvals.digest import digest_of
from growth_pipelines.approvals.reconciliation import untold
from growth_pipelines.approvals.signatures import DecisionRecord, ProofRefused, sign
from growth_pipelines.approvals.tokens import TokenProof, add_token
from growth_pipelines.cli import main
from growth_pipelines.mail.conditions import present_conditions
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from tests.drafts import NOW, SHOP, decided, seo_draft, settings_in, submitted, with_operator
from tests.new_stores import new_store

# 14:00 in UTC: 9:00 in New York, and past midnight in Auckland.
NEW_YORK, AUCKLAND = "America/New_York", "Pacific/Auckland"
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, GROWTH_SHOP__TIMEZONE=NEW_YORK)


@pytest.fixture
def store(settings: Settings) -> Store:
    store = new_store(settings)
    with_operator(store, settings)
    return store


def signed(settings: Settings, action: Action) -> DecisionRecord:
    record = DecisionRecord(
        action_id=action.id,
        version=action.version,
        digest=action.digest,
        decision="approve",
        operator="bo",
        expires_at=NOW,
    )
    return sign(settings, record)


def test_an_approval_that_ended_says_when_in_the_shops_time(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action)
    with store.read() as session:
        why = authority(session, find(session, action.id), NOW + 7 * DAY, zone=settings.zone).why
    assert why == "its approval expired at 2026-11-29 09:00 EST"
    [result] = execute_approved(store, settings, only=[action.id], now=NOW + 7 * DAY)
    assert "expired at 2026-11-29 09:00 EST" in result.message


def test_the_brake_tells_the_shops_time_to_the_terminal_and_in_the_digest(
    store: Store, settings: Settings
) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action)
    pause(store, actor="bo", channel="cli", reason="wrong prices", now=NOW)
    said = "All writes were paused by bo at 2026-11-22 09:00 EST: wrong prices."
    [result] = execute_approved(store, settings, only=[action.id], now=NOW)
    assert said in result.message
    with store.read() as session:
        assert said in digest_of(session, NOW - DAY, NOW, zone=settings.zone).alarms


def test_a_proof_that_is_over_says_since_when_in_the_shops_time(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    asked = DecisionRequest(action.id, "approve", action.digest)
    with pytest.raises(ProofRefused, match="the record ended at 2026-11-22 09:00 EST"):
        decide(store, settings, asked, SignatureProof(signed(settings, action), zone=settings.zone), NOW)
    new = add_token(store, settings, "nightly", "bo", ["decide:approvals"], 1, NOW)
    with pytest.raises(ProofRefused, match="nightly expired at 2026-11-23 09:00 EST"):
        decide(store, settings, asked, TokenProof(new.token, settings.zone), NOW + DAY)


def test_days_of_refusals_are_the_shops(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, "reject", reason="tone")
    shop = settings.shop.model_copy(update={"timezone": AUCKLAND})
    rules = rules_for(settings.model_copy(update={"shop": shop}), "seo_ctr")
    made = submit(store, [seo_draft()], recommender="seo_ctr", shop_id=SHOP, now=NOW + DAY, rules=rules)
    assert [why for _, why in made.refused] == [f"bo rejected this same draft on 2026-11-23 ({action.ref})"]


def test_the_day_of_an_absence_is_the_shops(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "cy")
    away = {"operator": "bo", "delegate": "cy", "actor": "bo", "channel": "cli", "now": NOW, "zone": AUCKLAND}
    with store.session() as session:
        add_absence(session, begins_at=NOW, ends_at=NOW + DAY, **away)
        with pytest.raises(BadAbsence, match="from 2026-11-23 on"):
            add_absence(session, begins_at=NOW, ends_at=NOW + DAY, **away)


def test_the_day_that_an_export_begins_on_is_the_shops(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (action,) = submitted(store, seo_draft())
    monkeypatch.setenv("GROWTH_HOME", str(settings.home))
    for zone, known in ((AUCKLAND, True), (NEW_YORK, False)):
        monkeypatch.setenv("GROWTH_SHOP__TIMEZONE", zone)
        with pytest.raises(SystemExit):
            main(["actions", "export", "--since", "2026-11-23"])
        assert (action.ref in capsys.readouterr().out) is known, zone


def test_alarms_tell_the_shops_time(store: Store, settings: Settings) -> None:
    [alarm] = untold([NOW], NOW + DAY, settings.zone)
    assert "the first of 2026-11-22 09:00 EST" in alarm.message
    told = present_conditions(store, settings, {"console": NOW}, NOW + DAY)
    assert told["program:console"] == "console has not run since 2026-11-22 09:00 EST. See `growth status`."


def test_the_terminal_tells_the_shops_time_and_programs_an_offset(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"HOME": settings.home, "NOW": NOW.isoformat(), "SHOP__TIMEZONE": NEW_YORK}.items():
        monkeypatch.setenv(f"GROWTH_{name}", str(value))
    monkeypatch.setenv("COLUMNS", "160")
    add_token(store, settings, "nightly", "bo", ["read:actions"], 1, NOW)

    def said(*words: str) -> str:
        with pytest.raises(SystemExit):
            main(list(words))
        return capsys.readouterr().out

    assert "2026-11-23 09:00 EST" in said("tokens", "list")
    assert '"2026-11-23T14:00:00+00:00"' in said("tokens", "list", "--json")
    assert "2026-11-22 09:00 EST" in said("operators", "list")
    with_operator(store, settings, "cy")
    with store.session() as session:
        times = {"begins_at": NOW, "ends_at": NOW + DAY, "now": NOW}
        add_absence(session, operator="bo", delegate="cy", actor="bo", channel="cli", **times)
    assert "2026-11-23 09:00 EST" in said("policies", "absences", "list")
