"""The report: the newest outcome of every expectation by source, in ``$GROWTH_HOME/quality.json``.

A file beside the warehouse and not a table that readers see: when a contract is broken nothing is published, and
that is when somebody wants to read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.quality import compared, findings
from growth_pipelines.quality.outcomes import Outcome
from growth_pipelines.quality.scoring import WEIGHTS, Score, score_of
from growth_pipelines.quality.suites import suites
from growth_pipelines.settings import Settings


@dataclass(frozen=True)
class StreamState:
    """A stream that was read: what it lacks at ``judged_at``, and what it may lack, in seconds."""

    stream: str
    lag_seconds: float | None
    objective_seconds: float | None


@dataclass(frozen=True)
class Report:
    """What is known of the data at ``judged_at`` (aware). ``batches`` are the rows that were last looked at."""

    judged_at: datetime
    outcomes: tuple[Outcome, ...]
    streams: tuple[StreamState, ...]
    batches: Mapping[str, int]


@dataclass(frozen=True)
class SourceQuality:
    """One source: its score now and what its data break, what blocks first."""

    source: str
    title: str
    quality: Score
    failing: tuple[Outcome, ...]
    judged: int
    batch_rows: int


def report_file(settings: Settings) -> Path:
    return settings.home / "quality.json"


def write_report(settings: Settings, report: Report) -> None:
    """Replace the report at once."""
    document = {
        "judged_at": report.judged_at.isoformat(),
        "outcomes": [asdict(one) for one in report.outcomes],
        "streams": [asdict(one) for one in report.streams],
        "batches": dict(report.batches),
    }
    target = report_file(settings)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    partial.replace(target)


def read_report(settings: Settings) -> Report | None:
    """The newest report; None before the first run."""
    try:
        document = json.loads(report_file(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Report(
        datetime.fromisoformat(document["judged_at"]),
        tuple(Outcome(**{**one, "examples": tuple(one["examples"])}) for one in document["outcomes"]),
        tuple(StreamState(**one) for one in document["streams"]),
        document["batches"],
    )


def still_asked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Without those of expectations that no suite has any more."""
    asked = {
        (suite.table, name)
        for suite in suites().values()
        for name in (*(one.claim for one in suite.expectations), *compared.names(suite))
    }
    return [one for one in outcomes if one.expectation in findings.NAMES or (one.table, one.expectation) in asked]


def by_source(report: Report, now: datetime) -> list[SourceQuality]:
    """Every source that was read, in the order of STREAMS. Data that nobody reads again grow old meanwhile."""
    passed = max(0.0, (now - report.judged_at).total_seconds())
    sources = {stream.source.name: stream.source.title for stream in STREAMS.values()}
    read = {one.stream: one for one in report.streams if one.stream in STREAMS}
    shown = []
    for name, title in sources.items():
        tables = {table for stream in STREAMS.values() if stream.source.name == name for table in stream.tables}
        mine = [one for one in report.outcomes if one.table in tables]
        lags = [
            (state.lag_seconds + passed, state.objective_seconds)
            for stream, state in read.items()
            if STREAMS[stream].source.name == name and state.lag_seconds is not None and state.objective_seconds
        ]
        rows = sum(report.batches.get(table, 0) for table in tables)
        # Looked over as it is, an empty table of a source that is switched off has nothing to be graded.
        if rows or lags:
            failing = sorted((one for one in mine if not one.passed), key=lambda one: (not one.blocks, one.table))
            shown.append(SourceQuality(name, title, score_of(mine, lags), tuple(failing), len(mine), rows))
    return shown


def as_document(one: SourceQuality) -> dict[str, Any]:
    """A source for ``--json``: its score, its parts in per cent, and what fails."""
    return {
        "source": one.source,
        "score": one.quality.score,
        "grade": one.quality.grade,
        "blocked": one.quality.blocked,
        "parts": {name: round(100 * one.quality.parts[name], 1) for name in WEIGHTS if name in one.quality.parts},
        "expectations": one.judged,
        "failing": [asdict(outcome) for outcome in one.failing],
    }
