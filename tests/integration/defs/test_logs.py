"""What runs under Dagster logs like everything else: with trace ids, without secrets, to the one file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROCESS = """
from dagster._utils.log import configure_loggers
configure_loggers()  # what Dagster's own processes do before they load definitions
import growth_pipelines.definitions
from growth_pipelines.telemetry import logger, trace
with trace("abc"):
    logger("executor").info("written", access_token="s3cret", url="https://h/x?key=s3cret")
"""


def test_a_process_of_dagsters_logs_to_the_machines_file_without_secrets(tmp_path: Path) -> None:
    environment = {**os.environ, "GROWTH_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    line = json.loads((tmp_path / "logs" / "growth.jsonl").read_text().splitlines()[-1])
    assert (line["event"], line["trace_id"], line["access_token"]) == ("written", "abc", "***")
    assert "s3cret" not in line["url"] + done.stdout + done.stderr
