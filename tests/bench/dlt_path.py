"""What dlt's own path for dicts costs: ``python tests/bench/dlt_path.py FILE --orders 20000``, printed as JSON.

FILE is a bulk result (:mod:`tests.bench.bulk_orders`). Its first orders with their line items go through dlt's
extraction, normalisation and load into DuckDB: by its default format for DuckDB, insert_values, and by parquet.
Each runs in a process of its own under a limit of memory, because the default needs gigabytes.
``multiplier`` scales the CPU seconds to 200,000 orders; memory does not scale so simply.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORMATS = ("insert_values", "parquet")
SCALED_TO = 200_000
# Line items lie near their order; an order that is this many orders back has all of its own.
NEAR = 100
PAGE = 500


def orders_of(path: Path, count: int) -> Iterator[list[dict[str, Any]]]:
    """Pages of the first ``count`` orders, each with its ``lineItems``."""
    near: dict[str, dict[str, Any]] = {}
    page: list[dict[str, Any]] = []
    seen = 0
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            parent = record.pop("__parentId", None)
            if parent is not None:
                if parent in near:
                    near[parent]["lineItems"].append(record)
                continue
            seen += 1
            if seen > count + NEAR:
                break
            if seen <= count:
                near[record["id"]] = record | {"lineItems": []}
            if len(near) > NEAR or (seen > count and near):
                page.append(near.pop(next(iter(near))))
            if len(page) == PAGE:
                yield page
                page = []
    yield page + list(near.values())


def load(path: Path, count: int, file_format: str) -> dict[str, Any]:
    """Load in this process; what it cost."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt

    before = os.times()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            destination=dlt.destinations.duckdb(f"{folder}/bench.duckdb"),
            dataset_name="raw",
            pipelines_dir=f"{folder}/pipelines",
        )
        orders = dlt.resource(orders_of(path, count), name="orders", primary_key="id")
        pipeline.run(orders, loader_file_format=file_format)
        spent = os.times()
        with pipeline.sql_client() as client:
            loaded = client.execute_sql(
                "select (select count(*) from orders), (select count(*) from orders__line_items)"
            )
    cpu = spent.user + spent.system - before.user - before.system
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "orders": loaded[0][0],
        "line_items": loaded[0][1],
        "cpu_seconds": round(cpu, 2),
        "cpu_seconds_per_1000_orders": round(cpu * 1000 / count, 4),
        "wall_seconds": round(spent.elapsed - before.elapsed, 2),
        "peak_rss_mb": round(peak),
        "peak_rss_mb_per_1000_orders": round(peak * 1000 / count, 1),
    }


def measured(path: Path, count: int, file_format: str, memory_gb: float) -> dict[str, Any]:
    """:func:`load` in a process of its own; ``failed`` says why where it did not end."""
    command = [sys.executable, __file__, str(path), "--orders", str(count), "--in-process", file_format]

    def limit() -> None:
        most = int(memory_gb * (1 << 30))
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["killed"]
        return {"failed": said[-1][:300], "memory_limit_gb": memory_gb}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--memory-gb", type=float, default=10.0)
    parser.add_argument("--in-process", choices=FORMATS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.in_process:
        print(json.dumps(load(asked.file, asked.orders, asked.in_process)))
        return
    paths = {name: measured(asked.file, asked.orders, name, asked.memory_gb) for name in FORMATS}
    print(json.dumps({"orders": asked.orders, "multiplier": SCALED_TO / asked.orders, "paths": paths}))


if __name__ == "__main__":
    main()
