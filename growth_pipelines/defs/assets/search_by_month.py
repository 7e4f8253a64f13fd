"""Search Console's history, a month a partition: to read a month again, or by a backfill all that Google has.

It fills the same raw tables as the daily ingestion by the same load, a day replacing what was there of it.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from growth_pipelines.defs.assets.orders_by_month import MONTH
from growth_pipelines.defs.assets.raw import Watcher, stream_metadata
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.settings import Settings

SEARCH_BY_MONTH = dg.AssetKey("search_by_month")
# Search Console keeps sixteen months.
KEPT = timedelta(days=16 * 30)
# Provisional days are always the newest, whatever month is asked for.
STREAMS_OF_DAYS = tuple(
    name for name, stream in STREAMS.items() if stream.group == "search" and "provisional" not in name
)


def search_by_month(settings: Settings) -> dg.AssetsDefinition:
    """The partitioned asset."""
    first = settings.clock.now() - KEPT
    partitions = dg.MonthlyPartitionsDefinition(start_date=f"{first:{MONTH}}", fmt=MONTH, end_offset=1)

    @dg.asset(
        key=SEARCH_BY_MONTH,
        partitions_def=partitions,
        group_name="search",
        kinds={"search_console", "python"},
        owners=[OWNER],
        pool="warehouse",
        description="Backfill: reads the search days of a month again (Google's days, Pacific time), by page, "
        "query, country and device. Months can be read in any order. Run `build_models` when all are read. The "
        "daily cycle does not need it.",
    )
    def read_month(context: dg.AssetExecutionContext, machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
        """Read one month again."""
        from growth_pipelines.ingestion.run import ingest

        first, end = context.partition_time_window
        results = ingest(
            machine.settings,
            list(STREAMS_OF_DAYS),
            since=first.date(),
            until=min((end - timedelta(days=1)).date(), machine.today),
            on_progress=Watcher(machine, len(STREAMS_OF_DAYS)),
        )
        metadata: dict[str, Any] = {}
        for result in results:
            for note in result.notes:
                context.log.info(f"{result.stream}: {note}")
            metadata |= {f"rows_{table}": rows for table, rows in result.rows.items()}
        yield dg.MaterializeResult(
            metadata=metadata
            | {"window": stream_metadata(results[0], "search_page_daily", machine.zone)["window"]}
        )

    return read_month
