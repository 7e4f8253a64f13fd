"""The approval gate in Dagster: what it shows, what it holds up, and that the executor does not depend on it."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import dagster as dg
import pytest

from growth_pipelines.actions.brake import pause
from growth_pipelines.approvals.signatures import DecisionRecord
from growth_pipelines.defs.gate import GATE, apply, judge, report_judgement
from growth_pipelines.store import database
from growth_pipelines.store.tables import AuditEvent

from .conftest import NOW, Desk


def _observations(result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        event.asset_observation_data.asset_observation.description or ""
        for event in result.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    ]


def _report(desk: Desk, **event: Any) -> None:
    desk.instance.report_runless_asset_event(dg.AssetMaterialization("seo_ctr_approval", **event))


def _forged(desk: Desk, record: dict[str, Any]) -> dict[str, Any]:
    """The same record, said to be of an operator who never signed it."""
    return {**record, "note": "changed after it was signed"}


def test_while_an_operator_is_awaited_the_gate_is_amber_and_the_run_green(desk: Desk) -> None:
    desk.propose()
    result = desk.run("recheck_seo_ctr")
    assert result.success
    gate = desk.gate()
    assert not gate.passed
    assert gate.severity is dg.AssetCheckSeverity.WARN
    assert gate.metadata["state"].value == "pending"


def test_an_approval_passes_the_gate_and_is_carried_out_once(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    assert desk.run("act_on_seo_ctr").success
    assert desk.action(action.id).state == "executed"
    assert len(desk.writes(action)) == 1
    again = desk.run("act_on_seo_ctr")
    assert not again.success, "nothing is approved any more, so the gate of a run that acts is red"
    assert len(desk.writes(action)) == 1


def test_a_run_that_acts_stops_at_the_gate_without_an_approval(desk: Desk) -> None:
    action = desk.propose()
    assert not desk.run("act_on_seo_ctr").success
    assert desk.gate().severity is dg.AssetCheckSeverity.ERROR
    assert desk.writes(action) == []


def test_while_writes_are_paused_an_approval_passes_the_gate_and_nothing_is_written(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    pause(desk.store, actor="ada", channel="cli", reason="stocktaking", now=NOW)
    desk.run("recheck_seo_ctr")
    assert desk.gate().passed, "it is approved, and says nothing of deciding again"
    result = desk.run("act_on_seo_ctr")
    assert "stocktaking" in _observations(result)[0]
    assert desk.writes(action) == []
    assert desk.action(action.id).state == "approved"


def test_launching_the_acting_asset_alone_writes_nothing_and_says_why(desk: Desk) -> None:
    action = desk.propose()
    config = {"ops": {"seo_ctr_actions": {"config": {"only": [action.ref]}}}}
    result = desk.defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=desk.instance,
        asset_selection=[dg.AssetKey("seo_ctr_actions")],
        run_config={**config, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    assert result.success
    assert _observations(result) == ["Nothing was written: it is pending, not approved."]
    assert desk.writes(action) == []


def test_a_green_check_that_somebody_reported_executes_nothing(desk: Desk) -> None:
    action = desk.propose()
    desk.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("seo_ctr_recommendations"),
            check_name="approved_by_operator",
            passed=True,
            metadata={},
        )
    )
    assert desk.tick("seo_ctr_approval_sensor").run_requests in (None, [])
    assert not desk.run("act_on_seo_ctr").success
    assert desk.writes(action) == []


def test_a_forged_record_turns_the_gate_red_and_decides_nothing(desk: Desk) -> None:
    action = desk.propose()
    forged = _forged(desk, desk.record(action).model_dump(mode="json"))
    _report(desk, metadata={"record": dg.MetadataValue.json(forged)})
    answer = desk.tick("seo_ctr_approval_sensor")
    assert not answer.run_requests
    assert desk.gate().severity is dg.AssetCheckSeverity.ERROR
    assert desk.gate().metadata["state"].value == "bad_signature"
    assert desk.action(action.id).state == "pending"


def test_a_malformed_record_turns_the_gate_red(desk: Desk) -> None:
    desk.propose()
    _report(desk, description="approved, go ahead!")
    desk.tick("seo_ctr_approval_sensor")
    assert desk.gate().metadata["state"].value == "malformed"


@pytest.mark.parametrize("text", ["1" * 5000, "[" * 50_000])
def test_nothing_that_is_reported_stops_the_sensor(desk: Desk, text: str) -> None:
    action = desk.propose()
    _report(desk, description=text)
    _report(desk, description=desk.record(action).model_dump_json())
    assert desk.tick("seo_ctr_approval_sensor").run_requests
    assert desk.action(action.id).state == "approved"


def test_a_record_that_nobody_could_judge_is_handed_in_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that stays locked must not cost the operator's decision."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    action = desk.propose()
    _report(desk, description=desk.record(action).model_dump_json())
    desk.store.close()  # its next connection waits no longer
    other = sqlite3.connect(desk.store.sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Exception, match="stayed locked"):
        desk.tick("seo_ctr_approval_sensor")
    other.execute("ROLLBACK")
    other.close()
    assert desk.tick("seo_ctr_approval_sensor").run_requests
    desk.store.close()


def test_a_signed_record_pasted_into_a_description_decides_and_starts_the_run(desk: Desk) -> None:
    action = desk.propose()
    _report(desk, description=desk.record(action).model_dump_json())
    answer = desk.tick("seo_ctr_approval_sensor")
    assert [request.job_name for request in answer.run_requests or []] == [None]
    decided = desk.action(action.id)
    assert (decided.state, decided.decided_by, decided.decided_channel) == ("approved", "ada", "dagster")
    assert desk.gate().passed


@pytest.mark.parametrize("decision", ["edit", "approve_with_edits"])
def test_a_signed_edit_that_nothing_backs_counts_only_with_a_note_that_vouches_for_it(
    desk: Desk, decision: str
) -> None:
    action = desk.propose()
    bold = {"title": "Tested to 900 psi"}
    for note in ("", "Surely so."):
        problem = _told(desk, desk.record(action, decision, draft=bold, note=note))
        assert "Nothing here backs what the edit says" in problem
    assert (desk.action(action.id).state, desk.action(action.id).version) == ("pending", 1)
    vouched = problem.partition("sign the edit with the note: ")[2]
    told = _told(desk, desk.record(action, decision, draft=bold, note=f"From the maker. {vouched}"))
    assert not told.startswith("refused"), told
    assert (desk.action(action.id).draft["title"], desk.action(action.id).version) == ("Tested to 900 psi", 2)


def test_a_signed_edit_of_words_that_are_backed_needs_no_vouching(desk: Desk) -> None:
    action = desk.propose()
    plain = {"title": action.draft["title"].removesuffix(" today")}
    assert not _told(desk, desk.record(action, "edit", draft=plain)).startswith("refused")
    assert desk.action(action.id).version == 2


def test_who_did_not_sign_an_edit_is_refused_on_record_whatever_it_says(desk: Desk) -> None:
    action = desk.propose()
    record = desk.record(action, "edit", draft={"title": "Tested to 900 psi"})
    assert "signature" in _told(desk, record.model_copy(update={"note": "forged"}))
    with desk.store.read() as session:
        refused = session.query(AuditEvent).where(AuditEvent.event == "decision_refused").one()
    assert refused.channel == "dagster"


def _told(desk: Desk, record: DecisionRecord) -> str:
    """What becomes of a record that entered through Dagster."""
    return apply(desk.machine, json.loads(record.model_dump_json()))


def test_the_launchpad_form_hands_in_a_record(desk: Desk) -> None:
    action = desk.propose()
    record = json.loads(desk.record(action).model_dump_json())
    form = {"ops": {"hand_in_seo_ctr_decision": {"config": record}}}
    result = desk.defs.resolve_job_def("approve_seo_ctr").execute_in_process(
        instance=desk.instance, run_config={**form, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )
    assert result.success
    assert desk.action(action.id).state == "pending", "the form decides nothing"
    desk.tick("seo_ctr_approval_sensor")
    assert desk.action(action.id).state == "approved"


def test_a_record_that_is_handed_in_twice_decides_once(desk: Desk) -> None:
    action = desk.propose()
    record = desk.record(action)
    for _ in range(2):
        _report(desk, description=record.model_dump_json())
    cursor = desk.tick("seo_ctr_approval_sensor").cursor
    assert desk.run("act_on_seo_ctr").success
    _report(desk, description=record.model_dump_json())
    assert not desk.tick("seo_ctr_approval_sensor", cursor).run_requests
    assert len(desk.writes(action)) == 1


def test_a_forged_record_does_not_hold_up_a_valid_approval(desk: Desk) -> None:
    action = desk.propose()
    desk.decide(action)
    _report(desk, description="{}")
    assert desk.tick("seo_ctr_approval_sensor").run_requests
    assert desk.gate().metadata["state"].value == "malformed"
    assert desk.run("act_on_seo_ctr").success
    assert len(desk.writes(action)) == 1


def test_new_proposals_end_what_an_old_forged_record_shows(desk: Desk) -> None:
    desk.propose()
    _report(desk, description="{}")
    desk.tick("seo_ctr_approval_sensor")
    desk.propose()
    desk.run("recheck_seo_ctr")
    assert desk.gate().metadata["state"].value == "pending"


def test_a_judgement_that_says_nothing_new_is_not_reported_again(desk: Desk) -> None:
    def reported() -> int:
        report_judgement(desk.instance, "seo_ctr", judge(desk.machine, desk.instance, "seo_ctr"))
        key = dg.AssetCheckKey(dg.AssetKey("seo_ctr_recommendations"), GATE)
        return len(desk.instance.event_log_storage.get_asset_check_execution_history(key, limit=10))

    action = desk.propose()
    assert [reported(), reported()] == [1, 1]
    desk.decide(action)
    assert [reported(), reported()] == [2, 2]
    desk.propose()
    assert [reported(), reported()] == [3, 3], "of newer proposals the same is said anew"
