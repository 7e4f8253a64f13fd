"""Once a week: whether counting only the days that changed has given what counting everything gives.

Not a check of the models themselves, since those ride along with every refresh and this one builds twice.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import table
from growth_pipelines.defs.machine import Machine

AGREEMENT = dg.AssetKey("incremental_agreement")
NOTHING_DIFFERS = "nothing_differs"
AGREES = dg.AssetCheckKey(AGREEMENT, NOTHING_DIFFERS)


def incremental_agreement(models: Sequence[dg.AssetKey], kind: str) -> dg.AssetsDefinition:
    """The asset, which depends on the incremental models, with its check. ``kind`` is the engine's badge."""

    @dg.asset(
        key=AGREEMENT,
        deps=list(models),
        group_name="quality",
        kinds={"dbt", kind},
        owners=[OWNER],
        pool="warehouse",
        description="Builds the models that are counted by day twice, from the first day that changed and in "
        "full, and counts the rows by which the two differ. The tables are those of the full build afterwards.",
        check_specs=[
            dg.AssetCheckSpec(
                NOTHING_DIFFERS,
                asset=AGREEMENT,
                description="Counting only the changed days gives the same rows as counting everything.",
            )
        ],
    )
    def compare(machine: dg.ResourceParam[Machine]) -> Any:
        """Build both ways and compare."""
        from growth_pipelines.quality.barrier import require_contracts
        from growth_pipelines.warehouse.agreement import disagreements
        from growth_pipelines.warehouse.rebuilds import SOURCES

        require_contracts(machine.settings)
        differing = disagreements(machine.settings, [f"+{model}" for model in SOURCES])
        rows = [{"model": model, "rows_that_differ": rows} for model, rows in differing.items()]
        yield dg.MaterializeResult(metadata={"models": table(rows)})
        yield dg.AssetCheckResult(
            passed=not any(differing.values()),
            check_name=NOTHING_DIFFERS,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "rows_that_differ": sum(differing.values()),
                "recovery": "The tables are right now: run `build_models` to publish them. Set "
                "GROWTH_WAREHOUSE__INCREMENTAL=off until the cause is found: every build counts everything then.",
            },
        )

    return compare
