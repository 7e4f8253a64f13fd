"""Watching the numbers: change points, forecasts, anomalies, pages that got worse, vitals that regressed.

The functions are loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.monitoring.anomalies import anomaly_scores
    from growth_pipelines.monitoring.changes import Change, detect_changes
    from growth_pipelines.monitoring.fleet import detect_fleet
    from growth_pipelines.monitoring.forecasting import Forecast, forecast
    from growth_pipelines.monitoring.measuring import find_tracking_losses
    from growth_pipelines.monitoring.pages import scan_pages
    from growth_pipelines.monitoring.vitals import find_regressions

__all__ = [
    "Change",
    "Forecast",
    "anomaly_scores",
    "detect_changes",
    "detect_fleet",
    "find_regressions",
    "find_tracking_losses",
    "forecast",
    "scan_pages",
]

_HOME = {
    "Change": "changes",
    "Forecast": "forecasting",
    "anomaly_scores": "anomalies",
    "detect_changes": "changes",
    "detect_fleet": "fleet",
    "find_regressions": "vitals",
    "find_tracking_losses": "measuring",
    "forecast": "forecasting",
    "scan_pages": "pages",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
