"""Budgets as several processes see them: one file, real clocks, processes that die."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.budgets import (
    BudgetFile,
    BudgetUsedUp,
    CostBudget,
    CountBudget,
    budget_status,
    scope_name,
)
from growth_pipelines.settings import Settings, load_settings
from tests.conftest import SandboxShop

MAXIMUM, RATE = 1000.0, 200.0
# Reserves as fast as it can for two seconds and prints when each grant starts, by the clock that all share.
RESERVING = """
import json, sys, time
from growth_pipelines.ingestion.budgets import BudgetFile, BudgetUsedUp, CostBudget
from growth_pipelines.settings import load_settings

budget = CostBudget(BudgetFile.of(load_settings()), "scope", "Shopify")
starts = []
until = time.time() + 2
while time.time() < until:
    try:
        grant = budget.reserve("document", 0.5)
    except BudgetUsedUp:
        time.sleep(0.02)
        continue
    starts.append((time.time() + grant.wait, grant.cost))
print(json.dumps(starts))
"""
KILLED = """
from growth_pipelines.ingestion.budgets import BudgetFile, CountBudget
from growth_pipelines.settings import load_settings

budget = CountBudget(BudgetFile.of(load_settings()), "scope", "CrUX", 1_000_000)
print("ready", flush=True)
while True:
    budget.reserve()
"""
ASKING = """
from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.budgets import BudgetUsedUp
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.google.web_vitals import crux_client, record
from growth_pipelines.settings import load_settings

meter = Meter()
with crux_client(load_settings(), meter) as client:
    for _ in range(50):
        try:
            record(client, "origin", "https://www.hotrodparts.example", "phone")
        except BudgetUsedUp:
            break
print(meter.requests, meter.throttled)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"GROWTH_HOME": str(tmp_path)})


def run(home: Path, program: str, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "GROWTH_HOME": str(home), **more}
    return subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)


def learn(budget: CostBudget, cost: float, available: float = MAXIMUM) -> None:
    """Let the budget know the bucket and what ``document`` costs, as Shopify's answers do."""
    status = {"maximumAvailable": MAXIMUM, "currentlyAvailable": available, "restoreRate": RATE}
    grant = budget.reserve("document")
    budget.settle("document", grant, {"requestedQueryCost": cost, "actualQueryCost": 0, "throttleStatus": status})


def test_four_processes_together_never_take_more_than_the_bucket_grants(settings: Settings) -> None:
    learn(CostBudget(BudgetFile.of(settings), "scope", "Shopify"), cost=10)
    began = time.time()
    racers = [run(settings.home, RESERVING) for _ in range(4)]
    found = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
    assert all(found), "every process gets its share"
    taken = sorted((start, cost) for starts in found for start, cost in starts)
    total = 0.0
    for start, cost in taken:
        total += cost
        # The starts are read from the clock a moment after they were granted.
        assert total <= MAXIMUM + RATE * (start - began) + 10
    # And none of it is left unused.
    assert total >= MAXIMUM + RATE * 1.5


def test_a_process_killed_while_it_reserves_harms_nobody(settings: Settings) -> None:
    for _ in range(5):
        process = run(settings.home, KILLED)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        began = time.monotonic()
        assert CountBudget(BudgetFile.of(settings), "scope", "CrUX", 1_000_000).reserve().wait == 0
        assert time.monotonic() - began < 1


def test_a_pause_is_seen_by_other_processes_and_says_until_when(settings: Settings) -> None:
    budget = CountBudget(BudgetFile.of(settings), "scope", "Search Console", 100)
    budget.pause(3600, "load quota is used up")
    program = RESERVING.replace("CostBudget", "CountBudget").replace(
        'CountBudget(BudgetFile.of(load_settings()), "scope", "Shopify")',
        'CountBudget(BudgetFile.of(load_settings()), "scope", "Search Console", 100)',
    )
    other = run(settings.home, program.replace('reserve("document", 0.5)', "reserve(0.5)"))
    assert other.communicate(timeout=60)[0] == "[]\n"
    with pytest.raises(
        BudgetUsedUp,
        match=r"Search Console's load quota is used up until 20[-\d]+ \d\d:\d\d UTC\. The next",
    ):
        budget.reserve(900)


def test_four_processes_keep_within_googles_minute_without_a_single_429(
    start_sandbox: Callable[..., SandboxShop], tmp_path: Path
) -> None:
    shop = start_sandbox("--seed", "7", "--orders", "60", "--products", "60", "--limits", "real")
    environment = shop.environment(tmp_path, GROWTH_INGESTION__DEADLINE_SECONDS="5")
    asking = [run(tmp_path, ASKING, **environment) for _ in range(4)]
    requests = [line.communicate(timeout=60)[0].split() for line in asking]
    assert sum(int(sent) for sent, _ in requests) == 150
    assert shop.state()["throttled"] == 0
    assert shop.state()["requests"]["crux"] == 150


def test_a_request_costs_little_beside_seven_other_threads(settings: Settings) -> None:
    budget = CountBudget(BudgetFile.of(settings), "scope", "Search Console", 1_000_000)

    def reserve(_: int) -> float:
        began = time.perf_counter()
        budget.reserve()
        spent = time.perf_counter() - began
        time.sleep(0.01)
        return spent

    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(reserve, range(400)))
    assert statistics.median(spent) < 0.002


def test_the_status_tells_what_is_left_and_no_secret(settings: Settings) -> None:
    assert budget_status(settings) == []
    file = BudgetFile.of(settings)
    cost_scope = scope_name("shopify", "https://user:pass@a.example:8443/x", secret="shpat_sesame")
    points = CostBudget(file, cost_scope, "Shopify")
    learn(points, cost=300)
    points.reserve("document")
    count = CountBudget(file, scope_name("psi", "https://p.example", secret="AIza_sesame"), "PSI", 240, 25_000)
    count.reserve()
    count.pause(60, "requested pause lasts")
    calls, shop = budget_status(settings)
    assert "sesame" not in f"{calls}{shop}"
    assert "pass" not in str(shop["scope"])
    assert (calls["kind"], calls["available"], calls["maximum"], calls["per_minute"]) == ("count", 239, 240, 240)
    assert (calls["used_today"], calls["restore_rate"]) == (1, 4)
    left: Any = calls["waiting_until"]
    assert 55 < (left - calls["as_of"]).total_seconds() <= 60
    assert (shop["kind"], shop["maximum"], shop["restore_rate"], shop["per_minute"]) == ("cost", 1000, 200, None)
    assert 700 <= float(str(shop["available"])) < 1000
    assert shop["waiting_until"] is None


def test_a_file_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "budgets.sqlite").write_text("this is no database, and long enough to be seen as none" * 20)
    with pytest.raises(GrowthError, match=r"budgets\.sqlite can't be used.*made anew"):
        BudgetFile(tmp_path / "budgets.sqlite")
