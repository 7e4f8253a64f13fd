"""What the shop deleted, by its events: other streams read what is there, and can't see what is gone.

Events are kept for a year. The weekly sweep of the catalogue finds what they missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.connections import nodes, time_filter
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import land_records, window_of
from growth_pipelines.ingestion.streams.sources import SHOPIFY

# The first run reads what there is, so what was deleted before it does not matter.
FIRST_LOOK_BACK = timedelta(days=1)


def _deletions(job: Job) -> Iterator[Landed]:
    window = window_of(job, history=FIRST_LOOK_BACK)
    asked = f"action:destroy AND {time_filter('created_at', window)}"
    with job.connect() as client, job.land(window, request=["deletions", asked]) as file:
        for page in nodes(client, "deletions", "events", query=asked):
            # Events of other kinds (comments) come as empty objects.
            land_records(job, file.writer, [event for event in page if event.get("subjectId")])
        file.api_version = client.api_version
    yield file.result


DELETIONS = Stream(
    name="deletions",
    source=SHOPIFY,
    group="shop",
    description="Products, collections, pages, orders, customers and discounts that were deleted in the shop.",
    folder="deletions",
    parts=(Part("deletions", after="delete_gone"),),
    fetch=_deletions,
)
