"""Incidents are opened once, escalate, close, come back and keep quiet when they are told to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.incidents import (
    IncidentDraft,
    NoSuchIncident,
    Recorded,
    history_of,
    loud_incidents,
    open_incidents,
    record_look,
    silence_incident,
)
from growth_pipelines.store.known_events import BadEvent, MayNotNote, add_event, known_events, remove_event
from growth_pipelines.store.tables import AuditEvent, Incident, OutboxEntry
from tests.drafts import NOW
from tests.incidents import SINCE, finding, incident

DAY = timedelta(days=1)
TOLD = "handed to the channels of alarms"


def look(store: Store, *found: IncidentDraft, days: float = 0) -> Recorded:
    with store.session() as session:
        return record_look(session, found, NOW + days * DAY)


def told(store: Store) -> list[str]:
    with store.read() as session:
        entries = session.scalars(select(OutboxEntry).where(OutboxEntry.event == "alarm.incident"))
        return [entry.payload["message"] for entry in entries]


def happened(store: Store, number: int) -> list[str]:
    with store.read() as session:
        return [one["what"] for one in session.get_one(Incident, number).history]


def test_the_same_look_twice_opens_nothing_twice(store: Store) -> None:
    assert look(store, incident()) == Recorded((1,), (), ())
    assert look(store, incident()) == Recorded((), (), ())
    moved = incident(since=SINCE + 4 * DAY, title="Orders fell by 20 % since 14 Nov 2026")
    assert look(store, moved, days=1) == Recorded((), (), ()), "a beginning that moves is no new incident"
    with store.read() as session:
        [row] = open_incidents(session)
        assert (row.title, row.since) == (moved.title, SINCE + 4 * DAY)
        assert [one["what"] for one in row.history] == ["opened"]


def test_what_was_told_in_older_words_reads_as_today_and_is_not_told_twice(store: Store) -> None:
    look(store, incident(severity="critical"))
    with store.session() as session:
        row = session.get_one(Incident, 1)
        row.history = [{**one, "what": one["what"].replace(TOLD, "told by mail and chat")} for one in row.history]
    assert happened(store, 1) == ["opened", "told by mail and chat"]
    look(store, incident(severity="critical"), days=1)
    with store.read() as session:
        assert [one["what"] for one in history_of(session.get_one(Incident, 1))] == ["opened", TOLD]
    assert len(told(store)) == 1


def test_what_is_no_longer_found_has_recovered_and_what_comes_back_soon_is_the_same(store: Store) -> None:
    look(store, incident())
    assert look(store, days=3) == Recorded((), (), (1,))
    assert look(store, days=4) == Recorded((), (), ())
    assert look(store, incident(), days=8) == Recorded((1,), (), ())
    look(store, days=12)
    later = incident(since=SINCE + 40 * DAY)
    assert look(store, later, days=45) == Recorded((2,), (), ()), "another month, another incident"
    with store.read() as session:
        row = session.get_one(Incident, 1)
        assert [one["what"] for one in row.history] == ["opened", "recovered", "opened again", "recovered"]


def test_two_incidents_that_turn_out_to_be_one_keep_the_older_number(store: Store) -> None:
    traffic = finding("sessions")
    assert look(store, incident(), incident(traffic)) == Recorded((1, 2), (), ())
    assert look(store, incident(finding(), traffic), days=1) == Recorded((), (), (2,))
    assert happened(store, 2) == ["opened", "part of incident 1"]


def test_what_was_one_stays_one_when_its_parts_are_dated_apart(store: Store) -> None:
    both = incident(finding(), finding("sessions"))
    look(store, both)
    apart = incident(finding("sessions"), since=SINCE + 5 * DAY, severity="critical")
    assert look(store, incident(), apart, days=1) == Recorded((), (1,), ())
    with store.read() as session:
        [row] = open_incidents(session)
        assert ([one["metric"] for one in row.findings], row.severity) == (["orders", "sessions"], "critical")
    assert look(store, both, days=2) == Recorded((), (), ())
    another_month = incident(finding("sessions"), since=SINCE + 40 * DAY)
    assert look(store, incident(), another_month, days=41).opened == (2,)


def test_what_comes_and_goes_is_one_open_incident_and_told_once_in_three_days(store: Store) -> None:
    bad = incident(severity="critical")
    look(store, bad)
    for day in range(1, 9):
        look(store, *([bad] if day % 2 == 0 else []), days=day)
    assert happened(store, 1) == ["opened", TOLD, "recovered", "opened again"]
    assert look(store, days=12).closed == (1,)
    assert look(store, bad, days=13).opened == (1,)
    assert len(told(store)) == 2


def test_a_critical_incident_is_told_when_it_is_no_longer_kept_quiet_and_when_it_rises_late(store: Store) -> None:
    look(store, incident(severity="critical", explained_by="Christmas"))
    assert told(store) == []
    look(store, incident(severity="critical"), days=3)
    look(store, incident(severity="critical"), days=4)
    assert len(told(store)) == 1
    clicks = finding("clicks")
    look(store, incident(severity="critical"), incident(clicks, severity="high"), days=5)
    for day in range(6, 14):
        look(store, incident(clicks, severity="high"), days=day)
    assert look(store, incident(clicks, severity="critical"), days=14) == Recorded((), (), ())
    assert len(told(store)) == 2


def test_a_part_that_was_told_is_not_told_again_as_the_whole(store: Store) -> None:
    sessions = finding("sessions")
    look(store, incident(), incident(sessions, severity="critical"))
    look(store, incident(finding(), sessions, severity="critical"), days=1)
    assert happened(store, 2) == ["opened", TOLD, "part of incident 1"]
    assert len(told(store)) == 1


def test_what_lasts_too_long_has_not_recovered_and_a_forecast_that_came_true_says_so(store: Store) -> None:
    page = finding("page_clicks", "/products/a", family="search")
    ahead = finding(expected_on="2026-11-20", key="sales:orders:shop::forecast")
    look(store, incident(page), incident(ahead, expected_on=SINCE + 10 * DAY))
    look(store, incident(finding()), days=30)
    assert happened(store, 1)[-1] == "lasts too long to be told apart from its usual level"
    assert happened(store, 2)[-1] == "has happened: incident 3"
    look(store, days=95)
    assert happened(store, 3)[-1] == "lasts too long to be told apart from its usual level"


def test_a_forecast_of_stale_data_that_came_true_is_an_incident_of_its_own_until_they_come(store: Store) -> None:
    """It was closed at the very moment that it came true, as something that did not happen."""
    ahead, now = (
        finding(family="data", metric="freshness", subject="orders", key=f"data:freshness:stream:orders:{kind}")
        for kind in ("forecast", "up")
    )
    look(store, incident({**ahead, "expected_on": "2026-11-12"}, expected_on=SINCE + 2 * DAY))
    assert look(store, incident(now), days=1) == Recorded((2,), (), (1,))
    assert happened(store, 1)[-1] == "has happened: incident 2"
    assert look(store, days=2).closed == (2,)


def test_stock_that_is_no_longer_foreseen_to_end_has_ended_or_come(store: Store) -> None:
    ahead = finding(
        family="stock", metric="stock", key="stock:stock:variant:v1:forecast", expected_on="2026-11-20"
    )
    look(store, incident(ahead, expected_on=SINCE + 10 * DAY))
    look(store, days=11)
    assert happened(store, 1)[-1] == "sold out, or stock has come"


def test_it_escalates_when_it_gets_worse_and_when_it_lasts(store: Store) -> None:
    look(store, incident(severity="medium"), incident(finding("sessions"), severity="high"))
    assert look(store, incident(severity="high"), days=1) == Recorded((), (1,), (2,))
    look(store, days=2)
    look(store, incident(finding("clicks"), severity="high", since=SINCE), days=3)
    assert look(store, incident(finding("clicks")), days=9) == Recorded((), (), ())
    assert look(store, incident(finding("clicks")), days=10).escalated == (3,)
    assert look(store, incident(finding("clicks")), days=11).escalated == ()


def test_what_is_critical_is_told_once_and_what_is_explained_is_not(store: Store) -> None:
    look(store, incident(severity="critical"))
    look(store, incident(severity="critical"), days=1)
    look(store, incident(severity="critical"), incident(finding("clicks")), days=2)
    assert told(store) == ["Orders fell by 24 % (17 to 31 %) since 10 Nov 2026."]
    look(store, incident(finding("sessions"), severity="critical", explained_by="Christmas"), days=3)
    assert len(told(store)) == 1
    with store.read() as session:
        assert loud_incidents(session, NOW + 3 * DAY) == []
        assert len(open_incidents(session)) == 1


def test_an_operator_silences_with_a_reason_until_a_day_and_it_is_audited(store: Store) -> None:
    look(store, incident())
    until = NOW + 10 * DAY
    asked = {"actor": "bo", "channel": "console", "now": NOW}
    with store.session() as session:
        for reason, day in (("", until), ("known", NOW - DAY), ("known", NOW + 100 * DAY)):
            with pytest.raises(GrowthError):
                silence_incident(session, 1, until=day, reason=reason, **asked)
        with pytest.raises(NoSuchIncident):
            silence_incident(session, 7, until=until, reason="known", **asked)
        silence_incident(session, 1, until=until, reason="a big customer has left", **asked)
    look(store, incident(severity="critical"), days=1)
    assert told(store) == []
    with store.read() as session:
        assert loud_incidents(session, NOW + 9 * DAY) == []
        assert [row.id for row in loud_incidents(session, until)] == [1]
    with store.session() as session:
        silence_incident(session, 1, until=None, reason="", **asked)
        assert [row.id for row in loud_incidents(session, NOW)] == [1]
        events = session.scalars(select(AuditEvent.event).order_by(AuditEvent.seq)).all()
        assert events[-2:] == ["incident_silenced", "incident_unsilenced"]
        assert verify_chain(session).intact


def test_events_are_noted_and_taken_back_by_operators_only(store: Store, settings: Settings) -> None:
    add_operator(store, settings, "vi", "viewer", NOW)
    noted = {"kind": "deploy", "title": "New  theme", "starts_on": SINCE, "channel": "cli", "now": NOW}
    with store.session() as session:
        with pytest.raises(MayNotNote):
            add_event(session, actor="vi", **noted)
        for wrong in ({"kind": "war"}, {"title": " "}, {"ends_on": SINCE - DAY}):
            with pytest.raises(BadEvent):
                add_event(session, actor="bo", **{**noted, **wrong})
        row = add_event(session, actor="bo", **noted)
        assert (row.title, row.ends_on) == ("New theme", SINCE)
        assert [one.id for one in known_events(session, SINCE)] == [row.id]
        assert known_events(session, date(2026, 11, 11)) == []
        remove_event(session, row.id, actor="bo", channel="cli", now=NOW)
        with pytest.raises(BadEvent):
            remove_event(session, row.id, actor="bo", channel="cli", now=NOW)
        events = session.scalars(select(AuditEvent.event).order_by(AuditEvent.seq)).all()
        assert events[-2:] == ["known_event_added", "known_event_removed"]
