"""Real parts for every test: embedded PostgreSQL, the sandbox shop as a process, settings in a temporary home."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.bench.embedded_postgres import embedded_postgres, new_database
from growth_pipelines.settings import Settings, load_settings
from tests import loopback
from tests.scratch import MEMORY, is_roomy, write_in_memory

# Two workers' servers, each with what a few tests keep at once.
ROOM_IN_MEMORY = 4 << 30

os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
for _name in [name for name in os.environ if name.startswith("GROWTH_")]:
    del os.environ[_name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="also run the tests marked thorough")


def pytest_configure() -> None:
    """Workers inherit the folder of the process that starts them."""
    write_in_memory()


# Before xdist's, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked thorough asks the same of more seeds, moments or stores; a whole run leaves it out."""
    for item in items:
        if _shares_with_its_module(item) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    if config.getoption("--thorough"):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


def pytest_collection_finish() -> None:
    """A worker holds thousands of tests and all they imported, and none of it is ever garbage.

    Looking through it again and again took a sixth of the processor's time and more: it is left out, and the rest
    is looked through less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def pytest_unconfigure() -> None:
    """When Python ends, all of it is garbage after all: extensions complain of what is left."""
    gc.unfreeze()


def _shares_with_its_module(item: pytest.Item) -> bool:
    """Whether it needs what is made once for its module: in two workers that would be made twice."""
    fixtures = getattr(item, "_fixtureinfo", None)
    return fixtures is not None and any(
        found[-1].scope == "module" for found in fixtures.name2fixturedefs.values() if found
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server of this test process; the URL of its maintenance database."""
    # Where files are held in memory, if there is room: a database is 300 of them, new for each test.
    with embedded_postgres(MEMORY if is_roomy(ROOM_IN_MEMORY) else None) as server:
        _forget_crashes(server)
        yield server


def _forget_crashes(url: str) -> None:
    """No test crashes this server's machine: nothing has to be on its disk before a commit returns, and little of
    what was written has to be kept."""
    import psycopg

    settings = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
    settings |= {"max_wal_size": "'128MB'", "min_wal_size": "'32MB'"}
    with psycopg.connect(url, autocommit=True) as connection:
        for setting, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {setting} = {value}")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test."""
    import psycopg
    from psycopg.sql import SQL, Identifier
    from sqlalchemy.engine import make_url

    url = new_database(postgres_server)
    yield url
    name = Identifier(str(make_url(url).database))
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


# Google's rates, for a sandbox that has none: tests need not wait.
UNLIMITED = {
    "GROWTH_SEARCH_CONSOLE__PER_MINUTE": "1000000",
    "GROWTH_WEB_VITALS__CRUX_PER_MINUTE": "1000000",
    "GROWTH_WEB_VITALS__PSI_PER_MINUTE": "1000000",
    "GROWTH_WEB_VITALS__PSI_PER_DAY": "1000000",
}


@dataclass(frozen=True)
class SandboxShop:
    """A running sandbox: its address, and the truth that only tests read."""

    base_url: str
    truth_file: Path
    process: subprocess.Popen[str]
    limits: str = "generous"

    @property
    def truth(self) -> dict[str, Any]:
        return json.loads(self.truth_file.read_text())

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """The GROWTH_ variables that point a machine at this shop."""
        return {
            "GROWTH_HOME": str(home),
            "GROWTH_SHOP__DOMAIN": "hot-rod-parts.myshopify.com",
            "GROWTH_SHOPIFY__BASE_URL": self.base_url,
            "GROWTH_SHOPIFY__ACCESS_TOKEN": "shpat_sandbox",
            "GROWTH_SEARCH_CONSOLE__BASE_URL": self.base_url,
            "GROWTH_SEARCH_CONSOLE__SITE_URL": "sc-domain:hotrodparts.example",
            "GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN": "sandbox-google",
            "GROWTH_WEB_VITALS__CRUX_BASE_URL": self.base_url,
            "GROWTH_WEB_VITALS__PSI_BASE_URL": self.base_url,
            "GROWTH_WEB_VITALS__API_KEY": "sandbox-key",
            **({} if self.limits == "real" else UNLIMITED),
            **more,
        }

    def settings(self, home: Path, **more: str) -> Settings:
        return load_settings(self.environment(home, **more))

    def state(self) -> dict[str, Any]:
        """What was written to the shop: ``/_sandbox/state``."""
        with loopback.client(self.base_url) as client:
            return client.get("/_sandbox/state").raise_for_status().json()

    def advance(self, days: int) -> None:
        with loopback.client(self.base_url, timeout=120) as client:
            client.post("/_sandbox/advance", json={"days": days}).raise_for_status()


@pytest.fixture(scope="session")
def start_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SandboxShop]]:
    """A function that starts a sandbox: ``start_sandbox("--orders", "800", "--products", "60")``."""
    started: list[SandboxShop] = []

    def start(*options: str) -> SandboxShop:
        truth = tmp_path_factory.mktemp("sandbox") / "truth.json"
        command = [
            sys.executable,
            "-m",
            "growth_pipelines.sandbox",
            "--port",
            "0",
            "--truth",
            str(truth),
            *options,
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the sandbox did not start: {' '.join(command)}"
        shop = SandboxShop(
            json.loads(line)["base_url"], truth, process, "real" if "real" in options else "generous"
        )
        started.append(shop)
        return shop

    yield start
    for shop in started:
        shop.process.terminate()
    for shop in started:
        shop.process.wait(timeout=20)


@pytest.fixture(scope="session")
def small_shop(start_sandbox: Callable[..., SandboxShop]) -> SandboxShop:
    """A shop small enough for quick tests. Shared: tests that write to it start their own."""
    return start_sandbox("--seed", "7", "--orders", "600", "--products", "60", "--today", "2026-11-22")
