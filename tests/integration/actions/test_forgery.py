"""Rows that claim an approval, an execution or a snapshot without the audit chain write nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from growth_pipelines.actions.authority import authority
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, Execution, Operator

from .conftest import NOW, Machine, seo_draft


def refused(machine: Machine, action: Action, why: str) -> None:
    result = machine.execute(action)
    assert result.status == "refused"
    assert why in result.message
    assert machine.wire.mutations == 0


def forge_action(machine: Machine, action: Action, **values: object) -> None:
    with machine.store.session() as session:
        session.execute(update(Action).where(Action.id == action.id).values(**values))


def forge_request(machine: Machine, action: Action, **values: object) -> None:
    with machine.store.session() as session:
        session.execute(update(ApprovalRequest).where(ApprovalRequest.action_id == action.id).values(**values))


def test_a_row_that_says_approved_is_not_enough(machine: Machine) -> None:
    action = machine.propose(seo_draft(machine.shelf.take("product"), title="Forged"))
    forge_action(machine, action, state="approved")
    refused(machine, action, "request of version 1 is pending")


def test_nor_is_a_request_that_says_so_too(machine: Machine) -> None:
    action = machine.propose(seo_draft(machine.shelf.take("product"), title="Forged"))
    forge_action(machine, action, state="approved", decided_by="olga", decided_at=NOW)
    forge_request(machine, action, status="approved", decided_by="olga", decided_at=NOW, decision="approve")
    refused(machine, action, "no audit event")


def test_a_draft_changed_after_its_approval_is_refused(machine: Machine) -> None:
    action = machine.approved(seo_draft(machine.shelf.take("product"), title="Approved"))
    forge_action(machine, action, draft={"title": "Something else"})
    refused(machine, action, "digest")


def test_a_diff_that_hides_what_is_written_is_refused(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Harmless"))
    shown = {"field": "seo.title", "before": "", "after": "Looks different", "change_type": "change"}
    forge_action(machine, action, diff=[shown])
    result = machine.execute(action)
    assert result.status == "failed"
    assert "isn't the text that the diff shows" in result.message
    assert machine.wire.mutations == 0


def test_an_operator_removed_since_no_longer_counts(machine: Machine) -> None:
    action = machine.approved(seo_draft(machine.shelf.take("product"), title="Gone"))
    with machine.store.session() as session:
        session.get_one(Operator, "olga").active = False
    refused(machine, action, "olga may not decide")


def test_an_execution_that_nobody_started_is_not_resumed(machine: Machine) -> None:
    """A made-up 'executing' row with a made-up snapshot must not make the executor restore that snapshot."""
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="T", description="D"))
    forge_action(machine, action, state="executing")
    with machine.store.session() as session:
        session.add(
            Execution(
                action_id=action.id,
                version=action.version,
                status="started",
                attempts=1,
                started_at=NOW,
                snapshot={"seo.title": "EVIL", "seo.description": ""},
                written={"seo.title": "T", "seo.description": "D"},
                request_ids=[],
            )
        )
    refused(machine, action, "no genuine record")


def test_a_snapshot_changed_afterwards_is_not_written_back(machine: Machine) -> None:
    node = machine.shelf.take("product")
    action = machine.approved(seo_draft(node, title="Genuine"))
    machine.execute(action)
    with machine.store.session() as session:
        session.execute(
            update(Execution).where(Execution.action_id == action.id).values(snapshot={"seo.title": "EVIL"})
        )
    result = machine.roll_back_now(action)
    assert result.status == "refused"
    assert machine.shows(node)["seo.title"] == "Genuine"


def test_a_broken_chain_stops_the_execution(machine: Machine) -> None:
    action = machine.approved(seo_draft(machine.shelf.take("product"), title="Chain"))
    with machine.store.session() as session:
        connection = session.connection()
        if machine.store.engine == "sqlite":
            for trigger in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {trigger[0]}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_events DISABLE TRIGGER USER")
        changed = update(AuditEvent).where(AuditEvent.action_id == action.id, AuditEvent.event == "approved")
        session.execute(changed.values(channel="somewhere"))
    refused(machine, action, "audit chain is broken")


@pytest.mark.parametrize("resuming", [False, True])
def test_without_its_request_an_action_has_no_authority(machine: Machine, resuming: bool) -> None:
    action = machine.approved(seo_draft(machine.shelf.take("product"), title="No request"))
    with machine.store.session() as session:
        session.execute(delete(ApprovalRequest).where(ApprovalRequest.action_id == action.id))
        assert not authority(session, session.get_one(Action, action.id), NOW, resuming=resuming).valid
