"""Abandoned checkouts with what was in them. The address to recover one is a key to it and is not read."""

from __future__ import annotations

from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.streams.base import Stream
from growth_pipelines.ingestion.streams.reading import Connection, since_cursor
from growth_pipelines.ingestion.streams.sources import SHOPIFY

ABANDONED_CHECKOUTS = Stream(
    name="abandoned_checkouts",
    cadence="hourly",
    source=SHOPIFY,
    group="orders",
    description="Checkouts that were begun and not finished, with their lines.",
    folder="abandoned_checkouts",
    parts=(
        Part("abandoned_checkouts"),
        Part("abandoned_checkout_lines", scope="parent", parent="abandoned_checkouts"),
    ),
    fetch=since_cursor(
        Connection(
            "abandoned_checkouts",
            "abandonedCheckouts",
            page=50,
            children={"lineItems": "abandoned_checkout_lines"},
            counted="abandoned_checkouts_count",
        )
    ),
    scopes=("read_orders",),
)
