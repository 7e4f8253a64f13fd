"""Keeps a few programs running as one: starts them, awaits their answer, restarts what dies, stops all cleanly.

Each program is the leader of a process group of its own, so that what it started itself (Dagster's code servers
and runs) goes with it. What runs is written to ``$GROWTH_HOME/run/growth.json``; a lock beside it is held as
long as the supervisor lives, so a stale file of a killed one is never taken for a running machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from growth_pipelines.errors import GrowthError
from growth_pipelines.telemetry import logger

_log = logger("supervisor")
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# A program that ran this long was well: the next failure starts the backoff anew.
_HEALTHY_AFTER = 60.0
_STOP_SECONDS = 15.0
_DOWN_SECONDS = 90.0
_LOG_LIMIT = 20_000_000


@dataclass(frozen=True)
class Program:
    """One program to keep running. ``ready_url`` is asked until it answers, on the unix ``socket`` where it has
    one; "" means alive is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    address: str = ""
    ready_url: str = ""
    socket: str = ""


@dataclass
class Status:
    """What is known of a program, as written to the state file."""

    state: str = "starting"
    pid: int = 0
    birth: str = ""
    restarts: int = 0
    since: str = ""
    address: str = ""
    socket: str = ""


@dataclass
class Supervisor:
    """Runs ``programs`` until :meth:`stop` or SIGTERM/SIGINT. ``on_ready`` is called once, when all answer."""

    programs: Sequence[Program]
    state_file: Path
    logs: Path
    on_ready: Callable[[], None] = lambda: None
    statuses: dict[str, Status] = field(default_factory=dict, init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def run(self) -> None:
        """Blocks until stopped. Raises GrowthError when another supervisor runs in this home."""
        from filelock import FileLock, Timeout

        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock_path(self.state_file), timeout=0):
                end_leftovers(self.state_file)
                try:
                    asyncio.run(self._run())
                finally:
                    self.state_file.unlink(missing_ok=True)
                    self.state_file.with_suffix(".pid").unlink(missing_ok=True)
        except Timeout:
            raise GrowthError(
                "The machine is already up.", "`growth status` shows it, `growth down` stops it."
            ) from None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        self.statuses = {
            program.name: Status(address=program.address, socket=program.socket) for program in self.programs
        }
        self._write()
        announcing = asyncio.create_task(self._announce())
        keepers = [asyncio.create_task(self._keep(program)) for program in self.programs]
        stop = asyncio.create_task(self._stopping.wait())
        # A keeper ends before the stop only by an error of our own (a full disk): then everything ends with it.
        await asyncio.wait({stop, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        await asyncio.gather(announcing, stop, *keepers)

    async def _keep(self, program: Program) -> None:
        status = self.statuses[program.name]
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            started = asyncio.get_running_loop().time()
            process = await self._start(program, status)
            ended = asyncio.create_task(process.wait())
            ready = asyncio.create_task(self._await_ready(program, status))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            stopping.cancel()
            await end_group(process.pid, ended)
            if self._stopping.is_set():
                break
            if asyncio.get_running_loop().time() - started >= _HEALTHY_AFTER:
                wait = _FIRST_WAIT
            _log.error("program ended", program=program.name, code=process.returncode, restart_in=wait)
            self._note(status, "waiting", restarts=status.restarts + 1)
            await self._pause(wait)
            wait = min(_LONGEST_WAIT, wait * 2)
        self._note(status, "stopped")

    async def _start(self, program: Program, status: Status) -> asyncio.subprocess.Process:
        log = self.logs / f"{program.name}.log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._note(status, "starting", pid=process.pid, birth=birth(process.pid))
        _log.info("program started", program=program.name, pid=process.pid)
        return process

    async def _await_ready(self, program: Program, status: Status) -> None:
        if program.ready_url:
            transport = httpx.AsyncHTTPTransport(uds=program.socket or None)
            async with httpx.AsyncClient(transport=transport, timeout=5) as client:
                while not await _answers(client, program.ready_url):
                    await asyncio.sleep(0.25)
        self._note(status, "ready")
        self._changed.set()

    async def _announce(self) -> None:
        while not all(status.state == "ready" for status in self.statuses.values()):
            self._changed.clear()
            waiting = {asyncio.create_task(event.wait()) for event in (self._changed, self._stopping)}
            _, unfinished = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in unfinished:
                task.cancel()
            if self._stopping.is_set():
                return
        self.on_ready()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the stop."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _note(self, status: Status, state: str, **changes: Any) -> None:
        status.state = state
        status.since = datetime.now(UTC).isoformat(timespec="seconds")
        for name, value in changes.items():
            setattr(status, name, value)
        self._write()

    def _write(self) -> None:
        document = {"pid": os.getpid(), "programs": {name: vars(status) for name, status in self.statuses.items()}}
        partial = self.state_file.with_suffix(".partial")
        partial.write_text(json.dumps(document, indent=2), encoding="utf-8")
        partial.replace(self.state_file)
        self.state_file.with_suffix(".pid").write_text(f"{os.getpid()}\n", encoding="utf-8")


def lock_path(state_file: Path) -> Path:
    return state_file.with_suffix(".lock")


def running(state_file: Path) -> dict[str, Any] | None:
    """What the supervisor of this home last wrote, or None when none lives (whatever a stale file says)."""
    from filelock import FileLock, Timeout

    if not lock_path(state_file).exists():
        return None
    try:
        with FileLock(lock_path(state_file), timeout=0):
            return None
    except Timeout:
        try:
            document: dict[str, Any] = json.loads(state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"pid": 0, "programs": {}}
        return document


def stop_machine(state_file: Path) -> bool:
    """End the supervisor of this home, or what a killed one left; False when none lived.

    Raises GrowthError when it does not stop.
    """
    from filelock import FileLock, Timeout

    document = running(state_file)
    if document is None:
        end_leftovers(state_file)
        return False
    if document["pid"]:  # 0: it has written none yet or is ending, and kill(0) would hit the caller's own group.
        _signal(os.kill, document["pid"], signal.SIGTERM)
    try:
        # The supervisor holds this lock until the last of its programs has ended.
        with FileLock(lock_path(state_file), timeout=_DOWN_SECONDS):
            return True
    except Timeout:
        raise GrowthError("The machine does not stop.", f"See {state_file.parents[1] / 'logs'}.") from None


def birth(pid: int) -> str:
    """When the process was born, as the system tells it; "" when it is gone, or a zombie that nobody buried yet.

    Tells a process from a later one with the same id.
    """
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if shown.startswith("Z") else shown.partition(" ")[2].strip()


def end_leftovers(state_file: Path) -> None:
    """End the programs of a supervisor that was killed, so that their ports are free again."""
    if not state_file.exists():
        return
    document = json.loads(state_file.read_text(encoding="utf-8"))
    for name, status in document["programs"].items():
        if status["birth"] and birth(status["pid"]) == status["birth"]:
            _log.warning("ending a leftover program", program=name, pid=status["pid"])
            asyncio.run(end_group(status["pid"]))
    state_file.unlink()


async def end_group(leader: int, ended: asyncio.Task[int] | None = None) -> None:
    """End a program: SIGTERM to the leader, then to what it left behind, SIGKILL to what does not listen."""
    if ended is None or not ended.done():
        _signal(os.kill, leader, signal.SIGTERM)
        await _until(lambda: ended.done() if ended else not _signal(os.kill, leader, 0))
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _signal(os.killpg, leader, number):
            break
        await _until(lambda: not _signal(os.killpg, leader, 0))
    if ended is not None:
        await ended


async def _until(condition: Callable[[], bool], seconds: float = _STOP_SECONDS) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not condition() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.05)


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> bool:
    """Send a signal; False when nobody is there to get it."""
    try:
        send(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code < 500
    except httpx.HTTPError:
        return False
