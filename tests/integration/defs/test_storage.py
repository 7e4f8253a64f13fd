"""The instance on PostgreSQL: in a schema of its own, made by whoever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from growth_pipelines.defs.instance import open_instance, prepare_instance
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import load_settings


@pytest.mark.postgres
def test_dagsters_tables_live_in_their_own_schema(tmp_path: Path, postgres_url: str) -> None:
    settings = load_settings({"GROWTH_HOME": str(tmp_path), "GROWTH_DATABASE_URL": postgres_url})

    @dg.asset
    def anything() -> None:
        return None

    with open_instance(settings) as instance:
        assert dg.materialize([anything], instance=instance).success
        assert instance.fetch_materializations(dg.AssetKey("anything"), limit=1).records
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "select distinct schemaname from pg_tables where tablename in ('runs', 'event_logs')"
        ).fetchall()
    assert rows == [("dagster",)]


@pytest.mark.postgres
def test_two_processes_may_prepare_it_at_once(tmp_path: Path, postgres_url: str) -> None:
    homes = [
        load_settings({"GROWTH_HOME": str(tmp_path / str(n)), "GROWTH_DATABASE_URL": postgres_url})
        for n in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(prepare_instance, homes))) == 4


def test_a_database_that_does_not_answer_is_one_clear_line(tmp_path: Path) -> None:
    settings = load_settings(
        {"GROWTH_HOME": str(tmp_path), "GROWTH_DATABASE_URL": "postgresql://ada:hidden@127.0.0.1:9/growth"}
    )
    with pytest.raises(GrowthError, match="GROWTH_DATABASE_URL") as caught:
        prepare_instance(settings)
    assert "hidden" not in str(caught.value)
