"""What actions did, from the write to the shop to the reading 28 days later, held against what was planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SandboxShop

from .machine import Machine

pytestmark = pytest.mark.slow
DONE, READ = "2026-11-22", "2026-12-24"


@pytest.fixture(scope="module")
def shop(start_sandbox: Callable[..., SandboxShop]) -> SandboxShop:
    return start_sandbox("--seed", "11", "--orders", "800", "--products", "160", "--today", DONE)


@pytest.fixture(scope="module")
def measured(shop: SandboxShop, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that has carried out what it proposed for search and content, and looked again 32 days later."""
    before = _machine(shop, tmp_path_factory.mktemp("outcomes") / "home", DONE)
    before.run("operators", "add", "ada", "--role", "operator")
    before.run("run")
    for kind in ("seo_ctr", "metaobject_gen"):
        for action in before.json("actions", "list", "--state", "pending", "--kind", kind):
            before.run("actions", "approve", action["id"], "--digest", action["digest"])
    before.run("execute")
    shop.advance(32)
    after = _machine(shop, Path(before.environment["GROWTH_HOME"]), READ)
    after.run("run", "--only", "ingest,build,outcomes")
    return after


def _machine(shop: SandboxShop, home: Path, day: str) -> Machine:
    more = {"GROWTH_ACTIONS__MODE": "live", "GROWTH_OPERATOR": "ada", "GROWTH_NOW": f"{day}T12:00:00Z"}
    return Machine(shop.environment(home, **more, GROWTH_SEARCH_CONSOLE__HISTORY_DAYS="90"))


def _final(growth: Machine, kind: str) -> list[dict[str, Any]]:
    """By action what it did in 28 days to the metric that it promised, with its resource."""
    found = []
    for action in growth.json("actions", "list", "--kind", kind):
        outcomes = growth.json("actions", "show", action["id"])["outcomes"]
        found += [
            {**one, "gid": action["target"]["gid"]}
            for one in outcomes
            if one["is_promised"] and one["horizon_days"] == 28 and one["effect"] is not None
        ]
    return found


def test_what_was_planted_lies_in_the_interval(shop: SandboxShop, measured: Machine) -> None:
    """The truth file says what a mended snippet brings in 28 days like the last one, give or take the season."""
    true = {one["gid"]: one["extra_clicks_28d"] for one in shop.truth["snippets"]}
    found = [one for one in _final(measured, "seo_ctr") if one["gid"] in true]
    inside = [one["effect_low"] <= true[one["gid"]] <= one["effect_high"] for one in found]
    assert len(found) >= 5
    # Of six 95 % intervals, two or more miss in one shop of thirty; this is one shop, always the same.
    assert inside.count(False) <= 1, [(one, true[one["gid"]]) for one in found]
    classes = [one["outcome_class"] for one in found]
    # An effect on few clicks may be too noisy to tell; none of these is nothing, and none is harm.
    assert set(classes) <= {"success", "partial", "inconclusive"}
    assert sum(one != "inconclusive" for one in classes) >= len(classes) / 2, classes


def test_what_does_nothing_is_not_found_to_do_anything(measured: Machine) -> None:
    """Texts further down a product's page move nothing in the made-up shop: actions without effect."""
    found = _final(measured, "metaobject_gen")
    assert found
    assert {one["outcome_class"] for one in found} <= {"none", "inconclusive"}


def test_a_second_look_changes_nothing_and_the_return_is_told(measured: Machine) -> None:
    told = measured.json("outcomes")
    assert told["total"]["measured"] >= 5
    assert told["total"]["realised_low"] < told["total"]["realised"] < told["total"]["realised_high"]
    measured.run("run", "--only", "outcomes")
    assert measured.json("outcomes") == told
