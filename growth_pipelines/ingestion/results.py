"""What a run of a stream did, for the terminal, Dagster's metadata and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from growth_pipelines.errors import GrowthError


@dataclass(frozen=True)
class StreamResult:
    """One stream's run. ``rows`` are loaded rows a raw table; ``bytes`` were received; times are naive UTC.

    ``outdated`` rows were left out because newer ones are stored or the shop deleted the record; ``repeated``
    records came twice; ``unknown_fields`` are sent by the source and read by nobody. ``history_from`` is the first
    day that the source shows where it shows less than was asked for; ``no_access`` says that a scope is missing.

    ``proxy``: the source is not open to us and a stand-in measure has to be used (sessions without the
    read_reports scope).
    """

    stream: str
    rows: Mapping[str, int] = field(default_factory=dict)
    window_start: datetime | None = None
    window_end: datetime | None = None
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    throttled: int = 0
    retries: int = 0
    waited: float = 0.0
    outdated: Mapping[str, int] = field(default_factory=dict)
    repeated: Mapping[str, int] = field(default_factory=dict)
    unknown_fields: Mapping[str, int] = field(default_factory=dict)
    history_from: date | None = None
    no_access: bool = False
    notes: tuple[str, ...] = ()
    proxy: bool = False


Phase = Literal["fetching", "landed", "loading", "loaded", "done", "failed"]


@dataclass(frozen=True)
class Progress:
    """A step of a stream: ``done`` of ``total`` (0 = unknown) pieces fetched, ``rows`` loaded so far.

    ``loading`` is reported inside the transaction, before it is committed.
    """

    stream: str
    phase: Phase
    done: int = 0
    total: int = 0
    rows: int = 0


OnProgress = Callable[[Progress], None]


class IngestError(GrowthError):
    """Some streams failed; the others are loaded. ``results`` are theirs, ``failures`` by stream."""

    def __init__(self, failures: Mapping[str, GrowthError], results: list[StreamResult]) -> None:
        first_stream, first = next(iter(failures.items()))
        others = [stream for stream in failures if stream != first_stream]
        also = f" ({', '.join(others)} failed too)" if others else ""
        super().__init__(f"{first_stream}: {first.message}{also}", first.hint)
        self.failures = dict(failures)
        self.results = results
