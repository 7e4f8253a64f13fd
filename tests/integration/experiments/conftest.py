from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from tests.drafts import settings_in, with_operator
from tests.experiment_marts import at


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.postgres)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A live machine with an operator, on either pair of databases."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    settings = at(settings_in(tmp_path, url), datetime.fromisoformat("2026-03-02T14:00:00+00:00"))
    with_operator(Store.of(settings), settings)
    return settings
