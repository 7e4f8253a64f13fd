"""The hand-written SQL on the generated tables, without dbt: the least that the same marts could cost.

A process of its own, so that its peak memory is its own: ``python -m growth_pipelines.bench.warehouse.yardstick``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

VIEWS = ("stg_orders", "stg_order_lines", "stg_refunds", "stg_search")
TABLES = (
    "int_orders",
    "int_customer_months",
    "fct_customer_ltv",
    "fct_cohort_retention",
    "fct_growth_accounting",
    "fct_daily_shop",
    "fct_product_monthly",
    "fct_page_daily",
    "fct_ctr_curve",
    "fct_page_performance",
)


def run(folder: Path, file: Path, threads: int, memory_limit: str) -> dict[str, Any]:
    """Build every table in ``file`` from the Parquet files of ``folder``: seconds and rows by table, peak MB."""
    file.unlink(missing_ok=True)
    config = {"threads": threads, "memory_limit": memory_limit, "preserve_insertion_order": False}
    with duckdb.connect(str(file), config=config) as connection:
        for source in sorted(folder.glob("*.parquet")):
            connection.execute(f"create table {source.stem} as from read_parquet('{source}')")
        connection.execute("checkpoint")
        for name in VIEWS:
            connection.execute(f"create view {name} as {_sql(name)}")
        seconds, rows = {}, {}
        for name in TABLES:
            started = time.monotonic()
            connection.execute(f"create table {name} as {_sql(name)}")
            seconds[name] = round(time.monotonic() - started, 3)
            rows[name] = connection.execute(f"select count(*) from {name}").fetchall()[0][0]
    return {
        "seconds": seconds,
        "rows": rows,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _sql(name: str) -> str:
    folder = files("growth_pipelines.bench.warehouse").joinpath("yardstick")
    return folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")


if __name__ == "__main__":
    parquet, database, cores, limit = sys.argv[1:]
    print(json.dumps(run(Path(parquet), Path(database), int(cores), limit)))  # noqa: T201 - read by the parent
