from __future__ import annotations

from pathlib import Path

import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from tests.drafts import settings_in, with_operator
from tests.new_stores import new_store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings on each engine, with the clock standing still."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return settings_in(tmp_path, url)


@pytest.fixture
def store(settings: Settings) -> Store:
    """An empty store with the operator bo, whose key lies in the home."""
    store = new_store(settings)
    with_operator(store, settings)
    return store
