"""The project of the models, parsed once, and dbt run on it inside this process.

Starting dbt as a program costs about four seconds before it does anything; so it is imported here, when it is
first needed. Parsing the project costs it seven seconds more, in each new home again, though nothing of it depends
on the home but the database's name. So what dbt made of the project is kept beside it, in its own (git-ignored)
target folder, named by the content of its files, and every run starts from there. What else dbt writes is under
``$GROWTH_HOME/dbt``.
"""

from __future__ import annotations

import gc
import hashlib
import os
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.telemetry import logger
from growth_pipelines.warehouse.profile import write_profile

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from growth_pipelines.settings import Settings

PROJECT = Path(__file__).parents[2] / "dbt_project"
_log = logger("dbt")


def dbt_folder(settings: Settings) -> Path:
    """What dbt writes for this home: profile, logs, compiled SQL."""
    return settings.home / "dbt"


def project_hash() -> str:
    """The content of the project's files as 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT.rglob("*")):
        if path.is_file() and "target" not in path.parts:
            digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def manifest(settings: Settings) -> dict[str, Any]:
    """dbt's manifest of the project as it is now, as its JSON, without the unit tests, which no build runs.

    No database is opened.
    """
    from dbt.flags import set_from_args

    with without_garbage_collection():
        parsed = parsed_project(settings)
        # Its head says how dbt was called, which is unknown where nothing was parsed.
        set_from_args(Namespace(send_anonymous_usage_stats=False), {})
        document: dict[str, Any] = parsed.writable_manifest().to_dict(omit_none=False)
    return {**document, "unit_tests": {}}


def parsed_project(settings: Settings) -> Manifest:
    """What dbt made of the project as it is now: parsed for the first who asks, read from disk by all others.

    Each call gives a new one, since a run writes into it. No database is opened. Several processes may ask.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

    name = f"parsed-{settings.model_engine}-{version('dbt-core')}-{project_hash()}.msgpack"
    places = (PROJECT / "target", dbt_folder(settings))
    with without_garbage_collection():
        for folder in places:
            if (folder / name).exists():
                kept = Manifest.from_msgpack((folder / name).read_bytes(), decoder=extended_mashumuro_decoder)
                return _in_database(kept, settings)
        parsed = run_dbt(settings, ["parse", "--no-write-json"])
        content = parsed.to_msgpack(extended_mashumaro_encoder)
    for folder in places:
        if _keep(folder, name, content):
            break
    return parsed


def _in_database(parsed: Manifest, settings: Settings) -> Manifest:
    """The same project on this home's PostgreSQL database, whose name is in the full name of every relation."""
    if settings.model_engine != "postgres":
        return parsed
    from psycopg.conninfo import conninfo_to_dict

    name = str(conninfo_to_dict(settings.postgres_url).get("dbname", "postgres"))
    nodes: Iterable[Any] = (*parsed.nodes.values(), *parsed.sources.values())
    for node in nodes:
        if node.relation_name:
            node.relation_name = node.relation_name.replace(f'"{node.database}"', f'"{name}"', 1)
        node.database = name
    return parsed


def _keep(folder: Path, name: str, content: bytes) -> bool:
    """Write it in place of older ones; False where the folder can't be written (a read-only install)."""
    partial = folder / f"{name}.{os.getpid()}.partial"
    engine = name.split("-")[1]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"parsed-{engine}-*.msgpack"):
            old.unlink(missing_ok=True)
        partial.write_bytes(content)
        partial.replace(folder / name)
    except OSError as error:
        _log.info("what dbt made of the project is not kept", where=str(folder), why=str(error))
        return False
    return True


def run_dbt(
    settings: Settings,
    arguments: list[str],
    on_event: Callable[[str], None] | None = None,
    project: Manifest | None = None,
) -> Any:
    """Run dbt and return what it returned. ``project`` spares it the parsing; ``on_event`` is told the name of
    every node when it ends. Raises GrowthError when it could not run at all."""
    from dbt.cli.main import dbtRunner

    folder = dbt_folder(settings)
    write_profile(settings, folder)
    callbacks = [_reporter(on_event)] if on_event else []
    paths = {
        "--project-dir": PROJECT,
        "--profiles-dir": folder,
        "--target-path": folder / "target",
        "--log-path": folder / "logs",
    }
    # dbt formats every debug line before it drops it, a tenth of a build's time; what matters is in the result.
    quietly = ["--log-level", "none", "--log-level-file", "none", "--no-version-check", "--no-use-colors"]
    command = [*quietly, *arguments, *(str(part) for option in paths.items() for part in option)]
    with _closing_duckdb(), without_garbage_collection():
        outcome = dbtRunner(manifest=project, callbacks=callbacks).invoke(command)
    if outcome.exception is not None:
        reason = " ".join(str(outcome.exception).split())
        raise GrowthError(f"dbt {arguments[0]} failed: {reason}", f"The models are in {PROJECT}.")
    return outcome.result


@contextmanager
def _closing_duckdb() -> Iterator[None]:
    """dbt-duckdb keeps its connection, and with it the lock on the file, until the process ends."""
    try:
        yield
    finally:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Parsing makes millions of objects that all stay: looking for garbage meanwhile costs a quarter of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _reporter(on_event: Callable[[str], None]) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name == "NodeFinished":
            on_event(event.data.node_info.node_name)

    return report
