"""``growth ingest status`` as an operator sees it in a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from growth_pipelines.cli import growth
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.settings import load_settings

NOW = {"GROWTH_NOW": "2026-11-22T12:00:00+00:00"}


@pytest.fixture(scope="module")
def environment(start_sandbox: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    shop = start_sandbox(
        *("--orders", "200", "--products", "60", "--today", "2026-11-22"),
        *("--without-scope", "read_all_orders", "--without-scope", "read_discounts"),
    )
    home: Path = tmp_path_factory.mktemp("home")
    variables: dict[str, str] = shop.environment(home, **NOW, GROWTH_SHOP__TIMEZONE="America/Denver")
    ingest(load_settings(variables), ["shop", "orders", "discounts", "search_page_provisional"])
    return variables


def shown(environment: dict[str, str], columns: int) -> list[str]:
    result = CliRunner().invoke(growth, ["ingest", "status"], env={**environment, "COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


@pytest.mark.parametrize("columns", [120, 160])
def test_each_stream_is_one_line_that_fits(environment: dict[str, str], columns: int) -> None:
    lines = shown(environment, columns)
    # The API budgets stand below, in a table of their own.
    assert [line.split()[1] for line in lines if line.startswith("│")][: len(STREAMS)] == list(STREAMS)
    assert max(len(line) for line in lines if line.startswith("│")) <= columns


def test_days_lag_and_what_keeps_a_stream_are_said(environment: dict[str, str]) -> None:
    lines = {line.split()[1]: line for line in shown(environment, 120) if line.startswith("│")}
    assert "0 min of 26 h" in lines["orders"]
    assert "2026-09-23 – 2026-11-22 " in lines["orders"]
    assert "Pacific" in lines["search_page_provisional"]
    assert "no access" in lines["discounts"]
    assert "never read" in lines["psi"]
    said = shown(environment, 120)
    assert "orders: history starts on 2026-09-23: only the last 60 days of orders can be read" in said
    assert "discounts: no read_discounts scope: discounts can't be read" in said


def test_late_streams_are_marked(environment: dict[str, str]) -> None:
    later = {**environment, "GROWTH_NOW": "2026-11-24T12:00:00+00:00"}
    lines = {line.split()[1]: line for line in shown(later, 120) if line.startswith("│")}
    assert "LATE" in lines["orders"]
    assert "2 d of 26 h" in lines["orders"]


def test_the_same_as_json(environment: dict[str, str]) -> None:
    result = CliRunner().invoke(growth, ["ingest", "status", "--json"], env=environment)
    rows = {row["stream"]: row for row in json.loads(result.stdout)}
    assert list(rows) == list(STREAMS)
    assert rows["orders"]["state"] == "loaded"
    assert rows["orders"]["lag_seconds"] == 0
    assert rows["discounts"]["state"] == "no access"
