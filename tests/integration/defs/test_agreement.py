"""The weekly comparison is quiet while both ways of building agree, and red when a table holds something else."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from growth_pipelines.defs.build import build_defs
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from tests.integration.warehouse.raw_rows import load, random_shop, settings_for

from .conftest import QUIET


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_for(tmp_path)
    load(made, random_shop(seed=3))
    build(made, select=["+fct_page_daily", "+fct_search_hidden_daily"], data_tests=False)
    return made


def compared(settings: Settings) -> dg.AssetCheckEvaluation:
    job = build_defs(settings).resolve_job_def("compare_builds")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
    [check] = result.get_asset_check_evaluations()
    return check


def test_a_table_that_no_full_build_gives_is_found_and_put_right(settings: Settings) -> None:
    assert compared(settings).passed
    with Warehouse.of(settings).write() as connection:
        connection.execute(
            "update marts.fct_page_daily set search_clicks = search_clicks + 1 "
            "where date_day = (select min(date_day) from marts.fct_page_daily)"
        )
    found = compared(settings)
    assert not found.passed
    assert found.metadata["rows_that_differ"].value > 0
    assert compared(settings).passed, "the full build is what stays"
