"""``growth bench warehouse`` on a small shop: both sides count the same rows, and every figure is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from growth_pipelines.bench.warehouse.generate import generate
from growth_pipelines.cli import growth

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dbt")]


def test_the_project_counts_what_the_hand_written_sql_counts(tmp_path: Path) -> None:
    arguments = ["bench", "warehouse", "--lines", "20000", "--folder", str(tmp_path), "--json"]
    done = CliRunner().invoke(growth, arguments, catch_exceptions=False)
    document = json.loads(done.stdout)
    tables = document["tables"]
    for table in ("int_orders", "int_customer_months", "fct_page_daily", "fct_daily_shop"):
        assert tables[table]["model_rows"] == tables[table]["rows"] > 0, table
    assert len(tables) >= 8
    for unit in ("seconds", "cpu"):
        totals = document["totals"][unit]
        assert all(value > 0 for value in totals.values())
        # A model that multiplies its rows shows here; the real ratio is what the command prints when idle.
        assert totals["project"] < 50 * totals["yardstick"]
    assert document["increment"]["counted"] == "since 2026-10-29"
    assert document["publication"]["megabytes"] > 1
    assert {"newest", "shop", "one_page"} <= set(document["console_ms"])
    assert document["overhead"]["ok"], document["overhead"]["error"]
    assert document["overhead"]["models"] > 50
    assert {goal["goal"].split(",")[0] for goal in document["goals"]} >= {"publishing", "slowest console query"}


def test_the_same_seed_gives_the_same_shop(tmp_path: Path) -> None:
    one, two = generate(tmp_path / "one", 3_000), generate(tmp_path / "two", 3_000)
    assert one == two == generate(tmp_path / "one", 3_000)
    for file in sorted((tmp_path / "one").glob("*.parquet")):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_recommenders_do_not_slow_down_with_the_square_of_the_shop() -> None:
    small, large = _recommenders(pages=5_000, products=1_000), _recommenders(pages=20_000, products=4_000)
    for name, one in large["recommenders"].items():
        assert one["drafts"] > 0, one
        # Four times the shop: a straight line gives 4 at most, the square 16. Seconds would measure the machine.
        grown = one["cpu"] / small["recommenders"][name]["cpu"]
        assert grown < 8, f"{name}: {grown:.1f} times the CPU for four times the shop"
    # A fifth of the shop that has to be done in 2 GB.
    assert large["peak_mb"] < 1_000


def _recommenders(pages: int, products: int) -> dict[str, Any]:
    """The bench in a process of its own: peak memory is the process's, with all that ran in it before."""
    arguments = ["bench", "recommenders", "--pages", str(pages), "--products", str(products), "--json"]
    program = [sys.executable, "-m", "growth_pipelines", *arguments]
    document = json.loads(subprocess.run(program, check=True, stdout=subprocess.PIPE).stdout)
    return document | {"recommenders": {one["recommender"]: one for one in document["recommenders"]}}


@pytest.mark.slow
def test_the_console_answers_everyone_while_another_process_writes() -> None:
    arguments = ["bench", "console", "--actions", "500", "--readers", "4", "--seconds", "5", "--json"]
    done = CliRunner().invoke(growth, arguments, catch_exceptions=False)
    document = json.loads(done.stdout)
    assert document["failed"] == 0
    assert document["requests"] >= 8
    assert 0 < document["largest_kb"] <= document["limit_kb"]
    assert 0 < document["p50"] <= document["p95"]


def test_every_figure_of_the_statistics_is_printed_beside_its_limit() -> None:
    asked = ["bench", "statistics", "--section", "experiments", "--runs", "20", "--json"]
    done = CliRunner().invoke(growth, asked, catch_exceptions=False)
    figures = {one["figure"]: one for one in json.loads(done.stdout)["sections"]["experiments"]}
    assert figures["largest relative difference from gbstats"]["met"]
    assert figures["units an arm: 2 %, +10 %, alpha 5 %, power 80 %"]["value"] == 80_682
    for part in ("looks, always valid", "SRM: ", "assignment: ", "pages, ", "switchback: ", "uplift: "):
        assert any(part in name for name in figures), part
    unknown = CliRunner().invoke(growth, ["bench", "statistics", "--section", "luck"])
    assert unknown.exit_code == 2
    assert "known: experiments" in unknown.output
