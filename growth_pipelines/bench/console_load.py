"""The console under load: readers ask for pages of a server of their own while another process keeps writing.

The server is a real process behind a socket. ``python -m growth_pipelines.bench.console_load HOME`` is the writer:
it revises drafts and decides about actions of that home until it is ended.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growth_pipelines.approvals.operators import add_operator, new_link
from growth_pipelines.approvals.sessions import SignedIn, log_in
from growth_pipelines.bench.many_actions import fill
from growth_pipelines.bench.past_experiments import KEY, add_experiments
from growth_pipelines.bench.past_work import add_past_work
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store
from growth_pipelines.telemetry import configure_logging

if TYPE_CHECKING:
    import httpx

LIMIT_MS, LIMIT_KB = 100.0, 60.0
EVERY_SECONDS = 2.0
# Writes a second: a run that hands in drafts while people decide.
WRITES = 8
PAGES = {
    "Today": "/",
    "approvals, mine": "/approvals",
    "approvals, all": "/approvals?tab=all",
    "approvals, ending": "/approvals?tab=expiring",
    "approvals, decided": "/approvals?tab=decided",
    "approvals, of a kind": "/approvals?tab=all&kind=cwv_repair",
    "list of changes": "/approvals/changes?tab=mine",
    "an action": "/actions/{ref}",
    "deciding in the list": "/approvals/{ref}/look",
    "actions": "/actions",
    "monitoring": "/monitoring",
    "outcomes": "/outcomes",
    "experiments": "/experiments",
    "an experiment": f"/experiments/{KEY}",
    "learning": "/learning",
    "texts": "/texts",
    "audit": "/audit",
    "policies": "/policies",
    "settings": "/settings",
}
_TIMING = re.compile(r"app;dur=([\d.]+)")
_MARTS = Path(__file__).with_name("console_marts.sql")


@dataclass
class Seen:
    """What the readers have had of one page: the server's milliseconds, and the largest body."""

    ms: list[float] = field(default_factory=list)
    bytes: int = 0
    failed: int = 0


