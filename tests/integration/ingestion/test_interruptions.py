"""Whatever fails or dies, and whenever: the next run ends with the rows of an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import QUICK, raw_rows

Machine = Callable[..., Settings]
# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("interruptions")
STREAMS = ["shop", "orders", "customers", "search_page", "search_property"]
# Dies by SIGKILL the moment the named step of the named stream is reached for the nth time.
DYING = """
import os, signal, sys
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import load_settings

stream, phase, left = sys.argv[1], sys.argv[2], int(sys.argv[3])

def watch(step):
    global left
    if (step.stream, step.phase) == (stream, phase):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

ingest(load_settings(), sys.argv[4:], on_progress=watch)
"""


@pytest.fixture(scope="module")
def undisturbed(small_shop: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = small_shop.settings(tmp_path_factory.mktemp("undisturbed"), **QUICK)
    ingest(settings, STREAMS)
    return raw_rows(settings)


@pytest.mark.parametrize(
    ("stream", "phase", "nth"),
    [
        ("orders", "fetching", 2),
        ("orders", "landed", 1),
        ("orders", "loading", 1),
        ("orders", "loaded", 1),
        ("search_page", "fetching", 3),
        ("search_page", "loading", 1),
    ],
)
def test_a_process_killed_at_any_stage_leaves_no_row_twice_and_none_lost(
    stream: str,
    phase: str,
    nth: int,
    small_shop: Any,
    machine: Machine,
    database: dict[str, str],
    undisturbed: dict[str, Any],
) -> None:
    settings = machine(small_shop, **database)
    environment = small_shop.environment(settings.home, **QUICK, **database)
    command = [sys.executable, "-c", DYING, stream, phase, str(nth), *STREAMS]
    died = subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL
    results = {result.stream: result for result in ingest(settings, STREAMS)}
    assert raw_rows(settings) == undisturbed
    if phase in ("landed", "loading"):
        assert "interrupted run" in results[stream].notes[0]


FAULTS = [
    {"match": "graphql.json", "kind": "throttle", "times": 2},
    {"match": "graphql.json", "kind": "broken_json", "skip": 3},
    {"match": "graphql.json", "kind": "truncate", "skip": 4},
    {"match": "graphql.json", "kind": "graphql_error", "skip": 5},
    {"match": "graphql.json", "kind": "drop", "skip": 6},
    {"match": "graphql.json", "kind": "status", "status": 503, "skip": 7},
    {"match": "searchAnalytics", "kind": "status", "status": 429, "retry_after": 0.2, "times": 2},
    {"match": "searchAnalytics", "kind": "truncate", "skip": 3},
    {"match": "searchAnalytics", "kind": "broken_json", "skip": 4},
    {"match": "searchAnalytics", "kind": "drop", "skip": 5},
    {"match": "queryRecord", "kind": "status", "status": 500, "times": 2},
]


def plan(shop: Any, faults: list[dict[str, Any]]) -> None:
    """Let the sandbox fail as planned from now on."""
    httpx.post(f"{shop.base_url}/_sandbox/faults", json={"faults": faults}, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def faulty_shop(start_sandbox: Callable[..., Any]) -> Any:
    return start_sandbox("--seed", "7", "--orders", "600", "--products", "60", "--today", "2026-11-22")


def test_throttling_cut_bodies_broken_json_and_drops_change_nothing(
    faulty_shop: Any, machine: Machine, undisturbed: dict[str, Any]
) -> None:
    plan(faulty_shop, FAULTS)
    settings = machine(faulty_shop)
    results = ingest(settings, STREAMS)
    assert raw_rows(settings) == undisturbed
    assert sum(result.retries for result in results) >= 5
    assert sum(result.throttled for result in results) >= 3


def test_failed_bulk_operations_are_tried_again_in_smaller_windows_and_then_read_page_by_page(
    faulty_shop: Any, small_shop: Any, machine: Machine
) -> None:
    plan(faulty_shop, [{"match": "bulkOperationRunQuery", "kind": "bulk_failure", "times": 10_000}])
    days = {"since": date(2026, 10, 1), "until": date(2026, 10, 8)}
    failing = machine(faulty_shop, "failing", GROWTH_SHOPIFY__BULK_FROM_ORDERS="0")
    working = machine(small_shop, "working", GROWTH_SHOPIFY__BULK_FROM_ORDERS="0")
    notes = {result.stream: result.notes for result in ingest(failing, ["orders"], **days)}["orders"]
    assert any("smaller windows" in note for note in notes)
    assert any("page by page" in note for note in notes)
    ingest(working, ["orders"], **days)
    assert raw_rows(failing)["orders"]
    assert raw_rows(failing) == raw_rows(working)


def test_real_api_limits_slow_a_run_and_lose_nothing(
    start_sandbox: Callable[..., Any], machine: Machine, undisturbed: dict[str, Any]
) -> None:
    shop = start_sandbox(
        "--seed", "7", "--orders", "600", "--products", "60", "--today", "2026-11-22", "--limits", "real"
    )
    settings = machine(shop)
    ingest(settings, STREAMS)
    assert raw_rows(settings) == undisturbed
    assert shop.state()["throttled"] == 0


def test_a_bulk_operation_that_was_started_is_gone_on_with(small_shop: Any, machine: Machine) -> None:
    bulk = {"GROWTH_SHOPIFY__BULK_FROM_ORDERS": "0"}
    settings = machine(small_shop, **bulk)
    environment = small_shop.environment(settings.home, **QUICK, **bulk)
    # The second step of fetching orders is the first poll: the operation runs and its id is written down.
    command = [sys.executable, "-c", DYING, "orders", "fetching", "2", "orders"]
    subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=120)
    assert list((settings.home / "landing" / "orders").glob("*.operation.json"))
    (result,) = ingest(settings, ["orders"])
    assert any("went on with the bulk operation" in note for note in result.notes)
    assert not list((settings.home / "landing" / "orders").glob("*.operation.json"))


def test_a_landed_file_that_does_not_parse_is_fetched_again(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop)
    with Landing(settings.home).write("customers", Shop(settings.shop.domain), settings.clock.now()) as file:
        file.writer.raw(b'{"id": "customer:1", "createdAt": "no time at all"}')

    results = {result.stream: result for result in ingest(settings, ["customers", "search_property"])}

    assert results["customers"].rows["customers"] > 0
    assert results["search_property"].rows["search_property_daily"] > 0
    assert "set aside and fetched again" in results["customers"].notes[0]
    assert file.result.path.exists()  # for a person to look at


def test_history_that_is_read_for_one_form_factor_leaves_the_others(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop)
    ingest(settings, ["shop", "search_page", "crux_records", "crux_history"])
    before = raw_rows(settings, "crux_history")["crux_history"]
    with Warehouse.of(settings).write() as connection:
        connection.execute("delete from raw.crux_history where form_factor = 'desktop'")
    lost = raw_rows(settings, "crux_history")["crux_history"]

    ingest(settings, ["crux_history"])

    assert 0 < len(lost) < len(before)
    assert raw_rows(settings, "crux_history")["crux_history"] == before


def test_a_loading_error_leaves_the_warehouse_as_it_was(
    small_shop: Any, machine: Machine, database: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = machine(small_shop, **database)
    ingest(settings, ["customers"])
    before = raw_rows(settings)

    class FullDisk(Exception):
        pass

    def fail(step: Any) -> None:
        if step.phase == "loading":
            raise FullDisk

    with pytest.raises(FullDisk):
        ingest(settings, ["customers", "orders"], full=True, on_progress=fail)
    assert raw_rows(settings) == before


def test_two_runs_at_once_load_everything_once(
    small_shop: Any, machine: Machine, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    settings = machine(small_shop)
    environment = {**os.environ, **small_shop.environment(settings.home, **QUICK)}
    command = [sys.executable, "-c", DYING, "nothing", "ever", "1", *STREAMS]
    runs = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    assert raw_rows(settings) == undisturbed
