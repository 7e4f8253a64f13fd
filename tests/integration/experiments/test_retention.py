"""What single visitors and customers did is deleted some weeks after the decision, and never before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from growth_pipelines.actions.experiments.registry import history, operator_move
from growth_pipelines.actions.experiments.retention import Forgotten, forget_units
from growth_pipelines.readouts.keeping import decide_on_kept
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.exposures import record_events, record_exposures
from growth_pipelines.store.tables import Exposure, UnitEvent
from tests.experiments_declared import begun, find_experiment, fresh, looked_at

ZONE = "America/Denver"
NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)


def visited(store: Store, key: str, unit: str, day: date) -> None:
    """``unit`` met the experiment's control and bought on ``day``."""
    row = fresh(store, key)
    event: dict[str, Any] = {"unit_id": unit, "metric": "conversions", "event_id": "one", "day": day, "value": 1.0}
    with store.session() as session:
        exposure = {"experiment_id": row.id, "unit_id": unit, "arm": "control", "exposed_at": LONG_AGO}
        record_exposures(session, [exposure])
        record_events(session, [event])


def decided(store: Store, key: str, at: datetime) -> None:
    digest = looked_at(store, fresh(store, key), 14, at)["data_digest"]
    with store.session() as session:
        operator_move(session, key, "stop", actor="bo", channel="cli", now=at, reason="it is over")
        decide_on_kept(session, key, digest, actor="bo", channel="cli", now=at)


def held(store: Store) -> tuple[set[str], set[str]]:
    """Whose exposures and whose events there are."""
    with store.read() as session:
        return set(session.scalars(select(Exposure.unit_id))), set(session.scalars(select(UnitEvent.unit_id)))


@pytest.fixture
def store(machine: Settings) -> Store:
    return Store.of(machine)


@pytest.fixture
def past(store: Store, machine: Settings) -> Store:
    """One experiment decided 31 days ago, one 29, and one that is stopped since half a year and not decided."""
    for key in ("old", "young", "undecided"):
        begun(store, machine, LONG_AGO, key=key)
        visited(store, key, f"{key}-visitor", LONG_AGO.date())
        visited(store, key, "everywhere", LONG_AGO.date())
    decided(store, "old", NOW - timedelta(days=31))
    decided(store, "young", NOW - timedelta(days=29))
    with store.session() as session:
        operator_move(session, "undecided", "stop", actor="bo", channel="cli", now=LONG_AGO, reason="enough")
    return store


def forget(store: Store, now: datetime = NOW) -> Forgotten:
    with store.session() as session:
        return forget_units(session, 30, now, ZONE)


def test_only_what_was_decided_long_enough_ago_is_deleted(past: Store) -> None:
    frozen = fresh(past, "old").decision
    assert forget(past) == Forgotten(("old",), exposures=2, customers=0, events=1)
    kept = {"young-visitor", "undecided-visitor", "everywhere"}
    assert held(past) == (kept, kept), "who is in another experiment too keeps their events"
    assert fresh(past, "old").decision == frozen
    with past.read() as session:
        row = find_experiment(session, "old")
        assert [one["event"] for one in history(session, row)][-2:] == ["decided", "forgotten"]
        assert verify_chain(session).intact


def test_what_is_not_decided_is_kept_however_old(past: Store) -> None:
    later = NOW + timedelta(days=400)
    assert set(forget(past, later).experiments) == {"young", "old"}
    assert held(past) == ({"undecided-visitor", "everywhere"}, {"undecided-visitor", "everywhere"})
    assert forget(past, later) == Forgotten((), 0, 0, 0), "once is enough, and no event tells of nothing"


def test_days_before_that_an_experiment_under_way_looks_back_at_are_kept(store: Store, machine: Settings) -> None:
    begun(store, machine, NOW, key="cuped", metric_kind="cuped", pre_days=60)
    days = {f"came-{age}": NOW.date() - timedelta(days=age) for age in (40, 59, 70)}
    with store.session() as session:
        record_events(
            session,
            [
                {"unit_id": unit, "metric": "conversions", "event_id": "one", "day": day, "value": 1.0}
                for unit, day in days.items()
            ],
        )
    assert forget(store).events == 1
    assert held(store)[1] == {"came-40", "came-59"}