def measure(actions: int, readers: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """p50 and p95 of the server's time and the size of each page; the store is one of its own."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-bench-")))
        settings = load_settings({"GROWTH_HOME": str(home)})
        configure_logging(home / "logs")
        tell(f"{actions:,} actions")
        refs = _prepare(settings, actions)
        address, server = stack.enter_context(_served(home))
        writer = stack.enter_context(_process("growth_pipelines.bench.console_load", str(home), home=home))
        tell(f"{readers} readers for {seconds:.0f} s")
        tokens = [_session(settings, "reader").token for _ in range(readers + 1)]
        asyncio.run(_warm_up(address, tokens.pop(), refs))
        before = _cpu_seconds(server.pid)
        seen = asyncio.run(_read(address, tokens, refs, seconds))
        spent = _cpu_seconds(server.pid) - before
        if writer.poll() is not None:
            raise GrowthError("The writer ended before the readers.", "Run it by hand: see the module.")
    return {**_document(actions, readers, seconds, seen), "server_cpu_seconds": round(spent, 1)}


def _cpu_seconds(pid: int) -> float:
    """What a process has used of a core so far: figures of a busy machine are read beside it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _prepare(settings: Settings, actions: int) -> list[str]:
    """Fill the store and publish the few marts that pages read; refs of actions that wait."""
    from sqlalchemy import select

    from growth_pipelines.store.tables import Action
    from growth_pipelines.warehouse.database import Warehouse

    store, now = Store.of(settings), settings.clock.now()
    fill(store, actions, seed=7, now=now, resources=max(actions // 5, 1))
    _tell(store, now)
    add_past_work(store, now)
    add_operator(store, settings, "reader", "operator", now)
    add_operator(store, settings, "writer", "operator", now)
    add_experiments(store, "writer", now)
    warehouse = Warehouse.of(settings)
    with warehouse.write() as connection:
        for statement in _MARTS.read_text(encoding="utf-8").split(";"):
            if statement.strip():
                connection.execute(statement)
    warehouse.publish()
    with store.read() as session:
        return list(session.scalars(select(Action.ref).where(Action.state == "pending").limit(200)))


def _tell(store: Store, now: datetime) -> None:
    """The event of each proposal, as long an audit chain as so many actions have at least."""
    from sqlalchemy import select

    from growth_pipelines.store.audit import append_event
    from growth_pipelines.store.tables import Action

    with store.session() as session:
        for action_id, digest in session.execute(select(Action.id, Action.digest)).all():
            append_event(
                session,
                event="created",
                actor="recommender",
                channel="recommender",
                now=now,
                action_id=action_id,
                version=1,
                after_digest=digest,
            )


def _session(settings: Settings, name: str) -> SignedIn:
    """A session of someone who has just signed in."""
    store, now = Store.of(settings), settings.clock.now()
    return log_in(store, settings, new_link(store, settings, name, now).link_token, now)


@contextmanager
def _process(module: str, *arguments: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A module as a process, ended at the end of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GROWTH_")}
    with (home / f"{module.rsplit('.', 1)[1]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**kept, "GROWTH_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def _served(home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of the home's console once it answers, and its process."""
    import httpx

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (home / "growth.yaml").write_text(f"console: {{port: {port}}}\n", encoding="utf-8")
    address = f"http://127.0.0.1:{port}"
    with _process("growth_pipelines.console", home=home) as server:
        for _ in range(150):
            if server.poll() is not None:
                break
            try:
                httpx.get(f"{address}/healthz", trust_env=False).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.2)
            else:
                yield address, server
                return
        raise GrowthError("The console did not start.", (home / "console.log").read_text(errors="replace")[-500:])


async def _read(address: str, tokens: list[str], refs: list[str], seconds: float) -> dict[str, Seen]:
    """What the readers have seen, each at a time of their own. Clients are made before the first one asks."""
    seen: dict[str, Seen] = defaultdict(Seen)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(address, token)) for token in tokens]
        begin = time.monotonic() + 0.5
        await asyncio.gather(
            *(_reader(client, refs, begin, seconds, seed, seen) for seed, client in enumerate(clients))
        )
    return seen


def _client(address: str, token: str) -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        base_url=address,
        headers={"accept": "text/html"},
        cookies={"growth_session": token},
        trust_env=False,
        timeout=60,
    )


async def _reader(
    client: httpx.AsyncClient, refs: list[str], begin: float, seconds: float, seed: int, seen: dict[str, Seen]
) -> None:
    """One person, who asks for a page every two seconds, each page as often as any other."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    asks_at = begin + EVERY_SECONDS * chance.random()
    while asks_at < begin + seconds:
        await asyncio.sleep(max(0.0, asks_at - time.monotonic()))
        name, path = chance.choice(list(PAGES.items()))
        await _ask(client, path.format(ref=chance.choice(refs)), seen[name])
        asks_at += EVERY_SECONDS


async def _warm_up(address: str, token: str, refs: list[str]) -> None:
    """Templates are compiled and statements prepared by the first who asks, once in a server's life."""
    async with _client(address, token) as client:
        for path in (*PAGES.values(), *PAGES.values()):
            await client.get(path.format(ref=refs[0]))


async def _ask(client: httpx.AsyncClient, path: str, seen: Seen) -> None:
    answer = await client.get(path)
    timing = _TIMING.search(answer.headers.get("server-timing", ""))
    if answer.status_code != 200 or timing is None:
        seen.failed += 1
        return
    seen.ms.append(float(timing[1]))
    seen.bytes = max(seen.bytes, len(answer.content))


def _document(actions: int, readers: int, seconds: float, seen: dict[str, Seen]) -> dict[str, Any]:
    pages = {
        name: {
            "requests": len(one.ms),
            "failed": one.failed,
            "p50": _quantile(one.ms, 0.5),
            "p95": _quantile(one.ms, 0.95),
            "kb": round(one.bytes / 1024, 1),
        }
        for name, one in sorted(seen.items())
    }
    everything = [ms for one in seen.values() for ms in one.ms]
    return {
        "actions": actions,
        "readers": readers,
        "seconds": seconds,
        "requests": len(everything),
        "failed": sum(one.failed for one in seen.values()),
        "p50": _quantile(everything, 0.5),
        "p95": _quantile(everything, 0.95),
        "largest_kb": max((page["kb"] for page in pages.values()), default=0.0),
        "limit_ms": LIMIT_MS,
        "limit_kb": LIMIT_KB,
        "pages": pages,
    }


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1) if ordered else 0.0


def write_on(home: Path) -> None:
    """Revise and decide, WRITES times a second, until this process is ended."""
    from growth_pipelines.approvals.decide import DecisionRequest, SessionProof, decide

    settings = load_settings({"GROWTH_HOME": str(home)})
    store, person = Store.of(settings), _session(settings, "writer")
    chance = random.Random(1)  # noqa: S311 - no secret
    while True:
        for action_id, digest in _some(store, chance):
            request = DecisionRequest(
                action_id,
                chance.choice(("edit", "approve", "reject")),
                digest,
                reason="tone",
                draft={"title": f"Fuel line kit of {datetime.now(UTC):%H:%M:%S.%f}"},
            )
            try:
                decide(store, settings, request, SessionProof(person.token, person.csrf), settings.clock.now())
            except GrowthError as refused:
                print(refused, flush=True)  # noqa: T201 - the writer's log
            time.sleep(1 / WRITES)


def _some(store: Store, chance: random.Random) -> list[tuple[str, str]]:
    """Actions that wait, from anywhere in the queue."""
    from sqlalchemy import select

    from growth_pipelines.store.tables import Action

    wanted = select(Action.id, Action.digest).where(
        Action.state == "pending", Action.id > f"{chance.random():.8f}"[2:]
    )
    with store.read() as session:
        return [(one, digest) for one, digest in session.execute(wanted.order_by(Action.id).limit(20))]


if __name__ == "__main__":
    write_on(Path(sys.argv[1]))
