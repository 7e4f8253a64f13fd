"""The orders' history, a month a partition: to read a month again, or all of them by a backfill.

It fills the same raw tables as the daily ingestion, by the same load, so months may be read in any order and
beside it. The pool of the warehouse lets one at a time write.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.assets.raw import Watcher, stream_metadata
from growth_pipelines.defs.assets.raw_checks import AGREES, agreement, landed
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.status import history_in_words
from growth_pipelines.settings import Settings

if TYPE_CHECKING:
    from growth_pipelines.ingestion.checks import StreamFindings
    from growth_pipelines.ingestion.results import StreamResult

ORDERS_BY_MONTH = dg.AssetKey("orders_by_month")
MONTH = "%Y-%m"


def months(settings: Settings) -> dg.MonthlyPartitionsDefinition:
    """The months (UTC) from the start of the history that the settings ask for up to the present one."""
    first = settings.clock.now() - timedelta(days=settings.ingestion.history_days)
    return dg.MonthlyPartitionsDefinition(start_date=f"{first:{MONTH}}", fmt=MONTH, end_offset=1)


def orders_by_month(settings: Settings) -> dg.AssetsDefinition:
    """The partitioned asset with its check."""
    partitions = months(settings)

    @dg.asset(
        key=ORDERS_BY_MONTH,
        partitions_def=partitions,
        group_name="orders",
        kinds={"shopify", "python"},
        owners=[OWNER],
        pool="warehouse",
        description="Backfill: reads the orders that last changed in a month (UTC) again, into `raw.orders` and "
        "what belongs to it. Months can be read in any order, also while the daily cycle runs; loading one twice "
        "changes nothing. Run `build_models` when all are read. The daily cycle does not need it.",
        check_specs=[
            dg.AssetCheckSpec(
                AGREES,
                asset=ORDERS_BY_MONTH,
                description="As many orders are loaded as the API counts with the month's filter, up to what "
                "changed since.",
            )
        ],
    )
    def read_month(context: dg.AssetExecutionContext, machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
        """Read one month again and compare it with the API."""
        from growth_pipelines.ingestion.checks import compare_month
        from growth_pipelines.ingestion.run import ingest
        from growth_pipelines.ingestion.windows import naive_utc

        first, end = (naive_utc(moment) for moment in context.partition_time_window)
        last = (end - timedelta(days=1)).date()
        (result,) = ingest(
            machine.settings, ["orders"], since=first.date(), until=last, on_progress=Watcher(machine, 1)
        )
        for note in result.notes:
            context.log.info(note)
        findings = compare_month(machine.settings, result, first, end)
        yield dg.MaterializeResult(metadata=_metadata(result, findings, machine.zone))
        yield agreement(
            ORDERS_BY_MONTH,
            findings,
            of=f"{context.partition_key}: ",
            recovery="Materialize the month again; if they still differ, look into its landing files.",
        )

    return read_month


def _metadata(result: "StreamResult", findings: "StreamFindings", zone: str) -> dict[str, Any]:
    """Orders read this time and in the warehouse, beside the API's count for the same filter."""
    metadata: dict[str, Any] = {}
    if compared := findings.compared:
        metadata = {
            "api_count": compared.api,
            "rows_in_the_warehouse": compared.loaded,
            "difference": compared.difference,
        }
    if history := history_in_words(findings.status):
        metadata["history"] = history
    return metadata | stream_metadata(result, "orders", zone) | landed(findings)
