"""Beacons as a browser sends them, and what the warehouse holds of them."""

from __future__ import annotations

from typing import Any

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

PAGE = "https://www.hotrodparts.example/products/an-6"
SESSION = "0123456789abcdef0123456789abcdef"


def metric(name: str = "LCP", value: float = 1812.5, **over: Any) -> dict[str, Any]:
    """A Metric of the web-vitals library."""
    return {
        "name": name,
        "value": value,
        "delta": value,
        "rating": "good",
        "id": f"v5-1700000000000-{name}",
        "navigationType": "navigate",
        **over,
    }


def beacon(*metrics: dict[str, Any], **over: Any) -> dict[str, Any]:
    return {
        "page": PAGE,
        "session": SESSION,
        "landing": True,
        "landing_page": "/products/an-6",
        "metrics": list(metrics) or [metric()],
        **over,
    }


def stored(settings: Settings, *columns: str) -> list[tuple[Any, ...]]:
    """The loaded beacons, sorted."""
    with Warehouse.of(settings).write() as connection:
        rows = connection.execute(f"select {', '.join(columns)} from raw.web_vitals_beacons").fetchall()
    return sorted(rows, key=str)
