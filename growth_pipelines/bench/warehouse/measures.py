"""What the project costs on the generated shop: each measure a process of its own, so that its memory is its own.

``python -m growth_pipelines.bench.warehouse.measures NAME HOME`` prints one JSON document.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from growth_pipelines.bench.memory import forget_peak, peak_mb
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.rebuilds import SOURCES

# The day after the generated shop's last.
NOW = "2026-11-01T12:00:00"


def settings_of(home: Path, threads: int, memory_limit: str) -> Settings:
    """One dbt thread, and DuckDB with so much of the machine."""
    return load_settings(
        {
            "GROWTH_HOME": str(home),
            "GROWTH_NOW": NOW,
            "GROWTH_WAREHOUSE__THREADS": str(threads),
            "GROWTH_WAREHOUSE__MEMORY_LIMIT": memory_limit,
            "GROWTH_WAREHOUSE__MODELS_AT_ONCE": "1",
            "GROWTH_LOG_LEVEL": "error",
        }
    )


def full_build(settings: Settings) -> dict[str, Any]:
    """The whole project by the product's own build: seconds and rows by node, and this process's peak memory."""
    return _timed_build(settings, None, full_refresh=True)


def _timed_build(settings: Settings, select: Sequence[str] | None, *, full_refresh: bool) -> dict[str, Any]:
    from growth_pipelines.warehouse.dbt import build

    forget_peak()
    cpu: dict[str, float] = {}
    last = time.process_time()

    def finished(name: str) -> None:
        # Nodes run one after the other: what was used since the last one ended is this one's.
        nonlocal last
        now = time.process_time()
        cpu[name] = now - last
        last = now

    result = build(settings, select, finished, full_refresh=full_refresh)
    return {
        "nodes": {
            node.name: {
                "kind": node.kind,
                "seconds": round(node.seconds, 3),
                "cpu": round(cpu.get(node.name, 0.0), 3),
                "rows": node.rows,
            }
            for node in result.results
        },
        "failed": [f"{node.name}: {node.message}" for node in result.failed],
        "counted": result.counted,
        "seconds": round(result.seconds, 2),
        "peak_mb": peak_mb(),
    }


def publication(settings: Settings) -> dict[str, float]:
    """Seconds of publishing, and of the copy that the next writer makes before it writes."""
    warehouse = Warehouse.of(settings)
    started = time.monotonic()
    warehouse.publish()
    published = time.monotonic()
    with warehouse.writer():
        written = time.monotonic()
    return {
        "publish_seconds": round(published - started, 3),
        "next_writer_seconds": round(written - published, 3),
        "megabytes": round(warehouse.file.stat().st_size / 1e6),
    }


def increment(settings: Settings) -> dict[str, Any]:
    """The date facts after the three newest search days were restated: only the changed days, then in full."""
    with Warehouse.of(settings).write() as connection:
        for table in ("search_page_query_daily", "search_page_daily"):
            connection.execute(
                f"update raw.{table} set impressions = impressions + 1 "  # noqa: S608 - names from above
                f"where date > (select max(date) - 3 from raw.{table})"
            )
    # A view goes first, so that dbt's start is no fact's cost.
    select = ["stg_growth__build", *SOURCES]
    changed = _timed_build(settings, select, full_refresh=False)
    full = _timed_build(settings, select, full_refresh=True)
    return {
        "counted": changed["counted"],
        "tables": {
            model: {
                "seconds": changed["nodes"][model]["seconds"],
                "full_seconds": full["nodes"][model]["seconds"],
                "cpu": changed["nodes"][model]["cpu"],
                "full_cpu": full["nodes"][model]["cpu"],
            }
            for model in SOURCES
        },
    }


def console_queries(settings: Settings) -> dict[str, float]:
    """Milliseconds of each query of the console on the published snapshot, the file opened anew for each."""
    folder = Path(__file__).parents[2] / "console" / "queries"
    found = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    found["one_page"] = "select * from marts.fct_page_daily where page_key = '/products/product-5'"
    found["one_page_performance"] = (
        "select * from marts.fct_page_performance where page_key = '/products/product-5'"
    )
    milliseconds = {}
    for name, sql in found.items():
        params = ["gid://shopify/Product/8000000005"] * sql.count("?")
        with Warehouse.of(settings).read() as connection:
            started = time.monotonic()
            connection.execute(sql, params).fetchall()
            milliseconds[name] = round((time.monotonic() - started) * 1000, 1)
    return milliseconds


def overhead(settings: Settings) -> dict[str, Any]:
    """Dagster's job that builds and publishes, in this process, on a shop without rows: all of it is overhead."""
    started = time.monotonic()
    from growth_pipelines.defs.launch import run_stages

    summary = run_stages(settings, ["build"])
    seconds, cpu = time.monotonic() - started, time.process_time()
    from growth_pipelines.warehouse.dbt_project import manifest

    kinds = [node["resource_type"] for node in manifest(settings)["nodes"].values()]
    return {
        "ok": summary.ok,
        "error": summary.error,
        "seconds": round(seconds, 2),
        "cpu": round(cpu, 2),
        "models": kinds.count("model") + kinds.count("seed"),
        "tests": kinds.count("test"),
    }


MEASURES: dict[str, Callable[[Settings], Any]] = {
    function.__name__: function for function in (full_build, publication, increment, console_queries, overhead)
}

if __name__ == "__main__":
    measure, home, cores, limit = sys.argv[1:]
    document = MEASURES[measure](settings_of(Path(home), int(cores), limit))
    print(json.dumps(document))  # noqa: T201 - read by the parent
