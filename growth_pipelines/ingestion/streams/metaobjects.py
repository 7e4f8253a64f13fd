"""Metaobjects and their definitions: the shop's own structured content."""

from __future__ import annotations

from collections.abc import Iterator

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.connections import nodes
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import Connection, read_whole, whole
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.warehouse.raw_tables import Column, raw_table

DEFINITIONS = Connection("metaobject_definitions", "metaobjectDefinitions", page=50)


def _of_every_type(job: Job) -> Iterator[Landed]:
    """The API gives entries of one type at a time."""
    with job.connect() as client:
        # Definitions can't be counted, and without any the snapshot is empty: that is believed the second time.
        types = _types(client) or _types(client)
        yield read_whole(job, client, *(_entries(name) for name in types))


def _types(client: ShopifyClient) -> list[str]:
    pages = nodes(client, DEFINITIONS.document, DEFINITIONS.root, first=DEFINITIONS.page)
    return [definition["type"] for page in pages for definition in page]


def _entries(type_name: str) -> Connection:
    return Connection(
        "metaobjects", "metaobjects", page=100, only={"type": type_name}, counted="metaobjects_count"
    )


METAOBJECT_DEFINITIONS = Stream(
    name="metaobject_definitions",
    source=SHOPIFY,
    group="shop",
    description="The types of metaobjects that the shop has defined.",
    parts=(
        Part(
            raw_table(
                "metaobject_definitions",
                "Types of metaobjects. fields is a JSON list of {key, name, required, type}.",
                Column("definition_id", "text", at="id"),
                Column("type", "text", at="type"),
                Column("name", "text", at="name"),
                Column("entries", "bigint", at="metaobjectsCount"),
                Column("fields", "json", at="fieldDefinitions"),
                Column("updated_at", "timestamp", at="updatedAt"),
                key="definition_id",
            ).name
        ),
    ),
    fetch=whole(DEFINITIONS),
    scopes=("read_metaobject_definitions",),
)
METAOBJECTS = Stream(
    name="metaobjects",
    source=SHOPIFY,
    group="shop",
    description="Entries of every type of metaobject.",
    parts=(
        Part(
            raw_table(
                "metaobjects",
                "Metaobject entries. fields is a JSON list of {key, type, value}.",
                Column("metaobject_id", "text", at="id"),
                Column("type", "text", at="type"),
                Column("handle", "text", at="handle"),
                Column("label", "text", at="label"),
                Column("fields", "json", at="fields"),
                Column("updated_at", "timestamp", at="updatedAt"),
                key="metaobject_id",
            ).name
        ),
    ),
    fetch=_of_every_type,
    scopes=("read_metaobjects", "read_metaobject_definitions"),
)
