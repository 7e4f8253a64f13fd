"""A backfill that stops in the middle keeps what it has, claims no more than that, and goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.results import IngestError, Progress
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.status import ingest_status
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import raw_rows

Machine = Callable[..., Settings]
pytestmark = pytest.mark.xdist_group("backfill")
BULK = {"GROWTH_SHOPIFY__BULK_FROM_ORDERS": "0"}
ORDERS = ("orders", "order_lines", "order_transactions", "refunds", "refund_lines")


@pytest.fixture(scope="module")
def shop(start_sandbox: Callable[..., Any]) -> Any:
    size = ("--orders", "150", "--products", "20", "--months", "6")
    return start_sandbox("--seed", "5", *size, "--today", "2026-11-22")


def status(settings: Settings) -> dict[str, Any]:
    (row,) = [row for row in ingest_status(settings) if row["stream"] == "orders"]
    return row


def changed(settings: Settings) -> set[datetime]:
    with Warehouse.of(settings).write() as connection:
        return {row[0] for row in connection.execute("select updated_at from raw.orders").fetchall()}


def test_a_month_that_fails_for_good_ends_the_stream_before_it_and_the_next_run_reads_the_rest(
    shop: Any, machine: Machine, database: dict[str, str]
) -> None:
    undisturbed, settings = machine(shop, "undisturbed", **BULK), machine(shop, "failing", **BULK, **database)
    ingest(undisturbed, ["shop", "orders"])
    refused = {"match": "updated_at:>='2026-08-01T", "kind": "status", "status": 422}
    httpx.post(f"{shop.base_url}/_sandbox/faults", json={"faults": [refused]}, trust_env=False).raise_for_status()

    with pytest.raises(IngestError, match="422"):
        ingest(settings, ["shop", "orders"])
    assert status(settings)["status"] == "failed"
    assert status(settings)["covered_to"] == datetime(2026, 8, 1)
    before = {moment for moment in changed(undisturbed) if moment < datetime(2026, 8, 1)}
    assert before == changed(settings), "the months before it are loaded, and none after it"
    assert before

    (rest,) = ingest(settings, ["orders"])
    assert raw_rows(settings, *ORDERS) == raw_rows(undisturbed, *ORDERS)
    assert rest.window_start is not None
    assert rest.window_start >= datetime(2026, 7, 31, 23), "what is loaded is not read again, but for the overlap"
    assert status(settings)["covered_to"] == datetime(2026, 11, 22, 12)


def test_what_follows_a_file_that_cannot_be_loaded_waits_for_the_next_run(shop: Any, machine: Machine) -> None:
    """Else the cursor would stand before months that are loaded, or the rows of one month be missing."""
    settings, undisturbed = machine(shop, "failing", **BULK), machine(shop, "undisturbed", **BULK)
    ingest(undisturbed, ["shop", "orders"])
    loadings = []

    def second_fails(step: Progress) -> None:
        if (step.stream, step.phase) == ("orders", "loading"):
            loadings.append(step)
            if len(loadings) == 2:
                raise GrowthError("This file does not parse.")

    with pytest.raises(IngestError, match="does not parse"):
        ingest(settings, ["shop", "orders"], on_progress=second_fails)
    assert len(loadings) == 2, "no later one was tried"
    assert max(changed(settings)) < status(settings)["covered_to"] < max(changed(undisturbed))
    ingest(settings, ["orders"])
    assert raw_rows(settings, *ORDERS) == raw_rows(undisturbed, *ORDERS)


class FullDiskError(Exception):
    """Stops a run between landing and loading."""


def full(step: Any) -> None:
    if step.phase == "loading":
        raise FullDiskError


def test_a_landed_file_from_apart_does_not_claim_the_time_between(shop: Any, machine: Machine) -> None:
    """August was landed by a run that ended there; September was never read."""
    settings = machine(shop)
    ingest(settings, ["shop", "orders"], since=date(2026, 10, 1), until=date(2026, 10, 31))
    with pytest.raises(FullDiskError):
        ingest(settings, ["orders"], since=date(2026, 8, 1), until=date(2026, 8, 31), on_progress=full)
    (result,) = ingest(settings, ["orders"], since=date(2026, 10, 15))
    assert any("interrupted run" in note for note in result.notes)
    assert min(changed(settings)) < datetime(2026, 9, 1)
    assert not any(datetime(2026, 9, 1) <= moment < datetime(2026, 10, 1) for moment in changed(settings))
    assert status(settings)["covered_from"] == datetime(2026, 10, 1)


def test_a_landed_file_of_another_format_is_fetched_again(shop: Any, machine: Machine) -> None:
    settings, fresh = machine(shop), machine(shop, "fresh")
    ingest(settings, ["shop"])
    with pytest.raises(FullDiskError):
        ingest(settings, ["customers"], on_progress=full)
    (manifest,) = Path(settings.home / "landing" / "customers").glob("*.manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 1}))
    (result,) = ingest(settings, ["customers"])
    ingest(fresh, ["customers"])
    assert result.requests > 1
    assert result.notes == ()
    assert raw_rows(settings, "customers") == raw_rows(fresh, "customers")
