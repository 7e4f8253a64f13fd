"""With 100,000 actions stored the first pages of the queue still come at once. ``-s`` prints the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from growth_pipelines.bench.own_process import run_module
from growth_pipelines.bench.queue import LIMIT_MS, PAGES

STORED = 100_000


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_first_pages_come_in_under_100_ms(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""
    # Three scores: thousands of actions are tied.
    document = run_module("growth_pipelines.bench.queue", tmp_path, url, STORED, 3, 20)
    print(f"\n{document}")
    assert document["engine"] == engine
    assert set(document["pages"]) == set(PAGES)
    # The least of 20: what the page itself takes, whatever else runs on the machine. A page that reads every
    # action takes at least 150 ms.
    assert {name: one["least"] for name, one in document["pages"].items() if one["least"] >= LIMIT_MS} == {}
