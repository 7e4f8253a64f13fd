"""The served machine: `growth up` with its real web server and daemon, and what strangers report to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import httpx
import pytest

from .conftest import Desk

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("served")
REPORT_CHECK = """
mutation Check($params: ReportAssetCheckEvaluationsParams!) {
  reportAssetCheckEvaluations(eventParams: $params) { __typename }
}
"""
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""


@dataclass
class Served:
    desk: Desk
    dagster: str

    def report(self, asset: str, **event: Any) -> None:
        """What anyone who reaches the web server can do by REST."""
        answer = httpx.post(
            f"{self.dagster}/report_asset_materialization/{asset}", json=event, trust_env=False, timeout=30
        )
        assert answer.status_code == 200, answer.text

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = httpx.post(
            f"{self.dagster}/graphql", json={"query": query, "variables": variables}, trust_env=False, timeout=60
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def launch(self, job: str) -> str:
        selector = {
            "repositoryLocationName": "growth",
            "repositoryName": "__repository__",
            "jobName": job,
        }
        run = self.graphql(LAUNCH, params={"selector": selector, "runConfigData": {}})["launchRun"]
        assert run["__typename"] == "LaunchRunSuccess", run
        return str(run["run"]["runId"])

    def await_run(self, run_id: str) -> str:
        return _eventually(
            lambda: (run := self.desk.instance.get_run_by_id(run_id)) and run.is_finished and run.status.value
        )

    def await_verdict(self, state: str) -> dg.AssetCheckEvaluation:
        return _eventually(lambda: (gate := self.desk.gate()).metadata["state"].value == state and gate)


def _eventually(condition: Callable[[], Any], seconds: float = 150) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.3)
    raise AssertionError("it never came true")


def _growth(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "growth_pipelines", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def served(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("GROWTH_DAGSTER__PORT", "0")
    monkeypatch.setenv("GROWTH_CONSOLE__PORT", "0")
    started = _growth("up", "--detach")
    assert started.returncode == 0, started.stderr
    try:
        yield Served(desk, started.stdout.split()[1])
    finally:
        assert _growth("down").returncode == 0


@pytest.mark.slow
def test_forged_reports_execute_nothing_and_a_signed_one_is_executed_once(served: Served) -> None:
    desk = served.desk
    action = desk.propose()

    # A green check, an approval without a signature, and the acting job launched by hand.
    green = {
        "assetKey": {"path": ["seo_ctr_recommendations"]},
        "checkName": "approved_by_operator",
        "passed": True,
        "serializedMetadata": json.dumps({"state": "approved"}),
    }
    served.graphql(REPORT_CHECK, params=green)
    forged = {**desk.record(action).model_dump(mode="json"), "operator": "mallory"}
    served.report("seo_ctr_approval", metadata={"record": forged})
    refused = served.await_verdict("unknown_operator")
    assert not refused.passed
    assert refused.severity is dg.AssetCheckSeverity.ERROR
    assert served.await_run(served.launch("act_on_seo_ctr")) == "FAILURE"
    assert desk.action(action.id).state == "pending"
    assert desk.writes(action) == []

    # The same with an operator's signature, twice.
    for _ in range(2):
        served.report("seo_ctr_approval", description=desk.record(action).model_dump_json())
    _eventually(lambda: desk.action(action.id).state == "executed")
    assert desk.action(action.id).decided_channel == "dagster"
    assert len(desk.writes(action)) == 1


@pytest.mark.slow
def test_status_is_not_0_while_a_program_is_dead_and_it_is_started_again(served: Served) -> None:
    # Heartbeats of the daemons come within their first half minute.
    _eventually(lambda: _growth("status").returncode == 0)
    shown = {p["program"]: p for p in json.loads(_growth("status", "--json").stdout)["programs"]}
    assert {p["state"] for p in shown.values()} == {"running"}

    supervisor = int((served.desk.settings.home / "run" / "growth.pid").read_text())
    os.kill(supervisor, signal.SIGSTOP)  # so that it can't start the daemon again before we look
    os.kill(shown["dagster-daemon"]["pid"], signal.SIGKILL)
    dead = _growth("status")
    os.kill(supervisor, signal.SIGCONT)
    assert dead.returncode != 0
    assert "dead" in dead.stdout
    _eventually(lambda: _growth("status").returncode == 0)


def test_status_is_not_0_when_nothing_runs(desk: Desk) -> None:
    result = _growth("status", "--json")
    assert result.returncode == 1
    assert {p["state"] for p in json.loads(result.stdout)["programs"]} == {"stopped"}


def test_a_port_that_is_taken_is_named_before_anything_starts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("GROWTH_CONSOLE__PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("GROWTH_DAGSTER__PORT", "0")
        result = _growth("up")
    assert result.returncode == 1
    assert "GROWTH_CONSOLE__PORT" in result.stderr
    assert not (desk.settings.home / "run" / "growth.json").exists()
