"""Killed at five stages and run again: no row twice, none lost, no second write to the shop."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.conftest import SandboxShop

from .conftest import LIVE, FirstCycle
from .machine import Machine

# How often it is looked whether the moment has come: more often costs the machine under test a processor.
LOOK_SECONDS = 0.02
# A run that hangs; a whole cycle takes half a minute, and several on a machine that is busy.
PATIENCE_SECONDS = 600


def _kill_when(growth: Machine, seen: Callable[[], bool], *arguments: str) -> None:
    """Start ``growth`` and kill -9 its process group in the moment that ``seen`` is true."""
    process = subprocess.Popen(
        [sys.executable, "-m", "growth_pipelines", *arguments],
        env={**os.environ, **growth.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while not seen():
            assert process.poll() is None, f"growth {' '.join(arguments)} ended before it could be killed"
            assert time.monotonic() < deadline, "the moment to kill it has not come"
            time.sleep(LOOK_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _raw_counts(home: Path) -> dict[str, tuple[int, int]]:
    """Rows and distinct keys of every raw table, read from the writer's own file."""
    from growth_pipelines.warehouse.raw_tables import TABLES

    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        counts = {}
        for table in TABLES:
            key = ", ".join(table.key)
            found = connection.execute(
                f"select count(*), (select count(*) from (select distinct {key} from raw.{table.name})) "
                f"from raw.{table.name}"
            ).fetchone()
            assert found is not None
            counts[table.name] = (found[0], found[1])
        return counts


def _actions_in(store: Path) -> int:
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
            return int(connection.execute("select count(*) from actions").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def _subject(action: dict[str, Any]) -> tuple[str, ...]:
    """What an action is about: what is proposed, of a resource or page, and the fields that it changes."""
    fields = (change["field"] for change in action["diff"])
    target = action["target"]
    return action["kind"], action["subtype"], target["gid"] or target["url"], *fields


@pytest.mark.slow
@pytest.mark.xdist_group("first-cycle")
def test_killed_at_five_stages_and_run_again(
    tmp_path: Path, start_shop: Callable[[], SandboxShop], first_cycle: FirstCycle
) -> None:
    shop, home = start_shop(), tmp_path / "killed"
    growth = Machine(shop.environment(home, **LIVE))
    growth.run("operators", "add", "ada", "--role", "operator")

    # 1: while fetching; 2: landed, not loaded; 3: while dbt builds; 4: while actions are stored.
    _kill_when(growth, lambda: shop.state()["requests"]["shopify"] >= 3, "run")
    _kill_when(growth, lambda: any((home / "landing" / "orders").glob("**/*.zst")), "run")
    _kill_when(growth, lambda: any((home / "dbt" / "target").glob("**/run/**/*.sql")), "run")
    _kill_when(growth, lambda: _actions_in(home / "store.sqlite") > 0, "run")
    growth.run("run")

    clean = first_cycle.copied(tmp_path / "clean", shop)
    counts = _raw_counts(home)
    assert counts == _raw_counts(tmp_path / "clean")
    assert all(rows == keys for rows, keys in counts.values()), "no row twice"
    truth = shop.truth["counts"]
    assert counts["orders"][0] == truth["orders"]
    assert counts["order_lines"][0] == truth["lines"]
    assert counts["refunds"][0] == truth["refunds"]

    pending = growth.json("actions", "list", "--state", "pending")
    subjects = [_subject(action) for action in pending]
    assert len(subjects) == len(set(subjects)), "no action twice"
    clean_pending = clean.json("actions", "list", "--state", "pending")
    assert sorted(subjects) == sorted(map(_subject, clean_pending))

    # 5: the shop has the write, the machine has no answer yet.
    action = next(a for a in pending if a["kind"] == "seo_ctr" and a["target"]["type"] == "product")
    growth.run("actions", "approve", action["id"], "--digest", action["digest"])
    plan = [{"match": "productUpdate", "kind": "delay", "seconds": 5.0}]
    httpx.post(f"{shop.base_url}/_sandbox/faults", json={"faults": plan}, trust_env=False).raise_for_status()
    _kill_when(growth, lambda: bool(shop.state()["writes"]), "execute")
    written = shop.state()["writes"]
    growth.run("execute")
    assert growth.json("actions", "show", action["id"])["state"] == "executed"
    writes = shop.state()["writes"]
    assert writes[: len(written)] == written
    assert sorted(one["field"].removeprefix("metafield.growth.") for one in writes) == sorted(
        change["field"] for change in action["diff"]
    ), "no second write, and none is missing"
    growth.run("audit", "verify")
