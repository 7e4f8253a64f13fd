"""Series from the published data, read once a snapshot; what is not published is None, never made up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

# PostgreSQL has no snapshots: there a series is read again after so many seconds.
_FRESH_SECONDS = 300


@dataclass(frozen=True)
class Series:
    """What a machine has published, by the queries in a folder; ``version`` differs with the data and is empty for
    none."""

    warehouse: Warehouse
    version: str
    queries: Path

    @classmethod
    def of(cls, settings: Settings, queries: Path) -> Series:
        warehouse = Warehouse.of(settings)
        if warehouse.engine == "postgres":
            return cls(warehouse, str(int(time.monotonic() // _FRESH_SECONDS)), queries)
        current = warehouse.current
        return cls(warehouse, str(current.resolve()) if current.exists() else "", queries)

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]] | None:
        """The rows of ``{query}.sql``, or None where the models that it names are not published."""
        file = self.queries / f"{query}.sql"
        found = _read(self.warehouse, self.version, file, params) if self.version else None
        return list(found) if found is not None else None


@lru_cache(maxsize=512)
def _read(
    warehouse: Warehouse, _version: str, file: Path, params: tuple[Any, ...]
) -> tuple[tuple[Any, ...], ...] | None:
    import duckdb
    import psycopg

    sql = file.read_text(encoding="utf-8")
    try:
        with warehouse.read() as connection:
            return tuple(tuple(row) for row in connection.execute(sql, params).fetchall())
    except (
        GrowthError,
        duckdb.CatalogException,
        duckdb.BinderException,
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
    ):
        return None
