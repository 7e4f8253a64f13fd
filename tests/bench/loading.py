"""What loading a bulk result costs, beside the least that it could cost. Run: ``python tests/bench/loading.py``.

Each path runs in a process of its own on one file of ``--orders`` orders; CPU seconds and peak memory are the
operating system's figures of it (for PostgreSQL with the server's backend, which is told apart). Ratios are of CPU
seconds, each of the best of ``--repeat`` runs, taken in turn so that a busy machine hits all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import load
from growth_pipelines.ingestion.parse import statement
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.state import prepared
from growth_pipelines.ingestion.streams.orders import ORDERS
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_schema import create_table
from growth_pipelines.warehouse.raw_tables import BY_NAME, SQL_TYPES
from tests.bench.bulk_orders import write_bulk_orders

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = Shop("bench.myshopify.com", "America/Denver", "USD", "https://www.example.com")
BLOCK = 1 << 18
TABLES = [part.table for part in ORDERS.parts]


def land(file: Path, home: Path) -> Landed:
    """The bulk result as ingestion lands it: personal data out, compressed, hashed, with its manifest."""
    pseudonyms = Pseudonyms(b"bench" * 8)
    with Landing(home).write("orders", SHOP, NOW, request="bench") as landing, file.open("rb") as source:
        rest = b""
        while block := source.read(BLOCK):
            head, end, tail = block.rpartition(b"\n")
            landing.writer.lines(pseudonyms.redact(rest + head + end))
            rest = tail
        landing.writer.lines(pseudonyms.redact(rest))
    return landing.result


def ours(file: Path, home: Path, url: str = "") -> dict[str, Any]:
    """From the file to merged tables, as a run of ingestion does it after the download."""
    before = _cpu()
    landed = land(file, home)
    landing_cpu = round(_cpu() - before, 2)
    rows, backend = _merged(landed, Warehouse("postgres" if url else "duckdb", home, url))
    return {"rows": rows, "landing_cpu": landing_cpu, "backend_cpu": backend}


def again(file: Path, home: Path) -> dict[str, Any]:
    """The same file twice: the second load finds every row there."""
    landed = land(file, home)
    warehouse = Warehouse("duckdb", home)
    _merged(landed, warehouse)
    before = _cpu()
    rows, _ = _merged(landed, warehouse)
    return {"rows": rows, "second_cpu": round(_cpu() - before, 2)}


def _merged(landed: Landed, warehouse: Warehouse) -> tuple[dict[str, int], float]:
    with prepared(warehouse):
        pass
    with warehouse.write() as connection:
        loaded = load(connection, landed, ORDERS.folder, ORDERS.parts, NOW)
        backend = 0.0
        if warehouse.engine == "postgres":
            backend = _cpu_of(connection.execute("select pg_backend_pid()").fetchone()[0])
    return loaded.rows, backend


def typed(file: Path, home: Path) -> dict[str, Any]:
    """The yardstick: DuckDB reads the same file with the same declared types into the same tables, and no more."""
    import duckdb

    with duckdb.connect(str(home / "typed.duckdb"), config={"preserve_insertion_order": False}) as native:
        _read(native, file)
        native.execute("create schema raw")
        rows = {}
        for name in TABLES:
            table = BY_NAME[name]
            native.execute(create_table(table, "duckdb"))
            found = native.execute(f"insert into raw.{name} {_select(name)}").fetchone()
            rows[name] = found[0]
    return {"rows": rows}


def _read(native: Any, file: Path) -> None:
    native.execute("set timezone = 'UTC'")
    for name, value in {"path": str(file), "timezone": SHOP.timezone}.items():
        native.execute(f"set variable {name} = ?", [value])
    native.execute(f"create temp table landed as {statement('orders', 'landed')}")


def _select(name: str) -> str:
    """The rows of a table with every column in its declared type; lineage as constants."""
    table, types = BY_NAME[name], SQL_TYPES["duckdb"]
    columns = ", ".join(f"cast({column.name} as {types[column.type]})" for column in table.columns)
    text = statement("orders", name)
    lineage = "'bench' as file_id, _line, timestamp '2026-11-22 12:00:00' as loaded_at"
    return f"select '{SHOP.shop_id}' as shop_id, {columns}, {lineage} from ({text}) as parsed"


def to_csv(file: Path, home: Path) -> dict[str, Any]:
    """The rows of every table as CSV files, for the plain COPY."""
    import duckdb

    with duckdb.connect() as native:
        _read(native, file)
        for name in TABLES:
            native.execute(f"copy ({_select(name)}) to '{home / name}.csv' (format csv, header false)")
    return {}


def copy(home: Path, url: str) -> dict[str, Any]:
    """The yardstick for PostgreSQL: COPY of the same columns from files, in one transaction, and no more."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("create schema raw")
        for name in TABLES:
            connection.execute(create_table(BY_NAME[name], "postgres"))
            with (home / f"{name}.csv").open("rb") as source, connection.cursor() as cursor:
                with cursor.copy(f"copy raw.{name} from stdin (format csv)") as target:
                    while block := source.read(1 << 20):
                        target.write(block)
        backend = _cpu_of(connection.execute("select pg_backend_pid()").fetchone()[0])
    return {"backend_cpu": backend}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _child(path: str, *arguments: str) -> dict[str, Any]:
    """Run one path in a process of its own; its figures with ``cpu`` and ``peak_mb``."""
    command = [sys.executable, __file__, "--path", path, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())
    return json.loads(done.stdout.splitlines()[-1])


