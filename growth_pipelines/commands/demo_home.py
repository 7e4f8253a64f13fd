"""Where the demo lives: a home of its own, the sandbox behind it, and the settings that join the two."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from growth_pipelines.commands.supervision import stop_machine
from growth_pipelines.errors import GrowthError

MARKER = ".growth-demo"
UNLIMITED = 1_000_000
SANDBOX_SETTINGS: dict[str, Any] = {
    "shop": {"domain": "hot-rod-parts.myshopify.com"},
    "shopify": {"access_token": "shpat_sandbox"},
    "search_console": {"site_url": "sc-domain:hotrodparts.example", "access_token": "sandbox-google"},
    "web_vitals": {"api_key": "sandbox-key"},
}


def demo_home(environ: Mapping[str, str]) -> Path:
    """``$GROWTH_HOME``, or ``data/demo`` in the working folder."""
    return Path(environ.get("GROWTH_HOME") or "data/demo").expanduser().absolute()


def fresh_home(home: Path) -> None:
    """Empty the demo's home. Raises GrowthError for a folder that is not its own."""
    if home.exists() and any(home.iterdir()) and not (home / MARKER).exists():
        raise GrowthError(
            f"{home} holds data that are not the demo's.",
            "Unset GROWTH_HOME, or name an empty folder for the demo.",
        )
    stop_earlier_demo(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / MARKER).write_text("The demo's home: `growth demo` empties it at each start.\n", encoding="utf-8")


def stop_earlier_demo(home: Path) -> None:
    """End what an earlier demo serves, or left behind when it was killed: its programs and its sandbox."""
    stop_machine(home / "run" / "growth.json")
    pid_file = home / "sandbox.pid"
    if not pid_file.exists():
        return
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        if "growth_pipelines.sandbox" in command:
            os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return  # it is gone already


def write_settings(home: Path, tree: dict[str, Any]) -> None:
    """``growth.yaml`` of the demo, so that every other command with this home talks to the same shop."""
    (home / "growth.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def sandbox_settings(base_url: str) -> dict[str, Any]:
    """The settings tree that points a machine at the sandbox, in live mode."""
    tree = {group: dict(values) for group, values in SANDBOX_SETTINGS.items()}
    tree["shopify"]["base_url"] = base_url
    tree["search_console"]["base_url"] = base_url
    tree["web_vitals"] |= {"crux_base_url": base_url, "psi_base_url": base_url}
    # The sandbox has no limits, so the demo need not wait for Google's.
    tree["search_console"] |= {"per_minute": UNLIMITED}
    tree["web_vitals"] |= {"crux_per_minute": UNLIMITED, "psi_per_minute": UNLIMITED, "psi_per_day": UNLIMITED}
    tree["actions"] = {"mode": "live"}
    return tree


def free_port(preferred: int) -> int:
    """``preferred`` when nobody listens there, else any free port on loopback."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise GrowthError("No port is free on 127.0.0.1.", "Stop something that listens there.")


@contextmanager
def running_sandbox(home: Path, seed: int, orders: int) -> Iterator[str]:
    """The sandbox as a process of its own; yields its address and stops it at the end.

    Its truth file is written for evaluations; the machine never reads it.
    """
    command = [sys.executable, "-m", "growth_pipelines.sandbox", "--port", "0", "--seed", str(seed)]
    command += ["--orders", str(orders), "--limits", "generous", "--truth", str(home / "sandbox-truth.json")]
    with (home / "sandbox.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        (home / "sandbox.pid").write_text(str(process.pid), encoding="utf-8")
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise GrowthError("The sandbox shop did not start.", f"Its log is {home / 'sandbox.log'}.")
            yield str(json.loads(line)["base_url"])
        finally:
            process.terminate()
            process.wait(timeout=20)
            (home / "sandbox.pid").unlink(missing_ok=True)
