"""A machine in a process of its own, driven as its operator drives it: by the ``growth`` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from growth_pipelines.cli import growth


@dataclass(frozen=True)
class Machine:
    """``growth`` with the given GROWTH_ variables and nothing of this process's own."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "growth_pipelines", *arguments],
            env={**os.environ, **self.environment, **more},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check:
            assert result.returncode == 0, f"growth {' '.join(arguments)}\n{result.stdout}\n{result.stderr}"
        return result

    def json(self, *arguments: str, **more: str) -> Any:
        return json.loads(self.run(*arguments, "--json", **more).stdout)

    def command(self, *arguments: str) -> str:
        """What the command prints when it is run within this process: for dozens of one sort, each of which would
        spend a second on starting."""
        result = CliRunner(env=dict(self.environment)).invoke(growth, arguments, catch_exceptions=False)
        assert result.exit_code == 0, f"growth {' '.join(arguments)}\n{result.output}"
        return result.stdout
