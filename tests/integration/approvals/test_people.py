"""Operators, their keys, links and sessions."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from growth_pipelines.approvals.lockout import ALLOWED, LockedOut, LoginRefused
from growth_pipelines.approvals.operators import (
    add_operator,
    list_operators,
    new_link,
    remove_operator,
)
from growth_pipelines.approvals.sessions import (
    Browser,
    log_in,
    log_out,
    signed_in,
)
from growth_pipelines.approvals.signatures import ProofRefused, present_operator
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, ConsoleSession, OneTimeLink
from tests.drafts import NOW, settings_in, with_operator

HOUR = timedelta(hours=1)


def test_a_new_operator_gets_a_key_that_only_its_owner_reads_and_a_link(store: Store, settings: Settings) -> None:
    new = add_operator(store, settings, "al", "admin", NOW)
    assert new.key_file == settings.home / "operators" / "al.key"
    assert stat.S_IMODE(new.key_file.stat().st_mode) == 0o600
    assert (settings.home / "operators" / "al.pub").read_text().startswith("-----BEGIN PUBLIC KEY")
    assert new.link_url == f"http://127.0.0.1:8800/login?token={new.link_token}"
    assert [(person.name, person.role) for person in list_operators(store)] == [
        ("al", "admin"),
        ("bo", "operator"),
    ]


@pytest.mark.parametrize("name", ["", "Bo", "a b", "../etc", "x" * 33, "clock", "merch_playbook", ".x", "ä"])
def test_names_that_could_be_paths_or_parts_of_the_machine_are_refused(
    store: Store, settings: Settings, name: str
) -> None:
    with pytest.raises(GrowthError, match="can't be an operator's name"):
        add_operator(store, settings, name, "operator", NOW)


def test_a_name_in_use_keeps_its_key(store: Store, settings: Settings) -> None:
    key = (settings.home / "operators" / "bo.key").read_bytes()
    with pytest.raises(GrowthError, match="bo is an operator already"):
        add_operator(store, settings, "bo", "admin", NOW)
    assert (settings.home / "operators" / "bo.key").read_bytes() == key


def test_tokens_are_not_in_the_store(store: Store, settings: Settings) -> None:
    token = new_link(store, settings, "bo", NOW).link_token
    session_token = log_in(store, settings, token, NOW).token
    with store.read() as session:
        kept = [
            *session.scalars(select(OneTimeLink.token_hash)),
            *session.scalars(select(ConsoleSession.token_hash)),
        ]
    assert not {token, session_token} & set(kept)


def test_a_link_leads_to_where_people_reach_the_console(store: Store, tmp_path: Path) -> None:
    reached = settings_in(tmp_path, GROWTH_TELEGRAM__CONSOLE_URL="https://growth.shop.example/")
    link = new_link(store, reached, "bo", NOW)
    assert link.link_url == f"https://growth.shop.example/login?token={link.link_token}"


def test_a_link_signs_in_once(store: Store, settings: Settings) -> None:
    token = new_link(store, settings, "bo", NOW).link_token
    person = log_in(store, settings, token, NOW)
    assert (person.operator, person.role, person.may_decide) == ("bo", "operator", True)
    with pytest.raises(LoginRefused, match="unknown, used or too old"):
        log_in(store, settings, token, NOW)
    assert signed_in(store, person.token, NOW) == person


def test_a_link_ends_after_24_hours_and_a_session_after_12(store: Store, settings: Settings) -> None:
    token = new_link(store, settings, "bo", NOW).link_token
    with pytest.raises(LoginRefused):
        log_in(store, settings, token, NOW + 24 * HOUR)
    person = log_in(store, settings, token, NOW + 23 * HOUR)
    assert signed_in(store, person.token, NOW + 34 * HOUR)
    assert signed_in(store, person.token, NOW + 35 * HOUR) is None


def test_removing_an_operator_ends_sessions_links_and_key_at_once(store: Store, settings: Settings) -> None:
    person = log_in(store, settings, new_link(store, settings, "bo", NOW).link_token, NOW)
    link = new_link(store, settings, "bo", NOW).link_token
    remove_operator(store, settings, "bo", NOW)
    assert signed_in(store, person.token, NOW) is None
    with pytest.raises(LoginRefused):
        log_in(store, settings, link, NOW)
    assert not (settings.home / "operators" / "bo.key").exists()
    with pytest.raises(GrowthError, match="no active operator bo"):
        new_link(store, settings, "bo", NOW)


def test_an_operator_added_again_has_a_new_key(store: Store, settings: Settings) -> None:
    before = list_operators(store)[0].public_key
    remove_operator(store, settings, "bo", NOW)
    with_operator(store, settings)
    assert list_operators(store)[0].public_key != before


def test_too_many_failures_lock_the_client_out_for_longer_each_time_and_nobody_else(
    store: Store, settings: Settings
) -> None:
    """A link can't be guessed, so a good one is let in all the same: strangers keep no operator out."""
    here, there = Browser("10.0.0.9"), Browser("10.0.0.1")
    for _ in range(ALLOWED["client"]):
        with pytest.raises(LoginRefused, match="unknown"):
            log_in(store, settings, "guess", NOW, here)
    waits = []
    now = NOW
    for _ in range(8):
        with pytest.raises(LockedOut) as locked:
            log_in(store, settings, "guess", now, here)
        waits.append(round((locked.value.until - now).total_seconds() / 60))
        now = locked.value.until
        with pytest.raises(LoginRefused, match="unknown"):
            log_in(store, settings, "guess", now, here)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    with pytest.raises(LoginRefused, match="unknown"):
        log_in(store, settings, "guess", now, there)
    assert log_in(store, settings, new_link(store, settings, "bo", now).link_token, now, here)
    with store.read() as session:
        told = session.scalars(select(AuditEvent).where(AuditEvent.event == "login_locked")).all()
    assert len(told) == 9
    assert all("10.0.0.9" not in str(event.payload) for event in told)


def test_logging_out_ends_the_session(store: Store, settings: Settings) -> None:
    person = log_in(store, settings, new_link(store, settings, "bo", NOW).link_token, NOW)
    log_out(store, person.token, NOW)
    log_out(store, person.token, NOW)
    assert signed_in(store, person.token, NOW) is None


def test_the_command_line_acts_only_for_an_operator_whose_key_is_here(store: Store, settings: Settings) -> None:
    assert present_operator(store, settings) == "bo"
    for name in ("", "eve"):
        with pytest.raises(GrowthError, match="GROWTH_OPERATOR"):
            present_operator(store, settings.model_copy(update={"operator": name}))
    with_operator(store, settings, "al")
    (settings.home / "operators" / "bo.key").write_bytes((settings.home / "operators" / "al.key").read_bytes())
    with pytest.raises(ProofRefused, match="bo is not an active operator with the key on this machine"):
        present_operator(store, settings)
