"""A landing file parsed as the loader does it, for tests that look at the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part, engine_errors
from growth_pipelines.ingestion.parse import Parsed


def parsed_tables(landed: Landed, folder: str, parts: Sequence[Part], now: datetime) -> dict[str, Any]:
    """Every part's rows as an Arrow table."""
    with duckdb.connect() as native, engine_errors(landed):
        Parsed(native, landed, folder, parts, now)
        return {part.table: native.sql(f"select * from {part.table}").to_arrow_table() for part in parts}
