"""Bulk operations: Shopify runs a whole query by itself and serves its result as one JSONL file.

The operation's id is written down before it is polled, so that a run that was killed while Shopify worked goes
on with the same operation. The result goes straight to the caller, block by block: it is never stored as it came.
It counts when its size and its number of objects are those that Shopify told; a partial result is never a success.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.failures import Throttled, WindowTooLarge
from growth_pipelines.ingestion.shopify.client import AccessDenied, AddressExpired, ShopifyClient, document

FIRST_POLL_SECONDS = 0.2
SLOWEST_POLL_SECONDS = 10.0
# Result addresses live for 7 days; an operation older than this is not worth going on with.
RESUME_WITHIN = timedelta(days=2)
BUSY = ("OPERATION_IN_PROGRESS", "LIMIT_REACHED")
# A lost operation is among the newest of this app, of which five run at once.
NEWEST = 20


class BulkFailed(GrowthError):
    """The operation gave no whole result; the same records can be read in another way."""


class BulkBusy(Throttled, BulkFailed):
    """Other operations of this app run. Waiting for a turn is the normal course, so the time budget limits it."""


class BulkTooLarge(BulkFailed, WindowTooLarge):
    """Shopify ran out of time: only a smaller window can be had."""


@dataclass
class BulkResult:
    """A finished operation. ``asked_at`` is when it was started, by our clock."""

    client: ShopifyClient
    note: Path
    asked_at: datetime
    finished: dict[str, Any] = field(repr=False)

    @property
    def objects(self) -> int:
        """The number of objects that Shopify counted."""
        return int(self.finished.get("objectCount") or 0)

    def blocks(self) -> Iterator[bytes]:
        """The result in blocks of whole lines. A broken download goes on where it broke.

        Raises BulkFailed at the end when bytes or objects are missing: what was given is then not to be used.
        """
        if not self.finished.get("url"):
            if self.objects:
                raise BulkFailed("The bulk operation has objects but no result.")
            return  # Nothing matched.
        size = lines = 0
        rest = b""
        for block in self._bytes():
            size += len(block)
            head, line_end, tail = block.rpartition(b"\n")
            if line_end:
                whole = rest + head + line_end
                lines += whole.count(b"\n")
                yield whole
                rest = tail
            else:
                rest += tail
        if rest.strip():
            lines += 1
            yield rest
        told = self.finished.get("fileSize")
        if told is not None and size != int(told):
            raise BulkFailed(f"The bulk result has {size:,} bytes of {int(told):,}.")
        if lines != self.objects:
            raise BulkFailed(f"The bulk result has {lines:,} objects of {self.objects:,}.")

    def _bytes(self) -> Iterator[bytes]:
        """Every byte once, over as many connections as it takes. Patience without a byte is an end."""
        done = 0
        told = self.finished.get("fileSize")
        while told is None or done < int(told):
            stream, first = self._opened(done)
            if first is None:
                return
            try:
                for block in chain([first], stream):
                    done += len(block)
                    yield block
            except TransientError:
                self.client.meter.add(retries=1)
            else:
                return

    def _opened(self, offset: int) -> tuple[Iterator[bytes], bytes | None]:
        """A connection that has brought its first block from ``offset`` on; None at the end of the file.

        Raises BulkFailed when patience is used up, or when an address that was asked for anew is refused as well.
        """

        def once() -> tuple[Iterator[bytes], bytes | None]:
            if not self.finished.get("url"):
                raise AddressExpired("The bulk operation has no address of its result any more.")
            stream = self.client.stream(self.finished["url"], offset)
            return stream, next(stream, None)

        try:
            try:
                return self.client.retried(once)
            except AddressExpired:
                self.finished = status(self.client, self.finished["id"]) or self.finished
                return self.client.retried(once)
        except (TransientError, AddressExpired) as error:
            raise BulkFailed(error.message) from error

    def forget(self) -> None:
        """The result is landed (or of no use): a later run shall not go on with it."""
        self.note.unlink(missing_ok=True)


def run_bulk(
    client: ShopifyClient,
    name: str,
    query_filter: str,
    folder: Path,
    now: datetime,
    *,
    stuck_seconds: float,
    on_poll: Callable[[int], None] = lambda objects: None,
) -> BulkResult:
    """Run ``documents/{name}.graphql`` with FILTER replaced, until it is finished.

    Notes of running operations are kept in ``folder``. Raises BulkFailed (BulkBusy when there was no turn within
    the time budget), AccessDenied, or TransientError when the time budget is used up.
    """
    text = document(name).replace("FILTER", query_filter)
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{name}-{_fingerprint(text)[:16]}.operation.json"
    operation, asked_at = _resumable(client, note, now)
    if operation is None:
        operation, asked_at = _start(client, text, now, on_poll)
        _write_note(note, operation, asked_at)
    try:
        return BulkResult(client, note, asked_at, _wait(client, operation, stuck_seconds, on_poll))
    except BulkFailed:
        note.unlink(missing_ok=True)
        raise


def status(client: ShopifyClient, operation: str) -> dict[str, Any] | None:
    """The operation as Shopify knows it."""
    found = client.execute("bulk_status", {"id": operation})["bulkOperation"]
    return dict(found) if found else None


def _start(
    client: ShopifyClient, text: str, now: datetime, on_poll: Callable[[int], None]
) -> tuple[str, datetime]:
    """Start the operation, waiting for a turn while others of this app run; its id and when it was asked for.

    An operation whose start was asked for without an answer is looked for before another is started. One that has
    ended meanwhile is not found: starting it again is harmless then, since it holds no place any more.
    """
    lost = False

    def once() -> tuple[str, datetime]:
        nonlocal lost
        found = _running(client, text, now) if lost else None
        if found is not None:
            client.meter.note("went on with a bulk operation whose start had no answer")
            return found
        try:
            answer = client.mutate("bulk_run", {"query": text}).get("bulkOperationRunQuery")
            if not isinstance(answer, dict):
                raise TransientError("Shopify did not say whether it started the bulk operation.")
        except TransientError:
            lost = True
            raise
        refusals = answer.get("userErrors")
        if refusals and refusals[0].get("code") in BUSY:
            on_poll(0)
            raise BulkBusy("Other bulk operations of this app kept running.", "", None)
        if refusals:
            raise BulkFailed(f"Shopify refused the bulk operation: {refusals[0]['message']}")
        return str(answer["bulkOperation"]["id"]), now

    return client.retried(once)


def _running(client: ShopifyClient, text: str, now: datetime) -> tuple[str, datetime] | None:
    """An operation of this very query that runs, and when it was asked for: never later than it was created."""
    connection = client.execute("bulk_operations", {"first": NEWEST})["bulkOperations"]
    for operation in connection["nodes"]:
        if operation["status"] in ("CREATED", "RUNNING") and operation["query"].split() == text.split():
            return str(operation["id"]), min(now, datetime.fromisoformat(operation["createdAt"]))
    return None


def _wait(
    client: ShopifyClient, operation: str, stuck_seconds: float, on_poll: Callable[[int], None]
) -> dict[str, Any]:
    pause = FIRST_POLL_SECONDS
    counted, moved_at = -1, time.monotonic()
    while True:
        found = status(client, operation)
        if not found:
            raise BulkFailed("Shopify does not know the bulk operation any more.")
        objects = int(found.get("objectCount") or 0)
        on_poll(objects)
        if found["status"] == "COMPLETED":
            return found
        if found["status"] not in ("CREATED", "RUNNING", "CANCELING"):
            if found.get("errorCode") == "ACCESS_DENIED":
                raise AccessDenied(
                    "The Shopify token lacks a scope for the bulk operation.", "Grant it, see `growth doctor`."
                )
            kind = BulkTooLarge if found.get("errorCode") == "TIMEOUT" else BulkFailed
            raise kind(f"The bulk operation ended as {found['status']} ({found.get('errorCode')}).")
        if objects > counted:
            counted, moved_at = objects, time.monotonic()
        elif time.monotonic() - moved_at > stuck_seconds:
            client.execute("bulk_cancel", {"id": operation})
            raise BulkTooLarge(f"The bulk operation stood still at {objects:,} objects and was cancelled.")
        client.pause(pause)
        pause = min(SLOWEST_POLL_SECONDS, pause * 1.5)


def _resumable(client: ShopifyClient, note: Path, now: datetime) -> tuple[str | None, datetime]:
    """The operation that an interrupted run started for the very same query, if it is young enough."""
    try:
        written = json.loads(note.read_text(encoding="utf-8"))
        asked_at = datetime.fromisoformat(written["asked_at"])
        operation = str(written["id"])
    except FileNotFoundError:
        return None, now
    except (ValueError, KeyError, TypeError):
        note.unlink(missing_ok=True)
        return None, now
    found = status(client, operation) if timedelta(0) <= now - asked_at < RESUME_WITHIN else None
    if not found or found["status"] not in ("CREATED", "RUNNING", "COMPLETED"):
        note.unlink(missing_ok=True)
        return None, now
    client.meter.note("went on with the bulk operation of an interrupted run")
    return operation, asked_at


def _write_note(note: Path, operation: str, now: datetime) -> None:
    partial = note.with_suffix(".part")
    partial.write_text(json.dumps({"id": operation, "asked_at": now.isoformat()}), encoding="utf-8")
    partial.replace(note)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
