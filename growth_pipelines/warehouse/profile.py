"""dbt's connection profile, rendered from the settings into ``$GROWTH_HOME/dbt`` and readable by nobody else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growth_pipelines.warehouse.connection import duckdb_config
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.spark import SparkTarget

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings

# What dbt-postgres knows of a connection URL's parameters.
_POSTGRES_OPTIONS = ("sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout")


def write_profile(settings: Settings, folder: Path) -> Path:
    """Write ``profiles.yml`` (YAML includes JSON, so it is JSON) when it differs from what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "profiles.yml"
    text = json.dumps({"growth": {"target": "growth", "outputs": {"growth": _output(settings)}}}, indent=2)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
    return path


def _output(settings: Settings) -> dict[str, Any]:
    # DuckDB gives one model every core; two at once need twice the memory and take as long.
    threads = settings.warehouse.models_at_once or (
        1 if settings.model_engine == "duckdb" else os.cpu_count() or 1
    )
    if settings.model_engine == "spark":
        return {**_spark(settings), "threads": threads}
    if settings.postgres_url:
        return {**_postgres(settings.postgres_url), "threads": threads}
    warehouse = Warehouse.of(settings)
    return {
        "type": "duckdb",
        "path": str(warehouse.file),
        "schema": "staging",
        "threads": threads,
        "config_options": duckdb_config(warehouse.file, warehouse.threads, warehouse.memory_limit),
    }


def _spark(settings: Settings) -> dict[str, Any]:
    """Spark Connect: to dbt-spark a session of this process, whose server is elsewhere; it asks for a host."""
    parameters = SparkTarget.of(settings).server_parameters
    return {
        "type": "spark",
        "method": "session",
        "host": "connect",
        "schema": "staging",
        "server_side_parameters": parameters,
    }


def _postgres(url: str) -> dict[str, Any]:
    from psycopg.conninfo import conninfo_to_dict

    given = conninfo_to_dict(url)
    return {
        "type": "postgres",
        "host": given.get("host", "localhost"),
        "port": int(given.get("port") or 5432),
        "user": given.get("user", ""),
        "password": given.get("password", ""),
        "dbname": given.get("dbname", "postgres"),
        "schema": "staging",
        **{name: given[name] for name in _POSTGRES_OPTIONS if name in given},
    }
