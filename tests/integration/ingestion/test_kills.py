"""Killed by SIGKILL at random moments, the machine ends with the rows of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.run import ingest
from tests.integration.ingestion.conftest import QUICK, raw_rows

BULK = {**QUICK, "GROWTH_SHOPIFY__BULK_FROM_ORDERS": "0"}
# Everything again each time, so that there is always much to be killed in.
INGESTING = """
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import load_settings
print("ready", flush=True)
ingest(load_settings(), full=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.thorough)])
def test_kills_at_random_moments_change_nothing(
    kills: int, start_sandbox: Callable[..., Any], tmp_path: Path, database: dict[str, str]
) -> None:
    shop = start_sandbox(
        "--seed", "5", "--orders", "250", "--products", "30", "--months", "6", "--today", "2026-11-22"
    )
    undisturbed = shop.settings(tmp_path / "undisturbed", **BULK)
    began = time.monotonic()
    ingest(undisturbed)
    longest = time.monotonic() - began
    settings = shop.settings(tmp_path / "killed", **BULK, **database)
    environment = {**os.environ, **shop.environment(settings.home, **BULK, **database)}
    moments = random.Random(20261122)
    killed = 0
    while killed < kills:
        run = subprocess.Popen([sys.executable, "-c", INGESTING], env=environment, stdout=subprocess.PIPE)
        assert run.stdout is not None
        run.stdout.readline()
        try:
            run.wait(moments.uniform(0, longest))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
        killed += run.wait() == -signal.SIGKILL
        run.stdout.close()

    ingest(settings)

    expected, found = raw_rows(undisturbed), raw_rows(settings)
    for table in expected:
        # Lab runs are measurements, each a row of its own.
        if table != "psi_runs":
            assert found[table] == expected[table], table
