"""The loop as an operator lives it: a cycle, an approval, one write, a rollback; on DuckDB and PostgreSQL.

One cycle serves all tests of an engine; each test takes actions of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import SandboxShop, new_database

from .conftest import cycle
from .machine import Machine

# In the same group, tests run in the same worker and share the machine (marks of fixture parameters don't count).
ENGINES = [
    pytest.param("duckdb", marks=pytest.mark.xdist_group("first-cycle")),
    pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.xdist_group("loop-postgres")]),
]
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("operated", ENGINES, indirect=True, scope="module")]


@dataclass
class Operated:
    """A machine that has run one cycle, its shop, and the pending snippet actions that no test has taken yet."""

    growth: Machine
    shop: SandboxShop
    free: list[dict[str, Any]]
    earlier: dict[str, int] = field(default_factory=dict)

    def take(self) -> dict[str, Any]:
        action = self.free.pop(0)
        self.earlier[action["id"]] = len(self._writes(action))
        return action

    def writes_to(self, action: dict[str, Any]) -> list[tuple[str, str]]:
        """Field and value of each write since the action was taken, as its diff shows them."""
        return [_as_shown(w["field"], w["after"]) for w in self._writes(action)[self.earlier[action["id"]] :]]

    def _writes(self, action: dict[str, Any]) -> list[dict[str, Any]]:
        """Every write to the action's resource: another action may be about it, too."""
        return [w for w in self.shop.state()["writes"] if w["gid"] == action["target"]["gid"]]


def _as_shown(field: str, after: str | None) -> tuple[str, str]:
    """A product's related links are written as data and shown line by line."""
    if field != "metafield.growth.related_links":
        return field, after or ""
    links = json.loads(after) if after else []
    return "related_links", "\n".join(f"{link['section']}: {link['anchor']} → {link['url']}" for link in links)


@pytest.fixture(scope="module")
def operated(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    start_shop: Callable[[], SandboxShop],
) -> Operated:
    shop, home = start_shop(), tmp_path_factory.mktemp(request.param) / "home"
    if request.param == "postgres":
        database = new_database(request.getfixturevalue("postgres_server"))
        growth = cycle(shop, home, GROWTH_DATABASE_URL=database)
    else:
        growth = request.getfixturevalue("first_cycle").copied(home, shop)
    pending = growth.json("actions", "list", "--state", "pending", "--kind", "seo_ctr")
    return Operated(growth, shop, pending)


def test_nothing_is_written_without_an_approval(operated: Operated) -> None:
    operated.growth.run("execute")
    assert operated.shop.state()["writes"] == []


def test_an_approved_action_is_applied_once_and_reversed(operated: Operated) -> None:
    growth, action = operated.growth, operated.take()
    assert action["impact"]["revenue_28d"] > 0
    assert action["evidence"]
    growth.run("actions", "approve", action["id"], "--digest", action["digest"])
    growth.run("execute")
    shown = growth.json("actions", "show", action["id"])
    assert shown["state"] == "executed"
    written = operated.writes_to(action)
    assert sorted(written) == sorted((change["field"], change["after"]) for change in shown["diff"])

    growth.run("execute")
    assert operated.writes_to(action) == written, "a second execution writes nothing"

    growth.run("actions", "rollback", action["id"], "--reason", "the operator changed her mind")
    growth.run("execute")
    assert growth.json("actions", "show", action["id"])["state"] == "rolled_back"
    last = dict(operated.writes_to(action))
    assert last == {change["field"]: change["before"] for change in shown["diff"]}
    growth.run("audit", "verify")

    growth.run("run", "--only", "recommend")
    again = growth.json("actions", "list", "--state", "pending", "--kind", "seo_ctr")
    assert action["target"]["gid"] not in {a["target"]["gid"] for a in again}, "rolled back means suppressed"


def test_structured_content_is_written_shown_and_taken_away_again(operated: Operated) -> None:
    growth = operated.growth
    pending = growth.json("actions", "list", "--state", "pending", "--kind", "metaobject_gen")
    action = next(one for one in pending if one["subtype"] == "product_content")
    gid = action["target"]["gid"]
    before = len(operated.shop.state()["writes"])
    growth.run("actions", "approve", action["id"], "--digest", action["digest"])
    growth.run("execute")
    assert growth.json("actions", "show", action["id"])["state"] == "executed"
    written = operated.shop.state()["writes"][before:]
    made = [one for one in written if one["operation"] == "metaobjectUpsert"]
    assert len(made) == sum(change["field"].startswith("entry.") for change in action["diff"]) >= 3
    assert {one["field"] for one in written if one["gid"] == gid} <= {
        f"metafield.growth.{key}"
        for key in ("faq", "specifications", "faq_structured_data", "product_structured_data")
    }

    growth.run("execute")
    assert operated.shop.state()["writes"][before:] == written, "a second execution writes nothing"

    growth.run("actions", "rollback", action["id"], "--reason", "worded badly")
    growth.run("execute")
    assert growth.json("actions", "show", action["id"])["state"] == "rolled_back"
    operations = [one["operation"] for one in operated.shop.state()["writes"][before + len(written) :]]
    assert operations.count("metaobjectDelete") == len(made)
    assert "metaobjectDefinitionDelete" in operations
    growth.run("audit", "verify")


def test_two_approvals_at_once_execute_once(operated: Operated) -> None:
    growth, action = operated.growth, operated.take()
    program = [sys.executable, "-m", "growth_pipelines"]
    environment = {**os.environ, **growth.environment}
    approve = [*program, "actions", "approve", action["id"], "--digest", action["digest"]]
    racers = [subprocess.Popen(approve, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [racer.communicate(timeout=60)[1] for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 1], errors
    assert any("ada" in error for error in errors), "the second is told who decided"

    executors = [subprocess.Popen([*program, "execute"], env=environment) for _ in range(2)]
    for executor in executors:
        executor.wait(timeout=60)
    fields = [field for field, _ in operated.writes_to(action)]
    assert sorted(fields) == sorted(change["field"] for change in action["diff"])


def test_refused_actions_write_nothing_and_say_why(operated: Operated) -> None:
    growth, rejected, late = operated.growth, operated.take(), operated.take()
    result = growth.run("actions", "approve", rejected["id"], "--digest", rejected["digest"][:12], check=False)
    assert result.returncode != 0
    assert "not a whole digest" in result.stderr
    result = growth.run("actions", "approve", rejected["id"], "--digest", "0" * 64, check=False)
    assert result.returncode != 0
    assert "Look at the current draft" in result.stderr

    growth.run("actions", "reject", rejected["id"], "--reason", "tone")
    result = growth.run("actions", "approve", rejected["id"], "--digest", rejected["digest"], check=False)
    assert result.returncode != 0
    assert "rejected" in result.stderr
    result = growth.run("execute", rejected["id"], check=False)
    assert "rejected" in result.stdout + result.stderr

    growth.run("actions", "approve", late["id"], "--digest", late["digest"])
    growth.run("execute", GROWTH_NOW="2026-12-15T12:00:00Z", check=False)
    assert growth.json("actions", "show", late["id"])["state"] != "executed"
    growth.run("run", "--only", "queue", GROWTH_NOW="2026-12-15T12:00:00Z")
    assert growth.json("actions", "show", late["id"])["state"] == "expired"
    assert operated.writes_to(rejected) == operated.writes_to(late) == []
