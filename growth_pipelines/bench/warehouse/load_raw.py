"""Gives the generated tables to the project as the raw tables that ingestion would have filled."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from growth_pipelines.ingestion.state import prepared
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse


def load_raw(settings: Settings, folder: Path) -> None:
    """Load the Parquet files of ``folder`` into an empty warehouse of ``settings`` (DuckDB), once.

    What is loaded is kept beside the warehouse and copied back before each run.
    """
    warehouse = Warehouse.of(settings)
    untouched = settings.home / "raw.duckdb"
    if not untouched.exists():
        warehouse.file.unlink(missing_ok=True)
        with prepared(warehouse) as connection:
            connection.execute("create schema if not exists generated")
            for file in sorted(folder.glob("*.parquet")):
                source = f"read_parquet('{file}')"
                connection.execute(f"create view generated.{file.stem} as from {source}")
            text = (
                files("growth_pipelines.bench.warehouse").joinpath("raw", "load.sql").read_text(encoding="utf-8")
            )
            for statement in text.split(";"):
                connection.execute(statement)
            connection.execute("drop schema generated cascade")
        with warehouse.writer() as connection:
            connection.execute("checkpoint")
        _copy(warehouse.file, untouched)
    warehouse.file.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    _copy(untouched, warehouse.file)


def _copy(source: Path, target: Path) -> None:
    """Replace a file at once: the one that was there may be published."""
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)
