"""The shop itself and its catalogue: read whole each time, so that what was removed in the shop goes here too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.shopify.connections import nested, nodes
from growth_pipelines.ingestion.streams.base import Job, Stream

# Nodes with nested connections cost more; the client halves these when the API finds a page too costly.
PRODUCTS_A_PAGE = 50
COLLECTIONS_A_PAGE = 25


def read_shop(client: ShopifyClient) -> dict[str, Any]:
    """The shop as raw.shops wants it: Shopify's shop object with its primary locale."""
    data = client.execute("shop")
    locales = data.get("shopLocales") or []
    primary = next((locale["locale"] for locale in locales if locale["primary"]), None)
    return {**data["shop"], "primaryLocale": primary}


def _shop(job: Job) -> Iterator[Landed]:
    with job.shopify() as client, job.land() as file:
        file.writer.record(read_shop(client))
        file.api_version = client.api_version
    yield file.result


def _products(job: Job) -> Iterator[Landed]:
    with job.shopify() as client, job.land() as file:
        done = 0
        for page in nodes(client, "products", "products", first=PRODUCTS_A_PAGE):
            for product in page:
                variants = nested(client, product, "variants", "product_variants")
                media = product.pop("media")["nodes"]
                del product["variants"]
                product["images"] = [
                    {"id": medium["id"], "alt": medium["alt"], **medium["image"]}
                    for medium in media
                    if medium.get("image")
                ]
                file.writer.record(product)
                for variant in variants:
                    file.writer.record({**variant, "__parentId": product["id"]})
            done += len(page)
            job.on_piece(done, 0)
        file.api_version = client.api_version
    yield file.result


def _collections(job: Job) -> Iterator[Landed]:
    with job.shopify() as client, job.land() as file:
        done = 0
        for page in nodes(client, "collections", "collections", first=COLLECTIONS_A_PAGE):
            for collection in page:
                members = nested(client, collection, "products", "collection_products")
                del collection["products"]
                file.writer.record(collection)
                for position, member in enumerate(members, start=1):
                    file.writer.record({**member, "__parentId": collection["id"], "position": position})
            done += len(page)
            job.on_piece(done, 0)
        file.api_version = client.api_version
    yield file.result


def _pages(job: Job) -> Iterator[Landed]:
    with job.shopify() as client, job.land() as file:
        done = 0
        for document in ("pages", "articles"):
            for page in nodes(client, document, document, first=100):
                for node in page:
                    file.writer.record(node)
                done += len(page)
                job.on_piece(done, 0)
        file.api_version = client.api_version
    yield file.result


SHOP = Stream(
    name="shop",
    source="shopify",
    group="shop",
    description="The shop's name, address, currency, zone and locale.",
    folder="shop",
    parts=(Part("shops", scope="all"),),
    fetch=_shop,
)
PRODUCTS = Stream(
    name="products",
    source="shopify",
    group="shop",
    description="Products with their search fields and images, and their variants.",
    folder="products",
    parts=(Part("products", scope="all"), Part("product_variants", scope="all")),
    fetch=_products,
)
COLLECTIONS = Stream(
    name="collections",
    source="shopify",
    group="shop",
    description="Collections with their search fields, and which products they hold.",
    folder="collections",
    parts=(Part("collections", scope="all"), Part("collection_products", scope="all")),
    fetch=_collections,
)
PAGES = Stream(
    name="pages",
    source="shopify",
    group="shop",
    description="Online store pages and blog articles with their search metafields.",
    folder="pages",
    parts=(Part("pages", scope="all"),),
    fetch=_pages,
)
