"""What each API still grants us, shared by every thread and process of this machine and kept over restarts.

A budget belongs to a quota scope: what the API itself counts together (a shop and an app, a Search Console
property, an API key). All of them lie in one SQLite file of the home, in WAL mode; each change is one short
``BEGIN IMMEDIATE`` transaction of one small row. Measured on two cores with rows of the usual size, a change
takes 0.1 ms alone, and 0.3 ms (99 of 100: 1.5 ms) beside three other processes that each make some 150 a
second. Replacing a JSON file under a file lock took 0.4 ms and 0.6 ms (5 ms). A process that is killed inside
a change leaves the row as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit

from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.buckets import (
    ARRIVAL_SECONDS,
    Bucket,
    CostBucket,
    CountBucket,
    Grant,
    Refusal,
)
from growth_pipelines.ingestion.queries import query
from growth_pipelines.settings import Settings

FILE_NAME = "budgets.sqlite"
BUSY_SECONDS = 30.0
# Budgets whose files stay open in one process; more than one home is rare outside of tests.
OPEN_FILES = 8
KINDS: dict[str, type[Bucket]] = {"cost": CostBucket, "count": CountBucket}
B = TypeVar("B", bound=Bucket)


class BudgetUsedUp(TransientError):
    """An API grants nothing more in the time that a call may take; ``retry_after`` says when it will (seconds)."""


class BudgetFile:
    """The file of one home. Thread-safe; get it with :meth:`of`. ``clock`` gives seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self._lock = Lock()
        with self._clear_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connected(path)

    @classmethod
    def of(cls, settings: Settings) -> BudgetFile:
        """The file in the home; one for each process, since a connection must not live on over a fork."""
        return _opened(settings.home / FILE_NAME, os.getpid())

    @contextmanager
    def change(self, scope: str, kind: type[B]) -> Iterator[tuple[B, float]]:
        """The bucket of ``scope`` and the instant, in a transaction that keeps what the block does to it."""
        with self._lock, self._clear_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                bucket = self._read(scope, kind)
                yield bucket, self.clock()
                state = json.dumps(vars(bucket), separators=(",", ":"))
                self._connection.execute(query("record_budget"), (scope, kind.kind, state))
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def look(self, scope: str, kind: type[B]) -> tuple[B, float]:
        """The bucket of ``scope`` reckoned up to now, and the instant; nothing is kept."""
        with self._lock, self._clear_errors():
            bucket, now = self._read(scope, kind), self.clock()
        bucket.advance(now)
        return bucket, now

    def rows(self) -> list[tuple[str, Bucket]]:
        """Every scope with its bucket, reckoned up to now."""
        with self._lock, self._clear_errors():
            found = self._connection.execute(query("budgets")).fetchall()
        now = self.clock()
        buckets = [(str(scope), _loaded(KINDS[kind], state)) for scope, kind, state in found if kind in KINDS]
        for _, bucket in buckets:
            bucket.advance(now)
        return buckets

    def _read(self, scope: str, kind: type[B]) -> B:
        row = self._connection.execute(query("budget"), (scope, kind.kind)).fetchone()
        return _loaded(kind, row[0] if row else "{}")

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise GrowthError(
                f"{self.path} can't be used: {error}.",
                "Check the disk and the rights of GROWTH_HOME. The file may be removed: it is made anew.",
            ) from error


def _loaded(kind: type[B], state: str) -> B:
    """A bucket from its state; fields that this version does not know are left out."""
    known = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in json.loads(state).items() if name in known})


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    for last in (False, False, True):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:  # several processes make the file at once; one of them has its way
            if last:
                raise
            time.sleep(0.2)
    # A power cut may cost the last changes, never the file; the API's next answer corrects what was lost.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(query("budget_table"))
    return connection


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: Path, process: int) -> BudgetFile:
    return BudgetFile(path)


class Budget:
    """One scope's budget. ``label`` names the API in messages, e.g. "Search Console", with times in ``zone``."""

    kind: type[Bucket]

    def __init__(self, file: BudgetFile, scope: str, label: str, *, zone: str = "UTC") -> None:
        self.file = file
        self.scope = scope
        self.label = label
        self.zone = zone

    def pause(self, seconds: float, why: str) -> None:
        """The API asked for a pause: nothing of this scope goes out for ``seconds``, in any process."""
        with self.file.change(self.scope, self.kind) as (bucket, now):
            bucket.pause(now, seconds, why)

    def paused(self, patience: float = float("inf")) -> float:
        """Seconds left of a pause. Raises BudgetUsedUp when they are more than ``patience``."""
        bucket, now = self.file.look(self.scope, self.kind)
        left = bucket.paused(now)
        if left > patience:
            raise self.used_up(left, bucket.paused_why)
        return left

    def used_up(self, wait: float, why: str) -> BudgetUsedUp:
        """The error that says until when; ``why`` as in "load quota is used up"."""
        return BudgetUsedUp(self.until(wait, why), "The next run goes on there.", wait)

    def until(self, wait: float, why: str) -> str:
        end = datetime.fromtimestamp(self.file.clock() + wait, UTC)
        return f"{self.label}'s {why} until {local_minute(end, self.zone)}."

    def _granted(self, answer: Grant | Refusal) -> Grant:
        if isinstance(answer, Refusal):
            raise self.used_up(answer.wait, answer.why)
        return answer


