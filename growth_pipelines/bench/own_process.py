"""A measure in a process of its own: neither its memory nor its caches are another's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from growth_pipelines.errors import GrowthError


def run_module(module: str, *arguments: object) -> dict[str, Any]:
    """Run a module in a process of its own; the last line that it prints is its JSON document."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GrowthError(
            f"{module} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}",
            "Run the command again with the same folder; what was generated is kept.",
        )
    document: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return document
