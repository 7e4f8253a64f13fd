"""Products, variants, images, collections, pages and articles as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.records import Picture, Resource
from growth_pipelines.sandbox.shopify.collection_order import products_in_order
from growth_pipelines.sandbox.shopify.connections import paginate
from growth_pipelines.sandbox.shopify.fields import RECORD, children, fixed, get, keys, of, time_of
from growth_pipelines.sandbox.shopify.formats import decimal, plain
from growth_pipelines.sandbox.shopify.metafields import metafield, metafields
from growth_pipelines.sandbox.shopify.projection import Resolver
from growth_pipelines.sandbox.stock import InventoryItem


def _description(record: Resource, args: Mapping[str, Any], context: Any) -> str:
    text, limit = plain(record.body), args.get("truncateAt")
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 3)].rstrip() + "..."


def _url(record: Resource) -> str:
    return options.PRIMARY_URL + record.path


def _image(picture: Picture) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ImageSource/{picture.number}",
        "altText": picture.alt or None,
        "url": picture.url,
        "width": picture.width,
        "height": picture.height,
    }


_RESOURCE: dict[str, Resolver] = RECORD | {
    "handle": get("handle"),
    "title": get("title"),
    "metafield": metafield,
    "metafields": metafields,
    "publishedAt": time_of("created_at"),
    "isPublished": fixed(True),
    "templateSuffix": fixed(None),
}

FIELDS: dict[str, dict[str, Resolver]] = {
    "Product": _RESOURCE
    | {
        "description": _description,
        "descriptionHtml": get("body"),
        "productType": get("product_type"),
        "vendor": get("vendor"),
        "tags": of(lambda product: sorted(product.tags)),
        "status": fixed("ACTIVE"),
        "seo": get("seo"),
        "isGiftCard": fixed(False),
        "onlineStoreUrl": of(_url),
        "totalInventory": of(lambda product: sum(variant.on_hand for variant in product.variants)),
        "tracksInventory": fixed(True),
        "hasOnlyDefaultVariant": of(lambda product: len(product.variants) == 1),
        "variantsCount": of(lambda product: {"count": len(product.variants), "precision": "EXACT"}),
        "mediaCount": of(lambda product: {"count": len(product.pictures), "precision": "EXACT"}),
        "featuredMedia": of(lambda product: product.pictures[0] if product.pictures else None),
        "media": children(attrgetter("pictures")),
        "variants": children(attrgetter("variants")),
        "collections": children(lambda product: sorted(product.collections, key=attrgetter("number"))),
    },
    "ProductVariant": {
        "id": get("gid"),
        "legacyResourceId": of(lambda variant: str(variant.number)),
        "title": get("title"),
        "displayName": of(lambda variant: f"{variant.product.title} - {variant.title}"),
        "sku": get("sku"),
        "price": of(lambda variant: decimal(variant.price_cents)),
        "compareAtPrice": of(lambda v: None if v.compare_at_cents is None else decimal(v.compare_at_cents)),
        "inventoryQuantity": get("on_hand"),
        "inventoryPolicy": fixed("DENY"),
        "availableForSale": of(lambda variant: variant.on_hand > 0),
        "position": get("position"),
        "product": get("product"),
        "inventoryItem": of(InventoryItem),
        "createdAt": time_of("product.created_at"),
        "updatedAt": time_of("updated_at"),
        "barcode": fixed(None),
    },
    "MediaImage": {
        "id": get("gid"),
        "alt": of(lambda picture: picture.alt or None),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "fileStatus": fixed("READY"),
        "status": fixed("READY"),
        "mediaContentType": fixed("IMAGE"),
        "mimeType": fixed("image/jpeg"),
        "image": of(_image),
    },
    "Image": keys("id", "altText", "url", "width", "height"),
    "Collection": _RESOURCE
    | {
        "description": _description,
        "descriptionHtml": get("body"),
        "seo": get("seo"),
        "sortOrder": get("sort_order"),
        "productsCount": of(lambda collection: {"count": len(collection.products), "precision": "EXACT"}),
        "products": products_in_order,
        "image": fixed(None),
    },
    "Page": _RESOURCE | {"body": get("body"), "bodySummary": of(lambda page: plain(page.body)[:150])},
    "Article": _RESOURCE
    | {
        "body": get("body"),
        "summary": of(lambda article: None),
        "blog": get("blog"),
        "tags": fixed([]),
        "author": of(lambda article: {"name": options.SHOP_NAME}),
        "image": fixed(None),
    },
    "ArticleAuthor": keys("name"),
    "Blog": {
        "id": get("gid"),
        "handle": get("handle"),
        "title": get("title"),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("created_at"),
        "tags": fixed([]),
        "articles": lambda blog, args, context: paginate(
            context.shop.catalogue.articles,
            args,
            lambda article: article.number,
            everything=context.bulk,
        ),
    },
}
