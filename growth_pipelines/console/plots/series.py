"""The series that plots and pages are drawn from."""

from __future__ import annotations

from pathlib import Path

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.series import Series

_QUERIES = Path(__file__).parent / "queries"


def series_of(settings: Settings) -> Series:
    """What is published, by the queries of ``queries/``."""
    return Series.of(settings, _QUERIES)
