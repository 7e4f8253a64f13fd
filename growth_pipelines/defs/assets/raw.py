"""Raw tables: what ingestion reads from the outside world, one asset a table.

One step reads every selected stream, because ingestion fetches them side by side and loads them one after the
other. How a stream is read, resumed and loaded is ingestion's business, not this module's.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from growth_pipelines.defs.ages import of_objective
from growth_pipelines.defs.assets.raw_checks import check_specs, judged, landed, raw_key
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import window_in_words
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.status import history_in_words, lag_in_words
from growth_pipelines.ingestion.streams import STREAMS, Stream
from growth_pipelines.warehouse.raw_tables import BY_NAME, Column

if TYPE_CHECKING:
    from growth_pipelines.ingestion.checks import StreamFindings
    from growth_pipelines.ingestion.results import Progress, StreamResult

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
        freshness_policy=of_objective(stream.objective),
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
        skippable=True,
    )


def _of_columns(column: Column) -> str | None:
    """What a name does not say: the unit, the zone, where a row came from."""
    return _COLUMNS.get(column.name) or _COLUMN_TYPES.get(column.type)


@dg.multi_asset(
    name="ingest",
    specs=[_spec(stream, table) for stream in STREAMS.values() for table in stream.tables],
    check_specs=check_specs(),
    can_subset=True,
    pool="warehouse",
)
def raw_tables(
    context: dg.AssetExecutionContext, config: IngestConfig, machine: dg.ResourceParam[Machine]
) -> Iterator[Any]:
    """Read the selected streams and load them into ``raw``."""
    from growth_pipelines.ingestion.checks import examine
    from growth_pipelines.ingestion.run import IngestError, ingest
    from growth_pipelines.quality.findings import outcomes_of
    from growth_pipelines.quality.inspection import record_outcomes

    streams = [s for s in STREAMS.values() if any(raw_key(t) in context.selected_asset_keys for t in s.tables)]
    failure: IngestError | None = None
    try:
        results = ingest(
            machine.settings,
            streams=[stream.name for stream in streams],
            since=_day(config.since),
            until=_day(config.until),
            full=config.full,
            on_progress=Watcher(machine, len(streams)),
        )
    except IngestError as error:
        # The other streams are loaded; they are reported before this step fails.
        failure, results = error, error.results
    findings = examine(machine.settings, results)
    record_outcomes(machine.settings, context.run_id, list(outcomes_of(findings.values())))
    for result in results:
        if result.no_access:
            context.log.warning(f"{result.stream} is not read: {'; '.join(result.notes)}")
            continue
        for note in result.notes:
            context.log.info(f"{result.stream}: {note}")
        yield from _reported(context, STREAMS[result.stream], result, findings[result.stream], machine)
    if failure is not None:
        raise failure


class Watcher:
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
    context: dg.AssetExecutionContext,
    stream: Stream,
    result: "StreamResult",
    findings: "StreamFindings",
    machine: Machine,
) -> Iterator[Any]:
    for table in stream.tables:
        read = stream_metadata(result, table, machine.zone)
        metadata = findings_metadata(findings, table) | read | landed(findings)
        if raw_key(table) in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=raw_key(table), metadata=metadata)
        else:
            # Read along with a selected table of the same stream: it changed as well, so it says so.
            context.log_event(dg.AssetMaterialization(raw_key(table), metadata=metadata))
    selected = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
    for check in judged(stream, result, findings, machine):
        if (check.asset_key, check.check_name) in selected:
            yield check


def stream_metadata(result: "StreamResult", table: str, zone: str) -> dict[str, Any]:
    """What one read of a stream did, for one of its tables. ``rows`` are those read this time."""
    start, end = result.window_start, result.window_end
    own = STREAMS[result.stream].source.zone
    window = window_in_words(start, end, own or zone) if start and end else "as it is now"
    return {
        "rows": result.rows.get(table, 0),
        "window": f"{window} ({own})" if own and start else window,
        "requests": result.requests,
        "bytes": result.bytes,
        "seconds": round(result.seconds, 2),
        "throttled": result.throttled,
        "retries": result.retries,
        "seconds_waited": round(result.waited, 2),
        "rows_outdated": result.outdated.get(table, 0),
        "rows_repeated": result.repeated.get(table, 0),
        **({"unknown_fields": dict(result.unknown_fields)} if result.unknown_fields else {}),
        **({"notes": "\n".join(result.notes)} if result.notes else {}),
        **({"proxy": "sessions are missing; conversion is orders ÷ search clicks"} if result.proxy else {}),
    }


def findings_metadata(findings: "StreamFindings", table: str) -> dict[str, Any]:
    """What is in the table after it. ``lag_hours`` is a number for its curve."""
    status = findings.status
    metadata: dict[str, Any] = {"dagster/row_count": findings.tables[table].rows}
    if status["lag_seconds"] is not None:
        metadata |= {"lag": lag_in_words(status), "lag_hours": round(status["lag_seconds"] / 3600, 2)}
    if history := history_in_words(status):
        metadata["history"] = history
    return metadata
