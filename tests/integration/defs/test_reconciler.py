"""The reconciler alarms on what is approved and not done, and on what Dagster shows otherwise than the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import select

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.approvals.alarms import EVENT, newest_look
from growth_pipelines.commands.freshness import data_status
from growth_pipelines.defs.applications import OUTBOX_MARK
from growth_pipelines.defs.assets.reconciled import RECONCILED, look
from growth_pipelines.defs.machine import Machine
from growth_pipelines.defs.reports import deliver_outbox
from growth_pipelines.store.tables import OutboxEntry
from tests.conftest import SandboxShop

from .conftest import NOW, Desk, desk_in

NAMES = ["seo_ctr"]


def later(desk: Desk, **passed: float) -> Desk:
    """The same machine at a later time."""
    return replace(desk, settings=desk.settings.model_copy(update={"now": NOW + timedelta(**passed)}))


def found(desk: Desk) -> list[str]:
    """The kinds of the alarms there are, as the newest look has them."""
    look(Machine(desk.settings), desk.instance, NAMES)
    with desk.store.read() as session:
        looked = newest_look(session)
    assert looked is not None
    assert all(alarm["recovery"] for alarm in looked.alarms)
    return [alarm["kind"] for alarm in looked.alarms]


def told(desk: Desk) -> list[dict[str, Any]]:
    """The alarms that others were told of."""
    with desk.store.read() as session:
        entries = session.scalars(select(OutboxEntry).where(OutboxEntry.event == EVENT).order_by(OutboxEntry.seq))
        return [entry.payload for entry in entries]


def deliver(desk: Desk) -> None:
    deliver_outbox(Machine(desk.settings), desk.instance, NAMES)


def test_f9_an_approval_that_nothing_carries_out_raises_one_alarm_until_it_is_done(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    deliver(desk)
    assert found(later(desk, hours=23)) == []
    late = later(desk, hours=25)
    assert found(late) == ["late"]
    assert found(late) == ["late"]
    [alarm] = told(desk)
    assert alarm["ref"] == action.ref
    assert "act_on_seo_ctr" in alarm["recovery"]
    # The same as a check, by the sensor and by the hourly job, and in the terminal.
    late.tick("reconciler_sensor")
    result = late.run("recheck_approvals")
    [check] = [c for c in result.get_asset_check_evaluations() if c.asset_check_key == RECONCILED]
    assert not check.passed
    assert "act_on_seo_ctr" in str(check.metadata["recovery"].value)
    assert any(row["what"] == "alarm: late" for row in data_status(late.settings))
    assert len(told(desk)) == 1

    assert late.run("act_on_seo_ctr").success
    deliver(late)
    assert found(late) == []
    assert any(row["state"].startswith("they agree") for row in data_status(late.settings))


def test_where_nothing_is_written_an_approval_rightly_waits(desk: Desk) -> None:
    desk.decide(desk.propose())
    deliver(desk)
    late = later(desk, hours=25)
    proposing = late.settings.actions.model_copy(update={"mode": "propose"})
    assert found(replace(late, settings=late.settings.model_copy(update={"actions": proposing}))) == []


def test_decisions_that_dagster_was_never_told_of_raise_an_alarm(desk: Desk) -> None:
    desk.decide(desk.propose())
    assert found(later(desk, minutes=9)) == []
    assert found(later(desk, minutes=11)) == ["untold"]
    deliver(later(desk, minutes=12))
    assert found(later(desk, minutes=12)) == []


def test_decisions_that_were_removed_from_dagsters_history_raise_an_alarm(desk: Desk) -> None:
    desk.decide(desk.propose())
    deliver(desk)
    desk.instance.wipe_assets([dg.AssetKey("seo_ctr_approval")])
    assert found(desk) == ["unshown"]


@pytest.mark.parametrize("mark", [10**30, -1, True, "1", 4711])
def test_an_approval_with_a_forged_mark_raises_an_alarm(desk: Desk, mark: Any) -> None:
    desk.propose()
    forged = dg.AssetMaterialization("seo_ctr_approval", metadata={OUTBOX_MARK: mark, "action": "A-1"})
    desk.instance.report_runless_asset_event(forged)
    assert found(desk) == ["forged_mark"]


def test_a_flood_of_the_same_is_told_in_few_alarms(desk: Desk) -> None:
    for mark in range(1000, 1040):
        forged = dg.AssetMaterialization("seo_ctr_approval", metadata={OUTBOX_MARK: mark})
        desk.instance.report_runless_asset_event(forged)
    assert found(desk) == ["forged_mark"] * 11
    assert told(desk)[-1]["message"] == "And 30 more like these."
    assert found(desk) == ["forged_mark"] * 11
    assert len(told(desk)) == 11


def test_an_approval_that_borrows_the_mark_of_another_raises_an_alarm(desk: Desk) -> None:
    desk.decide(desk.propose())
    deliver(desk)
    [genuine] = desk.instance.fetch_materializations(dg.AssetKey("seo_ctr_approval"), limit=1).records
    assert genuine.asset_materialization is not None
    metadata = {**genuine.asset_materialization.metadata, "operator": "mallory"}
    desk.instance.report_runless_asset_event(dg.AssetMaterialization("seo_ctr_approval", metadata=metadata))
    assert found(desk) == ["forged_mark"]


def test_a_green_gate_that_nobody_approved_raises_an_alarm_until_it_is_judged_again(desk: Desk) -> None:
    desk.propose()
    deliver(desk)
    green = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey("seo_ctr_recommendations"), check_name="approved_by_operator", passed=True
    )
    desk.instance.report_runless_asset_event(green)
    assert found(desk) == ["forged_gate"]
    assert desk.run("recheck_seo_ctr").success
    assert found(desk) == []


def test_what_is_carried_out_in_the_terminal_is_shown_in_dagster_too(desk: Desk) -> None:
    """And what nothing tells of raises an alarm."""
    action = desk.propose()
    desk.decide(action)
    [result] = execute_approved(desk.store, desk.settings, now=NOW)
    assert result.status == "executed"
    deliver(desk)
    after = later(desk, minutes=11)
    assert found(after) == []
    [shown] = desk.instance.fetch_materializations(dg.AssetKey("seo_ctr_actions"), limit=5).records
    assert shown.asset_materialization is not None
    assert f"/actions/{action.ref})" in shown.asset_materialization.metadata["open"].value
    desk.instance.wipe_assets([dg.AssetKey("seo_ctr_actions")])
    assert found(after) == ["unrecorded"]


def test_proposal_approval_and_execution_each_link_to_the_action(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    deliver(desk)
    assert desk.run("act_on_seo_ctr").success
    address = f"{desk.settings.console_url}/actions/{action.ref}"
    for asset in ("seo_ctr_approval", "seo_ctr_actions"):
        [shown] = desk.instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
        assert shown.asset_materialization is not None
        assert address in str(shown.asset_materialization.metadata["open"].value)
    assert address in desk.gate().metadata["open"].value


@pytest.mark.postgres
def test_on_postgresql_the_same_is_found(
    tmp_path: Path, writable_shop: SandboxShop, products: Iterator[dict[str, Any]], postgres_url: str
) -> None:
    with desk_in(tmp_path / "home", writable_shop, products, GROWTH_DATABASE_URL=postgres_url) as desk:
        desk.decide(desk.propose())
        assert found(later(desk, minutes=11)) == ["untold"]
        deliver(desk)
        assert found(later(desk, minutes=11)) == []
        for mark in (10**30, 4711):
            forged = dg.AssetMaterialization("seo_ctr_approval", metadata={OUTBOX_MARK: mark})
            desk.instance.report_runless_asset_event(forged)
        assert sorted(found(later(desk, hours=25))) == ["forged_mark", "forged_mark", "late"]
        assert [alarm["kind"] for alarm in told(desk)].count("late") == 1
        assert later(desk, hours=25).run("act_on_seo_ctr").success
        deliver(desk)
        assert set(found(later(desk, hours=26))) == {"forged_mark"}
        desk.store.close()
