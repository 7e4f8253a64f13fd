"""What starting costs: definitions load, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

HEAVY = ("dagster", "dbt", "pandas", "scipy", "sqlalchemy", "duckdb", "fastapi", "great_expectations", "sklearn")


def _imported_by(code: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import growth_pipelines.cli", set()),
        ("import growth_pipelines.settings", set()),
        ("import growth_pipelines.ingestion.streams", set()),
        ("import growth_pipelines.ingestion.run", set()),
        ("import growth_pipelines.recommenders.registry", {"pandas", "numpy"}),
        ("import growth_pipelines.monitoring", {"pandas", "numpy"}),
        ("import growth_pipelines.actions.execution", {"sqlalchemy"}),
        ("import growth_pipelines.console.dagster_ui.door", {"sqlalchemy", "fastapi"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, allowed: set[str]) -> None:
    assert _imported_by(code) & set(HEAVY) <= allowed


def _quickest(command: list[str], environment: Mapping[str, str]) -> float:
    """Seconds of the best of three fresh processes: others may be busy on this machine."""
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        seconds.append(time.monotonic() - started)
    return min(seconds)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["growth_pipelines.ingestion", "growth_pipelines.ingestion.run"])
def test_ingestion_is_imported_in_under_a_second(module: str) -> None:
    assert _quickest([sys.executable, "-c", f"import {module}"], os.environ) < 1


@pytest.mark.slow
def test_definitions_validate_in_under_8_seconds(tmp_path: Path) -> None:
    environment = {**os.environ, "GROWTH_HOME": str(tmp_path), "GROWTH_SHOP__DOMAIN": "x.myshopify.com"}
    dagster = str(Path(sys.executable).parent / "dagster")
    command = [dagster, "definitions", "validate", "-m", "growth_pipelines.definitions"]
    assert _quickest(command, environment) < 8
