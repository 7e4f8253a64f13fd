"""Raw tables: what ingestion reads from the outside world, one asset a table.

One step reads every selected stream, because ingestion fetches them side by side and loads them one after the
other. How a stream is read, resumed and loaded is ingestion's business, not this module's.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from growth_pipelines.clock import local_date
from growth_pipelines.defs.ages import DAILY, WEEKLY
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import window_in_words
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.streams import STREAMS, Stream
from growth_pipelines.warehouse.raw_tables import BY_NAME, Column

if TYPE_CHECKING:
    from growth_pipelines.ingestion.results import Progress, StreamResult

ARRIVED = "arrived_in_time"
# Sources whose newest day is judged. Those that only answer for "now" (CrUX, PageSpeed Insights) have no window
# and are judged by the age of their asset alone.
_DATED = {
    "shopify": "The newest day read is at most 2 days old.",
    "search_console": "The newest day read is at most 2 days older than final data of Search Console are.",
}
_GRACE_DAYS = 2
_FRESHNESS = {"shopify": DAILY, "search_console": DAILY, "crux": WEEKLY, "psi": WEEKLY, "rum": DAILY}
_COLUMNS = {
    "shop_id": "The shop: its myshopify domain. Part of every key.",
    "customer_key": "Keyed hash of the customer, made before anything is stored.",
    "local_date": "Day in the shop's zone.",
    "_file_id": "The landing file that the row came from.",
    "_line": "Its line in that file.",
    "_loaded_at": "When it was loaded, UTC.",
}
_COLUMN_TYPES = {"timestamp": "UTC.", "money": "In the shop's currency, major units."}


class IngestConfig(dg.Config):
    """The launchpad's form of an ingestion: days (both inclusive) in place of the cursor, or everything again."""

    since: str = Field(default="", description="first day to read again, YYYY-MM-DD")
    until: str = Field(default="", description="last day to read, YYYY-MM-DD")
    full: bool = Field(default=False, description="read the whole history again")


def raw_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", table])


def _spec(stream: Stream, table: str) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(column.name, type=column.type, description=_of_columns(column))
        for column in BY_NAME[table].all_columns
    ]
    return dg.AssetSpec(
        raw_key(table),
        description=f"{BY_NAME[table].description}\n\nRead by the stream `{stream.name}`: {stream.description}",
        group_name=stream.group,
        kinds={stream.source.name, "python"},
        owners=[OWNER],
        freshness_policy=_FRESHNESS.get(stream.source.name),
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
        skippable=True,
    )


def _of_columns(column: Column) -> str | None:
    """What a name does not say: the unit, the zone, where a row came from."""
    return _COLUMNS.get(column.name) or _COLUMN_TYPES.get(column.type)


def _checked_table(stream: Stream) -> str:
    """The table that answers for its stream: its namesake, or the first."""
    return stream.name if stream.name in stream.tables else stream.tables[0]


def _arrival_checks() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            ARRIVED,
            asset=raw_key(_checked_table(stream)),
            description=_DATED[stream.source.name],
        )
        for stream in STREAMS.values()
        if stream.source.name in _DATED
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
        yield from _reported(context, STREAMS[result.stream], result, machine)
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


def _newest_day(end: datetime | None, zone: str) -> date | None:
    """The last day of a window, which ends before its end: one of whole days at the midnight after the last."""
    if end is None:
        return None
    if end.time() == datetime.min.time():
        return (end - timedelta(days=1)).date()
    return local_date(end.replace(tzinfo=UTC), zone)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _reported(
    context: dg.AssetExecutionContext, stream: Stream, result: "StreamResult", machine: Machine
) -> Iterator[Any]:
    for table in stream.tables:
        metadata = stream_metadata(result, table, machine.zone)
        if raw_key(table) in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=raw_key(table), metadata=metadata)
        else:
            # Read along with a selected table of the same stream: it changed as well, so it says so.
            context.log_event(dg.AssetMaterialization(raw_key(table), metadata=metadata))
    check = dg.AssetCheckKey(raw_key(_checked_table(stream)), ARRIVED)
    if check in context.selected_asset_check_keys:
        delay = machine.settings.search_console.delay_days if stream.source.name == "search_console" else 0
        yield arrival(check, result, machine.today, machine.zone, delay_days=delay)


def stream_metadata(result: "StreamResult", table: str, zone: str) -> Mapping[str, Any]:
    """What one read of a stream did, for one of its tables. ``rows`` are those read this time."""
    start, end = result.window_start, result.window_end
    return {
        "rows": result.rows.get(table, 0),
        "window": window_in_words(start, end, zone) if start and end else "as it is now",
        "requests": result.requests,
        "bytes": result.bytes,
        "seconds": round(result.seconds, 2),
        "throttled": result.throttled,
        "retries": result.retries,
        **({"notes": "\n".join(result.notes)} if result.notes else {}),
        **({"proxy": "sessions are missing; conversion is orders ÷ search clicks"} if result.proxy else {}),
    }


def arrival(
    check: dg.AssetCheckKey, result: "StreamResult", today: date, zone: str, *, delay_days: int = 0
) -> dg.AssetCheckResult:
    """Whether the window that was read ends recently enough, for a source whose data are ``delay_days`` late by
    their nature. A late source warns and stops nothing."""
    newest = _newest_day(result.window_end, zone)
    late = None if newest is None else (today - newest).days
    return dg.AssetCheckResult(
        passed=late is None or late <= delay_days + _GRACE_DAYS,
        asset_key=check.asset_key,
        check_name=check.name,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The newest day is {newest}." if newest else "There was no window to read.",
        metadata={
            **({"days_late": late} if late is not None else {}),
            "recovery": "Look at the stream's notes; `growth doctor` checks credentials and scopes.",
        },
    )
