"""Dagster's door: what ``workspace.yaml`` names and ``dagster definitions validate`` loads.

Every process that Dagster starts comes through here, so its logs get their trace ids, masks and file here.
"""

from growth_pipelines.defs.build import build_defs
from growth_pipelines.settings import load_settings
from growth_pipelines.telemetry import configure_logging

_settings = load_settings()
configure_logging(_settings.home / "logs", _settings.log_level)
defs = build_defs(_settings)
