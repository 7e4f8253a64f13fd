"""The shop itself and its catalogue. Products are read by their last change, the rest whole each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.connections import Node
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import Connection, changed, whole
from growth_pipelines.ingestion.streams.sources import SHOPIFY


def read_shop(client: ShopifyClient) -> dict[str, Any]:
    """The shop as raw.shops wants it: Shopify's shop object with its primary locale."""
    data = client.execute("shop")
    locales = data.get("shopLocales") or []
    primary = next((locale["locale"] for locale in locales if locale["primary"]), None)
    return {**data["shop"], "primaryLocale": primary}


def _shop(job: Job) -> Iterator[Landed]:
    with job.connect() as client, job.land(whole=True, request="shop") as file:
        file.writer.record(read_shop(client))
        file.api_version = client.api_version
    yield file.result


def _with_images(product: Node) -> Node:
    media = product.pop("media")  # Videos and models come as empty objects.
    images = [
        {"id": medium["id"], "alt": medium["alt"], **medium["image"]} for medium in media if medium.get("image")
    ]
    return product | {"images": images}


SHOP = Stream(
    name="shop",
    source=SHOPIFY,
    group="shop",
    description="The shop's name, address, currency, zone and locale.",
    folder="shop",
    parts=(Part("shops", scope="all"),),
    fetch=_shop,
)
# Nodes with nested connections cost more; the client halves pages that the API finds too costly.
PRODUCTS = Stream(
    name="products",
    source=SHOPIFY,
    group="shop",
    description="Products with their search fields and images, and their variants.",
    folder="products",
    parts=(Part("products"), Part("product_variants", scope="parent", parent="products")),
    fetch=changed(
        Connection(
            "products",
            "products",
            page=50,
            children={"variants": "product_variants"},
            lists={"media": "product_media"},
            counted="products_count",
            shape=_with_images,
        )
    ),
    scopes=("read_products",),
    counted="productsCount",
)
# A collection's members change without a change of the collection, so only reading it whole tells.
COLLECTIONS = Stream(
    name="collections",
    source=SHOPIFY,
    group="shop",
    description="Collections with their search fields, and which products they hold.",
    folder="collections",
    parts=(Part("collections"), Part("collection_products", scope="parent", parent="collections")),
    fetch=whole(
        Connection(
            "collections",
            "collections",
            page=25,
            children={"products": "collection_products"},
            counted="collections_count",
        )
    ),
    scopes=("read_products",),
    counted="collectionsCount",
)
PAGES = Stream(
    name="pages",
    source=SHOPIFY,
    group="shop",
    description="Online store pages and blog articles with their search metafields.",
    folder="pages",
    parts=(Part("pages"),),
    # Articles can't be counted: the API counts them a blog each.
    fetch=whole(
        Connection("pages", "pages", page=100, counted="pages_count"),
        Connection("articles", "articles", page=100),
    ),
    scopes=("read_content",),
)
