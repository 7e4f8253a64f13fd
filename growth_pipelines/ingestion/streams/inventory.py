"""Stock by item and location, whole each time: a level changes without a change of its item."""

from __future__ import annotations

from collections.abc import Iterator

from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.bulk import BulkFailed, run_bulk
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import Connection, read_whole
from growth_pipelines.ingestion.streams.sources import SHOPIFY

BY_PAGE = Connection("inventory", "inventoryItems", page=100, children={"inventoryLevels": "inventory_levels"})


def _inventory(job: Job) -> Iterator[Landed]:
    """A few calls by a bulk operation however large the shop is; page by page where Shopify fails to deliver."""
    with job.connect() as client:
        try:
            yield _in_bulk(job, client)
        except (BulkFailed, TransientError) as error:
            job.meter.add(retries=1)
            job.meter.note(f"read page by page, because: {error.message}")
            yield read_whole(job, client, BY_PAGE)


def _in_bulk(job: Job, client: ShopifyClient) -> Landed:
    result = run_bulk(
        client,
        "inventory_bulk",
        "",
        job.landing.root / "inventory",
        job.now,
        stuck_seconds=job.settings.shopify.bulk_stuck_seconds,
    )
    try:
        with job.land(whole=True, request="inventory_bulk") as file:
            file.fetched_at = result.asked_at
            for block in result.blocks():
                file.writer.lines(block)
            file.api_version = client.api_version
    finally:
        result.forget()
    landed: Landed = file.result
    return landed


INVENTORY = Stream(
    name="inventory",
    source=SHOPIFY,
    group="shop",
    description="Stock on hand, available, committed and incoming by item and location.",
    folder="inventory",
    parts=(Part("inventory_levels"),),
    fetch=_inventory,
    scopes=("read_inventory", "read_locations"),
)
