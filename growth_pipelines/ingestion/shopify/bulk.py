"""Bulk operations: Shopify runs a whole query by itself and serves its result as one JSONL file.

The operation's id is written down before it is polled, so that a run that was killed while Shopify worked goes
on with the same operation. A result counts when its size and its number of objects are those that Shopify told;
a partial result is never a success.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.shopify.client import AccessDenied, ShopifyClient, document

FIRST_POLL_SECONDS = 0.2
SLOWEST_POLL_SECONDS = 10.0
# Result addresses live for 7 days; an operation older than this is not worth going on with.
RESUME_WITHIN = timedelta(days=2)


class BulkFailed(GrowthError):
    """The operation ended without a result; the same records can still be read page by page."""


@dataclass(frozen=True)
class BulkFile:
    """A downloaded result. ``asked_at`` is when the operation was started, by our clock."""

    path: Path
    objects: int
    asked_at: datetime


def fetch_bulk(
    client: ShopifyClient,
    name: str,
    query_filter: str,
    folder: Path,
    now: datetime,
    on_poll: Callable[[int], None] = lambda objects: None,
) -> BulkFile:
    """Run ``documents/{name}.graphql`` with FILTER replaced, and download its result into ``folder``.

    Raises BulkFailed, AccessDenied, or TransientError when the time budget is used up.
    """
    text = document(name).replace("FILTER", query_filter)
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{name}.operation.json"
    operation, asked_at = _resumable(client, note, text, now)
    if operation is None:
        operation = _start(client, text)
        asked_at = now
        _write_note(note, operation, text, now)
    finished = _wait(client, operation, on_poll)
    target = folder / f"{name}.download.part"
    _download(client, finished, target)
    note.unlink(missing_ok=True)
    return BulkFile(target, int(finished.get("objectCount") or 0), asked_at)


def _start(client: ShopifyClient, text: str) -> str:
    """Start the operation. Another one of this app may be running: then wait for its turn."""
    for wait in (2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 120.0):
        answer = client.execute("bulk_run", {"query": text})["bulkOperationRunQuery"]
        if not answer["userErrors"]:
            return str(answer["bulkOperation"]["id"])
        first = answer["userErrors"][0]
        if first.get("code") not in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED"):
            raise BulkFailed(f"Shopify refused the bulk operation: {first['message']}")
        client.pause(wait)
    raise BulkFailed("Another bulk operation of this app kept running.")


def _wait(client: ShopifyClient, operation: str, on_poll: Callable[[int], None]) -> dict[str, Any]:
    pause = FIRST_POLL_SECONDS
    while True:
        found = client.execute("bulk_status", {"id": operation})["bulkOperation"]
        if not found:
            raise BulkFailed("Shopify does not know the bulk operation any more.")
        status = found["status"]
        on_poll(int(found.get("objectCount") or 0))
        if status == "COMPLETED":
            return dict(found)
        if status not in ("CREATED", "RUNNING", "CANCELING"):
            if found.get("errorCode") == "ACCESS_DENIED":
                raise AccessDenied(
                    "The Shopify token lacks a scope for the bulk operation.", "Grant it, see `growth doctor`."
                )
            raise BulkFailed(f"The bulk operation ended as {status} ({found.get('errorCode')}).")
        client.pause(pause)
        pause = min(SLOWEST_POLL_SECONDS, pause * 1.5)


def _download(client: ShopifyClient, finished: dict[str, Any], target: Path) -> None:
    """The result, whole. No address means that nothing matched."""
    if not finished.get("url"):
        if int(finished.get("objectCount") or 0):
            raise BulkFailed("The bulk operation has objects but no result.")
        target.write_bytes(b"")
        return
    size = client.download(finished["url"], target)
    if finished.get("fileSize") is not None and size != int(finished["fileSize"]):
        raise TransientError(f"The bulk result has {size} bytes of {finished['fileSize']}.", "Run it again.")
    with target.open("rb") as file:
        lines = sum(1 for line in file if line.strip())
    if lines != int(finished["objectCount"]):
        raise TransientError(f"The bulk result has {lines} objects of {finished['objectCount']}.", "Run it again.")


def _resumable(client: ShopifyClient, note: Path, text: str, now: datetime) -> tuple[str | None, datetime]:
    """The operation that an interrupted run started for the very same query, if it is young enough."""
    if not note.exists():
        return None, now
    try:
        written = json.loads(note.read_text(encoding="utf-8"))
        asked_at = datetime.fromisoformat(written["asked_at"])
    except (ValueError, KeyError, TypeError):
        note.unlink(missing_ok=True)
        return None, now
    if written.get("query") != _fingerprint(text) or not timedelta(0) <= now - asked_at < RESUME_WITHIN:
        note.unlink(missing_ok=True)
        return None, now
    found = client.execute("bulk_status", {"id": written["id"]})["bulkOperation"]
    if not found or found["status"] not in ("CREATED", "RUNNING", "COMPLETED"):
        note.unlink(missing_ok=True)
        return None, now
    client.meter.note("went on with the bulk operation of an interrupted run")
    return str(written["id"]), asked_at


def _write_note(note: Path, operation: str, text: str, now: datetime) -> None:
    partial = note.with_suffix(".part")
    partial.write_text(
        json.dumps({"id": operation, "query": _fingerprint(text), "asked_at": now.isoformat()}), encoding="utf-8"
    )
    partial.replace(note)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
