"""Raw tables: what ingestion reads from the outside world, one asset a table.

One step reads every selected stream, because ingestion fetches them side by side and loads them one after the
other. How a stream is read, resumed and loaded is ingestion's business, not this module's.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.streams import STREAMS, Stream
from growth_pipelines.warehouse.raw_tables import BY_NAME

if TYPE_CHECKING:
    from growth_pipelines.ingestion.results import Progress, StreamResult

ARRIVED = "arrived_in_time"
# How late a source's newest day may be, in days: what it documents plus one day of grace. Sources that only
# answer for "now" (CrUX, PageSpeed Insights) have no window and are judged by the age of their asset alone.
_DAYS_LATE = {"shopify": 2, "search_console": 5}
_FRESHNESS = {
    "shopify": dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=54)),
    "search_console": dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=30), fail_window=timedelta(hours=54)
    ),
    "crux": dg.FreshnessPolicy.time_window(warn_window=timedelta(days=3), fail_window=timedelta(days=8)),
    "psi": dg.FreshnessPolicy.time_window(warn_window=timedelta(days=3), fail_window=timedelta(days=8)),
}


class IngestConfig(dg.Config):
    """The launchpad's form of an ingestion: days (both inclusive) in place of the cursor, or everything again."""

    since: str = Field(default="", description="first day to read again, YYYY-MM-DD")
    until: str = Field(default="", description="last day to read, YYYY-MM-DD")
    full: bool = Field(default=False, description="read the whole history again")


def raw_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", table])


def _spec(stream: Stream, table: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(table),
        description=f"{BY_NAME[table].description}\n\nRead by the stream `{stream.name}`: {stream.description}",
        group_name=stream.group,
        kinds={stream.source, "python"},
        owners=[OWNER],
        freshness_policy=_FRESHNESS.get(stream.source),
        skippable=True,
    )


def _arrival_checks() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            ARRIVED,
            asset=raw_key(stream.tables[0]),
            description=f"The newest day read is at most {_DAYS_LATE[stream.source]} days old.",
        )
        for stream in STREAMS.values()
        if stream.source in _DAYS_LATE
    ]


@dg.multi_asset(
    name="ingest",
    specs=[_spec(stream, table) for stream in STREAMS.values() for table in stream.tables],
    check_specs=_arrival_checks(),
    can_subset=True,
    pool="warehouse",
)
def raw_tables(
    context: dg.AssetExecutionContext, config: IngestConfig, machine: dg.ResourceParam[Machine]
) -> Iterator[Any]:
    """Read the selected streams and load them into ``raw``."""
    from growth_pipelines.ingestion.run import IngestError, ingest

    streams = [s for s in STREAMS.values() if any(raw_key(t) in context.selected_asset_keys for t in s.tables)]
    failure: IngestError | None = None
    try:
        results = ingest(
            machine.settings,
            streams=[stream.name for stream in streams],
            since=_day(config.since),
            until=_day(config.until),
            full=config.full,
            on_progress=_Watcher(machine, len(streams)),
        )
    except IngestError as error:
        # The other streams are loaded; they are reported before this step fails.
        failure, results = error, error.results
    for result in results:
        for note in result.notes:
            context.log.info(f"{result.stream}: {note}")
        yield from _reported(context, STREAMS[result.stream], result, machine.today)
    if failure is not None:
        raise failure


class _Watcher:
    """Tells the machine's onlooker how much of the streams is done."""

    def __init__(self, machine: Machine, total: int) -> None:
        self._machine, self._total = machine, total
        self._parts: dict[str, float] = {}

    def __call__(self, step: "Progress") -> None:
        if step.phase in ("done", "failed"):
            self._parts[step.stream] = 1.0
        elif step.total:
            self._parts[step.stream] = 0.9 * step.done / step.total
        self._machine.on_progress(f"{step.stream} {step.phase}", sum(self._parts.values()) / self._total)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _reported(
    context: dg.AssetExecutionContext, stream: Stream, result: "StreamResult", today: date
) -> Iterator[Any]:
    for table in stream.tables:
        metadata = stream_metadata(result, table)
        if raw_key(table) in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=raw_key(table), metadata=metadata)
        else:
            # Read along with a selected table of the same stream: it changed as well, so it says so.
            context.log_event(dg.AssetMaterialization(raw_key(table), metadata=metadata))
    check = dg.AssetCheckKey(raw_key(stream.tables[0]), ARRIVED)
    if check in context.selected_asset_check_keys:
        yield arrival(check, stream.source, result, today)


def stream_metadata(result: "StreamResult", table: str) -> Mapping[str, Any]:
    """What one read of a stream did, for one of its tables."""
    return {
        "rows": result.rows.get(table, 0),
        "window": f"{result.window_start or '–'} … {result.window_end or '–'}",
        "requests": result.requests,
        "bytes": result.bytes,
        "seconds": round(result.seconds, 2),
        "throttled": result.throttled,
        "retries": result.retries,
        **({"notes": "\n".join(result.notes)} if result.notes else {}),
        **({"proxy": "sessions are missing; conversion is orders ÷ search clicks"} if result.proxy else {}),
    }


def arrival(check: dg.AssetCheckKey, source: str, result: "StreamResult", today: date) -> dg.AssetCheckResult:
    """Whether the window that was read ends recently enough. A late source warns and stops nothing."""
    # A window ends before its end: one of whole days ends at the midnight after the last.
    end = result.window_end
    newest = (end - timedelta(microseconds=1)).date() if end is not None else None
    late = None if newest is None else (today - newest).days
    return dg.AssetCheckResult(
        passed=late is None or late <= _DAYS_LATE[source],
        asset_key=check.asset_key,
        check_name=check.name,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The newest day is {newest}." if newest else "There was no window to read.",
        metadata={
            **({"days_late": late} if late is not None else {}),
            "recovery": "Look at the stream's notes; `growth doctor` checks credentials and scopes.",
        },
    )
