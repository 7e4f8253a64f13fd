"""The machine's own work as raw tables: external assets, because every build writes them before its models.

They name no parents: proposals come from the marts, and the marts of actions from these tables a build later.
"""

from __future__ import annotations

import dagster as dg

from growth_pipelines.defs.assets.raw_checks import raw_key
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.warehouse.operations_tables import TABLES
from growth_pipelines.warehouse.raw_tables import RawTable

_WRITTEN = "Written from the operational store at each build; nothing has to be run for it."


def operations_tables() -> list[dg.AssetSpec]:
    """One external asset a table."""
    return [_spec(table) for table in TABLES]


def _spec(table: RawTable) -> dg.AssetSpec:
    columns = [dg.TableColumn(column.name, type=column.type) for column in table.all_columns]
    return dg.AssetSpec(
        raw_key(table.name),
        description=f"{table.description}\n\n{_WRITTEN}",
        group_name="operations",
        kinds={"table", "python"},
        owners=[OWNER],
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )
