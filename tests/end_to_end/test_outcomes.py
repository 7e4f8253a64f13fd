"""What approved actions did in a real shop of HTTP and days: the planted effects are found, nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.actions.outcomes import outcomes_of
from growth_pipelines.actions.queue import find
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ActionOutcome
from tests.conftest import SandboxShop

from .machine import Machine

TODAY = date(2026, 11, 22)
# 28 days after the execution and the days that Search Console needs to complete them.
WAIT = 33
SEARCH = {
    "GROWTH_ACTIONS__MODE": "live",
    "GROWTH_RECOMMENDERS__SEO_CTR__WEEKLY_CAP": "0",
    "GROWTH_SEARCH_CONSOLE__HISTORY_DAYS": "120",
    "GROWTH_OPERATOR": "ada",
}


def _acted(shop: SandboxShop, home: Path) -> tuple[Machine, list[dict[str, Any]]]:
    """A home whose search actions were all approved and executed, five weeks later; and the actions."""
    growth = Machine(shop.environment(home, **SEARCH, GROWTH_NOW=f"{TODAY}T12:00:00Z"))
    growth.run("operators", "add", "ada", "--role", "admin")
    growth.run("run")
    actions = [one for one in growth.json("actions", "list", "--state", "pending") if one["kind"] == "seo_ctr"]
    for one in actions:
        growth.run("actions", "approve", one["ref"], "--digest", one["digest"])
    growth.run("execute")
    shop.advance(WAIT)
    later = Machine({**growth.environment, "GROWTH_NOW": f"{TODAY + timedelta(days=WAIT)}T12:00:00Z"})
    later.run("run", "--only", "ingest,build,outcomes")
    return later, actions


def _clicks(home: Path, refs: Sequence[str]) -> dict[str, ActionOutcome]:
    """By the action's gid: its clicks after 28 days, where they could be measured."""
    with Store(f"sqlite:///{home / 'store.sqlite'}").read() as session:
        found = {}
        for ref in refs:
            action = find(session, ref)
            for one in outcomes_of(session, action.id):
                if (one.metric, one.horizon_days) == ("clicks", 28) and one.effect is not None:
                    found[action.resource_gid] = one
        session.expunge_all()
    return found


@pytest.mark.slow
def test_planted_effects_are_found_within_their_intervals(
    start_sandbox: Callable[..., SandboxShop], tmp_path: Path
) -> None:
    shop = start_sandbox("--seed", "19", "--orders", "1500", "--products", "300", "--today", f"{TODAY}")
    planted = shop.truth["effects"]
    _, actions = _acted(shop, tmp_path)
    found = _clicks(tmp_path, [one["ref"] for one in actions])
    assert len(found) >= 3
    true = {gid: one.observed * (1 - 1 / planted[gid]["lift_if_fixed"]) for gid, one in found.items()}
    inside = [one.effect_low <= true[gid] <= one.effect_high for gid, one in found.items()]
    assert sum(inside) >= len(inside) - 1, {
        gid: (true[gid], one.effect_low, one.effect_high) for gid, one in found.items()
    }
    assert any(one.outcome_class in ("success", "partial") for one in found.values())
    assert not any(one.outcome_class == "negative" for one in found.values())
