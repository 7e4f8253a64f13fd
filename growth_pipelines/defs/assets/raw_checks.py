"""The checks on raw tables: what is checked of every stream, and what its findings mean.

They are judged in the step that ingests. Only a key that a table has twice stops what is built on it; whatever
else is wrong warns, because late or partial data are better than none.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.display import some_of
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.status import newest_day
from growth_pipelines.ingestion.streams import STREAMS, Stream

if TYPE_CHECKING:
    from growth_pipelines.ingestion.checks import Compared, StreamFindings, TableFindings
    from growth_pipelines.ingestion.results import StreamResult

ARRIVED = "arrived_in_time"
AGREES = "agrees_with_the_api"
NO_DUPLICATES = "no_duplicates"
NULL_RATES = "null_rates"
DRIFT = "schema_drift"
# Sources whose newest day is judged. Those that only answer for "now" (CrUX, PageSpeed Insights) have no window
# and are judged by the age of their asset alone.
_DATED = {
    "shopify": "The newest day read is at most 2 days old.",
    "search_console": "The newest day read is at most 2 days older than final data of Search Console are.",
}
_GRACE_DAYS = 2
_WARN = dg.AssetCheckSeverity.WARN


def raw_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", table])


def answering_table(stream: Stream) -> str:
    """The table that answers for its stream: its namesake, or the first."""
    return stream.name if stream.name in stream.tables else stream.tables[0]


def check_specs() -> list[dg.AssetCheckSpec]:
    return [spec for stream in STREAMS.values() for spec in _specs_of(stream)]


def _specs_of(stream: Stream) -> Iterator[dg.AssetCheckSpec]:
    asset = raw_key(answering_table(stream))
    if stream.source.name in _DATED:
        yield dg.AssetCheckSpec(ARRIVED, asset=asset, description=_DATED[stream.source.name])
    if stream.counted:
        yield dg.AssetCheckSpec(
            AGREES,
            asset=asset,
            description=f"As many rows as the API counts (`{stream.counted}`), but for what changed since.",
        )
    yield dg.AssetCheckSpec(DRIFT, asset=asset, description="The source sends no field that nobody reads.")
    for table in stream.tables:
        yield dg.AssetCheckSpec(
            NO_DUPLICATES,
            asset=raw_key(table),
            blocking=True,
            description="No key is there twice. Models are not built on a table where one is.",
        )
        yield dg.AssetCheckSpec(
            NULL_RATES,
            asset=raw_key(table),
            description="No column that was filled (under 5 % null) is mostly null in the newest rows.",
        )


def judged(
    stream: Stream, result: "StreamResult", findings: "StreamFindings", machine: Machine
) -> Iterator[dg.AssetCheckResult]:
    """Every check's result on one read of a stream."""
    asset = raw_key(answering_table(stream))
    if stream.source.name in _DATED:
        delay = machine.settings.search_console.delay_days if stream.source.name == "search_console" else 0
        yield arrival(asset, result, machine.today, machine.zone, delay_days=delay)
    if stream.counted:
        yield agreement(asset, findings, f"`growth ingest {stream.name} --full` reads all of it again.")
    yield _drift(asset, result)
    for table, of_table in findings.tables.items():
        yield _no_duplicates(raw_key(table), of_table, stream.name)
        yield _null_rates(raw_key(table), of_table)


def arrival(
    asset: dg.AssetKey, result: "StreamResult", today: date, zone: str, *, delay_days: int = 0
) -> dg.AssetCheckResult:
    """Whether the window that was read ends recently enough, for a source whose data are ``delay_days`` late by
    their nature. A late source warns and stops nothing."""
    newest = newest_day(result.window_end, zone)
    late = None if newest is None else (today - newest).days
    return dg.AssetCheckResult(
        passed=late is None or late <= delay_days + _GRACE_DAYS,
        asset_key=asset,
        check_name=ARRIVED,
        severity=_WARN,
        description=f"The newest day is {newest}." if newest else "There was no window to read.",
        metadata={
            **({"days_late": late} if late is not None else {}),
            "recovery": "Look at the stream's notes; `growth doctor` checks credentials and scopes.",
        },
    )


def agreement(asset: dg.AssetKey, findings: "StreamFindings", recovery: str, of: str = "") -> dg.AssetCheckResult:
    """Whether the API counts what is loaded; a count that could not be had warns as well."""
    compared = findings.compared
    if compared is None:
        said = findings.not_compared
        return dg.AssetCheckResult(
            passed=False, asset_key=asset, check_name=AGREES, severity=_WARN, description=said
        )
    return dg.AssetCheckResult(
        passed=compared.agrees,
        asset_key=asset,
        check_name=AGREES,
        severity=_WARN,
        description=of + _counts_in_words(compared),
        metadata={
            "api_count": compared.api,
            "rows": compared.loaded,
            "difference": compared.difference,
            "changed_since": compared.moved,
            "counted": compared.bounds.filter or "everything",
            **({} if compared.agrees else {"recovery": recovery}),
        },
    )


def _counts_in_words(compared: "Compared") -> str:
    if not compared.difference:
        return f"The API counts {compared.api:,}, and as many are loaded."
    differing = f"{abs(compared.difference):,} {'more' if compared.difference > 0 else 'fewer'}"
    said = f"The API counts {compared.api:,}, {differing} than the {compared.loaded:,} that are loaded."
    return f"{said} {compared.moved:,} changed since and are read by the next run." if compared.moved else said


def landed(findings: "StreamFindings") -> dict[str, Any]:
    """Where what was read lies: the manifests of its landing files, below the home."""
    if not findings.manifests:
        return {}
    return {"landed": dg.MetadataValue.md(some_of([f"`{path}`" for path in findings.manifests]))}


def _drift(asset: dg.AssetKey, result: "StreamResult") -> dg.AssetCheckResult:
    unknown = result.unknown_fields
    said = f"Sent and read by nobody: {', '.join(sorted(unknown))}." if unknown else "Every field is known."
    return dg.AssetCheckResult(
        passed=not unknown,
        asset_key=asset,
        check_name=DRIFT,
        severity=_WARN,
        description=said,
        metadata={
            "unknown_fields": len(unknown),
            **({"records_of_the_sample": dict(unknown)} if unknown else {}),
        },
    )


def _no_duplicates(asset: dg.AssetKey, findings: "TableFindings", stream: str) -> dg.AssetCheckResult:
    twice = findings.duplicates
    metadata: dict[str, Any] = {"repeated_keys": twice.keys, "extra_rows": twice.extra_rows}
    if twice.keys:
        metadata["example"] = twice.example
        metadata["recovery"] = f"`growth ingest {stream} --full` writes the rows anew."
    return dg.AssetCheckResult(
        passed=not twice.keys,
        asset_key=asset,
        check_name=NO_DUPLICATES,
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"{twice.keys:,} keys are there more than once, for example {twice.example}."
            if twice.keys
            else f"Each of {findings.rows:,} keys is there once."
        ),
        metadata=metadata,
    )


def _null_rates(asset: dg.AssetKey, findings: "TableFindings") -> dg.AssetCheckResult:
    turned = findings.turned_null
    said = (f"{c.column} was {c.before:.0%} null and is {c.now:.0%} of {c.rows:,} new rows" for c in turned)
    return dg.AssetCheckResult(
        passed=not turned,
        asset_key=asset,
        check_name=NULL_RATES,
        severity=_WARN,
        description=f"{'; '.join(said)}." if turned else "No column turned null.",
        metadata={c.column: round(100 * c.now, 1) for c in turned},
    )
