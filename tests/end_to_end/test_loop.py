"""The loop as an operator lives it: a cycle, an approval, one write, a rollback; on DuckDB and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SandboxShop

from .machine import Machine

SMALL = ("--seed", "11", "--orders", "500", "--products", "60", "--today", "2026-11-22")


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, start_sandbox: Callable[..., SandboxShop]
) -> tuple[Machine, SandboxShop]:
    shop = start_sandbox(*SMALL)
    more = {"GROWTH_ACTIONS__MODE": "live", "GROWTH_OPERATOR": "ada", "GROWTH_NOW": "2026-11-22T12:00:00Z"}
    if request.param == "postgres":
        more["GROWTH_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    made = Machine(shop.environment(tmp_path / "home", **more))
    made.run("operators", "add", "ada", "--role", "operator")
    return made, shop


def _seo_action(machine: Machine) -> dict[str, Any]:
    pending = machine.json("actions", "list", "--state", "pending", "--kind", "seo_ctr")
    assert pending, "the sandbox plants underperforming snippets, so some action must be pending"
    return pending[0]


@pytest.mark.slow
def test_from_nothing_to_an_applied_and_reversed_action(machine: tuple[Machine, SandboxShop]) -> None:
    growth, shop = machine
    growth.run("run")
    action = _seo_action(growth)
    assert action["impact"]["revenue_28d"] > 0
    assert action["evidence"]
    assert shop.state()["writes"] == []

    growth.run("execute")
    assert shop.state()["writes"] == [], "nothing is written without an approval"

    growth.run("actions", "approve", action["id"], "--digest", action["digest"])
    growth.run("execute")
    written = {(w["gid"], w["field"]): w["after"] for w in shop.state()["writes"]}
    shown = growth.json("actions", "show", action["id"])
    assert shown["state"] == "executed"
    for change in shown["diff"]:
        assert written[(action["target"]["gid"], change["field"])] == change["after"]

    writes = len(shop.state()["writes"])
    growth.run("execute")
    assert len(shop.state()["writes"]) == writes, "a second execution writes nothing"

    growth.run("actions", "rollback", action["id"], "--reason", "the operator changed her mind")
    growth.run("execute")
    assert growth.json("actions", "show", action["id"])["state"] == "rolled_back"
    last = {(w["gid"], w["field"]): w["after"] for w in shop.state()["writes"]}
    for change in shown["diff"]:
        assert (last[(action["target"]["gid"], change["field"])] or "") == change["before"]
    growth.run("audit", "verify")

    growth.run("run")
    again = growth.json("actions", "list", "--state", "pending", "--kind", "seo_ctr")
    assert action["target"]["gid"] not in {a["target"]["gid"] for a in again}, "rolled back means suppressed"


@pytest.mark.slow
def test_two_approvals_at_once_execute_once(machine: tuple[Machine, SandboxShop]) -> None:
    growth, shop = machine
    growth.run("run")
    action = _seo_action(growth)
    command = [
        sys.executable,
        "-m",
        "growth_pipelines",
        "actions",
        "approve",
        action["id"],
        "--digest",
        action["digest"],
    ]
    environment = {**os.environ, **growth.environment}
    racers = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [racer.communicate(timeout=60)[1] for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 1], errors
    assert any("ada" in error for error in errors), "the second is told who decided"

    execute = [sys.executable, "-m", "growth_pipelines", "execute"]
    executors = [subprocess.Popen(execute, env=environment) for _ in range(2)]
    for executor in executors:
        executor.wait(timeout=60)
    fields = [(w["gid"], w["field"]) for w in shop.state()["writes"]]
    assert len(fields) == len(set(fields)) == len(action["diff"])


@pytest.mark.slow
def test_refused_actions_write_nothing_and_say_why(machine: tuple[Machine, SandboxShop]) -> None:
    growth, shop = machine
    growth.run("run")
    pending = growth.json("actions", "list", "--state", "pending", "--kind", "seo_ctr")
    rejected, stale, late = pending[:3]
    growth.run("actions", "reject", rejected["id"], "--reason", "tone")
    result = growth.run("actions", "approve", rejected["id"], "--digest", rejected["digest"], check=False)
    assert result.returncode != 0
    assert "rejected" in result.stderr

    result = growth.run("actions", "approve", stale["id"], "--digest", "0" * 64, check=False)
    assert result.returncode != 0
    assert "Look at the current draft" in result.stderr

    growth.run("actions", "approve", late["id"], "--digest", late["digest"])
    growth.run("execute", GROWTH_NOW="2026-12-15T12:00:00Z")
    assert growth.json("actions", "show", late["id"])["state"] == "expired"
    assert shop.state()["writes"] == []
