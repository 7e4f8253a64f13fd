"""The instance's files as rendered from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from growth_pipelines.defs.instance import instance_environment, prepare_instance, rendered, storage_url
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings, load_settings


def _settings(home: Path, url: str = "") -> Settings:
    return load_settings({"GROWTH_HOME": str(home), "GROWTH_DATABASE_URL": url})


def test_sqlite_lives_in_the_home_with_connections_that_are_kept(tmp_path: Path) -> None:
    folder = prepare_instance(_settings(tmp_path))
    assert folder == tmp_path / "dagster"
    tree = yaml.safe_load((folder / "dagster.yaml").read_text())
    assert tree["storage"]["custom"]["class"] == "KeptSqliteStorage"
    assert tree["storage"]["custom"]["config"] == {"base_dir": {"env": "DAGSTER_HOME"}}
    assert tree["telemetry"] == {"enabled": False}
    assert tree["run_coordinator"]["config"]["dequeue_interval_seconds"] == 1
    assert tree["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    assert (folder / "workspace.yaml").exists()


def test_the_password_of_the_database_is_never_in_the_file_that_the_ui_shows(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "postgresql://ada:pa55word@db.example/growth")
    assert "pa55word" not in yaml.safe_dump(rendered(settings))
    assert "pa55word" in instance_environment(settings)["DAGSTER_STORAGE_URL"]


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg2://u:p@h/d?options=-csearch_path%3Ddagster"),
        ("postgres://u@h/d", "postgresql+psycopg2://u@h/d?options=-csearch_path%3Ddagster"),
        (
            "postgresql+psycopg://u@/d?host=/tmp/a b&options=-ctimezone%3DUTC",
            "postgresql+psycopg2://u@/d?host=%2Ftmp%2Fa+b&options=-ctimezone%3DUTC+-csearch_path%3Ddagster",
        ),
    ],
)
def test_the_database_url_is_put_into_dagsters_words(tmp_path: Path, given: str, becomes: str) -> None:
    assert storage_url(_settings(tmp_path, given)) == becomes


def test_another_databases_url_is_refused_with_the_settings_name(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match="GROWTH_DATABASE_URL"):
        storage_url(_settings(tmp_path, "mysql://u@h/d"))
