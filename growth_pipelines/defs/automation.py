"""What is refreshed because it is due or because what it is made of changed: declared on the assets themselves.

The daily cycle reads everything and closes the loop; between two cycles, each raw table is read at its stream's
cadence, and the models behind it and the published warehouse follow by themselves. Only views of the world are
refreshed so. What has a consequence (proposals, approvals, writes) is started by ``sensors`` and ``schedules``.

A run that was asked for is not asked for again before something new arrives, whether it went well or not: checks
ride along with the assets, and a blocking one keeps the published warehouse as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from growth_pipelines.defs.assets.raw_checks import raw_key
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.streams.base import Cadence

# Off the full hours, when everybody asks, and away from the daily cycle at 06:00. Search Console adds a day in the
# course of a day, so a second look in the afternoon; Chrome's weekly history is out by Tuesday morning.
CRONS: dict[Cadence, str] = {"hourly": "37 * * * *", "daily": "12 15 * * *", "weekly": "12 9 * * 2"}


def due(cadence: Cadence, zone: str) -> dg.AutomationCondition[Any]:
    """At each tick of the cadence in the shop's zone, unless it is being read already."""
    tick: dg.AutomationCondition[Any] = dg.AutomationCondition.cron_tick_passed(CRONS[cadence], zone)
    return (tick.since_last_handled() & ~dg.AutomationCondition.in_progress()).with_label(
        f"{cadence} ({CRONS[cadence]} {zone})"
    )


def kept_fresh(raw_tables: dg.AssetsDefinition, zone: str) -> dg.AssetsDefinition:
    """The raw tables, each due at its stream's cadence; those without one wait for the daily cycle."""
    cadences: Mapping[dg.AssetKey, Cadence] = {
        raw_key(table): stream.cadence
        for stream in STREAMS.values()
        for table in stream.tables
        if stream.cadence is not None
    }
    return raw_tables.map_asset_specs(
        lambda spec: (
            spec.replace_attributes(automation_condition=due(cadences[spec.key], zone))
            if spec.key in cadences
            else spec
        )
    )


def on_new_data() -> dg.AutomationCondition[Any]:
    """When something that the asset is made of changed, once all of it that is being made is there.

    Dagster's ``eager`` less its two demands that a shop may never meet: every table read at least once (a scope
    may be refused) and every model built before (the first cycle does that).
    """
    changed = dg.AutomationCondition.any_deps_updated().since_last_handled()
    idle = ~dg.AutomationCondition.any_deps_in_progress() & ~dg.AutomationCondition.in_progress()
    return (changed & idle).with_label("something that it is made of changed")


def refresh_sensor() -> dg.AutomationConditionSensorDefinition:
    """Evaluates the conditions. Dagster's own such sensor is stopped unless somebody starts it by hand."""
    return dg.AutomationConditionSensorDefinition(
        name="refresh_sensor",
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads what is due at its cadence and rebuilds what is made of it.",
    )
