"""A machine in a process of its own, driven as its operator drives it: by the ``growth`` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
