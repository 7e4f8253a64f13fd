"""Dagster's run history with kept connections is the same history."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, EventRecordsFilter
from dagster._core.events import DagsterEventType
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.sqlite_storage import KeptSqliteStorage
from tests.drafts import settings_in

KEY = AssetKey("orders")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with open_instance(settings_in(tmp_path)) as opened:
        yield opened


def _report(instance: DagsterInstance, number: int) -> None:
    instance.report_runless_asset_event(AssetMaterialization(KEY, metadata={"number": number}))


def _numbers(instance: DagsterInstance) -> list[int]:
    wanted = EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, asset_key=KEY)
    found = [record.event_log_entry.asset_materialization for record in instance.get_event_records(wanted)]
    return sorted(int(one.metadata["number"].value) for one in found if one is not None)  # type: ignore[arg-type]


def test_the_instance_uses_it(instance: DagsterInstance) -> None:
    assert type(instance.event_log_storage).__name__ == "KeptSqliteEventLog"


def test_threads_and_other_processes_write_into_one_history(instance: DagsterInstance, tmp_path: Path) -> None:
    code = """
import sys
from dagster import DagsterInstance
from tests.integration.defs.test_sqlite_storage import _report
with DagsterInstance.from_config(sys.argv[1]) as instance:
    for number in range(100, 140):
        _report(instance, number)
"""
    _report(instance, 0)
    root = Path(__file__).parents[3]
    other = subprocess.Popen([sys.executable, "-c", code, instance.root_directory], cwd=root)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: _report(instance, number), range(1, 60)))
    assert other.wait(timeout=120) == 0
    assert _numbers(instance) == [*range(60), *range(100, 140)]


def test_it_takes_turns_with_dagsters_own(tmp_path: Path) -> None:
    own = DagsterSqliteStorage.from_local(str(tmp_path)).event_log_storage
    kept = KeptSqliteStorage.from_local(str(tmp_path)).event_log_storage
    with DagsterInstance.ephemeral() as instance:
        for storage in (own, kept):
            storage.register_instance(instance)
        for number, storage in enumerate((own, kept, own, kept, kept)):
            instance._event_storage = storage
            _report(instance, number)
        for storage in (own, kept):
            instance._event_storage = storage
            assert _numbers(instance) == [0, 1, 2, 3, 4]
    kept.dispose()


def test_a_history_that_was_wiped_begins_anew(instance: DagsterInstance) -> None:
    _report(instance, 1)
    instance.event_log_storage.wipe()
    assert _numbers(instance) == []
    _report(instance, 2)
    assert _numbers(instance) == [2]
