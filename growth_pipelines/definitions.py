"""Dagster's door: what ``workspace.yaml`` names and ``dagster definitions validate`` loads."""

from growth_pipelines.defs.build import build_defs

defs = build_defs()
