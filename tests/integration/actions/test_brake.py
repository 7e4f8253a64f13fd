"""The brake is one switch for every process, pulled by anybody, released by an operator, and on the record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from growth_pipelines.actions.brake import Paused, brake, check_brake, is_paused, pause, resume
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import load_settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, Flag, Operator
from tests.new_stores import new_store

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    opened = new_store(load_settings({"GROWTH_HOME": str(tmp_path), "GROWTH_DATABASE_URL": url}))
    with opened.session() as session:
        for name, role, active in (("olga", "operator", True), ("vic", "viewer", True), ("gone", "admin", False)):
            session.add(Operator(name=name, role=role, public_key="", active=active, created_at=NOW))
    yield opened
    opened.close()


def pull(store: Store) -> bool:
    return pause(store, actor="shell:bo", channel="cli", reason="wrong prices", now=NOW)


def test_pulling_stops_writes_and_says_who_when_and_why(store: Store) -> None:
    assert pull(store)
    with store.read() as session:
        pulled = brake(session)
        assert pulled is not None
        assert (pulled.by, pulled.at, pulled.reason) == ("shell:bo", NOW, "wrong prices")
        with pytest.raises(Paused, match="paused by shell:bo at 2026-11-22 13:00 CET: wrong prices"):
            check_brake(session, "Europe/Berlin")


def test_pulling_twice_keeps_the_first_reason(store: Store) -> None:
    assert pull(store)
    assert not pause(store, actor="olga", channel="cli", reason="me too", now=NOW)
    with store.read() as session:
        kept = brake(session)
        assert kept is not None
        assert kept.told("UTC").endswith("wrong prices.")


def test_an_operator_resumes_with_a_reason_and_both_are_audited(store: Store) -> None:
    pull(store)
    assert resume(store, actor="olga", channel="cli", reason="prices checked", now=NOW)
    assert not resume(store, actor="olga", channel="cli", reason="again", now=NOW)
    with store.read() as session:
        assert not is_paused(session)
        check_brake(session, "Europe/Berlin")
        events = session.execute(select(AuditEvent.event, AuditEvent.actor).order_by(AuditEvent.seq)).all()
        assert [tuple(event) for event in events] == [("paused", "shell:bo"), ("resumed", "olga")]
        assert verify_chain(session).intact


@pytest.mark.parametrize(
    ("actor", "reason"), [("vic", "x"), ("gone", "x"), ("nobody", "x"), ("", "x"), ("olga", " ")]
)
def test_only_an_active_operator_with_a_reason_resumes(store: Store, actor: str, reason: str) -> None:
    pull(store)
    with pytest.raises(GrowthError):
        resume(store, actor=actor, channel="cli", reason=reason, now=NOW)
    with store.read() as session:
        assert is_paused(session)


def test_removing_the_flag_behind_the_chain_s_back_releases_nothing(store: Store) -> None:
    pull(store)
    with store.session() as session:
        session.execute(delete(Flag))
    with store.read() as session:
        assert is_paused(session)
