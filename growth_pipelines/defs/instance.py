"""The Dagster instance in force: its files under ``$GROWTH_HOME/dagster``, rendered from the settings.

A static ``dagster.yaml`` can't choose between SQLite and PostgreSQL; the one in the project's folder is the
template. Not here: what runs on the instance (``launch``), and who supervises its servers (``growth up``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import yaml

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

PROJECT = Path(__file__).resolve().parents[2]
STORAGE_VARIABLE = "DAGSTER_STORAGE_URL"
SCHEMA = "dagster"


def dagster_home(settings: Settings) -> Path:
    """The folder that holds the rendered ``dagster.yaml`` and ``workspace.yaml``, and SQLite's files."""
    return settings.home / "dagster"


def storage_url(settings: Settings) -> str:
    """``GROWTH_DATABASE_URL`` as Dagster needs it: psycopg2 by name (SQLAlchemy 2.1 takes psycopg 3 for a bare
    ``postgresql://``, which dagster-postgres does not speak) and everything in the schema ``dagster``."""
    base, _, query = settings.postgres_url.partition("?")
    scheme, separator, rest = base.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise GrowthError("GROWTH_DATABASE_URL is not a postgresql:// URL.", "Mend it, or unset it to use DuckDB.")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    parameters["options"] = f"{parameters.get('options', '')} -csearch_path={SCHEMA}".strip()
    return f"postgresql+psycopg2://{rest}?{urlencode(parameters)}"


def instance_environment(settings: Settings) -> dict[str, str]:
    """The variables that every Dagster process of this machine needs beside the operator's own."""
    environment = {
        "DAGSTER_HOME": str(dagster_home(settings)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "GROWTH_HOME": str(settings.home),
    }
    if settings.postgres_url:
        environment[STORAGE_VARIABLE] = storage_url(settings)
    return environment


def rendered(settings: Settings) -> dict[str, Any]:
    """The ``dagster.yaml`` in force as a tree. The database's URL stays in the environment: the Dagster UI
    shows this file to whoever opens its page."""
    tree: dict[str, Any] = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    if settings.postgres_url:
        tree["storage"] = {"postgres": {"postgres_url": {"env": STORAGE_VARIABLE}}}
    else:
        module, name = "growth_pipelines.defs.sqlite_storage", "KeptSqliteStorage"
        config = {"base_dir": {"env": "DAGSTER_HOME"}}
        tree["storage"] = {"custom": {"module": module, "class": name, "config": config}}
    return tree


def prepare_instance(settings: Settings) -> Path:
    """Write the instance's files (atomically, if they differ) and make PostgreSQL's schema; returns the folder."""
    folder = dagster_home(settings)
    folder.mkdir(parents=True, exist_ok=True)
    _write_if_changed(folder / "dagster.yaml", yaml.safe_dump(rendered(settings), sort_keys=False))
    _write_if_changed(folder / "workspace.yaml", (PROJECT / "workspace.yaml").read_text(encoding="utf-8"))
    if settings.postgres_url:
        _ensure_schema(settings)
    return folder


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """The real instance, in this process. Its URL has to be in the environment when its file is read."""
    from dagster import DagsterInstance

    folder = prepare_instance(settings)
    os.environ.update(instance_environment(settings))
    with DagsterInstance.from_config(str(folder)) as instance:
        yield instance


def _write_if_changed(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _ensure_schema(settings: Settings) -> None:
    """Two processes may come here at once, and ``IF NOT EXISTS`` alone is a race in PostgreSQL: take a lock."""
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(settings.postgres_url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"schema {SCHEMA}",))
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise GrowthError(
            f"GROWTH_DATABASE_URL: PostgreSQL does not answer ({reason}).", "Is the server up, and the URL right?"
        ) from error