class CostBudget(Budget):
    """Points of a shop and an app."""

    kind = CostBucket

    def reserve(self, document: str, patience: float = float("inf")) -> Grant:
        """Take what a document costs. Raises BudgetUsedUp, having taken nothing, for waits over ``patience``."""
        with self.file.change(self.scope, CostBucket) as (bucket, now):
            answer = bucket.reserve(now, document, patience)
        return self._granted(answer)

    def settle(self, document: str, grant: Grant, told: Mapping[str, Any]) -> float:
        """Correct by an answer's ``extensions.cost``; returns the seconds until the same could be asked again."""
        with self.file.change(self.scope, CostBucket) as (bucket, now):
            bucket.settle(now, document, grant, told)
            return bucket.refill_seconds(document)

    def page_size(self, document: str, asked: int) -> int:
        """``asked``, or the smaller size that this document's pages were once cut to."""
        bucket, _ = self.file.look(self.scope, CostBucket)
        return min(asked, bucket.page_sizes.get(document, asked))

    def cut_pages(self, document: str, size: int) -> None:
        with self.file.change(self.scope, CostBucket) as (bucket, _):
            bucket.page_sizes[document] = size


class CountBudget(Budget):
    """Calls of an API, so many a minute and so many a day (0: any number)."""

    kind = CountBucket

    def __init__(
        self, file: BudgetFile, scope: str, label: str, per_minute: int, per_day: int = 0, *, zone: str = "UTC"
    ) -> None:
        super().__init__(file, scope, label, zone=zone)
        self.per_minute = per_minute
        self.per_day = per_day

    def reserve(self, patience: float = float("inf")) -> Grant:
        """Take one call. Raises BudgetUsedUp, having taken nothing, for waits over ``patience``."""
        with self.file.change(self.scope, CountBucket) as (bucket, now):
            bucket.per_minute, bucket.per_day = self.per_minute, self.per_day
            answer = bucket.reserve(now, patience)
        return self._granted(answer)

    def answered(self, grant: Grant, seconds: float) -> None:
        """Tell that a call ended ``seconds`` after it might start; a slow one may have arrived late."""
        if seconds > ARRIVAL_SECONDS:
            with self.file.change(self.scope, CountBucket) as (bucket, now):
                bucket.arrived(now, grant)


@dataclass
class CountTurn:
    """The place of one call in its budget; taken anew for each try."""

    budget: CountBudget
    grant: Grant = Grant(0.0, 0.0)  # noqa: RUF009 - frozen
    may_start: float = 0.0

    def take(self, patience: float) -> float:
        self.grant = self.budget.reserve(patience)
        self.may_start = time.monotonic() + self.grant.wait
        return self.grant.wait

    def paused(self, patience: float) -> float:
        return self.budget.paused(patience)

    def answered(self) -> None:
        self.budget.answered(self.grant, time.monotonic() - self.may_start)


def scope_name(api: str, base_url: str, *, secret: str = "", shown: str = "") -> str:
    """A scope's name: the API, its host, and what tells accounts apart. A secret only as a part of its hash."""
    address = urlsplit(base_url)
    host = (address.hostname or base_url) + (f":{address.port}" if address.port else "")
    account = shown or f"key {hashlib.sha256(secret.encode()).hexdigest()[:12]}"
    return f"{api} {host} {account}"


def budget_status(settings: Settings) -> list[dict[str, Any]]:
    """Each scope's budget as of now: scope (no secret in it), kind, available and maximum (points or calls),
    restore_rate (points or calls a second), per_minute (None for points), used_today, waiting_until (None when
    the next request need not wait), as_of.
    """
    if not (settings.home / FILE_NAME).exists():
        return []
    return [_status(scope, bucket) for scope, bucket in BudgetFile.of(settings).rows()]


def _status(scope: str, bucket: Bucket) -> dict[str, Any]:
    free_at = bucket.free_at()
    row: dict[str, Any] = {"scope": scope, "kind": bucket.kind}
    if isinstance(bucket, CostBucket):
        row |= {"available": max(0.0, bucket.available), "maximum": bucket.maximum}
        row |= {"restore_rate": bucket.restore_rate, "per_minute": None}
    elif isinstance(bucket, CountBucket):
        row |= {"available": bucket.available, "maximum": float(bucket.per_minute)}
        row |= {"restore_rate": bucket.per_minute / 60, "per_minute": bucket.per_minute}
    return row | {
        "used_today": bucket.used_today,
        "waiting_until": datetime.fromtimestamp(free_at, UTC) if free_at > bucket.as_of else None,
        "as_of": datetime.fromtimestamp(bucket.as_of, UTC),
    }
