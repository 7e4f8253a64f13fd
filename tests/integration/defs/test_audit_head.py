"""The head of the audit chain is published by Dagster, and a chain that doesn't fit turns the check red."""

from __future__ import annotations

import dagster as dg
from sqlalchemy import select, text

from growth_pipelines.store.audit_heads import ALARM, heads_file, read_heads
from growth_pipelines.store.tables import OutboxEntry

from .conftest import Desk


def _check(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    [found] = result.get_asset_check_evaluations()
    return found


def test_the_head_is_published_and_a_rewritten_chain_found(desk: Desk) -> None:
    desk.decide(desk.propose())
    result = desk.run("publish_audit_head")
    assert result.success
    [materialized] = result.get_asset_materialization_events()
    shown = materialized.materialization.metadata
    [head] = read_heads(heads_file(desk.settings))
    assert (shown["seq"].value, shown["hash"].value) == (head.seq, head.hash)
    assert str(shown["console"].value).endswith("/audit")
    assert _check(result).passed
    with desk.store.connection() as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_update"))
        connection.execute(text("UPDATE audit_events SET actor = 'eve' WHERE event = 'approved'"))
    found = _check(desk.run("publish_audit_head"))
    assert not found.passed
    assert not found.blocking
    assert "was changed" in str(found.metadata["problems"].value)
    assert "the guard audit_events_no_update of the audit chain is missing" in str(
        found.metadata["problems"].value
    )
    with desk.store.read() as session:
        [alarm] = session.scalars(select(OutboxEntry).where(OutboxEntry.event == ALARM))
    assert "The audit chain is broken" in alarm.payload["message"]
    assert "backup" in str(found.metadata["recovery"].value)
