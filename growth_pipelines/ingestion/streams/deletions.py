"""What the shop deleted, by its events: other streams read what is there, and can't see what is gone.

Events are kept for a year, and the first run reads them all: other streams may have been read long before it.
The weekly sweep of the catalogue finds what events missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.connections import nodes, time_filter
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import Connection, count_checked, land_records, window_of
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.ingestion.windows import Window

KEPT = timedelta(days=365)
EVENTS = Connection("deletions", "events", counted="deletions_count")


def _deletions(job: Job) -> Iterator[Landed]:
    window = window_of(job, history=KEPT)
    with job.connect() as client:
        yield client.retried(lambda: _events(job, client, window))


def _events(job: Job, client: ShopifyClient, window: Window) -> Landed:
    asked = f"action:destroy AND {time_filter('created_at', window)}"
    with job.land(window, request=[EVENTS.document, asked]) as file:
        with count_checked(client, EVENTS, asked) as seen:
            for page in nodes(client, EVENTS.document, EVENTS.root, query=asked):
                # Events of other kinds (comments) name no subject.
                land_records(job, file.writer, [event for event in page if event.get("subjectId")])
                seen.update(event["id"] for event in page)
        file.api_version = client.api_version
    landed: Landed = file.result
    return landed


DELETIONS = Stream(
    name="deletions",
    cadence="hourly",
    source=SHOPIFY,
    group="shop",
    description="Products, collections, pages, orders, customers and discounts that were deleted in the shop.",
    folder="deletions",
    parts=(Part("deletions", after="delete_gone"),),
    fetch=_deletions,
)
