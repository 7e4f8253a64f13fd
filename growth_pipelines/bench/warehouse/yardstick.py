"""The hand-written SQL on the generated tables, without dbt: the least that the same marts could cost.

A process of its own, so that its peak memory is its own: ``python -m growth_pipelines.bench.warehouse.yardstick``.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from growth_pipelines.bench.memory import forget_peak, peak_mb

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


# The ids as the shop's sources give them: what text in place of numbers costs by itself.
_TEXT = {
    "orders": {
        "order_id": "'gid://shopify/Order/' || order_id",
        "customer_id": "sha256('customer ' || customer_id)",
        "landing_page_id": "'/products/product-' || landing_page_id",
    },
    "order_lines": {
        "order_line_id": "'gid://shopify/LineItem/' || order_line_id",
        "order_id": "'gid://shopify/Order/' || order_id",
        "product_id": "'gid://shopify/Product/' || product_id",
    },
    "refunds": {
        "refund_id": "'gid://shopify/Refund/' || refund_id",
        "order_line_id": "'gid://shopify/LineItem/' || order_line_id",
        "order_id": "'gid://shopify/Order/' || order_id",
    },
    "customers": {"customer_id": "sha256('customer ' || customer_id)"},
    "products": {"product_id": "'gid://shopify/Product/' || product_id"},
    "pages": {
        "page_id": "'/products/product-' || page_id",
        "product_id": "'gid://shopify/Product/' || product_id",
    },
    "search_performance": {
        "page_id": "'/products/product-' || page_id",
        "query_id": "'product ' || page_id || ' wanted in size ' || query_id % 40",
    },
    "page_sessions": {"page_id": "'/products/product-' || page_id"},
    "web_vitals": {"page_id": "'/products/product-' || page_id"},
}


def run(folder: Path, file: Path, threads: int, memory_limit: str, *, text_ids: bool = False) -> dict[str, Any]:
    """Build every table in ``file`` from the Parquet files of ``folder``.

    Returns wall and CPU seconds and rows by table, and the peak memory of this process in MB.
    """
    forget_peak()
    file.unlink(missing_ok=True)
    config: dict[str, Any] = {"threads": threads, "memory_limit": memory_limit, "preserve_insertion_order": False}
    with duckdb.connect(str(file), config=config) as connection:
        for source in sorted(folder.glob("*.parquet")):
            texts = _TEXT[source.stem] if text_ids else {}
            replaced = ", ".join(f"{text} as {column}" for column, text in texts.items())
            columns = f"* replace ({replaced})" if replaced else "*"
            connection.execute(f"create table {source.stem} as select {columns} from read_parquet('{source}')")  # noqa: S608 - constants
        connection.execute("checkpoint")
        for name in VIEWS:
            connection.execute(f"create view {name} as {_sql(name)}")
        tables = {}
        for name in TABLES:
            started, before = time.monotonic(), time.process_time()
            connection.execute(f"create table {name} as {_sql(name)}")
            wall, cpu = time.monotonic() - started, time.process_time() - before
            rows = connection.execute(f"select count(*) from {name}").fetchall()[0][0]  # noqa: S608
            tables[name] = {"seconds": round(wall, 3), "cpu": round(cpu, 3), "rows": rows}
    file.unlink()
    return {"tables": tables, "peak_mb": peak_mb()}


def _sql(name: str) -> str:
    folder = files("growth_pipelines.bench.warehouse").joinpath("yardstick")
    return folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")


if __name__ == "__main__":
    parquet, database, cores, limit, ids = sys.argv[1:]
    measured = run(Path(parquet), Path(database), int(cores), limit, text_ids=ids == "text")
    print(json.dumps(measured))  # noqa: T201 - read by the parent
