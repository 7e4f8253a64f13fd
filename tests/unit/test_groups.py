"""What tests of one group share is made once: they run in one worker, with these versions of pytest and xdist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GROUPED = """
import os
import pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("turn", range(8))
def test_who_runs_it(turn):
    with open(os.environ["WHO"], "a") as who:
        who.write(f"{os.getpid()}\\n")
"""


def test_a_group_runs_in_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    who = tmp_path / "who.txt"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist=loadgroup", "-p", "no:cacheprovider", "."]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "WHO": str(who)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = who.read_text().split()
    assert len(ran) == 8
    assert len(set(ran)) == 1
