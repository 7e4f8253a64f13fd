"""A machine that has run its first cycle on a made-up shop, for tests of what comes after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import SandboxShop

from .machine import Machine

FIRST_DAY = "2026-11-22"
SHOP = ("--seed", "11", "--orders", "800", "--products", "160", "--today", FIRST_DAY)
LIVE = {
    "GROWTH_ACTIONS__MODE": "live",
    "GROWTH_OPERATOR": "ada",
    "GROWTH_NOW": f"{FIRST_DAY}T12:00:00Z",
    "GROWTH_SEARCH_CONSOLE__HISTORY_DAYS": "90",
}


@dataclass(frozen=True)
class FirstCycle:
    """A home after the first cycle. Nobody works in it: a shop of the same seed goes on with a copy."""

    home: Path

    def copied(self, home: Path, shop: SandboxShop) -> Machine:
        shutil.copytree(self.home, home, symlinks=True)
        return Machine(shop.environment(home, **LIVE))


def cycle(shop: SandboxShop, home: Path, **more: str) -> Machine:
    """A new machine with the operator ada that has run one cycle."""
    growth = Machine(shop.environment(home, **LIVE, **more))
    growth.run("operators", "add", "ada", "--role", "operator")
    growth.run("run")
    return growth


@pytest.fixture(scope="session")
def start_shop(start_sandbox: Callable[..., SandboxShop]) -> Callable[[], SandboxShop]:
    """A function that starts the shop anew, as it was before anybody wrote to it."""
    return lambda: start_sandbox(*SHOP)


@pytest.fixture(scope="session")
def first_cycle(start_shop: Callable[[], SandboxShop], tmp_path_factory: pytest.TempPathFactory) -> FirstCycle:
    """Run once for the tests of the group ``first-cycle``."""
    home = tmp_path_factory.mktemp("first-cycle") / "home"
    cycle(start_shop(), home)
    return FirstCycle(home)
