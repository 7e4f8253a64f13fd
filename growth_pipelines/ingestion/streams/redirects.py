"""URL redirects of the online store: where an address that is gone leads to."""

from __future__ import annotations

from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.streams.base import Stream
from growth_pipelines.ingestion.streams.reading import Connection, whole
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.warehouse.raw_tables import Column, raw_table

TABLE = raw_table(
    "redirects",
    "Redirects of the online store: an address that is gone, and where it leads to.",
    Column("redirect_id", "text", at="id"),
    Column("path", "text", at="path"),
    Column("target", "text", at="target"),
    key="redirect_id",
)
REDIRECTS = Stream(
    name="redirects",
    source=SHOPIFY,
    group="shop",
    description="URL redirects of the online store.",
    parts=(Part(TABLE.name),),
    fetch=whole(Connection("redirects", "urlRedirects", counted="redirects_count")),
    scopes=("read_online_store_navigation",),
)
