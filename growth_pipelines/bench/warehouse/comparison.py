"""Runs the yardstick and the project in turn and sets one beside the other."""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from growth_pipelines.bench.own_process import run_module
from growth_pipelines.bench.warehouse.generate import generate
from growth_pipelines.bench.warehouse.load_raw import load_raw
from growth_pipelines.bench.warehouse.measures import settings_of
from growth_pipelines.errors import GrowthError

# Hand-written table → the models that give the same rows. Marts without a counterpart are in the totals alone.
COUNTERPARTS: Mapping[str, tuple[str, ...]] = {
    "int_orders": ("int_orders",),
    "int_customer_months": ("int_customer_months",),
    "fct_customer_ltv": ("dim_customers",),
    "fct_cohort_retention": ("fct_cohort_retention",),
    "fct_growth_accounting": ("fct_growth_accounting",),
    "fct_daily_shop": ("fct_shop_daily",),
    "fct_product_monthly": ("fct_product_monthly",),
    "fct_page_daily": ("int_page_days", "fct_page_daily"),
    "fct_ctr_curve": ("fct_ctr_curve",),
    "fct_page_performance": ("int_page_windows", "fct_page_performance"),
}
MEMORY_LIMIT = "1GB"


def compare(folder: Path, lines: int, repeat: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every figure of one shop of ``lines`` order lines, kept under ``folder``; ``tell`` hears what is done next.

    Times are the best of ``repeat`` runs, taken in turn so that a busy machine hits both alike. A model's time is
    dbt's less what dbt itself needs for a model, which is in the overhead.
    """
    threads = os.cpu_count() or 1
    data, home = folder / f"{lines}", folder / f"{lines}-home"
    tell(f"generating {lines:,} order lines")
    rows = generate(data, lines)
    settings = settings_of(home, threads, MEMORY_LIMIT)
    numbers, texts, builds = [], [], []
    for run in range(1, repeat + 1):
        tell(f"run {run} of {repeat}: hand-written SQL")
        numbers.append(_yardstick(data, folder, threads, "numbers"))
        texts.append(_yardstick(data, folder, threads, "text"))
        tell(f"run {run} of {repeat}: the project")
        load_raw(settings, data)
        builds.append(_measure("full_build", home, threads))
        if builds[-1]["failed"]:
            raise GrowthError(
                f"The project did not build: {builds[-1]['failed'][0]}", "Run `growth run` and look there."
            )
    tell("publication, console, increment")
    document = {
        "lines": lines,
        "rows": rows,
        "threads": threads,
        "memory_limit": MEMORY_LIMIT,
        **_sql_figures(numbers, texts, builds),
        "publication": _measure("publication", home, threads),
        "console_ms": _measure("console_queries", home, threads),
        "increment": _measure("increment", home, threads),
    }
    tell("overhead of dbt and Dagster")
    empty = folder / "empty-home"
    shutil.rmtree(empty, ignore_errors=True)
    # The first run parses the project and writes down what it is; a machine does that once for each version.
    _measure("overhead", empty, threads)
    document["overhead"] = _measure("overhead", empty, threads)
    return {**document, "goals": goals(document)}


def _sql_figures(
    numbers: list[dict[str, Any]], texts: list[dict[str, Any]], builds: list[dict[str, Any]]
) -> dict[str, Any]:
    own = {unit: _cost_of_a_node(builds, unit) for unit in ("seconds", "cpu")}
    tables = {}
    for table, models in COUNTERPARTS.items():
        models = tuple(model for model in models if model in builds[0]["nodes"])
        if not models:
            continue
        tables[table] = {
            "models": list(models),
            "rows": numbers[0]["tables"][table]["rows"],
            "model_rows": builds[0]["nodes"][models[-1]]["rows"],
            **{
                unit: {
                    "yardstick": min(run["tables"][table][unit] for run in numbers),
                    "text_ids": min(run["tables"][table][unit] for run in texts),
                    "project": round(sum(_sql_of(builds, model, unit, own[unit]) for model in models), 3),
                }
                for unit in ("seconds", "cpu")
            },
        }
    every = [node for node in builds[0]["nodes"].values() if node["kind"] in ("model", "seed")]
    return {
        "tables": tables,
        "totals": {
            unit: {
                who: round(sum(t[unit][who] for t in tables.values()), 3)
                for who in ("yardstick", "text_ids", "project")
            }
            for unit in ("seconds", "cpu")
        },
        "cost_of_a_node": own,
        "all_models_seconds": round(sum(node["seconds"] for node in every), 2),
        "build_seconds": min(run["seconds"] for run in builds),
        "slowest": {
            name: node["seconds"]
            for name, node in sorted(builds[0]["nodes"].items(), key=lambda item: -item[1]["seconds"])[:15]
        },
        "peak_mb": {
            "yardstick": min(run["peak_mb"] for run in numbers),
            "project": min(run["peak_mb"] for run in builds),
        },
    }


def _cost_of_a_node(builds: list[dict[str, Any]], unit: str) -> float:
    """dbt's own cost of a model: the median of the staging views, whose SQL takes no time."""
    views = [
        node[unit]
        for run in builds
        for name, node in run["nodes"].items()
        if name.startswith("stg_") and node["kind"] == "model"
    ]
    return round(statistics.median(views), 3)


def _sql_of(builds: list[dict[str, Any]], model: str, unit: str, own: float) -> float:
    return float(max(min(run["nodes"][model][unit] for run in builds) - own, 0))


def goals(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each goal with the figure, the limit and whether it is met."""
    totals, cost = document["totals"], document["overhead"]
    allowed = 10 + 0.045 * cost["models"] + 0.030 * cost["tests"]
    facts = document["increment"]["tables"].values()
    figures = [
        *(
            (f"SQL, times hand-written {ids} ({name})", totals[unit]["project"] / totals[unit][who], 1.3)
            for who, ids in (("text_ids", "on the same ids"), ("yardstick", "on whole numbers"))
            for unit, name in (("seconds", "wall"), ("cpu", "CPU"))
        ),
        ("peak memory of the build, MB", document["peak_mb"]["project"], 1800),
        ("dbt and Dagster without rows, s (wall)", cost["seconds"], allowed),
        ("dbt and Dagster without rows, s (CPU)", cost["cpu"], allowed),
        ("publishing, s", document["publication"]["publish_seconds"], 2),
        ("slowest console query, ms", max(document["console_ms"].values()), 20),
        (
            "changed days, times in full (wall)",
            sum(f["seconds"] for f in facts) / sum(f["full_seconds"] for f in facts),
            0.3,
        ),
        (
            "changed days, times in full (CPU)",
            sum(f["cpu"] for f in facts) / sum(f["full_cpu"] for f in facts),
            0.3,
        ),
    ]
    return [
        {"goal": goal, "figure": round(figure, 2), "limit": round(limit, 2), "met": figure <= limit}
        for goal, figure, limit in figures
    ]


def _yardstick(data: Path, folder: Path, threads: int, ids: str) -> dict[str, Any]:
    return run_module(
        "growth_pipelines.bench.warehouse.yardstick",
        data,
        folder / "yardstick.duckdb",
        threads,
        MEMORY_LIMIT,
        ids,
    )


def _measure(name: str, home: Path, threads: int) -> dict[str, Any]:
    return run_module("growth_pipelines.bench.warehouse.measures", name, home, threads, MEMORY_LIMIT)
