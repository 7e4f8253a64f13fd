"""One run of ingestion: fetch in parallel, load one after the other, and never lose what was landed.

Streams run in stages, because some need others' rows: which pages CrUX is asked about comes from Search Console,
which pages the lab runs come from CrUX. Within a stage streams fetch and parse in threads of their own, while
this thread alone writes to the warehouse.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from queue import Queue
from threading import Event, Lock
from typing import Any

from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import Loaded, load
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.results import IngestError, OnProgress, Phase, Progress, StreamResult
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.scopes import ALL_ORDERS, CONSEQUENCES, granted_scopes, missing
from growth_pipelines.ingestion.state import (
    State,
    finish_window,
    move_cursor,
    newer_snapshot,
    prepared,
    read_state,
    record_file,
    record_run,
    status_rows,
)
from growth_pipelines.ingestion.status import stream_status
from growth_pipelines.ingestion.streams import STREAMS, Stream
from growth_pipelines.ingestion.streams.base import Asked, Job
from growth_pipelines.ingestion.streams.catalogue import read_shop
from growth_pipelines.settings import Settings
from growth_pipelines.telemetry import logger
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse

_log = logger("ingestion")
FETCHERS = 8
# Landed files that wait for the loader at most, so that a failing loader stops the fetchers soon.
WAITING_FILES = 16


def ingest(
    settings: Settings,
    streams: Sequence[str] | None = None,
    since: date | None = None,
    until: date | None = None,
    full: bool = False,
    on_progress: OnProgress | None = None,
) -> list[StreamResult]:
    """Read ``streams`` (default: all) up to now and load them; one result each, in the order of STREAMS.

    ``since`` and ``until`` are days, both inclusive, in place of the cursor; ``full`` reads the whole history
    again. Everything is safe to interrupt and to repeat. Raises IngestError when a stream failed; the others
    are loaded then.
    """
    unknown = [name for name in streams or () if name not in STREAMS]
    if unknown:
        raise GrowthError(f"There is no stream {unknown[0]!r}.", f"Streams are {', '.join(STREAMS)}.")
    if since and until and since > until:
        raise GrowthError(f"--since {since} is after --until {until}.", "Swap them.")
    chosen = [stream for name, stream in STREAMS.items() if not streams or name in streams]
    return _Run(settings, Asked(since, until, full), on_progress).run(chosen)


def ingest_stream(
    settings: Settings,
    name: str,
    since: date | None = None,
    until: date | None = None,
    full: bool = False,
    on_progress: OnProgress | None = None,
) -> StreamResult:
    """One stream, as :func:`ingest` does it."""
    return ingest(settings, [name], since, until, full, on_progress)[0]


def ingest_status(settings: Settings) -> list[dict[str, Any]]:
    """Each stream's newest run and how far it is behind, as :func:`stream_status` describes it."""
    with prepared(Warehouse.of(settings)) as connection:
        return [stream_status(row, settings.clock.now()) for row in status_rows(connection)]


@dataclass
class _Tally:
    """A stream's result while it runs."""

    stream: Stream
    job: Job
    began: float
    started_at: datetime
    rows: dict[str, int] = field(default_factory=dict)
    outdated: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    unknown_fields: dict[str, int] = field(default_factory=dict)
    window: tuple[datetime, datetime] | None = None
    failure: GrowthError | None = None
    no_access: bool = False
    ended: float = 0.0

    def add(self, landed: Landed, loaded: Loaded) -> None:
        for mine, more in (
            (self.rows, loaded.rows),
            (self.outdated, loaded.outdated),
            (self.repeated, loaded.repeated),
            (self.unknown_fields, loaded.unknown_fields),
        ):
            for name, count in more.items():
                mine[name] = mine.get(name, 0) + count
        if landed.window is not None:
            start, end = landed.window.start, landed.window.end
            self.window = (min(start, self.window[0]), max(end, self.window[1])) if self.window else (start, end)

    def result(self) -> StreamResult:
        meter = self.job.meter
        return StreamResult(
            stream=self.stream.name,
            rows=dict(self.rows),
            window_start=self.window[0] if self.window else None,
            window_end=self.window[1] if self.window else None,
            requests=meter.requests,
            bytes=meter.bytes,
            seconds=round((self.ended or time.monotonic()) - self.began, 3),
            throttled=meter.throttled,
            retries=meter.retries,
            waited=meter.waited,
            outdated=dict(self.outdated),
            repeated=dict(self.repeated),
            unknown_fields=dict(self.unknown_fields),
            history_from=self.job.history_from,
            no_access=self.no_access,
            notes=tuple(meter.notes),
            proxy=self.job.proxy,
        )


class _Stopped(Exception):
    """The loader failed, so the fetchers stop; the loader's own error is what is raised."""


@dataclass(frozen=True)
class _Event:
    """From a fetcher to the loader: a landed file, or the end of a stream (``landed`` None)."""

    tally: _Tally
    landed: Landed | None = None
    failure: GrowthError | None = None


