"""What a build of all models costs on each engine: ``python -m tests.bench.engines --orders 400000 duckdb``.

The same generated rows are put into the raw tables; then comes the product's own build, tests included. Give
``postgres=URL`` for PostgreSQL and ``spark=sc://host:port,FOLDER`` for a running cluster, such as
:mod:`tests.spark_cluster` starts. Prints one line of JSON an engine.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build

TODAY = date(2026, 11, 22)
ROWS = Path(__file__).with_name("engine_rows.sql")


def settings_for(engine: str, home: Path) -> Settings:
    name, _, where = engine.partition("=")
    environ = {"GROWTH_HOME": str(home), "GROWTH_NOW": f"{TODAY}T18:00:00", "GROWTH_LOG_LEVEL": "warning"}
    if name == "postgres":
        environ["GROWTH_DATABASE_URL"] = where
    elif name == "spark":
        remote, _, folder = where.partition(",")
        environ |= {"GROWTH_WAREHOUSE__SPARK_REMOTE": remote, "GROWTH_WAREHOUSE__SPARK_FOLDER": folder}
    elif name != "duckdb":
        raise SystemExit(f"{name} is no engine: duckdb, postgres=URL or spark=sc://host:port,FOLDER.")
    return load_settings(environ)


def load(settings: Settings, orders: int, search: int) -> dict[str, int]:
    """Fill the raw tables; returns the rows of each."""
    import duckdb

    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    given = {"orders": orders, "search": search, "products": 3000}
    rows = {}
    with warehouse.write() as connection, duckdb.connect() as generator:
        _, *parts = re.split(r"^-- (\w+)$", ROWS.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for table, statement in zip(parts[::2], parts[1::2], strict=True):
            needed = {name: value for name, value in given.items() if f"${name}" in statement}
            batches = generator.sql(statement.strip().rstrip(";"), params=needed).to_arrow_reader(100_000)
            rows[table] = connection.insert(f"raw.{table}", batches.schema.names, batches)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engines", nargs="+", help="duckdb, postgres=URL, spark=sc://host:port,FOLDER")
    parser.add_argument("--orders", type=int, default=400_000)
    parser.add_argument("--search", type=int, default=1_000_000)
    given = parser.parse_args()
    for engine in given.engines:
        with tempfile.TemporaryDirectory() as home:
            settings = settings_for(engine, Path(home))
            rows = load(settings, given.orders, given.search)
            for attempt in ("first", "second"):
                started = time.monotonic()
                result = build(settings, full_refresh=True)
                figures = {
                    "engine": engine.partition("=")[0],
                    "build": attempt,
                    "seconds": round(time.monotonic() - started, 1),
                    "peak_mb_here": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                    "failed": [node.name for node in result.failed],
                    "rows": rows,
                }
                print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