def _run_path(path: str, arguments: list[str]) -> None:
    paths = {
        "land": lambda file, home: {"rows": land(Path(file), Path(home)).rows},
        "ours": lambda file, home, url="": ours(Path(file), Path(home), url),
        "again": lambda file, home: again(Path(file), Path(home)),
        "typed": lambda file, home: typed(Path(file), Path(home)),
        "csv": lambda file, home: to_csv(Path(file), Path(home)),
        "copy": lambda home, url: copy(Path(home), url),
    }
    started = time.monotonic()
    before = _cpu()
    figures = paths[path](*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures |= {
        "cpu": round(_cpu() - before, 2),
        "wall": round(time.monotonic() - started, 2),
        "peak_mb": round(peak),
    }
    sys.stdout.write(json.dumps(figures, default=str) + "\n")


def _best(found: list[dict[str, Any]]) -> dict[str, Any]:
    return min(found, key=lambda figures: figures["cpu"] + figures.get("backend_cpu", 0.0))


def measure(orders: int, repeat: int, with_postgres: bool, dlt_orders: int) -> dict[str, Any]:
    """Every path's best figures, and the ratios that count."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bulk.jsonl"
        _, lines = write_bulk_orders(file, orders)
        found: dict[str, list[dict[str, Any]]] = {}
        for _ in range(repeat):
            for path in ("typed", "ours", "again"):
                home = Path(tempfile.mkdtemp(dir=folder))
                found.setdefault(path, []).append(_child(path, str(file), str(home)))
                shutil.rmtree(home)
            if with_postgres:
                _measure_postgres(file, Path(folder), found)
        best = {path: _best(runs) for path, runs in found.items()}
        report: dict[str, Any] = {"orders": orders, "lines": lines, "megabytes": round(file.stat().st_size / 1e6)}
        dlt = _dlt(file, dlt_orders) if dlt_orders else {}
        report |= {"paths": best, "dlt": dlt, "ratios": _ratios(best, dlt)}
        return report


def _measure_postgres(file: Path, folder: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    from growth_pipelines.bench.embedded_postgres import embedded_postgres, new_database

    home = Path(tempfile.mkdtemp(dir=folder))
    with embedded_postgres() as server:
        found.setdefault("csv", []).append(_child("csv", str(file), str(home)))
        found.setdefault("copy", []).append(_child("copy", str(home), new_database(server)))
        ours = _child("ours", str(file), str(home), new_database(server))
        found.setdefault("ours_postgres", []).append(ours)
    shutil.rmtree(home, ignore_errors=True)


def _ratios(best: dict[str, dict[str, Any]], dlt: dict[str, Any]) -> dict[str, float]:
    typed_cpu, our_cpu = best["typed"]["cpu"], best["ours"]["cpu"]
    loading_cpu = our_cpu - best["ours"]["landing_cpu"]
    ratios = {
        "file_to_merged_over_typed_read": our_cpu / typed_cpu,
        "landing_file_to_merged_over_typed_read": loading_cpu / typed_cpu,
        "second_load_over_typed_read": best["again"]["second_cpu"] / typed_cpu,
    }
    if "copy" in best:
        plain, ours_there = best["copy"], best["ours_postgres"]
        copied = plain["cpu"] + plain["backend_cpu"]
        # The plain COPY finds its rows parsed already, so parsing counts on both sides or on none.
        parsed = best["csv"]["cpu"] + copied
        whole = ours_there["cpu"] + ours_there["backend_cpu"]
        ratios["postgres_server_over_plain_copy"] = ours_there["backend_cpu"] / plain["backend_cpu"]
        ratios["postgres_landing_file_to_merged_over_typed_read_and_plain_copy"] = (
            whole - ours_there["landing_cpu"]
        ) / parsed
        ratios["postgres_file_to_merged_over_typed_read_and_plain_copy"] = whole / parsed
    for name, figures in dlt.items():
        if "cpu_seconds_per_1000_orders" in figures:
            whole_file = figures["cpu_seconds_per_1000_orders"] * best["ours"]["rows"]["orders"] / 1000
            ratios[f"dlt_{name}_over_ours"] = whole_file / our_cpu
    return {name: round(ratio, 2) for name, ratio in ratios.items()}


def _dlt(file: Path, orders: int) -> dict[str, Any]:
    """dlt's dict path on the first orders of the same file; empty where the extra is not installed."""
    script = Path(__file__).with_name("dlt_path.py")
    command = [sys.executable, str(script), str(file), "--orders", str(orders)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=_environment())
    if done.returncode:
        sys.stderr.write(done.stderr[-500:])
        return {}
    found: dict[str, Any] = json.loads(done.stdout)["paths"]
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": "."}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--dlt-orders", type=int, default=5_000, help="orders that dlt gets; 0 = leave dlt out")
    parser.add_argument("--path", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.path:
        _run_path(given.path, given.arguments)
        return
    sys.stdout.write(
        json.dumps(measure(given.orders, given.repeat, not given.no_postgres, given.dlt_orders), indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