class _Run:
    def __init__(self, settings: Settings, asked: Asked, on_progress: OnProgress | None) -> None:
        self.settings = settings
        self.asked = asked
        self.run_id = secrets.token_hex(8)
        self.warehouse = Warehouse.of(settings)
        self.landing = Landing(settings.home)
        self.pseudonyms = Pseudonyms.of(settings)
        self.scopes: frozenset[str] = frozenset()
        self.shop = Shop("")
        self.state = State()
        self._on_progress = on_progress
        self._progress_lock = Lock()
        self._stop = Event()

    def run(self, chosen: list[Stream]) -> list[StreamResult]:
        self.landing.remove_leftovers()
        self._read_state()
        results: dict[str, StreamResult] = {}
        failures: dict[str, GrowthError] = {}
        self._identify()
        unknown = self.shop.shop_id not in self.state.shops
        if STREAMS["shop"] in chosen or (unknown and any(stream.source.name == "shopify" for stream in chosen)):
            self._stage([STREAMS["shop"]], results, failures)
            if failures:  # Without the shop nothing else can be read or dated rightly.
                raise IngestError(failures, [])
            self._read_state()
        self._know_shop()
        if any(stream.source.name == "shopify" for stream in chosen):
            with ShopifyClient(self.settings) as client:
                self.scopes = granted_scopes(client)
        rest = [stream for stream in chosen if stream.name != "shop"]
        for stage in sorted({stream.stage for stream in rest}):
            self._stage([stream for stream in rest if stream.stage == stage], results, failures)
        done = [results[stream.name] for stream in chosen if stream.name in results]
        if failures:
            raise IngestError(failures, done)
        return done

    def _read_state(self) -> None:
        with prepared(self.warehouse) as connection:
            self.state = read_state(connection)

    def _identify(self) -> None:
        """The shop's id: as set, else as the shop says."""
        domain = self.settings.shop.domain
        if not domain:
            if not self.settings.shopify.base_url:
                raise SettingsError(
                    "No shop is configured: GROWTH_SHOP__DOMAIN is not set.",
                    "Set it to your shop's domain, e.g. GROWTH_SHOP__DOMAIN=example.myshopify.com.",
                )
            with ShopifyClient(self.settings) as client:
                domain = str(read_shop(client)["myshopifyDomain"])
        self.shop = Shop(domain)

    def _know_shop(self) -> None:
        """What is known of the shop; a setting wins over what the shop says."""
        known = self.state.shops.get(self.shop.shop_id, self.shop)
        given = self.settings.shop
        self.shop = replace(
            known, timezone=given.timezone or known.timezone, currency=given.currency or known.currency
        )

    def _stage(
        self, streams: list[Stream], results: dict[str, StreamResult], failures: dict[str, GrowthError]
    ) -> None:
        """Fetch these streams at the same time, and load what they land as it comes."""
        tallies = [self._prepare(stream) for stream in streams]
        failed: dict[str, GrowthError] = {}
        events: Queue[_Event] = Queue(WAITING_FILES)
        with ThreadPoolExecutor(FETCHERS) as pool:
            open_to_us = [tally for tally in tallies if self._has_access(tally)]
            fetches = [pool.submit(self._fetch, tally, events) for tally in open_to_us]
            running = len(open_to_us)
            try:
                while running:
                    ended: list[_Event] = []
                    try:
                        self._load_waiting(events, ended)
                    finally:
                        running -= len(ended)
                    failed |= self._finished(ended)
            except BaseException:
                # The fetchers may wait for room in the queue; take what comes until they have stopped.
                self._stop.set()
                while running:
                    running -= events.get().landed is None
                raise
        for fetch in fetches:
            fetch.result()
        self._record(tallies, failed)
        failures.update(failed)
        results.update({t.stream.name: t.result() for t in tallies if t.stream.name not in failed})

    def _has_access(self, tally: _Tally) -> bool:
        """False, with a note that says what it costs, when a scope is missing that the stream can't do without."""
        lacking = missing(tally.stream.scopes, self.scopes)
        if not lacking:
            return True
        tally.no_access = True
        tally.job.meter.note(lacking)
        self._tell(tally, "done")
        return False

    def _prepare(self, stream: Stream) -> _Tally:
        """Load what an interrupted run had landed, then say where this run starts."""
        job = Job(
            stream=stream,
            settings=self.settings,
            shop=self.shop,
            now=self.settings.clock.now(),
            asked=self.asked,
            cursor=None,
            landing=self.landing,
            pseudonyms=self.pseudonyms,
            scopes=self.scopes,
            meter=Meter(),
        )
        tally = _Tally(stream, job, time.monotonic(), job.now)
        waiting = self.landing.pending(stream.name, self.shop.shop_id, self.state.loaded_files)
        loaded = 0
        for landed in waiting:
            try:
                with self.warehouse.writer() as connection:
                    self._load(connection, tally, landed)
            except GrowthError as error:
                # The cursor is still before it. Kept, it would fail this and every later run in all streams.
                job.meter.note(f"a landing file of an earlier run is fetched again: {error.message}")
                self.landing.discard(landed)
                continue
            loaded += 1
        if loaded:
            job.meter.note(f"loaded {loaded} landing file(s) of an interrupted run")
            tally.window = None  # What they hold need not touch what this run reads; the cursor knows both.
            self._read_state()
        known = self.state.cursor(self.shop.shop_id, stream.name)
        if known is not None:
            job.cursor, job.whole_at = known.position, known.whole_at
        job.on_piece = lambda done, total: self._piece(tally, done, total)
        if stream.targets is not None:
            with self.warehouse.write() as connection:
                job.targets = stream.targets(connection, job)
        return tally

    def _fetch(self, tally: _Tally, events: Queue[_Event]) -> None:
        """Runs in a thread: fetch and land one stream. Ends with an event in any case."""
        failure: GrowthError | None = None
        try:
            self._tell(tally, "fetching")
            for landed in tally.stream.fetch(tally.job):
                self._tell(tally, "landed")
                events.put(_Event(tally, landed))
        except GrowthError as error:
            failure = error
        except _Stopped:
            pass  # The loader knows why.
        finally:
            events.put(_Event(tally, failure=failure))

    def _load_waiting(self, events: Queue[_Event], ended: list[_Event]) -> None:
        """Wait for an event; load the file that it brings and all that wait behind it on one connection.

        Ends of streams that come are put into ``ended``, also when loading fails.
        """
        event = events.get()
        if event.landed is None:
            ended.append(event)
            return
        with self.warehouse.writer() as connection:
            self._load_or_fail(connection, event.tally, event.landed)
            while not events.empty():
                event = events.get()
                if event.landed is None:
                    ended.append(event)
                else:
                    self._load_or_fail(connection, event.tally, event.landed)

    def _finished(self, ended: list[_Event]) -> dict[str, GrowthError]:
        """Close the books of streams that ended; returns why some failed."""
        failed = {}
        for end in ended:
            end.tally.ended = time.monotonic()
            failure = end.tally.failure or end.failure
            if failure is not None:
                failed[end.tally.stream.name] = failure
            self._tell(end.tally, "failed" if failure else "done")
        return failed

    def _load_or_fail(self, connection: WarehouseConnection, tally: _Tally, landed: Landed) -> None:
        """Load a file, or let its stream alone fail. What follows in a failed stream waits for the next run."""
        if tally.failure is not None:
            return
        try:
            self._load(connection, tally, landed)
        except GrowthError as error:
            tally.failure = error

    def _load(self, connection: WarehouseConnection, tally: _Tally, landed: Landed) -> None:
        """One file: rows, the file's record and the cursor, in one transaction."""
        now = self.settings.clock.now()
        stream = tally.stream
        with connection.transaction():
            loaded = Loaded()
            if not (landed.whole and newer_snapshot(connection, landed)):
                loaded = load(connection, landed, stream.folder, stream.parts, now)
            record_file(connection, landed, now)
            move_cursor(connection, landed, self.run_id, now, self._history(tally))
            self._tell(tally, "loading")
        _log.debug("loaded", file=landed.file_id, rows=loaded.rows)
        tally.job.api_version = landed.api_version
        tally.add(landed, loaded)
        for name, records in loaded.unknown_fields.items():
            tally.job.meter.note(
                f"{name} is sent by the source and read by nobody ({records:,} records in a sample)"
            )
        self._tell(tally, "loaded")

    def _history(self, tally: _Tally) -> tuple[date | None, str]:
        return tally.job.history_from, CONSEQUENCES[ALL_ORDERS] if tally.job.history_from else ""

    def _record(self, tallies: list[_Tally], failed: dict[str, GrowthError]) -> None:
        now = self.settings.clock.now()
        with self.warehouse.write() as connection:
            for tally in tallies:
                if tally.window is not None and tally.stream.name not in failed:
                    key = (self.shop.shop_id, tally.stream.name)
                    finish_window(connection, key, tally.window, limited=tally.job.history_from is not None)
                record_run(
                    connection,
                    self.run_id,
                    self.shop.shop_id,
                    tally.result(),
                    (tally.started_at, now),
                    api_version=tally.job.api_version,
                    failure=str(failed.get(tally.stream.name, "")),
                )

    def _piece(self, tally: _Tally, done: int, total: int) -> None:
        if self._stop.is_set() or tally.failure is not None:
            raise _Stopped
        self._tell(tally, "fetching", done, total)

    def _tell(self, tally: _Tally, phase: Phase, done: int = 0, total: int = 0) -> None:
        if self._on_progress is not None:
            with self._progress_lock:
                self._on_progress(Progress(tally.stream.name, phase, done, total, sum(tally.rows.values())))
