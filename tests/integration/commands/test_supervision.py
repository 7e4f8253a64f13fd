"""The supervisor with real programs: restarts what dies, stops all on SIGTERM, cleans up after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.commands.demo_home import MARKER, fresh_home
from growth_pipelines.commands.supervision import birth, lock_path, running

# A supervisor of two programs: a web server, and one that starts a child of its own and ignores nothing.
SCRIPT = textwrap.dedent(
    """
    import json, sys
    from pathlib import Path
    from growth_pipelines.commands import supervision
    from growth_pipelines.commands.supervision import Program, Supervisor
    from growth_pipelines.telemetry import configure_logging

    configure_logging()
    supervision._FIRST_WAIT = 0.1
    home, port = Path(sys.argv[1]), sys.argv[2]
    web = (sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", str(home))
    sleeping = "import time; time.sleep(600)"
    nest = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{sleeping}']); {sleeping}"
    programs = [
        Program("web", web, {}, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/"),
        Program("nest", (sys.executable, "-c", nest), {}),
    ]
    ready = lambda: print("ready", flush=True)
    Supervisor(programs, home / "run" / "growth.json", home / "logs", ready).run()
    """
)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it never came true")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    port = str(_free_port())

    def run() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path), port], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)


def _state(home: Path) -> dict[str, Any]:
    return json.loads((home / "run" / "growth.json").read_text())["programs"]


def _group(leader: int) -> list[int]:
    """Live processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def test_what_dies_is_started_again(tmp_path: Path, start: Callable[[], subprocess.Popen[str]]) -> None:
    start()
    before = _state(tmp_path)["web"]["pid"]
    os.kill(before, signal.SIGKILL)
    _eventually(lambda: _state(tmp_path)["web"]["pid"] not in (0, before))
    again = _eventually(lambda: _state(tmp_path)["web"]["state"] == "ready" and _state(tmp_path)["web"])
    assert again["restarts"] == 1
    assert _state(tmp_path)["nest"]["restarts"] == 0


def test_sigterm_stops_every_program_and_what_it_started(
    tmp_path: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    supervisor = start()
    nest = _state(tmp_path)["nest"]["pid"]
    _eventually(lambda: len(_group(nest)) == 2)
    assert int((tmp_path / "run" / "growth.pid").read_text()) == supervisor.pid
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=30) == 0
    assert _group(nest) == []
    assert list((tmp_path / "run").glob("growth.*")) == [tmp_path / "run" / "growth.lock"]
    assert running(tmp_path / "run" / "growth.json") is None


def test_a_second_supervisor_is_refused(tmp_path: Path, start: Callable[[], subprocess.Popen[str]]) -> None:
    start()
    second = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(_free_port())],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert second.returncode != 0
    assert "already up" in second.stderr


def test_programs_of_a_killed_supervisor_are_ended_by_the_next(
    tmp_path: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    killed = start()
    left = {name: status["pid"] for name, status in _state(tmp_path).items()}
    killed.kill()
    killed.wait()
    assert all(_group(pid) for pid in left.values())
    start()
    assert not any(_group(pid) for pid in left.values())


def test_a_new_demo_ends_what_an_earlier_one_left_running(
    tmp_path: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    (tmp_path / MARKER).touch()
    earlier = start()
    left = [status["pid"] for status in _state(tmp_path).values()]
    earlier.kill()
    earlier.wait()
    fresh_home(tmp_path)
    assert not any(_group(pid) for pid in left)
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_stopping_a_machine_that_has_no_number_yet_signals_nobody(tmp_path: Path) -> None:
    """The lock is held, the state file not yet written: signal 0 would go to the caller's own process group."""
    state = tmp_path / "growth.json"
    holding = (
        f"import filelock; lock = filelock.FileLock({str(lock_path(state))!r}); lock.acquire(); print(); input()"
    )
    holder = subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stopping = (
        "import sys; from pathlib import Path; from growth_pipelines.commands.supervision import stop_machine\n"
    )
    stopping += "print('waiting', flush=True); print(stop_machine(Path(sys.argv[1])))"
    assert holder.stdin
    assert holder.stdout
    assert holder.stdout.readline()
    stopper = subprocess.Popen(
        [sys.executable, "-c", stopping, str(state)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert stopper.stdout
    assert stopper.stdout.readline() == "waiting\n"
    with pytest.raises(subprocess.TimeoutExpired):
        stopper.wait(timeout=0.5)
    holder.communicate(b"\n")
    assert stopper.communicate(timeout=30)[0] == "True\n"


def test_a_process_is_told_from_a_later_one_with_its_id() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert birth(child.pid) == birth(child.pid) != birth(os.getpid())
    child.kill()
    child.wait()
    assert birth(child.pid) == ""
